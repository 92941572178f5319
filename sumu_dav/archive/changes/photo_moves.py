"""MOVE of a photo by any of its names, to a name that leaves it a photo: added to a draft (DESIGN §1, "Favourites")."""

from __future__ import annotations

from dataclasses import replace

from sumu_dav.archive.changes.arriving import Moved, displace, shows
from sumu_dav.archive.changes.favorites import favor, rename_copy, unfavor, unfavor_alone
from sumu_dav.archive.draft import Draft
from sumu_dav.archive.lookup import album_parts, photo_path, photo_place
from sumu_dav.archive.nodes import Binding, Node, Path
from sumu_dav.errors import Forbidden
from sumu_dav.library import Place, Side
from sumu_dav.model import Photo


def move_into_favorites(draft: Draft, photo: Photo, target: Path, there: Node | None) -> Moved:
    """The flag is set and the copy appears; the original stays. Inside the album it is a rename of the copy."""
    if not draft.lookup.is_media(target.name):
        raise Forbidden(str(target), "a favourite keeps the extension of a photo or a video")
    if shows(there, photo):
        return Moved(created=False)
    displace(draft, target, there)
    if target.user != photo.user:
        photo = _file_in_other_home(draft, photo, target, loose_names=())
    if photo.is_favorite:
        rename_copy(draft, photo, target.name)
    else:
        favor(draft, photo, target.name)
    return Moved(there is None)


def move_copy_out(draft: Draft, photo: Photo, target: Path, there: Node | None) -> Moved:
    """A copy that leaves the favourites album stops being a favourite; its photo goes where the copy went."""
    photo = unfavor(draft, photo)
    if shows(there, photo):
        return Moved(created=False)
    if target.is_loose:
        return move_to_loose(draft, photo, Binding.FILED, photo.name, target, there)
    return move_to_album(draft, photo, target, there)


def move_to_loose(draft: Draft, photo: Photo, binding: Binding, name: str, target: Path, there: Node | None) -> Moved:
    """Directly below the user a photo is filed by its month, and the target becomes its loose name.

    `name` is the one that is moved, bound as `binding` says.
    """
    photo = draft.current(photo)
    if not shows(there, photo):
        displace(draft, target, there)
    if target.user != photo.user:
        photo = _file_in_other_home(draft, photo, target, loose_names=(target.name,))
        return Moved(there is None, photo_path(photo))
    if binding is Binding.LOOSE:
        photo = draft.drop_loose_name(photo, name)
    photo = draft.drop_loose_name(photo, target.name)
    photo = draft.put(replace(photo, loose_names=(*photo.loose_names, target.name)))
    album = draft.desk.album_of(photo)
    if binding is Binding.FILED and photo.album != album:
        photo = _file(draft, photo, photo.user, album, photo.name)
    return Moved(there is None, photo_path(photo))


def move_to_album(draft: Draft, photo: Photo, target: Path, there: Node | None) -> Moved:
    """The record follows the file. In another user's tree the flag and the loose names stay behind."""
    photo = draft.current(photo)
    if photo_path(photo) == Path(target.user, target.parts):
        return Moved(created=False)
    displace(draft, target, there)
    if target.user != photo.user:
        photo = replace(unfavor_alone(draft, photo), loose_names=())
    moved = replace(photo, user=target.user, album=target.album, name=target.name)
    draft.require_folder(photo_place(moved).parent)
    _bring(draft, photo, moved)
    return Moved(there is None)


def _file_in_other_home(draft: Draft, photo: Photo, target: Path, loose_names: tuple[str, ...]) -> Photo:
    """A photo that is given to another user is filed there by its month; its flag stays behind."""
    photo = replace(unfavor_alone(draft, photo), loose_names=loose_names)
    return _file(draft, photo, target.user, draft.desk.album_of(photo), target.name)


def _file(draft: Draft, photo: Photo, user: str, album: str, name: str) -> Photo:
    folder = Place(Side.VISIBLE, user, album_parts(album))
    draft.require_folder(folder)
    free = draft.free_name(user, folder.parts, name)
    return _bring(draft, photo, replace(photo, user=user, album=album, name=free))


def _bring(draft: Draft, photo: Photo, moved: Photo) -> Photo:
    draft.bring(photo_place(photo), photo_place(moved), photo=moved)
    return draft.put(moved)
