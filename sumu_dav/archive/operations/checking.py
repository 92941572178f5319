"""`check`: whether trees and records say the same, and with `hash` whether every byte is still the one that came.

Finds, and where it is asked to, mends without losing bytes: what is replaced goes to the trash. Damage in the
catalogue's own file is found before an archive is opened, by the command.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import Any

from sumu_dav.archive.archive import Archive
from sumu_dav.archive.content import nobody_waits, sha256_of
from sumu_dav.archive.draft import Draft
from sumu_dav.archive.lookup import copy_place, photo_path, photo_place
from sumu_dav.archive.nodes import Path
from sumu_dav.archive.operations.scanning import follow_outside
from sumu_dav.archive.outside.reconcile import SETTLED
from sumu_dav.archive.outside.survey import Survey, Surveyor
from sumu_dav.archive.progress import Progress
from sumu_dav.library import Place
from sumu_dav.model import FileStat, Photo

NO_FILE = "record without file"
NO_RECORD = "file without record"
WRONG_SIZE = "wrong size"
WRONG_BYTES = "wrong bytes"
NO_COPY = "favorite without copy"
WRONG_COPY = "copy differs"

FOLLOWED = {
    NO_FILE: "the record was set aside, and comes back with the file",
    NO_RECORD: "recorded",
    WRONG_SIZE: "read again",
    WRONG_BYTES: "read again, since another program changed it",
    NO_COPY: "flag and copy agree again",
    WRONG_COPY: "original and copy agree again",
}
"""What a reconciliation makes of each, in words."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong: its kind, the path as WebDAV shows it, what exactly, and what was done about it if anything."""

    kind: str
    path: str
    detail: str = ""
    mended: str | None = None

    @property
    def key(self) -> tuple[str, str]:
        """What tells it from others."""
        return self.kind, self.path


def check(archive: Archive, arguments: Mapping[str, Any], progress: Progress) -> dict[str, Any]:
    """Look (and `hash`, and `repair`): counts of files and records, and the problems as objects."""
    checker = Checker(archive)
    problems = checker.problems(progress, with_bytes=bool(arguments.get("hash")))
    if arguments.get("repair"):  # without problems as well: what was just written is none yet, and is waited for
        problems = checker.repair(problems, progress)
    return {
        "files": checker.files,
        "records": archive.catalog.count(),
        "problems": [asdict(problem) for problem in problems],
    }


class Checker:
    """One check of everything that belongs to an account."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive
        self._tree = archive.tree
        self._catalog = archive.catalog
        self._seen = archive.lookup.seen
        self.files = 0

    def problems(self, progress: Progress, *, with_bytes: bool) -> list[Problem]:
        """Everything that is wrong now. What changes while it looks is looked at again before it counts."""
        found: dict[tuple[str, str], Problem] = {}
        self.files = 0
        for user in sorted(self._archive.desk.users()):
            survey = Surveyor(self._archive.lookup).whole(
                user, lambda stage, done, total: progress(stage, self.files + done, total)
            )
            self.files += survey.files
            with self._archive.desk.turns.alone(user):
                for problem in self._in_survey(survey):
                    found.setdefault(problem.key, problem)
        if with_bytes:
            for problem in self._in_bytes(progress):
                found.setdefault(problem.key, problem)
        return list(found.values())

    def _in_survey(self, survey: Survey) -> Iterator[Problem]:
        for photo in survey.missing:
            if self._catalog.by_doc(photo.doc_id) == photo and self._tree.stat(photo_place(photo)) is None:
                yield Problem(NO_FILE, str(photo_path(photo)))
        for one in (*survey.unrecorded, *survey.unbound_copies):
            if self._tree.stat(one.place) == one.stat and time.time() - one.stat.ctime_ns / 1e9 >= SETTLED:
                at = self._catalog.at(one.path.user, one.path.album, one.path.name)
                if at is None or one.place.parts != one.path.parts:
                    yield Problem(NO_RECORD, one.place.shown)
        for photo in self._catalog.of(survey.user):
            yield from self._wrong_sizes(photo)

    def _wrong_sizes(self, photo: Photo) -> Iterator[Problem]:
        place, copy = photo_place(photo), copy_place(photo)
        stat = self._tree.stat(place)
        if stat is not None and stat.size != photo.size:
            yield Problem(WRONG_SIZE, place.shown, f"{stat.size} bytes and not {photo.size}")
        if copy is None or stat is None:
            return
        copied = self._tree.stat(copy)
        if copied is None:
            yield Problem(NO_COPY, place.shown)
        elif copied.size != photo.size:
            yield Problem(WRONG_COPY, copy.shown, f"{copied.size} bytes and not {photo.size}")

    def _in_bytes(self, progress: Progress) -> Iterator[Problem]:
        users = set(self._archive.desk.users())
        photos = [photo for photo in self._catalog.all() if photo.user in users]
        for done, photo in enumerate(photos):
            tell = partial(progress, "reading", done, len(photos))
            if self._differs(photo, photo_place(photo), tell):
                yield Problem(WRONG_BYTES, photo_place(photo).shown, "its SHA-256 is not the recorded one")
            copy = copy_place(photo)
            if copy is not None and self._differs(photo, copy, tell):
                yield Problem(WRONG_COPY, copy.shown, "its SHA-256 is not that of its original")
        progress("reading", len(photos), len(photos))

    def _differs(self, photo: Photo, place: Place, between: Callable[[], object] = nobody_waits) -> bool:
        """Whether the bytes there are not the record's; no, where they changed or went meanwhile, the record too."""
        before = self._tree.stat(place)
        if before is None or sha256_of(self._tree, place, between) == photo.sha256:
            return False
        with self._archive.desk.turns.alone(photo.user):
            return self._tree.stat(place) == before and self._catalog.by_doc(photo.doc_id) == photo

    # Mending

    def repair(self, problems: list[Problem], progress: Progress) -> list[Problem]:
        """Mend what can be mended: the same problems, with what was done."""
        mended = {problem.key: self._mend_bytes(problem) for problem in problems}
        follow_outside(self._archive, progress)
        left = {problem.key for problem in self.problems(progress, with_bytes=False)}
        return [replace(problem, mended=mended[problem.key] or self._followed(problem, left)) for problem in problems]

    def _followed(self, problem: Problem, left: set[tuple[str, str]]) -> str | None:
        if problem.key in left:
            return None
        if problem.kind in (WRONG_BYTES, WRONG_COPY) and self._is_rotten(problem):
            return None
        return FOLLOWED[problem.kind]

    def _is_rotten(self, problem: Problem) -> bool:
        found = self._bound_to(problem)
        return found is not None and self._differs(*found)

    def _bound_to(self, problem: Problem) -> tuple[Photo, Place] | None:
        """The photo that a problem of bytes is about, and where the bytes are."""
        _, user, *parts = problem.path.split("/")
        if problem.kind == WRONG_COPY:
            photo = self._catalog.favorite(user, parts[-1])
            place = copy_place(photo) if photo is not None else None
        else:
            photo = self._catalog.at(user, Path(user, tuple(parts)).album, parts[-1])
            place = photo_place(photo) if photo is not None else None
        return (photo, place) if photo is not None and place is not None else None

    def _mend_bytes(self, problem: Problem) -> str | None:
        """Bytes that went bad under an unchanged stat come anew from the other file of a favourite, if that is good."""
        if problem.kind not in (WRONG_BYTES, WRONG_COPY):
            return None
        found = self._bound_to(problem)
        if found is None:
            return None
        photo, place = found
        original, copy = photo_place(photo), copy_place(photo)
        good = copy if place == original else original
        seen = (self._seen.originals if place == original else self._seen.copies).get(photo.doc_id)
        if good is None or sha256_of(self._tree, good) != photo.sha256:
            return None
        with self._archive.desk.turns.alone(photo.user):
            stat = self._tree.stat(place)
            if stat is None or stat != seen or self._catalog.by_doc(photo.doc_id) != photo:
                return None
            self._bring_anew(photo, place, good, stat)
        return "made anew from its copy" if place == original else "made anew from its original"

    def _bring_anew(self, photo: Photo, place: Place, good: Place, stat: FileStat) -> None:
        with Draft(self._archive.desk) as draft:
            draft.discard_replaced(Path(photo.user, place.parts), place, stat.size, "its bytes had gone bad")
            draft.bring(draft.clone(good, photo.user), place)
            draft.put(photo)
