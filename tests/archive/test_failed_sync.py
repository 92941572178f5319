"""A sync that failed is never tried again: whichever file of the state it was of, every change is refused from then on,
until a restart has found out what the disk really holds. So it is where a plan can't be forgotten.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from sumu_dav.errors import NoSpace, WritesSuspended
from support.family import Family
from support.samples import jpeg


@pytest.fixture
def family(tmp_path: Path) -> Iterator[Family]:
    """Alice has two photos in an album."""
    family = Family(tmp_path)
    family.mkcol("/alice/trip")
    family.put("/alice/trip/a.jpg", jpeg(make="A"))
    family.put("/alice/trip/b.jpg", jpeg(make="B"))
    yield family
    family.close()


@contextmanager
def failing_syncs(name: str, code: int = errno.EIO, *, after: int = 0) -> Iterator[None]:
    """Of files and folders whose path ends like this, `after` syncs succeed, and then none."""
    left = after
    with pytest.MonkeyPatch.context() as patch:
        for call in ("fsync", "fdatasync"):
            real = getattr(os, call)

            def failing(descriptor: int, real: object = real) -> None:
                nonlocal left
                if os.readlink(f"/proc/self/fd/{descriptor}").endswith(name):
                    left -= 1
                    if left < 0:
                        raise OSError(code, os.strerror(code))
                real(descriptor)  # type: ignore[operator]

            patch.setattr(os, call, failing)
        yield


@pytest.mark.parametrize("name", ["intents", ".json.new"])
def test_of_the_plan_of_a_change_refuses_what_comes_after_it(family: Family, name: str) -> None:
    """Else the plan, found by the next start, would undo what was done since."""
    with failing_syncs(name), pytest.raises(WritesSuspended):
        family.move("/alice/trip/a.jpg", "/alice/trip/c.jpg")

    assert family.archive.suspended is not None
    with pytest.raises(WritesSuspended):
        family.delete("/alice/trip/a.jpg")
    assert family.names("/alice/trip") == {"a.jpg", "b.jpg"}

    family.reopen()
    family.delete("/alice/trip/b.jpg")
    assert family.names("/alice/trip") in ({"a.jpg"}, {"c.jpg"})  # nothing was promised, and nothing is in between


def test_of_a_plan_that_is_done_refuses_what_comes_after_it(family: Family) -> None:
    """Else a plan whose end was not written down would be carried out once more, over later changes."""
    with failing_syncs("intents", after=1), pytest.raises(WritesSuspended):
        family.move("/alice/trip/a.jpg", "/alice/trip/c.jpg")

    with pytest.raises(WritesSuspended):
        family.move("/alice/trip/b.jpg", "/alice/trip/a.jpg")
    assert family.names("/alice/trip") == {"b.jpg", "c.jpg"}


def test_a_plan_that_is_done_and_stays_written_down_refuses_what_comes_after_it(
    family: Family, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.unlink

    def refused(path: str, **options: int) -> None:
        if "/intents/" in path:
            raise OSError(errno.EROFS, os.strerror(errno.EROFS))
        real(path, **options)

    monkeypatch.setattr(os, "unlink", refused)
    with pytest.raises(WritesSuspended):
        family.move("/alice/trip/a.jpg", "/alice/trip/c.jpg")
    monkeypatch.undo()

    with pytest.raises(WritesSuspended):
        family.move("/alice/trip/b.jpg", "/alice/trip/a.jpg")
    family.reopen()
    assert family.names("/alice/trip") == {"b.jpg", "c.jpg"}


def test_of_the_catalogue_leaves_the_files_where_they_are_from_then_on(family: Family) -> None:
    with failing_syncs("catalog.json"), pytest.raises(WritesSuspended):
        family.put("/alice/trip/new.jpg", jpeg(make="C"))

    for change in (
        lambda: family.move("/alice/trip/a.jpg", "/alice/trip/c.jpg"),
        lambda: family.delete("/alice/trip/b.jpg"),
        lambda: family.favor("/alice/trip/b.jpg"),
        lambda: family.mkcol("/alice/later"),
        lambda: family.put("/alice/trip/newer.jpg", jpeg(make="D")),
    ):
        with pytest.raises(WritesSuspended):
            change()

    on_disk = {path.name for path in (family.plex / "alice").rglob("*")}
    assert on_disk == {"trip", "a.jpg", "b.jpg", "new.jpg"}


def test_for_want_of_space_costs_one_change_alone(family: Family) -> None:
    with failing_syncs(".json.new", errno.ENOSPC), pytest.raises(NoSpace):
        family.move("/alice/trip/a.jpg", "/alice/trip/c.jpg")

    assert family.archive.suspended is None
    family.move("/alice/trip/a.jpg", "/alice/trip/c.jpg")
    assert family.names("/alice/trip") == {"b.jpg", "c.jpg"}
