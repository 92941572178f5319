"""The form of accounts.json: what a person reads and edits, and the values that the rest of this folder works with.

Opens no file.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sumu_dav.auth.names import check_device_name, check_user_name, folded
from sumu_dav.errors import AccountRefused, Damaged
from sumu_dav.model import Account

VERSION = 1
"""The form described here. A file of another one was written by another release and is left alone."""

CURE = "Correct it, or put a backup in its place."


@dataclass(frozen=True, slots=True)
class StoredDevice:
    """A device password: `selector` is its public first group (unique over all accounts), `secret` the argon2 hash."""

    selector: str
    name: str
    secret: str
    created: datetime


@dataclass(frozen=True, slots=True)
class StoredAccount:
    """An account as it is kept: what others may know (`account`), and the argon2 hashes."""

    account: Account
    secret: str
    created: datetime
    devices: tuple[StoredDevice, ...] = ()

    def device(self, name: str) -> StoredDevice | None:
        """The device of that name, compared folded as user names are."""
        wanted = folded(name.strip())
        return next((device for device in self.devices if folded(device.name) == wanted), None)


Roll = Mapping[str, StoredAccount]
"""Every account by its folded name."""


def write(roll: Roll) -> bytes:
    """The file's bytes: JSON, indented, ordered by name so that two versions can be compared by eye."""
    accounts = {stored.account.name: _account_as_json(stored) for _, stored in sorted(roll.items())}
    text = json.dumps({"version": VERSION, "accounts": accounts}, indent=2, ensure_ascii=False)
    return text.encode("utf-8") + b"\n"


def read(content: bytes, where: str) -> Roll:
    """The accounts in the file's bytes. Raises Damaged (`where` is its path) rather than guess at what was meant."""
    try:
        document = json.loads(content)
    except json.JSONDecodeError as error:
        raise Damaged(where, error.lineno, error.msg, CURE) from error
    except UnicodeDecodeError as error:
        raise Damaged(where, content.count(b"\n", 0, error.start) + 1, "this is no UTF-8", CURE) from error
    try:
        return _roll(document)
    except _Fault as fault:
        line = _line_of(content.decode(), fault.subject)
        raise Damaged(where, line, str(fault), CURE) from fault


class _Fault(Exception):
    """Something in the document is not what it should be; `subject` is the account that it belongs to."""

    def __init__(self, subject: str, reason: str) -> None:
        super().__init__(reason)
        self.subject = subject


def _roll(document: object) -> Roll:
    if not isinstance(document, dict) or document.get("version") != VERSION:
        raise _Fault("version", f"this is not version {VERSION} of the list of accounts")
    accounts = document.get("accounts")
    if not isinstance(accounts, dict):
        raise _Fault("accounts", "accounts is no object")
    roll: dict[str, StoredAccount] = {}
    selectors: set[str] = set()
    for name, fields in accounts.items():
        stored = _account(name, fields)
        key = folded(name)
        if key in roll:
            raise _Fault(name, f"{name} stands there twice")
        for device in stored.devices:
            if device.selector in selectors:
                raise _Fault(name, f"the device id {device.selector} stands there twice")
            selectors.add(device.selector)
        roll[key] = stored
    return roll


def _account(name: str, value: object) -> StoredAccount:
    try:
        canonical = check_user_name(name)
    except AccountRefused as refusal:
        raise _Fault(name, refusal.reason) from refusal
    fields = _Fields(name, value, {"password", "admin", "quota", "sharedWith", "created", "devices"})
    quota = fields.optional("quota", None, lambda found: found is None or _is_count(found), "bytes or null")
    shared = fields.optional("sharedWith", [], _is_list_of_text, "a list of names")
    devices = fields.optional("devices", {}, lambda found: isinstance(found, dict), "an object")
    return StoredAccount(
        account=Account(
            name=canonical,
            admin=fields.optional("admin", False, lambda found: isinstance(found, bool), "true or false"),
            quota=quota,
            shared_with=tuple(shared),
        ),
        secret=fields.secret(),
        created=fields.time("created"),
        devices=tuple(_device(canonical, device, entry) for device, entry in devices.items()),
    )


def _device(user: str, name: str, value: object) -> StoredDevice:
    try:
        canonical = check_device_name(user, name)
    except AccountRefused as refusal:
        raise _Fault(user, refusal.reason) from refusal
    fields = _Fields(user, value, {"id", "password", "created"})
    selector = fields.required("id", lambda found: isinstance(found, str), "text")
    return StoredDevice(selector, canonical, fields.secret(), fields.time("created"))


class _Fields:
    """The members of one JSON object, checked one by one. A member that nobody knows is a slip of the editor's."""

    def __init__(self, subject: str, value: object, known: set[str]) -> None:
        if not isinstance(value, dict):
            raise _Fault(subject, f"{subject} is no object")
        unknown = sorted(value.keys() - known)
        if unknown:
            raise _Fault(subject, f"{subject}: {unknown[0]!r} is not known here")
        self._subject = subject
        self._value = value

    def required(self, key: str, fits: Callable[[Any], bool], wanted: str) -> Any:
        found = self._value.get(key)
        if not fits(found):
            raise _Fault(self._subject, f"{self._subject}: {key} has to be {wanted}")
        return found

    def optional(self, key: str, default: object, fits: Callable[[Any], bool], wanted: str) -> Any:
        return self.required(key, fits, wanted) if key in self._value else default

    def secret(self) -> str:
        found: str = self.required("password", _is_hash, "an argon2 hash; set one with the command `user password`")
        return found

    def time(self, key: str) -> datetime:
        found = self.required(key, lambda text: isinstance(text, str), "a time in ISO 8601")
        try:
            return datetime.fromisoformat(found)
        except ValueError as error:
            raise _Fault(self._subject, f"{self._subject}: {key} has to be a time in ISO 8601") from error


def _account_as_json(stored: StoredAccount) -> dict[str, object]:
    return {
        "password": stored.secret,
        "admin": stored.account.admin,
        "quota": stored.account.quota,
        "sharedWith": list(stored.account.shared_with),
        "created": stored.created.isoformat(),
        "devices": {
            device.name: {"id": device.selector, "password": device.secret, "created": device.created.isoformat()}
            for device in stored.devices
        },
    }


def _is_count(found: object) -> bool:
    return isinstance(found, int) and not isinstance(found, bool) and found >= 0


def _is_list_of_text(found: object) -> bool:
    return isinstance(found, list) and all(isinstance(item, str) for item in found)


def _is_hash(found: object) -> bool:
    return isinstance(found, str) and found.startswith("$argon2")


def _line_of(text: str, subject: str) -> int:
    # As a key: among the names that something is shared with it would be another account's line.
    key = re.search(re.escape(json.dumps(subject, ensure_ascii=False)) + r"\s*:", text)
    return text.count("\n", 0, key.start() if key else 0) + 1
