"""`device`: a password for each phone, shown once."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
import segno

from sumu_dav.auth.login import Authenticator
from sumu_dav.cli import devices
from sumu_dav.cli.main import main
from sumu_dav.dav.wiring import accounts_of
from sumu_dav.errors import BadCredentials
from sumu_dav.settings import Settings, load

Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    (tmp_path / "wsgidav.yaml").write_text(
        f"host: 0.0.0.0\nport: 8080\nsumu:\n  public_url: https://photos.example.org/\n"
        f"  state: {tmp_path}/state\n  plex: {tmp_path}/plex\n"
    )
    settings = load(tmp_path / "wsgidav.yaml")
    accounts_of(settings).add("alice", "long enough")
    return settings


@pytest.fixture
def command(settings: Settings, capsys: pytest.CaptureFixture[str]) -> Command:
    def run(*arguments: str) -> tuple[int, str, str]:
        """(exit code, standard output, standard error) of `sumu-dav …`."""
        code = main([*arguments, "--config", str(settings.config)], [devices.add])
        return code, *capsys.readouterr()

    return run


def shown(output: str) -> dict[str, str]:
    return dict(re.findall(r"^(url|user|password) +(.+)$", output, re.MULTILINE))


def test_what_a_phone_needs_is_shown_with_a_code(command: Command, settings: Settings) -> None:
    code, output, complaint = command("device", "add", "ALICE", "Alice's iPhone")
    assert (code, complaint) == (0, "")
    told = shown(output)
    assert (told["url"], told["user"]) == ("https://photos.example.org/", "alice")
    login = Authenticator(accounts_of(settings)).check("alice", told["password"], "127.0.0.1")
    assert login.device == "Alice's iPhone"
    assert len([line for line in output.splitlines() if "█" in line]) > 10


def test_the_code_holds_the_whole_login(command: Command, monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    encoded: list[str] = []
    make = segno.make

    def note(content: str, error: str) -> object:
        encoded.append(content)
        return make(content, error=error)

    monkeypatch.setattr(segno, "make", note)
    accounts_of(settings).add("jürgen@home", "long enough")
    told = shown(command("device", "add", "jürgen@home", "phone")[1])
    assert encoded == [f"https://j%C3%BCrgen%40home:{told['password']}@photos.example.org/"]


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0", "localhost"])
def test_an_address_that_no_phone_reaches_is_said_to_be_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], host: str
) -> None:
    config = tmp_path / "wsgidav.yaml"
    config.write_text(f"host: {host}\nport: 8080\nsumu:\n  state: {tmp_path}/state\n")
    accounts_of(load(config)).add("alice", "long enough")
    assert main(["device", "add", "alice", "phone", "--config", str(config)], [devices.add]) == 0
    assert "sumu.public_url" in capsys.readouterr().err


def test_the_password_is_shown_once(command: Command) -> None:
    password = shown(command("device", "add", "alice", "phone")[1])["password"]
    assert password not in command("device", "list")[1] + command("device", "list", "--json")[1]


def test_the_list_tells_the_last_use(command: Command, settings: Settings) -> None:
    password = shown(command("device", "add", "alice", "phone")[1])["password"]
    (before,) = json.loads(command("device", "list", "--json")[1])
    assert (before["user"], before["device"], before["lastUsed"], before["lastAddress"]) == (
        "alice",
        "phone",
        None,
        None,
    )
    Authenticator(accounts_of(settings)).check("alice", password, "192.0.2.1")
    (after,) = json.loads(command("device", "list", "--json")[1])
    assert after["lastAddress"] == "192.0.2.1"
    assert after["lastUsed"] >= after["created"]


def test_a_revoked_device_is_out(command: Command, settings: Settings) -> None:
    password = shown(command("device", "add", "alice", "phone")[1])["password"]
    authenticator = Authenticator(accounts_of(settings))
    assert authenticator.check("alice", password, "127.0.0.1").device == "phone"
    assert command("device", "revoke", "alice", "PHONE")[0] == 0
    with pytest.raises(BadCredentials):
        authenticator.check("alice", password, "127.0.0.1")
    assert json.loads(command("device", "list", "--json")[1]) == []


@pytest.mark.parametrize(
    "arguments", [("add", "nobody", "phone"), ("add", "alice", "a\nb"), ("revoke", "alice", "phone")]
)
def test_what_cannot_be_is_refused_in_one_line(command: Command, arguments: tuple[str, ...]) -> None:
    code, output, complaint = command("device", *arguments)
    assert (code, output, complaint.count("\n")) == (2, "", 1)
