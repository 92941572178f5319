"""Brings back what was overwritten or deleted: bytes, record, flag, loose names and properties (DESIGN §1).

Each entry comes back by a plan of its own, so that a crash or a full disk leaves every one either here or there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sumu_dav.archive.changes.favorites import favor
from sumu_dav.archive.changes.storing import store
from sumu_dav.archive.content import content_of, iso
from sumu_dav.archive.desk import Desk
from sumu_dav.archive.draft import Draft
from sumu_dav.archive.lookup import album_parts, photo_path, photo_place
from sumu_dav.archive.nodes import Path
from sumu_dav.archive.progress import Progress, nobody_looks
from sumu_dav.archive.stores import TrashEntry
from sumu_dav.archive.trash.trashing import Trashing
from sumu_dav.errors import Conflict, SumuError, WritesSuspended
from sumu_dav.library import Place, Side
from sumu_dav.model import FAVORITES, Photo


@dataclass(frozen=True, slots=True)
class Restored:
    """What became of one entry: where it is again, or in words why it is in the trash still."""

    entry: TrashEntry
    path: Path | None
    problem: str | None = None


class Restoring:
    """Takes entries out of the trash again."""

    def __init__(self, desk: Desk, trashing: Trashing) -> None:
        self.desk = desk
        self.lookup = desk.lookup
        self.trashing = trashing

    def restore(self, entries: Sequence[TrashEntry], progress: Progress = nobody_looks) -> list[Restored]:
        """Bring the entries back, the newest first, as one would undo: what was there last gets its place.

        One that can't come back is told of, and keeps none of the others. Raises WritesSuspended.
        """
        results: list[Restored] = []
        for entry in sorted(entries, key=lambda entry: entry.doc_id, reverse=True):
            progress("restoring", len(results), len(entries))
            with self.trashing.claim([entry]) as mine, self.desk.turns.alone(entry.user):
                results.append(self._restore(entry) if mine else Restored(entry, None, "It left the trash meanwhile."))
        progress("restoring", len(results), len(entries))
        return results

    def _restore(self, entry: TrashEntry) -> Restored:
        try:
            with Draft(self.desk) as draft:
                path = self._draft(draft, entry)
                draft.forget_trash(entry)
        except WritesSuspended:
            raise
        except SumuError as error:
            return Restored(entry, None, str(error))
        return Restored(entry, path)

    def _draft(self, draft: Draft, entry: TrashEntry) -> Path:
        path = Path(entry.user, (*album_parts(entry.album), entry.name))
        if entry.cleared:
            return self._set_flags(draft, entry)
        if not entry.has_bytes:
            reason = "its file vanished from the disk; its record comes back by itself once the file is put back"
            raise Conflict(str(path), reason)
        if self.lookup.tree.stat(entry.place) is None:
            raise Conflict(str(path), "its bytes are no longer in the trash")
        if self.lookup.hides(path) or not self.lookup.is_media(path.name):
            return self._bring_plain(draft, entry, path)
        if path.in_favorites:
            content = content_of(self.lookup.tree, self.desk.records, entry.place, is_media=True)
            store(draft, path, content, self.lookup.find(path))
            return path
        return self._bring_photo(draft, entry, path)

    def _set_flags(self, draft: Draft, entry: TrashEntry) -> Path:
        """Make those photos favourites again that were cleared together, under the names that their copies had."""
        for photo_id, name in entry.cleared:
            photo = self.lookup.catalog.get(photo_id)
            if photo is not None and photo.user == entry.user and not draft.current(photo).is_favorite:
                self._favor(draft, photo, name)
        return Path(entry.user, (FAVORITES,))

    def _favor(self, draft: Draft, photo: Photo, name: str) -> None:
        favor(draft, photo, draft.free_name(photo.user, (FAVORITES,), name))

    # What is no photo

    def _bring_plain(self, draft: Draft, entry: TrashEntry, path: Path) -> Path:
        side = Side.HIDDEN if self.lookup.hides(path) else Side.VISIBLE
        back = self._free_path(draft, path, side)
        draft.bring(entry.place, Place(side, back.user, back.parts))
        kept = entry.photo if entry.photo is not None and self._is_gone(entry.photo) else None
        draft.set_other(back, entry.properties, kept)
        return back

    def _free_path(self, draft: Draft, path: Path, side: Side) -> Path:
        """The path itself, or the first one beside it that is free; its folder is made."""
        folder = Place(side, path.user, path.parts[:-1])
        draft.require_folder(folder)
        return path.parent.child(draft.free_name(path.user, folder.parts, path.name))

    # Photos

    def _bring_photo(self, draft: Draft, entry: TrashEntry, path: Path) -> Path:
        there = self.lookup.catalog.at(path.user, path.album, path.name)
        if there is not None and entry.photo is not None and self._holds_same(there, entry.photo):
            return self._merge(draft, entry, there)
        back = self._free_path(draft, path, Side.VISIBLE)
        photo = self._record(entry, back)
        flagged = photo.is_favorite
        photo = draft.put(
            replace(
                photo,
                is_favorite=False,
                favorite_name=None,
                loose_names=self._free_loose_names(photo),
            )
        )
        draft.bring(entry.place, photo_place(photo), photo=photo)
        if flagged and entry.photo is not None:
            self._favor(draft, photo, entry.photo.favorite_name or photo.name)
        return back

    def _holds_same(self, there: Photo, wanted: Photo) -> bool:
        """Whether the very bytes lie at their old place: somebody brought them back already."""
        return there.sha256 == wanted.sha256 and self.lookup.tree.stat(photo_place(there)) is not None

    def _merge(self, draft: Draft, entry: TrashEntry, there: Photo) -> Path:
        """The bytes are there, so what was known of them comes back alone."""
        was = entry.photo
        assert was is not None
        names = (*there.loose_names, *self._free_loose_names(was))
        photo = draft.put(replace(there, loose_names=names, properties={**was.properties, **there.properties}))
        if was.is_favorite and not photo.is_favorite:
            self._favor(draft, photo, was.favorite_name or photo.name)
        draft.unlink(entry.place)
        return photo_path(photo)

    def _record(self, entry: TrashEntry, back: Path) -> Photo:
        """The photo's record at its new place: its own while nothing else has its id, else one like it."""
        tree, records = self.lookup.tree, self.desk.records
        was = entry.photo
        if was is None or photo_path(was).parts != (*album_parts(entry.album), entry.name):
            content = content_of(tree, records, entry.place, is_media=True)
            return records.new(content, back.user, back.album, back.name)
        if self._is_gone(was):
            photo = replace(was, album=back.album, name=back.name)
        else:
            photo = records.twin(was, back.user, back.album, back.name)
        stat = tree.stat(entry.place)
        if stat is None or (stat.size, iso(stat.mtime_ns)) != (was.size, was.modified):
            # another program had written to the file before it was deleted
            photo = records.refreshed(photo, content_of(tree, records, entry.place, is_media=True))
        return photo

    def _is_gone(self, photo: Photo) -> bool:
        catalog = self.lookup.catalog
        return catalog.by_doc(photo.doc_id) is None and catalog.get(photo.id) is None

    def _free_loose_names(self, photo: Photo) -> tuple[str, ...]:
        """Those of a photo's loose names that nothing else has taken."""
        return tuple(name for name in photo.loose_names if self._is_free_loose_name(Path(photo.user, (name,))))

    def _is_free_loose_name(self, path: Path) -> bool:
        return self.lookup.find(path) is None and self.lookup.catalog.loose(path.user, path.name) is None
