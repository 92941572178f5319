"""The accounts: who there is, what they may, which devices they have. The one door to accounts.json.

Takes no decision about a login (login.py does), and touches no photo: a removed user's tree stays where it is.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from sumu_dav.auth import document, statefile
from sumu_dav.auth.document import Roll, StoredAccount, StoredDevice
from sumu_dav.auth.names import check_device_name, check_user_name, folded
from sumu_dav.auth.passwords import Passwords, device_password, new_selector, password_fault
from sumu_dav.auth.usage import DeviceUsage
from sumu_dav.errors import AccountRefused, Damaged
from sumu_dav.model import Account

USAGE_FILE = "device-uses.json"

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Device:
    """A device password as its owner may see it. Times are UTC; the last use is None where there was none."""

    user: str
    name: str
    created: datetime
    last_used: datetime | None
    last_address: str | None


class Accounts:
    """The accounts in the file at `path`, safe for several threads and for several processes at once.

    Every question looks at the file's stat first, so a change by the command line or an editor holds from the next
    request on. A file that became unreadable while this process ran changes nothing but the log; to start with one,
    or to write over one, raises Damaged.
    """

    def __init__(
        self,
        path: Path,
        passwords: Passwords | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.passwords = passwords or Passwords()
        self._path = path
        self._file = str(path)  # as it is asked for with every request: a Path would make the text anew
        self._now = now
        self._usage = DeviceUsage(path.with_name(USAGE_FILE), lambda: now().timestamp())
        self._reading = threading.Lock()
        self._roll: Roll = {}
        self._seen: statefile.Signature | None = None
        found = statefile.read(path)
        if found is not None:
            self._roll, self._seen = document.read(found[0], str(path)), found[1]

    def roll(self) -> Roll:
        """Every account, hashes included, by folded name: a snapshot, the same object until the file changes."""
        if statefile.signature(self._file) != self._seen:
            self._reload()
        return self._roll

    def reload(self) -> None:
        """Read the file again if it changed, without waiting for a question: what is wrong with it is logged then."""
        self.roll()

    def get(self, name: str) -> Account | None:
        """The account of that name in any case or Unicode form; its own `name` is the canonical one."""
        stored = self.roll().get(folded(name))
        return stored.account if stored else None

    def created(self, name: str) -> datetime | None:
        """When the account of that name was made; None where there is none."""
        stored = self.roll().get(folded(name))
        return stored.created if stored else None

    def all(self) -> tuple[Account, ...]:
        """Every account, ordered by name."""
        return tuple(stored.account for _, stored in sorted(self.roll().items()))

    def sharers(self, reader: str) -> tuple[str, ...]:
        """The canonical names of those who let `reader` read their tree, ordered."""
        wanted = folded(reader)
        return tuple(
            account.name for account in self.all() if any(folded(name) == wanted for name in account.shared_with)
        )

    def add(self, name: str, password: str, *, admin: bool = False, quota: int | None = None) -> Account:
        """Make an account; `quota` in bytes. Raises AccountRefused for a name or password that can't be."""
        canonical = check_user_name(name)
        account = Account(canonical, admin=admin, quota=_checked_quota(canonical, quota))
        secret = self._hashed(canonical, password)
        with self._change() as draft:
            _refuse_taken(draft, canonical)
            draft[folded(canonical)] = StoredAccount(account, secret, self._moment())
        return account

    def remove(self, name: str) -> None:
        """Forget an account, its devices, and what was shared with it. Raises AccountRefused where there is none."""
        with self._change() as draft:
            gone = draft.pop(_present(draft, name))
            _replace_reader(draft, gone.account.name, None)

    def rename(self, old: str, new: str) -> Account:
        """Give an account another name; devices, shares and passwords follow. Raises AccountRefused. Moves no files."""
        canonical = check_user_name(new)
        with self._change() as draft:
            stored = draft.pop(_present(draft, old))
            _refuse_taken(draft, canonical)
            renamed = replace(stored, account=replace(stored.account, name=canonical))
            draft[folded(canonical)] = renamed
            _replace_reader(draft, stored.account.name, canonical)
        return renamed.account

    def set_password(self, name: str, password: str) -> None:
        """Set an account's own password; its devices keep theirs. Raises AccountRefused."""
        secret = self._hashed(name, password)
        self._update(name, lambda stored: replace(stored, secret=secret))

    def set_quota(self, name: str, quota: int | None) -> None:
        """Set how many bytes an account may hold, None for no limit. Raises AccountRefused."""
        checked = _checked_quota(name, quota)
        self._update(name, lambda stored: replace(stored, account=replace(stored.account, quota=checked)))

    def set_admin(self, name: str, admin: bool) -> None:
        """Let an account see every tree, or only its own. Raises AccountRefused."""
        self._update(name, lambda stored: replace(stored, account=replace(stored.account, admin=admin)))

    def share(self, owner: str, reader: str) -> None:
        """Let `reader` read the tree of `owner`; done twice is done. Raises AccountRefused where either is missing."""
        with self._change() as draft:
            key = _present(draft, owner)
            name = draft[_present(draft, reader)].account.name
            if folded(name) == key:
                raise AccountRefused(name, "a tree is not shared with its owner")
            _set_readers(draft, key, (*_readers_without(draft[key], name), name))

    def revoke_share(self, owner: str, reader: str) -> None:
        """Take `share` back. Raises AccountRefused where there is no such share."""
        with self._change() as draft:
            key = _present(draft, owner)
            remaining = _readers_without(draft[key], reader)
            if len(remaining) == len(draft[key].account.shared_with):
                raise AccountRefused(owner, f"nothing is shared with {reader!r}")
            _set_readers(draft, key, remaining)

    def add_device(self, user: str, device: str) -> str:
        """A new random password for one device of a user: returned here and never again. Raises AccountRefused."""
        name = check_device_name(user, device)
        _present(self.roll(), user)
        selector = self._free_selector(self.roll())
        password = device_password(selector)
        secret = self.passwords.hash(password)
        with self._change() as draft:
            key = _present(draft, user)
            stored = draft[key]
            if stored.device(name) is not None:
                raise AccountRefused(user, f"there is a device {name!r} already; revoke it first")
            if selector in _selectors(draft):
                raise AccountRefused(user, "another device was given the same id at the same moment; try again")
            entry = StoredDevice(selector, name, secret, self._moment())
            draft[key] = replace(stored, devices=(*stored.devices, entry))
        return password

    def devices(self, user: str | None = None) -> tuple[Device, ...]:
        """The devices of one user, or of all, ordered by user. Raises AccountRefused where there is no such user."""
        roll = self.roll()
        keys = sorted(roll) if user is None else [_present(roll, user)]
        uses = self._usage.all()
        listed = []
        for key in keys:
            for entry in roll[key].devices:
                use = uses.get(entry.selector)
                last_used, last_address = (use.time, use.address) if use else (None, None)
                listed.append(Device(roll[key].account.name, entry.name, entry.created, last_used, last_address))
        return tuple(listed)

    def revoke_device(self, user: str, device: str) -> None:
        """Make a device's password worthless, from the next request on. Raises AccountRefused where there is none."""
        with self._change() as draft:
            key = _present(draft, user)
            gone = draft[key].device(device)
            if gone is None:
                raise AccountRefused(user, f"there is no device {device!r}")
            remaining = tuple(entry for entry in draft[key].devices if entry is not gone)
            draft[key] = replace(draft[key], devices=remaining)

    def note_use(self, selector: str, address: str) -> None:
        """Record that a device logged in from an address: lazily, and without ever failing the login."""
        self._usage.note(selector, address, lambda: _selectors(self.roll()))

    def replace_secret(self, name: str, old: str, new: str) -> bool:
        """Put the hash `new` where `old` still stands, be it the account's or a device's; False where it doesn't."""
        with self._change() as draft:
            stored = draft.get(folded(name))
            if stored is None:
                return False
            devices = tuple(replace(entry, secret=new) if entry.secret == old else entry for entry in stored.devices)
            changed = replace(stored, secret=new if stored.secret == old else stored.secret, devices=devices)
            draft[folded(name)] = changed
            return changed != stored

    @contextmanager
    def _change(self) -> Iterator[dict[str, StoredAccount]]:
        """A copy of what is on disk now; what the block leaves in it is durable when the block ends without error."""
        with statefile.exclusive(self._path):
            found = statefile.read(self._path)
            draft = dict(document.read(found[0], str(self._path))) if found else {}
            before = dict(draft)
            yield draft
            if draft == before:
                return
            written = statefile.replace(self._path, document.write(draft), durable=True)
            with self._reading:
                self._roll = draft
                self._seen = written

    def _update(self, name: str, change: Callable[[StoredAccount], StoredAccount]) -> None:
        with self._change() as draft:
            key = _present(draft, name)
            draft[key] = change(draft[key])

    def _reload(self) -> None:
        with self._reading:
            try:
                found = statefile.read(self._path)
            except OSError as error:  # written by another user of the system, who keeps it to himself
                _log.error("the accounts stay as they were, since their file can't be read: %s", error)
                self._seen = statefile.signature(self._file)
                return
            content, seen = found or (None, None)
            if seen == self._seen:
                return
            try:
                self._roll = {} if content is None else document.read(content, str(self._path))
            except Damaged as damage:
                _log.error("the accounts stay as they were before the last change of their file: %s", damage)
            # Last, since a thread that finds it equal takes the roll as it stands.
            self._seen = seen

    def _hashed(self, name: str, password: str) -> str:
        fault = password_fault(password)
        if fault is not None:
            raise AccountRefused(name, fault)
        return self.passwords.hash(password)

    def _moment(self) -> datetime:
        return self._now().replace(microsecond=0)

    @staticmethod
    def _free_selector(roll: Roll) -> str:
        taken = _selectors(roll)
        while (selector := new_selector()) in taken:
            pass
        return selector


def _present(roll: Roll, name: str) -> str:
    key = folded(name)
    if key not in roll:
        raise AccountRefused(name, "there is no such account")
    return key


def _refuse_taken(draft: Roll, name: str) -> None:
    taken = draft.get(folded(name))
    if taken is not None:
        raise AccountRefused(name, f"there is an account {taken.account.name!r} already")


def _checked_quota(name: str, quota: int | None) -> int | None:
    if quota is not None and quota < 0:
        raise AccountRefused(name, "a quota is not negative")
    return quota


def _selectors(roll: Roll) -> frozenset[str]:
    return frozenset(entry.selector for stored in roll.values() for entry in stored.devices)


def _readers_without(stored: StoredAccount, reader: str) -> tuple[str, ...]:
    return tuple(name for name in stored.account.shared_with if folded(name) != folded(reader))


def _set_readers(draft: dict[str, StoredAccount], key: str, readers: tuple[str, ...]) -> None:
    draft[key] = replace(draft[key], account=replace(draft[key].account, shared_with=readers))


def _replace_reader(draft: dict[str, StoredAccount], old: str, new: str | None) -> None:
    for key, stored in draft.items():
        readers = stored.account.shared_with
        if any(folded(name) == folded(old) for name in readers):
            kept = _readers_without(stored, old)
            _set_readers(draft, key, kept if new is None else (*kept, new))
