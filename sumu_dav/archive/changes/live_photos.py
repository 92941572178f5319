"""Two halves become one live photo: one place, one base name and one flag, added to a draft (DESIGN §1, "Favourites").

Which halves belong together is found elsewhere (`pairs`).
"""

from __future__ import annotations

from dataclasses import replace

from sumu_dav.archive.changes.favorites import favor_beside
from sumu_dav.archive.changes.pairs import Partner, find_partner, partner_of
from sumu_dav.archive.content import Content
from sumu_dav.archive.desk import Desk
from sumu_dav.archive.draft import Draft
from sumu_dav.archive.lookup import album_parts, photo_place
from sumu_dav.library import stem
from sumu_dav.model import Photo


def pair_recorded(desk: Desk, photo: Photo, content: Content) -> None:
    """Join a photo that is recorded already to its other half, where that is there. The user's only turn is held."""
    gone = (photo.doc_id,)
    if find_partner(desk.lookup.catalog, photo.user, photo.album, photo.name, content, gone) is None:
        return
    with Draft(desk) as draft:
        pair_up(draft, photo, content)


def pair_up(draft: Draft, photo: Photo, content: Content, partner: Partner | None = None) -> Photo:
    """Make the photo and its other half, if that is there, one live photo with one flag."""
    partner = partner or _partner_for(draft, photo, content)
    if partner is None:
        return photo
    photo = _join(draft, photo, partner)
    other = draft.current(partner.photo)
    if photo.is_favorite and not other.is_favorite:
        favor_beside(draft, photo, other)
    elif other.is_favorite and not photo.is_favorite:
        favor_beside(draft, other, photo)
    return draft.current(photo)


def _partner_for(draft: Draft, photo: Photo, content: Content) -> Partner | None:
    """The other half that it has, or else one that it may join."""
    known = partner_of(draft, photo)
    if known is not None:
        return Partner(known)
    gone = {*draft.dropped, photo.doc_id}
    return find_partner(draft.lookup.catalog, photo.user, photo.album, photo.name, content, gone)


def _join(draft: Draft, photo: Photo, partner: Partner) -> Photo:
    """Make two records one live photo. A loose video lies where its still lies, under its still's name.

    A half that is left alone keeps its flag: whether a person set it there, or at the half that goes, nothing tells.
    """
    photo = draft.put(replace(draft.current(photo), is_live_photo=True))
    other = draft.put(replace(draft.current(partner.photo), is_live_photo=True))
    if partner.leaves is not None:
        draft.put(replace(draft.current(partner.leaves), is_live_photo=False))
    if other.is_video and other.loose_names and photo.loose_names:
        same_upload = {stem(name) for name in other.loose_names} & {stem(name) for name in photo.loose_names}
        if other.album != photo.album or (same_upload and stem(other.name) != stem(photo.name)):
            _follow(draft, other, photo)
    return photo


def _follow(draft: Draft, video: Photo, still: Photo) -> None:
    extension = video.name[len(stem(video.name)) :]
    name = draft.free_name(video.user, album_parts(still.album), stem(still.name) + extension)
    moved = draft.put(replace(video, album=still.album, name=name))
    draft.folder(photo_place(moved).parent)
    draft.bring(photo_place(video), photo_place(moved), photo=moved)
