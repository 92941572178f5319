"""Accounts whose hashes cost nothing, and a clock that a test moves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sumu_dav.auth.accounts import Accounts
from sumu_dav.auth.passwords import Passwords

MIDNIGHT = datetime(2024, 5, 1, tzinfo=UTC)


@dataclass
class Clock:
    """Seconds that pass when a test says so."""

    seconds: float = 1_000.0

    def __call__(self) -> float:
        return self.seconds

    def moment(self) -> datetime:
        return MIDNIGHT + timedelta(seconds=self.seconds)

    def tick(self, seconds: float) -> None:
        self.seconds += seconds


@dataclass
class CheapPasswords(Passwords):
    """argon2id at its lowest cost, counting what it is asked to verify."""

    verified: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        Passwords.__init__(self, memory_kib=8, passes=1, lanes=1)

    def verify(self, stored: str, password: str) -> bool:
        self.verified.append(stored)
        return super().verify(stored, password)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def passwords() -> CheapPasswords:
    return CheapPasswords()


@pytest.fixture
def open_accounts(tmp_path: Path, passwords: CheapPasswords, clock: Clock) -> Callable[[], Accounts]:
    """Opens the one file of accounts, as another process would."""
    return lambda: Accounts(tmp_path / "state" / "accounts.json", passwords, clock.moment)


@pytest.fixture
def accounts(open_accounts: Callable[[], Accounts]) -> Accounts:
    return open_accounts()
