"""`user`, as a person at a terminal and as a script."""

from __future__ import annotations

import argparse
import getpass
import io
import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from sumu_dav.auth.login import Authenticator
from sumu_dav.cli import devices, users
from sumu_dav.cli.main import main
from sumu_dav.dav.wiring import accounts_of
from sumu_dav.errors import BadCredentials
from sumu_dav.settings import Settings, load

Command = Callable[..., tuple[int, str, str]]


class Terminal(io.StringIO):
    """Standard input where somebody sits."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load(None, {"sumu.state": str(tmp_path / "state"), "sumu.plex": str(tmp_path / "plex")})


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    def run(*arguments: str, stdin: io.StringIO | str = "") -> tuple[int, str, str]:
        """(exit code, standard output, standard error) of `sumu-dav …`."""
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(sys, "stdin", io.StringIO(stdin) if isinstance(stdin, str) else stdin)
        places = ("--state", str(tmp_path / "state"), "--plex", str(tmp_path / "plex"))
        code = main([*places, *arguments], [users.add, devices.add])
        return code, *capsys.readouterr()

    return run


def logs_in(settings: Settings, user: str, password: str) -> bool:
    try:
        return bool(Authenticator(accounts_of(settings)).check(user, password, "127.0.0.1"))
    except BadCredentials:
        return False


@pytest.mark.parametrize("typed", ["long enough", "long enough\n"])
def test_a_script_gives_the_password_on_standard_input(command: Command, settings: Settings, typed: str) -> None:
    assert command("user", "add", "alice", "--password-stdin", stdin=typed) == (0, "account alice added\n", "")
    assert logs_in(settings, "alice", "long enough")


def test_a_person_is_asked_twice(command: Command, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter(["long enough", "long enough", "long enough", "otherwise"])
    monkeypatch.setattr(getpass, "getpass", lambda prompt: next(answers))
    assert command("user", "add", "alice", stdin=Terminal())[0] == 0
    assert logs_in(settings, "alice", "long enough")
    code, _, complaint = command("user", "add", "bob", stdin=Terminal())
    assert (code, "differ" in complaint) == (2, True)
    assert accounts_of(settings).get("bob") is None


def test_the_password_is_never_an_argument(command: Command) -> None:
    with pytest.raises(SystemExit) as refusal:
        command("user", "add", "alice", "long enough")
    assert refusal.value.code == 2


def test_a_short_password_is_taken_with_a_warning(command: Command) -> None:
    code, _, complaint = command("user", "add", "alice", "--password-stdin", stdin="short\n")
    assert (code, "soon guessed" in complaint) == (0, True)


@pytest.mark.parametrize(
    ("name", "password"),
    [
        ("-", "long enough"),
        ("a/b", "long enough"),
        ("lost+found", "long enough"),  # Plex would skip the folder
        ("alice", ""),
        ("alice", "two\nlines\n"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(command: Command, name: str, password: str) -> None:
    code, output, complaint = command("user", "add", "--password-stdin", "--", name, stdin=password)
    assert (code, output, complaint.count("\n")) == (2, "", 1)


def test_a_name_that_is_taken_is_refused_before_anybody_types(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    command("user", "add", "alice", "--password-stdin", stdin="long enough")
    monkeypatch.setattr(getpass, "getpass", lambda prompt: pytest.fail("was asked"))
    assert command("user", "add", "ALICE", stdin=Terminal())[0] == 2


def test_the_list_shows_what_was_given(command: Command) -> None:
    command("user", "add", "alice", "--password-stdin", "--quota", "50G", stdin="long enough")
    command("user", "add", "bob", "--password-stdin", "--admin", stdin="long enough")
    command("user", "share", "alice", "bob")
    command("device", "add", "alice", "phone")
    code, output, _ = command("user", "list", "--json")
    assert code == 0
    assert json.loads(output) == [
        {"name": "alice", "admin": False, "quota": 50 * 1024**3, "sharedWith": ["bob"], "devices": ["phone"]},
        {"name": "bob", "admin": True, "quota": None, "sharedWith": [], "devices": []},
    ]
    _, table, _ = command("user", "list")
    assert table.splitlines()[1].split() == ["alice", "no", str(50 * 1024**3), "bob", "phone"]


def test_no_accounts_are_an_empty_list(command: Command) -> None:
    assert json.loads(command("user", "list", "--json")[1]) == []


def test_password_sets_another_one(command: Command, settings: Settings) -> None:
    command("user", "add", "Alice", "--password-stdin", stdin="long enough")
    assert command("user", "password", "alice", "--password-stdin", stdin="another one\n")[0] == 0
    assert logs_in(settings, "alice", "another one")
    assert not logs_in(settings, "alice", "long enough")


def test_change_sets_quota_and_admin_and_leaves_the_rest(command: Command, settings: Settings) -> None:
    command("user", "add", "alice", "--password-stdin", "--admin", stdin="long enough")
    for options, quota, admin in (
        (["--quota", "1G"], 1024**3, True),
        (["--no-admin"], 1024**3, False),
        (["--no-quota"], None, False),
    ):
        assert command("user", "change", "alice", *options)[0] == 0
        alice = accounts_of(settings).get("alice")
        assert alice is not None
        assert (alice.quota, alice.admin) == (quota, admin)


def test_share_is_revoked(command: Command, settings: Settings) -> None:
    for name in ("alice", "bob"):
        command("user", "add", name, "--password-stdin", stdin="long enough")
    assert command("user", "share", "alice", "bob")[0] == 0
    assert accounts_of(settings).sharers("bob") == ("alice",)
    assert command("user", "share", "alice", "bob", "--revoke")[0] == 0
    assert accounts_of(settings).sharers("bob") == ()
    assert command("user", "share", "alice", "bob", "--revoke")[0] == 2


def test_remove_leaves_the_photos(command: Command, settings: Settings, tmp_path: Path) -> None:
    command("user", "add", "alice", "--password-stdin", stdin="long enough")
    photo = tmp_path / "plex" / "alice" / "trip" / "a.jpg"
    photo.parent.mkdir(parents=True)
    photo.write_bytes(b"photo")
    code, output, _ = command("user", "remove", "alice")
    assert (code, str(tmp_path / "plex" / "alice") in output) == (0, True)
    assert photo.read_bytes() == b"photo"
    assert accounts_of(settings).all() == ()
    assert command("user", "remove", "alice")[0] == 2


def test_rename_takes_the_photos_along(command: Command, settings: Settings, tmp_path: Path) -> None:
    command("user", "add", "alice", "--password-stdin", stdin="long enough")
    assert command("user", "rename", "alice", "Alicia")[0] == 0
    assert logs_in(settings, "alicia", "long enough")
    (tmp_path / "plex" / "Alicia" / "trip").mkdir(parents=True)
    assert command("user", "rename", "alicia", "alice")[0] == 0
    assert (tmp_path / "plex" / "alice" / "trip").is_dir()
    assert not (tmp_path / "plex" / "Alicia").exists()


def test_every_action_has_its_help(capsys: pytest.CaptureFixture[str]) -> None:
    parser = argparse.ArgumentParser()
    users.add(parser.add_subparsers())
    with pytest.raises(SystemExit):
        parser.parse_args(["user", "--help"])
    text = capsys.readouterr().out
    assert all(action in text for action in ("add", "list", "password", "change", "rename", "share", "remove"))
