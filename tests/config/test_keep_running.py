"""The script for cron: it starts what does not run, leaves alone what does, and says what is wrong."""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from support.dav import Dav
from support.server import ROOT, password_of

SCRIPT = ROOT / "config" / "keep-running.sh"

PATIENCE = 20.0
"""Seconds until a test gives up on a process that was killed."""


class Cron:
    """Runs the script as cron would, on folders of its own."""

    def __init__(self, folder: Path, port: int, accounts: Path) -> None:
        self.state = folder / "state"
        self.state.mkdir(mode=0o700)
        shutil.copy2(accounts, self.state / "accounts.json")
        self.url = f"http://127.0.0.1:{port}/"
        document = yaml.safe_load((ROOT / "wsgidav.yaml").read_text())
        document["port"] = port
        self.config = folder / "wsgidav.yaml"
        self.config.write_text(yaml.safe_dump(document))
        program = folder / "sumu-dav"
        program.write_text(f'#!/bin/sh\nPYTHONPATH={ROOT} exec {sys.executable} -m sumu_dav "$@"\n')
        program.chmod(0o755)
        self.environment = {
            "PATH": "/usr/bin:/bin",  # cron's own
            "SUMU_DAV": str(program),
            "SUMU_CONFIG": str(self.config),
            "SUMU_PLEX": str(folder / "plex"),
            "SUMU_STATE": str(self.state),
            "SUMU_URL": self.url,
        }

    def minute(self) -> subprocess.CompletedProcess[str]:
        """What cron does every minute."""
        return subprocess.run([SCRIPT], capture_output=True, text=True, env=self.environment, timeout=60, check=False)

    def servers(self) -> set[int]:
        """The processes that hold the script's lock."""
        lock = self.state / "keep-running.lock"
        found = set()
        for process in Path("/proc").iterdir():
            if process.name.isdecimal():
                try:
                    if any(Path(os.readlink(each)) == lock for each in (process / "fd").iterdir()):
                        found.add(int(process.name))
                except OSError:
                    continue  # it has ended, or is another user's
        return found

    def kill(self, server: int) -> None:
        """SIGKILL, and wait for the end: the lock is held until the kernel has taken the last thread apart."""
        os.kill(server, signal.SIGKILL)
        until = time.monotonic() + PATIENCE
        with open(self.state / "keep-running.lock") as lock:
            while True:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    return
                except BlockingIOError:
                    assert time.monotonic() < until, "it does not die"

    def answers(self) -> bool:
        client = Dav(self.url, "alice", password_of("alice"))
        try:
            return client.propfind("/alice/").status_code == 207
        finally:
            client.close()


@pytest.fixture
def cron(tmp_path: Path, accounts: Path, free_port: int) -> Iterator[Cron]:
    cron = Cron(tmp_path, free_port, accounts)
    yield cron
    for process in cron.servers():
        os.kill(process, signal.SIGKILL)


def test_it_starts_the_server_once_and_again_after_it_was_killed(cron: Cron) -> None:
    first = cron.minute()
    assert (first.returncode, first.stdout, first.stderr) == (0, "", "")
    assert cron.answers()
    (server,) = cron.servers()
    assert cron.minute().returncode == 0
    assert cron.servers() == {server}
    cron.kill(server)
    again = cron.minute()
    assert (again.returncode, again.stdout) == (0, "")
    assert cron.answers()
    assert cron.servers() != {server}


def test_it_tells_why_the_server_does_not_start(cron: Cron) -> None:
    document = yaml.safe_load(cron.config.read_text())
    document["sumu"]["watch"] = "sometimes"
    cron.config.write_text(yaml.safe_dump(document))
    answer = cron.minute()
    assert answer.returncode == 1
    assert "sumu.watch: found 'sometimes'" in answer.stdout
    assert cron.servers() == set()


def test_a_server_that_is_not_well_is_told_of_and_left_running(cron: Cron) -> None:
    document = yaml.safe_load(cron.config.read_text())
    document["sumu"]["health"] = {"min_free": "100000T"}
    cron.config.write_text(yaml.safe_dump(document))
    answer = cron.minute()
    assert answer.returncode != 0
    assert "nearly full" in answer.stdout
    assert cron.answers()
