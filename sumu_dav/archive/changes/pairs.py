"""Which still and which video belong together, whichever comes first (media/README, "Live photo"). Changes nothing."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass

from sumu_dav.archive.content import Content
from sumu_dav.archive.draft import Draft
from sumu_dav.catalog import Catalog
from sumu_dav.library import stem
from sumu_dav.metadata import looks_like_live_pair
from sumu_dav.model import Facts, Photo


@dataclass(frozen=True, slots=True)
class Partner:
    """The other half of what is being stored. `by_identifier` tells one content identifier from one base name."""

    photo: Photo
    by_identifier: bool

    def matching_name(self, name: str, album: str) -> str:
        """The name with the suffix that the other half got, where both came under one base name."""
        if album != self.photo.album or not any(stem(loose) == stem(name) for loose in self.photo.loose_names):
            return name
        extension = name[len(stem(name)) :]
        return stem(self.photo.name) + extension


def find_partner(
    catalog: Catalog, user: str, album: str, name: str, content: Content, gone: Container[int] = ()
) -> Partner | None:
    """The photo that the content is the other half of; none of those with a key in `gone`."""
    facts = content.facts or Facts()
    if facts.content_id is not None:
        for photo in catalog.live(user, facts.content_id):
            if photo.is_video != facts.is_video and photo.sha256 != content.sha256 and photo.doc_id not in gone:
                return Partner(photo, by_identifier=True)
        return None
    for photo in catalog.stem(user, album, stem(name)):
        if photo.is_video == facts.is_video or photo.live_photo_id is not None or photo.is_live_photo:
            continue
        if photo.doc_id in gone:
            continue
        newcomer = _as_photo(user, album, name, content)
        still, video = (photo, newcomer) if facts.is_video else (newcomer, photo)
        if looks_like_live_pair(still, video):
            return Partner(photo, by_identifier=False)
    return None


def partner_of(draft: Draft, photo: Photo) -> Photo | None:
    """The other half of a recorded live photo, as the draft has it; None for what is none, or has lost it."""
    if not photo.is_live_photo:
        return None
    catalog = draft.lookup.catalog
    if photo.live_photo_id is not None:
        candidates = catalog.live(photo.user, photo.live_photo_id)
    else:
        candidates = catalog.stem(photo.user, photo.album, stem(photo.name))
    for candidate in (draft.current(each) for each in candidates if each.doc_id not in draft.dropped):
        if candidate.is_video != photo.is_video and candidate.is_live_photo:
            return candidate
    return None


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
    )
