"""The fail2ban filter, by fail2ban's own program: guesses are found, and nothing else, in either form of the log."""

from __future__ import annotations

import configparser
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from sumu_dav.server.clock import Clock
from sumu_dav.server.requestlog import RequestRecord, json_line, text_line
from support.server import ROOT, Server

CONFIG = ROOT / "config" / "fail2ban"
COMMON = Path("/etc/fail2ban/filter.d/common.conf")

Lines = Callable[[RequestRecord, str], str]


@pytest.fixture
def found(needs: Callable[..., None], tmp_path: Path) -> Callable[[str], list[str]]:
    """The addresses that the filter finds in a log, in their order."""
    needs("fail2ban-regex")
    if not COMMON.exists():
        pytest.skip(f"{COMMON} is not there")
    rules = tmp_path / "sumu-dav.conf"
    shutil.copy(CONFIG / "sumu-dav-filter.conf", rules)
    shutil.copy(COMMON, tmp_path)

    def find(log: str) -> list[str]:
        path = tmp_path / "log"
        path.write_text(log)
        run = subprocess.run(
            ["fail2ban-regex", "--out", "ip", str(path), str(rules)], capture_output=True, text=True, check=False
        )
        assert run.returncode == 0, run.stdout + run.stderr
        return run.stdout.split()

    return find


def record(client: str = "203.0.113.7", user: str = "alice", status: int = 401, path: str = "/alice/") -> RequestRecord:
    return RequestRecord(client, user, "PROPFIND", path, status, 0, 61, 0.0412)


@pytest.mark.parametrize("line", [text_line, json_line])
def test_wrong_passwords_and_slowed_down_addresses_are_found(found: Callable[[str], list[str]], line: Lines) -> None:
    now = Clock().log_time()
    lines = [
        line(record(), now),
        line(record("2001:db8::7"), now),
        line(record(user="", status=429), now),
        line(record(user='a "name" of\nmany words 200', path="/ü/%20x"), now),
    ]
    assert found("\n".join(lines) + "\n") == ["203.0.113.7", "2001:db8::7", "203.0.113.7", "203.0.113.7"]


@pytest.mark.parametrize("line", [text_line, json_line])
def test_what_is_no_guess_is_not_found(found: Callable[[str], list[str]], line: Lines) -> None:
    now = Clock().log_time()
    forged = " 198.51.100.1 alice GET / 401 in=0 out=0 0.1\n2026-01-01T00:00:00+0000 198.51.100.2 bob GET / 401 in=0"
    lines = [
        line(record(user=""), now),
        line(record(status=207), now),
        line(record(status=404), now),
        line(record(status=200, path=forged), now),
        line(record(status=200, user=forged), now),
        line(record(status=200, path='/x", "status": 401, "client": "198.51.100.3'), now),
    ]
    assert found("\n".join(lines) + "\n") == []


def test_lines_from_the_journal_are_understood(found: Callable[[str], list[str]]) -> None:
    line = text_line(record(), Clock().log_time())
    assert found(f"Nov 23 04:45:00 photos sumu-dav[4711]: {line}\n") == ["203.0.113.7"]


@pytest.mark.parametrize("style", ["text", "json"])
def test_the_log_of_a_real_server_tells_guesses(
    found: Callable[[str], list[str]], start_server: Callable[..., Server], style: str
) -> None:
    server = start_server(sumu={"log": {"format": style}})
    assert server.session("alice", "a wrong password").propfind("/alice/").status_code == 401
    assert server.session("nobody", "a password").propfind("/alice/").status_code == 401
    assert server.raw(b"GET /alice/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").startswith(b"HTTP/1.1 401 ")
    assert server.session().propfind("/alice/").status_code == 207
    server.stop()
    assert found(server.log()) == ["127.0.0.1", "127.0.0.1"]
    assert "password" not in server.log()


def test_the_jail_uses_the_filter() -> None:
    jail = configparser.ConfigParser()
    jail.read(CONFIG / "sumu-dav-jail.conf")
    assert jail["sumu-dav"]["filter"] == "sumu-dav"
    assert "_SYSTEMD_UNIT=sumu-dav.service" in (CONFIG / "sumu-dav-filter.conf").read_text()
    assert (ROOT / "config" / "sumu-dav.service").exists()
