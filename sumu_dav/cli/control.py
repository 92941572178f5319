"""How a command does what must write: through the running server's control socket, else in this process.

Knows nothing of what the operations do. The wire is described in `server/control.py`.
"""

from __future__ import annotations

import json
import os
import socket
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from typing import Any

from tqdm import tqdm

from sumu_dav.archive.archive import Archive
from sumu_dav.archive.opening import open_archive
from sumu_dav.archive.progress import Progress, nobody_looks
from sumu_dav.dav.wiring import accounts_of, archive_options, quota_of
from sumu_dav.errors import CommandFailed, Interrupted, NotServing
from sumu_dav.settings import Settings

SOCKET = "control.sock"
"""The name of the socket in the state."""

Operation = Callable[[Archive, Mapping[str, Any], Progress], Any]
"""What is to be done, the same in the server as here."""

BETWEEN_LINES = 5.0
"""Seconds between two lines of progress where no terminal can show a bar."""


def perform(settings: Settings, name: str, operation: Operation, arguments: Mapping[str, Any]) -> Any:
    """Do the operation, in the running server by its name or else here, and show its progress on standard error.

    Raises what it raises, StateInUse where neither is possible, CommandFailed with the words of the server, and
    Interrupted.
    """
    with Shown() as progress:
        try:
            return call(settings, name, arguments, progress)
        except NotServing:
            with open_alone(settings) as archive:
                return operation(archive, arguments, progress)


def call(settings: Settings, name: str, arguments: Mapping[str, Any], progress: Progress = nobody_looks) -> Any:
    """Let the running server do the operation of that name. Raises NotServing, CommandFailed, Interrupted."""
    with _connected(settings) as connection:
        try:
            request = json.dumps({"do": name, "arguments": arguments}, ensure_ascii=False)
            connection.sendall(request.encode() + b"\n")
            with connection.makefile("rb") as lines:
                for line in lines:
                    answer = json.loads(line)
                    if "progress" not in answer:
                        return _result(answer)
                    progress(*answer["progress"])
        except ConnectionError as error:
            raise CommandFailed("The server went away before it was done.") from error
    raise CommandFailed("The server gave no answer; its log says why.")


@contextmanager
def open_alone(settings: Settings) -> Iterator[Archive]:
    """The archive, opened in this process. Raises StateInUse, TreeMissing, Damaged."""
    accounts = accounts_of(settings)
    archive = open_archive(
        str(settings.plex),
        str(settings.state),
        archive_options(settings),
        users=lambda: [account.name for account in accounts.all()],
        quota_of=lambda user: quota_of(accounts, user),
    )
    with closing(archive):
        yield archive


def _connected(settings: Settings) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        folder = os.open(settings.state, os.O_RDONLY | os.O_DIRECTORY)
        try:
            # A socket's address holds 107 bytes, and a state may lie deeper than that.
            connection.connect(f"/proc/self/fd/{folder}/{SOCKET}")
        finally:
            os.close(folder)
    except (FileNotFoundError, ConnectionRefusedError) as error:
        connection.close()
        raise NotServing(str(settings.state)) from error
    except BaseException:
        connection.close()
        raise
    return connection


def _result(answer: Mapping[str, Any]) -> Any:
    if "error" not in answer:
        return answer["result"]
    if answer["kind"] == Interrupted.__name__:
        raise Interrupted
    raise CommandFailed(answer["error"])


class Shown:
    """A progress on standard error: a bar in a terminal, a line every few seconds elsewhere."""

    def __init__(self) -> None:
        self._bar: Any = None  # tqdm has no types
        self._stage = ""
        self._next_line = time.monotonic() + BETWEEN_LINES

    def __enter__(self) -> Progress:
        return self._show_bar if sys.stderr.isatty() else self._show_line

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.close()

    def _show_bar(self, stage: str, done: int, total: int | None) -> None:
        if self._bar is None or stage != self._stage:
            self.__exit__()
            self._bar = tqdm(desc=stage, total=total, file=sys.stderr, dynamic_ncols=True, unit="")
            self._stage = stage
        self._bar.total = total
        self._bar.update(done - self._bar.n)

    def _show_line(self, stage: str, done: int, total: int | None) -> None:
        now = time.monotonic()
        if now >= self._next_line:
            self._next_line = now + BETWEEN_LINES
            print(f"{stage}: {done}" + (f" of {total}" if total is not None else ""), file=sys.stderr)
