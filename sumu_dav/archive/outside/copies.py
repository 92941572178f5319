"""What becomes of a favourite that another program made, changed, renamed or removed in the favourites album by hand.

A file that is put there counts as a PUT there (DESIGN §1, "Favourites"), and becomes the copy itself. As in
`photos.py`, the caller holds the user's only turn, and each verb looks again first.
"""

from __future__ import annotations

from dataclasses import replace

from sumu_dav.archive.changes.favorites import copy_afresh, favor, rename_copy, unfavor
from sumu_dav.archive.changes.storing import file_away, replace_bytes
from sumu_dav.archive.content import Content, iso, same_moment
from sumu_dav.archive.desk import Desk
from sumu_dav.archive.draft import Draft
from sumu_dav.archive.lookup import copy_place, photo_place, visible_place
from sumu_dav.archive.nodes import Path
from sumu_dav.archive.outside.photos import Verdict
from sumu_dav.archive.outside.recorder import Recorder
from sumu_dav.archive.outside.survey import Differing, Found
from sumu_dav.library import Place, Side
from sumu_dav.model import FAVORITES, FileStat, Photo


class OutsideCopies:
    """Follows other programs in the favourites albums."""

    def __init__(self, desk: Desk, recorder: Recorder) -> None:
        self._desk = desk
        self._recorder = recorder
        self._lookup = desk.lookup
        self._tree = desk.lookup.tree
        self._catalog = desk.lookup.catalog

    # A file that is no favourite's copy

    def renamed_from(self, user: str, stat: FileStat) -> Photo | None:
        """The favourite whose copy this file was, by inode, size and time, where it lies there no more."""
        seen = self._lookup.seen.copies
        for doc_id in seen.by_inode(stat.inode):
            photo, known = self._catalog.by_doc(doc_id), seen.get(doc_id)
            if photo is None or known is None or photo.user != user:
                continue
            if (known.size, known.mtime_ns) == (stat.size, stat.mtime_ns) and self._has_lost_its_copy(photo):
                return photo
        return None

    def rename(self, found: Found, photo: Photo) -> Verdict:
        """A copy was renamed by hand: it is the copy's name alone."""
        if self._catalog.by_doc(photo.doc_id) != photo or not self._is_free(found):
            return Verdict.AGAIN
        if not self._has_lost_its_copy(photo):
            return Verdict.AGAIN
        self._bind(found, photo)
        return Verdict.DONE

    def take_in(self, found: Found, content: Content) -> Verdict:
        """A file that was put into the album: a flag for bytes that the user has, else a new favourite."""
        if not self._is_free(found):
            return Verdict.AGAIN
        known = self._catalog.with_hash(found.path.user, content.sha256)
        for photo in known:
            if photo.is_favorite and self._has_lost_its_copy(photo):
                self._bind(found, photo)
                return Verdict.DONE
        for photo in known:
            if not photo.is_favorite:
                self._favor(found, photo)
                return Verdict.DONE
        with Draft(self._desk) as draft:
            self._file_new(draft, found.place, found.path, content)
        return Verdict.DONE

    def _is_free(self, found: Found) -> bool:
        if self._catalog.favorite(found.path.user, found.path.name) is not None:
            return False
        spelt_otherwise = found.place.parts != found.path.parts
        if spelt_otherwise and self._tree.stat(visible_place(found.path)) is not None:
            return False
        return self._tree.stat(found.place) == found.stat

    def _has_lost_its_copy(self, photo: Photo) -> bool:
        place = copy_place(photo)
        return place is not None and self._tree.stat(place) is None

    def _bind(self, found: Found, photo: Photo) -> None:
        """Make the file itself the photo's copy."""
        with Draft(self._desk) as draft:
            self._draft_bind(draft, found.place, found.path, photo)

    def _draft_bind(self, draft: Draft, place: Place, path: Path, photo: Photo) -> Photo:
        """The file becomes the photo's copy, under the NFC name where another program spelt it otherwise."""
        if place != visible_place(path):
            draft.bring(place, visible_place(path))
        return draft.put(replace(photo, is_favorite=True, favorite_name=path.name))

    def _favor(self, found: Found, photo: Photo) -> None:
        """The bytes of a photo that is there, or whose file was itself moved into the album: that one stays as well."""
        original = self._tree.stat(photo_place(photo))
        with Draft(self._desk) as draft:
            if original is None:
                draft.folder(photo_place(photo).parent)
                draft.bring(draft.clone(found.place, photo.user), photo_place(photo), photo=photo)
            elif original.mtime_ns != found.stat.mtime_ns:
                self._tree.set_times(found.place, original.mtime_ns)  # Plex dates both by it
            dated = replace(photo, modified=iso((original or found.stat).mtime_ns))
            favor(draft, self._draft_bind(draft, found.place, found.path, dated))

    def _file_new(self, draft: Draft, place: Place, path: Path, content: Content) -> None:
        """New bytes are filed by their month, without a loose name; the file itself is the copy."""
        clone = draft.clone(place, path.user)
        photo = file_away(draft, path.user, path.name, replace(content, source=clone))
        photo = draft.current(photo)
        if photo.is_favorite:
            # By its other half, which was a favourite before: the copy that this made gives way to the file.
            rename_copy(draft, photo, path.name)
            return
        favor(draft, self._draft_bind(draft, place, path, photo))

    # A copy that is not the one that was seen

    def changed(self, differing: Differing, content: Content) -> Verdict:
        """A copy was edited in place: as a PUT over it. One that was never seen is made anew from its original."""
        photo, stat = self._catalog.by_doc(differing.photo.doc_id), differing.stat
        if photo is None or copy_place(photo) != differing.place or self._tree.stat(differing.place) != stat:
            return Verdict.AGAIN
        if self._lookup.seen.copies.get(photo.doc_id) == stat:
            return Verdict.NOTHING
        if content.sha256 == photo.sha256:
            self._recorder.note(photo, copy=stat)
            return Verdict.NOTHING
        with Draft(self._desk) as draft:
            if self._lookup.seen.copies.get(photo.doc_id) is None:
                path = Path(photo.user, differing.place.parts)
                draft.discard_replaced(path, differing.place, stat.size, "it was not the copy of its original")
                copy_afresh(draft, photo)
            elif same_moment(photo, content):
                clone = draft.clone(differing.place, photo.user)
                replace_bytes(draft, photo, replace(content, source=clone))
            else:
                self._replace_favorite(draft, photo, differing, content)
        return Verdict.DONE

    def _replace_favorite(self, draft: Draft, photo: Photo, differing: Differing, content: Content) -> None:
        """The newcomer has the name; the favourite that had it gets its copy anew, under a suffix."""
        name = differing.place.name
        suffixed_name = draft.free_name(photo.user, (FAVORITES,), name)
        copy_afresh(draft, replace(photo, favorite_name=suffixed_name))
        self._file_new(draft, differing.place, Path(photo.user, (FAVORITES, name)), content)

    # A favourite without its copy

    def missing(self, photo: Photo) -> Verdict:
        """A person deleted the copy: the flag is cleared. Where the whole album went, it is made anew."""
        if self._catalog.by_doc(photo.doc_id) != photo or not self._has_lost_its_copy(photo):
            return Verdict.AGAIN
        if self._tree.stat(photo_place(photo)) is None or not self._tree.marker_present():
            return Verdict.NOTHING
        with Draft(self._desk) as draft:
            if self._tree.is_folder(Place(Side.VISIBLE, photo.user, (FAVORITES,))):
                unfavor(draft, photo)
            else:
                copy_afresh(draft, photo)
        return Verdict.DONE
