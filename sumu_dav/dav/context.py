"""What every verb works with: the archive, accounts, locks, and the few settings that show on the wire."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sumu_dav.archive.archive import Archive
from sumu_dav.auth.accounts import Accounts
from sumu_dav.auth.audit import AuditLog
from sumu_dav.auth.login import Authenticator
from sumu_dav.dav.lock_store import FileLockStore
from sumu_dav.dav.locks import LockTable
from sumu_dav.dav.metrics import Metrics
from sumu_dav.settings import Settings

if TYPE_CHECKING:
    from sumu_dav.dav.listings import Listings


@dataclass(slots=True)
class Context:
    """The parts of a running server that its WebDAV face needs."""

    archive: Archive
    accounts: Accounts
    authenticator: Authenticator
    locks: LockTable
    lock_file: FileLockStore
    audit: AuditLog
    settings: Settings
    metrics: Metrics
    listings: Listings = field(init=False)
    instance: str = field(init=False)
    """What makes ids unique among servers (the second half of oc:id)."""

    def __post_init__(self) -> None:
        self.instance = self.archive.tree.id.replace("-", "")[:12]

    def problems(self) -> list[str]:
        """What keeps the server from doing its work, in words."""
        found = self.archive.problems(self.settings.health.min_free)
        if self.lock_file.suspended is not None:
            found.append(f"locks can't be written: {self.lock_file.suspended}")
        try:
            state = os.statvfs(self.settings.state)
            if state.f_bavail * state.f_frsize < self.settings.health.min_free:
                found.append("the disk of the state is nearly full")
            with tempfile.TemporaryFile(dir=self.settings.state) as file:
                file.write(b"\n")
        except OSError as error:
            found.append(f"the state can't be written: {error.strerror}")
        return found

    def close(self) -> None:
        """Write what waits, and let others have the state."""
        self.archive.close()
        self.lock_file.close()
        self.audit.close()
