"""The favourites' flag, and the copy that lies in their album while it is set; added to a draft (DESIGN §1).

Both halves of a live photo follow one flag; what is said of one photo alone says so by its name.
"""

from __future__ import annotations

from dataclasses import replace

from sumu_dav.archive.changes.pairs import partner_of
from sumu_dav.archive.draft import Draft
from sumu_dav.archive.lookup import copy_place
from sumu_dav.library import stem
from sumu_dav.model import FAVORITES, Photo


def favor(draft: Draft, photo: Photo, name: str | None = None) -> Photo:
    """Set the flag of a photo, and of the other half of a live photo: the copies get one suffix.

    `name` is the copy's own, where one was chosen (which must be free).
    """
    partner = partner_of(draft, photo)
    also = () if partner is None or partner.favorite_name else (partner.name,)
    if name is None and not photo.is_favorite:
        name = draft.free_name(photo.user, (FAVORITES,), photo.name, also)
    photo = _favor_alone(draft, photo, name)
    if partner is not None and not partner.is_favorite:
        favor_beside(draft, photo, partner)
    return photo


def favor_beside(draft: Draft, favorite: Photo, half: Photo) -> None:
    """Set the flag of a live photo's other half: its copy gets the base name of the copy that is there."""
    wanted = stem(favorite.favorite_name or favorite.name) + half.name[len(stem(half.name)) :]
    _favor_alone(draft, half, draft.free_name(half.user, (FAVORITES,), wanted))


def _favor_alone(draft: Draft, photo: Photo, name: str | None) -> Photo:
    photo = draft.current(photo)
    if photo.is_favorite and photo.favorite_name is not None:
        return photo if name is None or name == photo.favorite_name else rename_copy(draft, photo, name)
    chosen = name or draft.free_name(photo.user, (FAVORITES,), photo.name)
    return copy_afresh(draft, replace(photo, is_favorite=True, favorite_name=chosen))


def unfavor(draft: Draft, photo: Photo) -> Photo:
    """Clear the flag of a photo, and of the other half of a live photo."""
    partner = partner_of(draft, photo)
    if partner is not None and partner.is_favorite:
        unfavor_alone(draft, partner)
    return unfavor_alone(draft, photo)


def unfavor_alone(draft: Draft, photo: Photo) -> Photo:
    """Clear one photo's flag and take its copy away; nothing where it is no favourite."""
    photo = draft.current(photo)
    if not photo.is_favorite and photo.favorite_name is None:
        return photo
    place = copy_place(photo)
    if place is not None:
        draft.unlink(place)
    return draft.put(replace(photo, is_favorite=False, favorite_name=None))


def copy_afresh(draft: Draft, photo: Photo) -> Photo:
    """Write the record, and make the favourite's copy of the bytes that the photo will have after the draft."""
    draft.put(photo)
    place = copy_place(photo)
    if place is not None:
        draft.folder(place.parent)
        draft.bring(draft.clone(draft.bytes_of(photo), photo.user), place)
    return photo


def rename_copy(draft: Draft, photo: Photo, name: str) -> Photo:
    """Give a favourite's copy another name."""
    photo = draft.current(photo)
    old = copy_place(photo)
    renamed = draft.put(replace(photo, favorite_name=name))
    new = copy_place(renamed)
    if old is not None and new is not None and old != new:
        draft.bring(old, new)
    return renamed


def make_room(draft: Draft, favorite: Photo, name: str) -> None:
    """A newcomer takes a copy's name: the copy that has it gets a suffix, so that no favourite is lost.

    The copy of a live photo's other half gets the same one, where both had one base name.
    """
    partner = partner_of(draft, favorite)
    beside = partner.favorite_name if partner is not None else None
    also = (beside,) if beside is not None and stem(beside) == stem(name) else ()
    free = draft.free_name(favorite.user, (FAVORITES,), name, also)
    rename_copy(draft, favorite, free)
    if partner is not None and also:
        rename_copy(draft, partner, stem(free) + also[0][len(stem(name)) :])
