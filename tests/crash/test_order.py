"""The order of system calls behind one answered upload, as strace saw it: a SIGKILL can't show a missing sync.

File synced, then its name, then the folder of the name (and that of a new folder), then the catalogue, then the answer.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from support.dav import Dav
from support.samples import jpeg
from support.server import Server

CALLS = "trace=fsync,fdatasync,link,linkat,rename,renameat,renameat2,mkdir,mkdirat,pwrite64,sendto,sendmsg,write,writev"

_CALL = re.compile(r"^(?:\[pid +\d+\] +|\d+ +)?(?:[\d.:]+ )?(\w+)\((.*)$")
_RESUMED = re.compile(r"^(?:\[pid +)?(\d+)\]? +<\.\.\. (\w+) resumed>(.*)$")


@dataclass(frozen=True)
class Call:
    """One system call: its name, and its arguments with the paths behind the descriptors (strace -y)."""

    name: str
    arguments: str


class Traced:
    """A server under strace; `calls(request)` are those that one request caused."""

    def __init__(self, server: Server, log: Path) -> None:
        self.server = server
        self._log = log
        self.alice: Dav = server.session()

    def calls(self, request: Callable[[], object]) -> list[Call]:
        begin = self._log.stat().st_size
        request()
        with self._log.open("rb") as log:
            log.seek(begin)
            lines = log.read().decode(errors="replace").splitlines()
        found: list[Call] = []
        waiting: dict[str, str] = {}
        for line in lines:
            pid = line.split(maxsplit=1)[0]
            resumed = _RESUMED.match(line)
            if line.endswith("<unfinished ...>"):
                waiting[pid] = line.removesuffix("<unfinished ...>")
                continue
            if resumed is not None:
                # What counts is when a call has ended.
                line = waiting.pop(pid, f"{pid} {resumed[2]}(") + resumed[3]
            call = _CALL.match(line)
            if call is not None:
                found.append(Call(call[1], call[2]))
        return found


@pytest.fixture
def traced(tmp_path: Path, start_server: Callable[..., Server], needs: Callable[..., None]) -> Traced:
    needs("strace")
    log = tmp_path / "strace.log"
    server = start_server(prefix=("strace", "-f", "-y", "-s", "64", "-e", CALLS, "-o", str(log)), sumu={"watch": "off"})
    return Traced(server, log)


def index(calls: list[Call], names: str, *parts: str, after: int = -1) -> int:
    """Where the first call of one of the names is, whose arguments hold each of the parts."""
    for number, call in enumerate(calls):
        if number > after and call.name in names.split() and all(part in call.arguments for part in parts):
            return number
    shown = "\n".join(f"{call.name}({call.arguments}" for call in calls)
    raise AssertionError(f"no {names} with {parts} after call {after} in\n{shown}")


SYNC = "fsync fdatasync"
NAMING = "link linkat rename renameat renameat2"
SENDING = "sendto sendmsg write writev"


def in_order(calls: list[Call], *steps: tuple[str, ...]) -> int:
    """Assert that calls come one after the other; returns where the last one is."""
    at = -1
    for names, *parts in steps:
        at = index(calls, names, *parts, after=at)
    return at


def answered(calls: list[Call], status: str) -> int:
    return index(calls, SENDING, f"HTTP/1.1 {status}")


def test_a_new_photo(traced: Traced) -> None:
    traced.alice.mkcol("/alice/trip/")
    calls = traced.calls(lambda: traced.alice.put("/alice/trip/a.jpg", jpeg()))
    done = in_order(
        calls,
        (SYNC, "/.sumu/uploads"),
        (NAMING, '"a.jpg"'),
        (SYNC, "/plex/alice/trip>"),
        ("pwrite64", "/state/catalog.json"),
        (SYNC, "/state/catalog.json"),
    )
    assert done < answered(calls, "201")


def test_a_loose_photo_in_a_new_album(traced: Traced) -> None:
    calls = traced.calls(lambda: traced.alice.put("/alice/a.jpg", jpeg(taken="2020:01:02 03:04:05")))
    in_order(calls, ("mkdir mkdirat", '"20-01"'), (SYNC, "/plex/alice>"), (SYNC, "/state/catalog.json"))
    in_order(calls, ("mkdir mkdirat", '"alice"'), (SYNC, "/plex>"), (SYNC, "/state/catalog.json"))
    done = in_order(
        calls,
        (SYNC, "/.sumu/uploads"),
        (NAMING, '"a.jpg"'),
        (SYNC, "/plex/alice/20-01>"),
        ("pwrite64", "/state/catalog.json"),
        (SYNC, "/state/catalog.json"),
    )
    assert done < answered(calls, "201")


def test_a_replaced_photo(traced: Traced) -> None:
    traced.alice.mkcol("/alice/trip/")
    traced.alice.put("/alice/trip/a.jpg", jpeg())
    calls = traced.calls(lambda: traced.alice.put("/alice/trip/a.jpg", jpeg()))
    done = in_order(
        calls,
        (SYNC, "/.sumu/uploads"),  # the bytes
        (NAMING, "/.sumu/uploads"),  # parked, so that the intent can speak of them
        (SYNC, "/.sumu/uploads>"),
        (SYNC, "/state/intents/"),
        ("rename renameat renameat2", "/state/intents/"),
        (SYNC, "/state/intents>"),
        ("link linkat", "/.sumu/trash/alice"),  # the old bytes get their second name before they lose the first
        (SYNC, "/.sumu/trash/alice>"),
        ("rename renameat renameat2", "/plex/alice/trip>", '"a.jpg"'),
        (SYNC, "/plex/alice/trip>"),
        (SYNC, "/state/catalog.json"),
    )
    assert done < answered(calls, "204")


def test_a_favorite_s_copy(traced: Traced) -> None:
    traced.alice.mkcol("/alice/trip/")
    traced.alice.put("/alice/trip/a.jpg", jpeg())
    calls = traced.calls(lambda: traced.alice.proppatch("/alice/trip/a.jpg", {"{urn:sumu}isFavorite": "1"}))
    done = in_order(
        calls,
        (SYNC, "/.sumu/uploads"),
        (SYNC, "/state/intents>"),
        ("rename renameat renameat2", "/plex/alice/favorites>", '"a.jpg"'),
        (SYNC, "/plex/alice/favorites>"),
        (SYNC, "/state/catalog.json"),
    )
    assert done < answered(calls, "207")
    in_order(calls, ("mkdir mkdirat", '"favorites"'), (SYNC, "/plex/alice>"), (SYNC, "/state/catalog.json"))


def test_a_move(traced: Traced) -> None:
    traced.alice.mkcol("/alice/trip/")
    traced.alice.mkcol("/alice/other/")
    traced.alice.put("/alice/trip/a.jpg", jpeg())
    calls = traced.calls(lambda: traced.alice.move("/alice/trip/a.jpg", "/alice/other/b.jpg"))
    done = in_order(
        calls,
        (SYNC, "/state/intents>"),
        ("rename renameat renameat2", '"b.jpg"'),
        (SYNC, "/plex/alice/other>"),
        (SYNC, "/plex/alice/trip>"),
        (SYNC, "/state/catalog.json"),
    )
    assert done < answered(calls, "201")


def test_a_delete_takes_the_record_first(traced: Traced) -> None:
    traced.alice.mkcol("/alice/trip/")
    traced.alice.put("/alice/trip/a.jpg", jpeg())
    calls = traced.calls(lambda: traced.alice.delete("/alice/trip/a.jpg"))
    done = in_order(
        calls,
        (SYNC, "/state/intents>"),
        (SYNC, "/state/trash.json"),
        (SYNC, "/state/catalog.json"),
        ("rename renameat renameat2", "/plex/alice/trip>", '"a.jpg"'),
        (SYNC, "/.sumu/trash/alice>"),
        (SYNC, "/plex/alice/trip>"),
    )
    assert done < answered(calls, "204")


def test_a_new_collection(traced: Traced) -> None:
    calls = traced.calls(lambda: traced.alice.mkcol("/alice/trip/"))
    done = in_order(calls, ("mkdir mkdirat", '"trip"'), (SYNC, "/plex/alice>"))
    assert done < answered(calls, "201")
