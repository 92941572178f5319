"""The systemd unit: well-formed, hardened, and its command does what Type=notify and the watchdog expect."""

from __future__ import annotations

import os
import shlex
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from support.server import ROOT

UNIT = ROOT / "config" / "sumu-dav.service"
PROGRAM = "/opt/sumu-dav/.venv/bin/sumu-dav"


def installed(folder: Path) -> Path:
    """The unit with a program that is there, as `verify` looks for it."""
    path = folder / UNIT.name
    path.write_text(UNIT.read_text().replace(PROGRAM, "/bin/true"))
    return path


def test_systemd_finds_nothing_wrong_with_it(needs: Callable[..., None], tmp_path: Path) -> None:
    needs("systemd-analyze")
    run = subprocess.run(
        ["systemd-analyze", "verify", str(installed(tmp_path))], capture_output=True, text=True, check=False
    )
    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")


def test_it_is_hardened(needs: Callable[..., None], tmp_path: Path) -> None:
    needs("systemd-analyze")
    most = "20"  # tenths of systemd's scale from 0 to 10: "OK"
    run = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", f"--threshold={most}", str(installed(tmp_path))],
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout


def test_its_command_says_that_it_is_ready_alive_and_stopping(tmp_path: Path) -> None:
    (line,) = (line for line in UNIT.read_text().splitlines() if line.startswith("ExecStart="))
    program, *words = shlex.split(line.removeprefix("ExecStart="))
    assert program == PROGRAM
    moved = {
        "/etc/sumu-dav/wsgidav.yaml": str(ROOT / "wsgidav.yaml"),
        "/srv/photos": str(tmp_path / "photos"),
        "/var/lib/sumu-dav": str(tmp_path / "state"),
    }
    assert moved.keys() <= set(words)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(30)
        process = subprocess.Popen(
            [sys.executable, "-m", "sumu_dav", *(moved.get(word, word) for word in words), "--port", "0"],
            env={
                **os.environ,
                "PYTHONPATH": str(ROOT),
                "NOTIFY_SOCKET": manager.getsockname(),
                "WATCHDOG_USEC": "1000000",
            },
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            assert manager.recv(4096).startswith(b"READY=1\n")
            assert manager.recv(4096) == b"WATCHDOG=1"
            assert manager.recv(4096) == b"WATCHDOG=1"
            process.send_signal(signal.SIGTERM)
            while (message := manager.recv(4096)) == b"WATCHDOG=1":
                pass
            assert message.startswith(b"STOPPING=1\n")
            assert process.wait(20) == 0
        finally:
            process.kill()
            process.wait()
