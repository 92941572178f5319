"""What becomes of a photo that another program put, changed, moved or removed in the visible tree.

Each verb acts on one thing that a survey found, while the caller holds the user's only turn, and looks again first:
the tree may have moved on since. Bytes were read before, outside the turn. Favourites' copies are in
`copies.py`.
"""

from __future__ import annotations

from dataclasses import replace
from enum import Enum

from sumu_dav.archive.changes.favorites import copy_afresh, favor, unfavor_alone
from sumu_dav.archive.changes.live_photos import pair_recorded
from sumu_dav.archive.changes.storing import replace_bytes
from sumu_dav.archive.content import Content, iso
from sumu_dav.archive.desk import Desk
from sumu_dav.archive.draft import Draft
from sumu_dav.archive.lookup import copy_place, photo_path, photo_place, visible_place
from sumu_dav.archive.nodes import Path
from sumu_dav.archive.outside.aside import Lost, SetAside
from sumu_dav.archive.outside.recorder import Recorder
from sumu_dav.archive.outside.survey import Differing, Found
from sumu_dav.archive.stores import TrashEntry
from sumu_dav.model import FAVORITES, FileStat, Photo

VANISHED = "its file vanished"
"""Why a record lies in the trash that was set aside."""


class Verdict(Enum):
    """What became of something that a survey found."""

    DONE = "done"
    NOTHING = "it is as it should be by now"
    AGAIN = "it changed meanwhile, and is to be looked at again"


class Outside:
    """Follows other programs."""

    def __init__(self, desk: Desk, recorder: Recorder) -> None:
        self._desk = desk
        self._recorder = recorder
        self._lookup = desk.lookup
        self._tree = desk.lookup.tree
        self._catalog = desk.lookup.catalog

    # A file without a record

    def moved_here(self, stat: FileStat, *, but: Photo | None = None) -> Photo | None:
        """The photo whose file this is, by inode, size and time, where it does not lie at its own place any more."""
        seen = self._lookup.seen.originals
        for doc_id in seen.by_inode(stat.inode):
            photo, known = self._catalog.by_doc(doc_id), seen.get(doc_id)
            if photo is None or known is None or (but is not None and photo.doc_id == but.doc_id):
                continue
            if (known.size, known.mtime_ns) != (stat.size, stat.mtime_ns):
                continue
            there = self._tree.stat(photo_place(photo))
            if there is None or there.inode != stat.inode:
                return photo
        return None

    def follow(self, found: Found, photo: Photo) -> Verdict:
        """A file that was moved by hand: its record goes with it. The turns of both users are held."""
        now = self._catalog.by_doc(photo.doc_id)
        if now is None or now != photo or self._tree.stat(found.place) != found.stat:
            return Verdict.AGAIN
        there = self._catalog.at(found.path.user, found.path.album, found.path.name)
        if there is not None and found.place == visible_place(found.path):
            return Verdict.AGAIN
        moved = self._bound_to(photo, found.path)
        if found.place == visible_place(found.path) and photo.user == moved.user:
            self._recorder.put(moved, found.stat)
            self._recorder.touch(photo_path(photo))
            return Verdict.DONE
        with Draft(self._desk) as draft:
            if photo.user != moved.user:
                unfavor_alone(draft, photo)
            self._bring(draft, found, moved)
            draft.put(moved)
        return Verdict.DONE

    def take_in(self, found: Found, content: Content, lost: Lost, aside: SetAside) -> Verdict:
        """A file without a record: a moved photo, one that comes back, or a new one."""
        if self._tree.stat(found.place) != found.stat:
            return Verdict.AGAIN
        target = visible_place(found.path)
        there = self._catalog.at(found.path.user, found.path.album, found.path.name)
        if found.place != target and self._tree.stat(target) is not None:
            return self._replace(found, content, there)
        if there is not None:
            # recorded since, or at another spelling whose file is gone: the next look tells
            return Verdict.NOTHING if found.place == target else Verdict.AGAIN
        photo = lost.find(content.sha256)
        if photo is not None:
            moved = replace(self._bound_to(photo, found.path), modified=iso(found.stat.mtime_ns))
            return self._record(found, moved, content)
        entry = aside.find(found.path, content.sha256)
        if entry is not None and entry.photo is not None and self._catalog.get(entry.photo.id) is None:
            return self._revive(found, content, entry, entry.photo)
        new = self._desk.records.new(content, found.path.user, found.path.album, found.path.name)
        return self._record(found, new, content)

    def _bound_to(self, photo: Photo, path: Path) -> Photo:
        moved = replace(photo, user=path.user, album=path.album, name=path.name)
        if path.user == photo.user:
            return moved
        return replace(moved, loose_names=(), is_favorite=False, favorite_name=None)

    def _record(self, found: Found, photo: Photo, content: Content) -> Verdict:
        if found.place == visible_place(found.path):
            self._recorder.put(photo, found.stat)
        else:
            with Draft(self._desk) as draft:
                self._bring(draft, found, photo)
                draft.put(photo)
        pair_recorded(self._desk, photo, content)
        return Verdict.DONE

    def _bring(self, draft: Draft, found: Found, photo: Photo) -> None:
        """Give a file the NFC name that the rest of the server goes by, where another program wrote it otherwise."""
        place = photo_place(photo)
        if found.place == place:
            return
        draft.folder(place.parent)
        draft.bring(found.place, place, photo=photo)
        if found.place.parent != place.parent:
            draft.rmdir(found.place.parent)

    def _replace(self, found: Found, content: Content, there: Photo | None) -> Verdict:
        """A second spelling of a name that is taken: as a PUT over it, so that a sync from a Mac can be repeated."""
        if there is None:
            return Verdict.AGAIN
        with Draft(self._desk) as draft:
            replace_bytes(draft, there, replace(content, source=found.place))
        return Verdict.DONE

    def _revive(self, found: Found, content: Content, entry: TrashEntry, photo: Photo) -> Verdict:
        """A photo that was set aside comes back, with its id, flag, properties, and the loose names that are free."""
        back = replace(
            self._bound_to(photo, found.path),
            is_favorite=False,
            favorite_name=None,
            modified=iso(found.stat.mtime_ns),
            loose_names=tuple(name for name in photo.loose_names if self._catalog.loose(photo.user, name) is None),
        )
        if content.sha256 != photo.sha256:
            back = self._desk.records.refreshed(back, content)
        with Draft(self._desk) as draft:
            self._bring(draft, found, back)
            draft.put(back)
            draft.forget_trash(entry)
            if photo.is_favorite:
                favor(draft, back)
        return Verdict.DONE

    # A file that is not the one that was seen

    def changed(self, differing: Differing, content: Content) -> Verdict:
        """A photo was edited in place, or only touched: its id, names, flag and properties stay."""
        photo, stat = self._catalog.by_doc(differing.photo.doc_id), differing.stat
        if photo is None or photo_place(photo) != differing.place or self._tree.stat(differing.place) != stat:
            return Verdict.AGAIN
        if self._lookup.seen.originals.get(photo.doc_id) == stat:
            return Verdict.NOTHING
        if content.sha256 == photo.sha256:
            return self._touched(photo, stat)
        fresh = self._desk.records.refreshed(photo, content)
        if photo.is_favorite:
            self._refresh_with_copy(photo, fresh)
        else:
            self._recorder.put(fresh, stat)
        pair_recorded(self._desk, fresh, content)
        return Verdict.DONE

    def _touched(self, photo: Photo, stat: FileStat) -> Verdict:
        modified = iso(stat.mtime_ns)
        if photo.modified == modified:
            self._recorder.note(photo, stat)
            return Verdict.NOTHING
        copy, copy_stat = copy_place(photo), None
        if copy is not None and self._tree.stat(copy) is not None:
            copy_stat = self._tree.set_times(copy, stat.mtime_ns)  # Plex dates both by it
        self._recorder.put(replace(photo, modified=modified), stat, copy=copy_stat)
        return Verdict.DONE

    def _refresh_with_copy(self, photo: Photo, fresh: Photo) -> None:
        copy = copy_place(photo)
        with Draft(self._desk) as draft:
            stat = self._tree.stat(copy) if copy is not None else None
            if copy is not None and stat is not None and self._lookup.seen.copies.get(photo.doc_id) != stat:
                # The copy was changed by hand as well: its bytes are nowhere else.
                draft.discard_replaced(Path(photo.user, copy.parts), copy, stat.size, "overwritten")
            copy_afresh(draft, fresh)

    def replaced_by(self, differing: Differing, mover: Photo) -> Verdict:
        """Another photo was moved over this one: the one moved keeps its record. The turns of both users are held."""
        photo, now = self._catalog.by_doc(differing.photo.doc_id), self._catalog.by_doc(mover.doc_id)
        if photo != differing.photo or now != mover or self._tree.stat(differing.place) != differing.stat:
            return Verdict.AGAIN
        with Draft(self._desk) as draft:
            self._draft_set_aside(draft, differing.photo)
            if mover.user != differing.photo.user:
                unfavor_alone(draft, mover)
            draft.put(self._bound_to(mover, photo_path(differing.photo)))
        return Verdict.DONE

    # A record without a file

    def set_aside(self, photos: list[Photo]) -> int:
        """Records whose files vanished wait in the trash for their return; how many they were.

        Nothing is set aside while the tree or the user's own folder is not there: a disk that is not mounted is no
        deletion.
        """
        gone = [photo for photo in photos if self._is_gone(photo)]
        if not gone or not self._tree.marker_present():
            return 0
        if not self._tree.is_folder(visible_place(Path(gone[0].user))):
            return 0
        with Draft(self._desk) as draft:
            for photo in gone:
                self._draft_set_aside(draft, photo)
        return len(gone)

    def _is_gone(self, photo: Photo) -> bool:
        return self._catalog.by_doc(photo.doc_id) == photo and self._tree.stat(photo_place(photo)) is None

    def _draft_set_aside(self, draft: Draft, photo: Photo) -> None:
        copy = copy_place(photo)
        stat = self._tree.stat(copy) if copy is not None else None
        if copy is not None and stat is not None:
            if self._is_the_original(photo, stat):
                # Moved over its own copy: as by WebDAV, the photo is a favourite and the original stays (DESIGN §1).
                draft.folder(photo_place(photo).parent)
                draft.bring(draft.clone(copy, photo.user), photo_place(photo), photo=photo)
                draft.put(photo)
                return
            # Its bytes may be the last ones of the photo.
            draft.discard(Path(photo.user, (FAVORITES, copy.name)), copy, stat.size, VANISHED)
        draft.set_aside(photo, VANISHED)

    def _is_the_original(self, photo: Photo, stat: FileStat) -> bool:
        known = self._lookup.seen.originals.get(photo.doc_id)
        return known is not None and (known.inode, known.size) == (stat.inode, stat.size)
