"""The account of a first start."""

from __future__ import annotations

import getpass

import pytest

from sumu_dav.auth.accounts import Accounts
from sumu_dav.auth.first_account import first_account
from sumu_dav.auth.login import Authenticator


def test_it_is_named_after_the_login_name_and_can_log_in(accounts: Accounts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(getpass, "getuser", lambda: "carla")
    made = first_account(accounts)
    assert made is not None
    name, password = made
    assert name == "carla"
    assert Authenticator(accounts).check(name, password, "127.0.0.1").account.admin


def test_there_is_a_first_one_once(accounts: Accounts) -> None:
    accounts.add("alice", "secret")
    assert first_account(accounts) is None
    assert len(accounts.all()) == 1


@pytest.mark.parametrize("failure", [KeyError("uid 1234"), OSError("no login name"), None])
def test_without_a_usable_login_name_it_is_called_admin(
    accounts: Accounts, monkeypatch: pytest.MonkeyPatch, failure: Exception | None
) -> None:
    def login_name() -> str:
        if failure is not None:
            raise failure
        return "-odd"

    monkeypatch.setattr(getpass, "getuser", login_name)
    made = first_account(accounts)
    assert made is not None
    assert made[0] == "admin"
