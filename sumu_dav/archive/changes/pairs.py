"""Which half of a live photo what is being stored belongs to, whichever comes first (media/README, "Live photo"): one
that has no other half yet, or whose other half lies elsewhere. Changes nothing.

Which of the recorded halves belong together is told by `halves`.
"""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass

from sumu_dav.archive.content import Content
from sumu_dav.archive.draft import Draft
from sumu_dav.archive.halves import halves_for, halves_like, pairs_of
from sumu_dav.catalog import Catalog
from sumu_dav.library import stem
from sumu_dav.metadata import looks_like_live_pair
from sumu_dav.model import Facts, Photo


@dataclass(frozen=True, slots=True)
class Partner:
    """The other half of what is being stored. `leaves` is the half that it was taken for the other half of so far."""

    photo: Photo
    leaves: Photo | None = None

    def matching_name(self, name: str, album: str) -> str:
        """The name with the suffix that the other half got, where both came under one base name."""
        if album != self.photo.album or not any(stem(loose) == stem(name) for loose in self.photo.loose_names):
            return name
        extension = name[len(stem(name)) :]
        return stem(self.photo.name) + extension


def find_partner(
    catalog: Catalog, user: str, album: str, name: str, content: Content, gone: Container[int] = ()
) -> Partner | None:
    """The half that the content of this name is the other half of; none of those with a key in `gone`."""
    live_photo_id = content.facts.content_id if content.facts is not None else None
    halves = halves_for(catalog, user, album, name, live_photo_id)
    others = [photo for photo in halves if photo.doc_id not in gone]
    if not others:
        return None
    newcomer = _as_photo(user, album, name, content)
    pairs = pairs_of(others)
    if newcomer.live_photo_id is not None:
        return _find_by_identifier(newcomer, others, pairs)
    for photo in others:
        still, video = (photo, newcomer) if newcomer.is_video else (newcomer, photo)
        if photo.doc_id not in pairs and looks_like_live_pair(still, video):
            return Partner(photo)
    return None


def partner_of(draft: Draft, photo: Photo) -> Photo | None:
    """The other half of a recorded live photo, as the draft has it; None for what is none, or has lost it."""
    if not photo.is_live_photo:
        return None
    recorded = halves_like(draft.lookup.catalog, photo)
    halves = {each.doc_id: draft.current(each) for each in recorded if each.doc_id not in draft.dropped}
    halves[photo.doc_id] = photo
    return pairs_of(half for half in halves.values() if half.user == photo.user).get(photo.doc_id)


def _find_by_identifier(newcomer: Photo, others: list[Photo], pairs: dict[int, Photo]) -> Partner | None:
    """The nearest half that has no other; but one beside the newcomer, where that one's other lies elsewhere."""
    fitting = [photo for photo in others if photo.is_video != newcomer.is_video]
    free = [photo for photo in fitting if photo.doc_id not in pairs]
    nearest = max(free, key=lambda photo: _nearness(newcomer, photo), default=None)
    if nearest is not None and _nearness(newcomer, nearest) == _BESIDE:
        return Partner(nearest)
    for photo in fitting:
        other = pairs.get(photo.doc_id)
        if other is not None and _nearness(newcomer, photo) == _BESIDE and _nearness(other, photo) != _BESIDE:
            return Partner(photo, leaves=other)
    return Partner(nearest) if nearest is not None else None


_BESIDE = (True, True)
"""The nearness of two halves as a phone sends them."""


def _nearness(one: Photo, other: Photo) -> tuple[bool, bool]:
    """Whether two halves lie in one album, and whether they have a base name in common."""
    names, other_names = ({stem(each).casefold() for each in (p.name, *p.loose_names)} for p in (one, other))
    return one.album == other.album, not names.isdisjoint(other_names)


def _as_photo(user: str, album: str, name: str, content: Content) -> Photo:
    facts = content.facts or Facts()
    return Photo(
        doc_id=0,
        id="",
        user=user,
        album=album,
        name=name,
        size=content.size,
        sha256=content.sha256,
        modified="",
        uploaded="",
        is_video=facts.is_video,
        duration=facts.duration,
        taken=content.taken.text if content.taken else None,
        taken_from=content.taken.source if content.taken else None,
        live_photo_id=facts.content_id,
    )
