"""The common upload: a new photo beside nothing else, published while others of its user are published too.

It needs no intent: the record follows the file, and a crash between the two leaves a whole file that the next start
records. What is more than that is left to a draft (`storing`). Belongs to one process, as `Turns` does.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from threading import Lock

from sumu_dav.archive.changes.pairs import find_partner
from sumu_dav.archive.changes.storing import Receipt
from sumu_dav.archive.changes.targets import Guard, check_new_file
from sumu_dav.archive.content import Content
from sumu_dav.archive.desk import Desk
from sumu_dav.archive.draft import Draft, check_no_file_above
from sumu_dav.archive.lookup import album_parts, photo_path, photo_place
from sumu_dav.archive.nodes import Binding, FileNode, Path
from sumu_dav.errors import AlreadyExists, NoSpace, ParentMissing
from sumu_dav.library import Place, Side, Upload, stem
from sumu_dav.model import FileStat, Photo


class Beside:
    """Publishes common uploads. What several are at work on at once is marked, so that none meets another's half."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._lookup = desk.lookup
        self._lock = Lock()
        self._marks: defaultdict[str, set[object]] = defaultdict(set)

    def publish(self, path: Path, content: Content, guard: Guard | None, *, was_free: bool = False) -> Receipt | None:
        """Publish a new photo, durably; None where more than that is asked for, and nothing has changed then.

        Where the path `was_free` just now, the call that gives the name to the file tells whether it still is.
        """
        source = content.source
        if not isinstance(source, Upload) or not self._may_be_common(path, content):
            return None
        with self._desk.turns.beside(path.user):
            photo, marks = self._claim(path, content, was_free)
            if photo is None:
                return None
            try:
                if guard is not None:
                    guard(None)
                stat = self._publish(photo, source, make_album=path.is_loose)
            finally:
                with self._lock:
                    self._marks[path.user] -= marks
        if stat is None:
            return None
        node = FileNode(path, Binding.LOOSE if path.is_loose else Binding.FILED, stat, photo)
        return Receipt(True, path, content.sha256, content.size, photo_path(photo) if path.is_loose else None, node)

    def _may_be_common(self, path: Path, content: Content) -> bool:
        return content.facts is not None and not path.in_favorites and not self._lookup.hides(path)

    def _publish(self, photo: Photo, source: Upload, *, make_album: bool) -> FileStat | None:
        """The stat of the file under its name; None where that was taken meanwhile, or its album went."""
        tree, seen, place = self._lookup.tree, self._lookup.seen.originals, photo_place(photo)
        stat = None
        try:
            if make_album:
                tree.make_folders(place.parent)
            stat = source.publish(place)
            seen.put(photo.doc_id, stat)
            self._lookup.catalog.change(put=[photo])
            return stat
        except (AlreadyExists, ParentMissing):
            return None
        except NoSpace:
            seen.forget(photo.doc_id)
            if stat is not None:
                tree.remove(place)
            raise
        finally:
            self._desk.performer.touched_photo(photo)

    def _claim(self, path: Path, content: Content, was_free: bool) -> tuple[Photo | None, set[object]]:
        """A record whose names and bytes no other upload is at work on, and what marks them as this one's until it is
        done; no record where the case is not a common one."""
        album = self._desk.album_for(content) if path.is_loose else path.album
        with self._lock:
            pending = self._marks[path.user]
            photo = self._new_photo(path, content, album, was_free)
            marks = _marks_of(path, content, photo) if photo is not None else set()
            if not marks.isdisjoint(pending):
                return None, set()
            pending |= marks
            return photo, marks

    def _new_photo(self, path: Path, content: Content, album: str, was_free: bool) -> Photo | None:
        if not (was_free and self._lookup.is_plain(path)) and check_new_file(self._lookup, path) is not None:
            return None
        if self._desk.performer.others.get(path.user, path.parts) is not None:
            return None
        if find_partner(self._lookup.catalog, path.user, album, path.name, content) is not None:
            return None
        if not path.is_loose:
            return self._desk.records.new(content, path.user, album, path.name)
        if self._lookup.catalog.with_hash(path.user, content.sha256):
            return None
        folder = Place(Side.VISIBLE, path.user, album_parts(album))
        check_no_file_above(self._lookup, folder)
        if Draft(self._desk).free_name(path.user, folder.parts, path.name) != path.name:
            return None
        return replace(self._desk.records.new(content, path.user, album, path.name), loose_names=(path.name,))


def _marks_of(path: Path, content: Content, photo: Photo) -> set[object]:
    """What another upload must not be at work on: names (home and inbox show the same ones), the other half, and loose
    bytes, which are stored once."""
    marks: set[object] = {
        ("name", path.parts),
        ("name", photo_path(photo).parts),
        ("stem", photo.album, stem(photo.name).casefold()),
    }
    if content.facts is not None and content.facts.content_id is not None:
        marks.add(("live", content.facts.content_id))
    if path.is_loose:
        marks.add(content.sha256)
    return marks
