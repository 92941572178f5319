"""A real server for tests: `python -m sumu_dav serve` in a process of its own, on a free port, with folders of its own.

What is asked of it is asked over HTTP, over a bare socket, or through the command line, as its users do.
"""

from __future__ import annotations

import os
import selectors
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from support.dav import Dav
from support.state_files import read_between_appends

ROOT = Path(__file__).parent.parent.parent

USERS = ("alice", "bob", "root")
"""The accounts of a test's server; root is an admin. The password of each is `password_of(name)`."""

START_SECONDS = 30.0
"""For a start on a busy machine; an idle one needs less than one."""

STOP_SECONDS = 20.0
"""For the ten seconds that the server gives to requests in hand, and as many again."""


def password_of(user: str) -> str:
    """The password of an account that the harness made."""
    return f"open sesame {user}"


class Server:
    """A server that can be started, stopped and killed, with its folders. It is started by `start()`."""

    def __init__(
        self,
        folder: Path,
        *,
        accounts: Path | None = None,
        sumu: Mapping[str, Any] | None = None,
        prefix: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
        options: Sequence[str] = (),
    ) -> None:
        """`accounts` is a file of accounts to begin with, `sumu` what the configuration's block is to have besides;
        `prefix` is a program to run the server under (strace …), `options` more words for `serve`.
        """
        self.folder = folder
        self.plex = folder / "plex"
        self.state = folder / "state"
        self.config = folder / "wsgidav.yaml"
        self.url = ""
        self.first_account: tuple[str, str] | None = None
        self.process: subprocess.Popen[bytes] | None = None
        self._port = _free_port()
        self._prefix = tuple(prefix)
        self._options = tuple(options)
        self._environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1", **(environment or {})}
        self._sessions: list[Dav] = []
        self._log = folder / "server.log"
        folder.mkdir(parents=True, exist_ok=True)
        self.state.mkdir(mode=0o700)
        if accounts is not None:
            shutil.copy2(accounts, self.state / "accounts.json")
        document = yaml.safe_load((ROOT / "wsgidav.yaml").read_text())
        _merge(document["sumu"], sumu or {})
        self.config.write_text(yaml.safe_dump(document))

    @property
    def port(self) -> int:
        """The port that it serves on; the same after a restart."""
        return urlsplit(self.url).port or self._port

    def start(self) -> None:
        """Start it, and return when it has said that it serves."""
        assert self.process is None, "it runs already"
        with self._log.open("a") as log:
            self.process = subprocess.Popen(
                [
                    *self._prefix,
                    *self._program("serve", "--host", "127.0.0.1", "--port", str(self.port), *self._options),
                ],
                stdout=subprocess.PIPE,
                stderr=log,
                env=self._environment,
                start_new_session=True,
            )
        self._wait_for_service()

    def stop(self) -> int:
        """Ask it to end (SIGTERM), and return its exit code."""
        process = self._taken()
        os.killpg(process.pid, signal.SIGTERM)  # not terminate(): a program around the server would take it
        try:
            return process.wait(STOP_SECONDS)
        finally:
            _end(process)

    def kill(self) -> None:
        """End it at once (SIGKILL), with what runs around it."""
        _end(self._taken())

    def restart(self) -> None:
        """Stop it (or see that it was killed), and start it on the same port and folders."""
        if self.process is not None:
            self.stop()
        self.start()

    def close(self) -> None:
        """End what is left of it, at the end of a test."""
        for session in self._sessions:
            session.close()
        self._sessions.clear()
        if self.process is not None:
            self.kill()

    def session(self, user: str = "alice", password: str | None = None) -> Dav:
        """A WebDAV client of one of the accounts."""
        session = Dav(self.url, user, password_of(user) if password is None else password)
        self._sessions.append(session)
        return session

    def command(self, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """Run another command (`check --hash`) on the same folders, beside the server."""
        return subprocess.run(
            self._program(*arguments),
            input=stdin,
            capture_output=True,
            text=True,
            env=self._environment,
            timeout=120,
            check=False,
        )

    def catalog(self) -> list[dict[str, Any]]:
        """The records of catalog.json, as any JSON parser reads them, in the order of their document ids."""
        path = self.state / "catalog.json"
        if not path.exists():
            return []
        table = read_between_appends(path)["media"]
        return [table[key] for key in sorted(table, key=int)]

    def record(self, user: str, album: str, name: str) -> dict[str, Any] | None:
        """The record of the photo at a path, if there is one."""
        wanted = (user, album, name)
        found = [photo for photo in self.catalog() if (photo["user"], photo["album"], photo["name"]) == wanted]
        assert len(found) <= 1, f"two records of {wanted}"
        return found[0] if found else None

    def files(self, user: str | None = None) -> set[str]:
        """The files that Plex sees, as paths below its folder (or below one user's): all but dot names."""
        top = self.plex / user if user else self.plex
        found: set[str] = set()
        for folder, folders, names in os.walk(top):
            folders[:] = [name for name in folders if not name.startswith(".")]
            found.update(os.path.relpath(os.path.join(folder, name), top) for name in names if not name.startswith("."))
        return found

    def log(self) -> str:
        """What it wrote to standard error so far, over all its starts."""
        return self._log.read_text() if self._log.exists() else ""

    def resident(self) -> int:
        """Bytes of memory that it has now; `peak` is measured from here on."""
        assert self.process is not None
        Path(f"/proc/{self.process.pid}/clear_refs").write_text("5")  # proc_pid_clear_refs(5)
        return self._status("VmRSS")

    def peak(self) -> int:
        """The most that it had since `resident`, in bytes."""
        return self._status("VmHWM")

    def _status(self, field: str) -> int:
        assert self.process is not None
        lines = Path(f"/proc/{self.process.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{field}:"))

    @contextmanager
    def connection(self, timeout: float = 10.0) -> Iterator[socket.socket]:
        """A bare socket, for what no HTTP client would send."""
        with socket.create_connection(("127.0.0.1", self.port), timeout) as connection:
            yield connection

    def raw(self, request: bytes, timeout: float = 10.0) -> bytes:
        """Send bytes as they are, and return all that comes until the server closes or `timeout` seconds of silence."""
        answer = bytearray()
        with self.connection(timeout) as connection:
            connection.sendall(request)
            try:
                while data := connection.recv(65536):
                    answer += data
            except (TimeoutError, ConnectionResetError):
                pass
        return bytes(answer)

    def _program(self, *arguments: str) -> list[str]:
        where = ("--config", str(self.config), "--plex", str(self.plex), "--state", str(self.state))
        return [sys.executable, "-m", "sumu_dav", *arguments, *where]

    def _taken(self) -> subprocess.Popen[bytes]:
        assert self.process is not None, "it does not run"
        process, self.process = self.process, None
        return process

    def _wait_for_service(self) -> None:
        assert self.process is not None
        assert self.process.stdout is not None
        said = b""
        deadline = time.monotonic() + START_SECONDS
        with selectors.DefaultSelector() as waiting:
            waiting.register(self.process.stdout, selectors.EVENT_READ)
            while waiting.select(max(0.0, deadline - time.monotonic())):
                news = os.read(self.process.stdout.fileno(), 4096)
                said += news
                if self._understood(said.decode()):
                    return
                if not news:
                    break
        self.kill()
        raise AssertionError(f"the server did not start:\n{self.log()}")

    def _understood(self, said: str) -> bool:
        """Take in the lines that a start prints; True when it says that it serves."""
        for line in said.splitlines(keepends=True):
            match line.split():
                case ["account", name, "password", password] if line.endswith("\n"):
                    self.first_account = (name, password)
                case ["serving", url] if line.endswith("\n"):
                    self.url = url
                    return True
        return False


def _free_port() -> int:
    """A port that can be bound again after a kill: connections of one that the kernel chose (port 0) would hold it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _end(process: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError):  # it has ended, and so has everything around it
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    if process.stdout is not None:
        process.stdout.close()


def _merge(onto: dict[str, Any], changes: Mapping[str, Any]) -> None:
    for key, value in changes.items():
        if isinstance(value, Mapping):
            if onto.get(key) is None:
                onto[key] = {}
            _merge(onto[key], value)
        else:
            onto[key] = value


def make_accounts(folder: Path) -> Path:
    """A file with the accounts of `USERS`, made through the command line as a person would."""
    for user in USERS:
        subprocess.run(
            [
                *(sys.executable, "-m", "sumu_dav", "user", "add", user, "--password-stdin"),
                *(["--admin"] if user == "root" else []),
                *("--plex", str(folder / "plex"), "--state", str(folder / "state")),
            ],
            input=password_of(user) + "\n",
            text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            cwd=folder,
            check=True,
            stdout=subprocess.DEVNULL,
        )
    return folder / "state" / "accounts.json"
