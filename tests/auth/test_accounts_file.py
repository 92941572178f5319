"""accounts.json as a file: private, whole, editable, and never written over when it is damaged."""

from __future__ import annotations

import errno
import json
import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sumu_dav.auth.accounts import Accounts
from sumu_dav.errors import Damaged, NoSpace

Open = Callable[[], Accounts]


@pytest.fixture
def path(tmp_path: Path, accounts: Accounts) -> Path:
    accounts.add("alice", "secret", quota=7)
    accounts.add("bob", "secret")
    accounts.share("alice", "bob")
    accounts.add_device("alice", "phone")
    return tmp_path / "state" / "accounts.json"


def edit(path: Path, change: Callable[[Any], object]) -> None:
    """As a text editor would."""
    document = json.loads(path.read_bytes())
    change(document["accounts"])
    path.write_text(json.dumps(document, indent=2))


def test_the_file_and_its_companions_are_their_owners_alone(path: Path) -> None:
    assert {entry.name for entry in path.parent.iterdir()} == {"accounts.json", "accounts.json.lock"}
    assert {entry.stat().st_mode & 0o777 for entry in path.parent.iterdir()} == {0o600}
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_no_password_stands_in_it(path: Path, accounts: Accounts) -> None:
    password = accounts.add_device("bob", "tablet")
    text = path.read_text()
    assert "secret" not in text
    assert password not in text
    assert password[5:] not in text


def test_a_person_can_edit_it_while_the_server_runs(path: Path, accounts: Accounts) -> None:
    edit(path, lambda found: found["alice"].update(quota=8, admin=True))
    alice = accounts.get("alice")
    assert alice is not None
    assert (alice.quota, alice.admin, alice.shared_with) == (8, True, ("bob",))


def test_an_edit_that_breaks_it_changes_nothing_but_the_log(
    path: Path, accounts: Accounts, caplog: pytest.LogCaptureFixture
) -> None:
    good = path.read_text()
    path.write_text(good[:-20])
    with caplog.at_level(logging.ERROR):
        assert accounts.get("alice") is not None
        assert accounts.get("bob") is not None
    assert len(caplog.records) == 1
    with pytest.raises(Damaged):
        accounts.set_quota("alice", 9)
    assert path.read_text() == good[:-20]
    path.write_text(good)
    accounts.set_quota("alice", 9)


def test_a_file_that_is_gone_means_that_nobody_gets_in(path: Path, accounts: Accounts) -> None:
    path.unlink()
    assert accounts.all() == ()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda found: found["alice"].update(Admin=True), "'Admin' is not known"),
        (lambda found: found["alice"].update(admin="yes"), "admin has to be true or false"),
        (lambda found: found["alice"].update(quota="50G"), "quota has to be bytes or null"),
        (lambda found: found["alice"].update(quota=True), "quota has to be bytes or null"),
        (lambda found: found["alice"].update(sharedWith="bob"), "sharedWith has to be a list"),
        (lambda found: found["alice"].update(password="secret"), "password has to be an argon2 hash"),
        (lambda found: found["alice"].update(created="yesterday"), "created has to be a time"),
        (lambda found: found["alice"].update(devices=[]), "devices has to be an object"),
        (lambda found: found["alice"]["devices"]["phone"].update(id=7), "id has to be text"),
        (lambda found: found["alice"]["devices"].update({"a\nb": {}}), "control"),
        (lambda found: found["bob"].update(devices=found["alice"]["devices"]), "stands there twice"),
        (lambda found: found.update(ALICE=found["alice"]), "stands there twice"),
        (lambda found: found.update({"../root": found["bob"]}), "slash"),
        (lambda found: found.update(carol=None), "carol is no object"),
    ],
)
def test_a_file_that_says_nonsense_is_refused_with_the_reason(
    path: Path, open_accounts: Open, change: Callable[[Any], object], reason: str
) -> None:
    edit(path, change)
    with pytest.raises(Damaged, match=reason):
        open_accounts()


@pytest.mark.parametrize("content", [b"", b"[]", b'{"version": 2, "accounts": {}}', b'{"version": 1}', b"\xff\xfe"])
def test_a_file_that_is_no_list_of_accounts_is_refused(path: Path, open_accounts: Open, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(Damaged):
        open_accounts()


def test_damage_names_the_line(path: Path, open_accounts: Open) -> None:
    edit(path, lambda found: found["bob"].update(admin=3))
    line = next(number for number, text in enumerate(path.read_text().splitlines(), 1) if text.strip() == '"bob": {')
    with pytest.raises(Damaged) as refusal:
        open_accounts()
    assert refusal.value.line == line


def test_a_full_disk_leaves_the_old_accounts(
    path: Path, accounts: Accounts, open_accounts: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(NoSpace):
            accounts.remove("alice")
    assert accounts.get("alice") is not None
    assert open_accounts().get("alice") is not None
    assert not (path.parent / "accounts.json.new").exists()
    accounts.remove("alice")


def test_it_is_synced_before_it_is_renamed_and_its_folder_after(
    path: Path, accounts: Accounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []
    fsync, rename = os.fsync, os.replace

    def note_fsync(descriptor: int) -> None:
        calls.append("fsync " + os.path.basename(os.readlink(f"/proc/self/fd/{descriptor}")))
        fsync(descriptor)

    def note_rename(source: Path, target: Path) -> None:
        calls.append("rename")
        rename(source, target)

    monkeypatch.setattr(os, "fsync", note_fsync)
    monkeypatch.setattr(os, "replace", note_rename)
    accounts.set_quota("bob", 1)
    assert calls == ["fsync accounts.json.new", "rename", "fsync state"]


def test_a_change_that_changes_nothing_writes_nothing(path: Path, accounts: Accounts) -> None:
    before = path.stat()
    accounts.share("alice", "bob")
    assert path.stat() == before
