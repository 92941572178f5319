"""`scan`: everything that other programs did is followed now; and records of older readers are read again."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

from sumu_dav.archive.archive import Archive
from sumu_dav.archive.changes.live_photos import pair_recorded
from sumu_dav.archive.content import Content, from_the_file
from sumu_dav.archive.lookup import photo_place
from sumu_dav.archive.outside.reconcile import SETTLED, Outcome, Reconciler
from sumu_dav.archive.progress import Progress
from sumu_dav.errors import NotFound
from sumu_dav.library import Place
from sumu_dav.metadata import READER_VERSION
from sumu_dav.model import Facts, Photo

ROUNDS = 3
"""Looks at what is still being written; what is not whole by then is left to the next scan."""

IMPORTED = "importedFrom"
"""The field of a record (kept in `extra`) whose place and time another catalogue told, not the file."""


def scan(archive: Archive, arguments: Mapping[str, Any], progress: Progress) -> dict[str, Any]:
    """Reconcile every user; with `reread`, read again what an older reader read. Returns counts of photos."""
    outcome = follow_outside(archive, progress)
    reread = Rereading(archive).all(progress) if arguments.get("reread") else 0
    counts = asdict(replace(outcome, unsettled={}))
    del counts["unsettled"]
    return {**counts, "reread": reread, "unsettled": len(outcome.unsettled)}


def follow_outside(archive: Archive, progress: Progress) -> Outcome:
    """Reconcile every user, and wait for files that are being written, though not for ever."""
    reconciler = archive.reconciler()
    return until_settled(reconciler, reconciler.users(sorted(archive.desk.users()), progress), progress)


def until_settled(reconciler: Reconciler, outcome: Outcome, progress: Progress) -> Outcome:
    """Look again, a few times, at what was still being written."""
    for _ in range(ROUNDS):
        if not outcome.unsettled:
            break
        time.sleep(min(SETTLED, max(outcome.unsettled.values())))
        again: dict[str, set[tuple[str, ...]]] = {}
        for user, parts in outcome.unsettled:
            again.setdefault(user, set()).add(parts)
        outcome.unsettled.clear()
        outcome.add(reconciler.paths(again, progress))
    return outcome


class Rereading:
    """Brings records that an older reader made up to date, and touches nothing that people set."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive
        self._lookup = archive.lookup

    def all(self, progress: Progress) -> int:
        """Every record of an older reader; how many changed. What differs from what was seen waits for its scan."""
        old = [photo for photo in self._lookup.catalog.all() if photo.metadata_version < READER_VERSION]
        changed = 0
        for done, photo in enumerate(old, start=1):
            changed += self._one(photo)
            progress("reading metadata", done, len(old))
        return changed

    def _one(self, photo: Photo) -> bool:
        place = photo_place(photo)
        seen = self._lookup.seen.originals.get(photo.doc_id)
        if seen is None or self._lookup.tree.stat(place) != seen:
            return False
        try:
            content = self._read(photo, place)
        except NotFound:
            return False
        with self._archive.desk.turns.alone(photo.user):
            now = self._lookup.catalog.by_doc(photo.doc_id)
            if now is None or photo_place(now) != place or self._lookup.tree.stat(place) != seen:
                return False
            fresh = self._read_again(now, content)
            self._lookup.catalog.change(put=[fresh])
            pair_recorded(self._archive.desk, fresh, content)
            self._archive.desk.performer.touched_photo(fresh)
        return replace(fresh, metadata_version=now.metadata_version) != now

    def _read(self, photo: Photo, place: Place) -> Content:
        with open(self._lookup.tree.open_file(place), "rb", buffering=0) as file:
            mtime_ns = os.fstat(file.fileno()).st_mtime_ns
            facts, taken = self._archive.desk.records.read(file.fileno(), photo.name, mtime_ns)
        return Content(place, photo.size, photo.sha256, mtime_ns, facts, taken)

    def _read_again(self, photo: Photo, content: Content) -> Photo:
        fresh = self._archive.desk.records.refreshed(photo, content)
        if photo.is_live_photo and fresh.live_photo_id is None:
            fresh = replace(fresh, is_live_photo=True)  # told by name and time, which no file holds
        if not from_the_file(photo.taken_from) and not from_the_file(fresh.taken_from):
            fresh = replace(fresh, taken=photo.taken, taken_from=photo.taken_from)  # the upload's clock knew better
        if IMPORTED in dict(photo.extra):
            facts = content.facts or Facts()
            if facts.latitude is None:
                fresh = replace(fresh, latitude=photo.latitude, longitude=photo.longitude, altitude=photo.altitude)
            fresh = replace(fresh, taken=photo.taken, taken_from=photo.taken_from)
        return fresh
