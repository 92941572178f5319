"""Which recorded still and which recorded video are one live photo: nothing in the records says so but themselves.

The same live photo may lie in several albums: all of these have one content identifier, and each pair is its own.
Reads only; which half a newcomer joins is decided elsewhere (`changes/pairs.py`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable

from sumu_dav.catalog import Catalog
from sumu_dav.library import stem
from sumu_dav.model import Photo

_SIGNS: tuple[Callable[[Photo], Hashable], ...] = (
    lambda half: (half.is_favorite, half.album, stem(half.name).casefold()),
    lambda half: (half.is_favorite, half.album),
    lambda half: (half.is_favorite, stem(half.name).casefold()),
    lambda half: half.is_favorite,
    lambda half: (half.album, stem(half.name).casefold()),
)
"""What the halves of a pair have in common, the surest first: one flag is theirs wherever either of them is moved. Two
that lost their other halves, and of which one is a favorite, belong together where they lie beside each other alone."""


def halves_like(catalog: Catalog, photo: Photo) -> list[Photo]:
    """The recorded photos of which one may be the photo's other half, the photo itself perhaps among them."""
    return halves_for(catalog, photo.user, photo.album, photo.name, photo.live_photo_id)


def halves_for(catalog: Catalog, user: str, album: str, name: str, live_photo_id: str | None) -> list[Photo]:
    """The same for what is not recorded yet."""
    if live_photo_id is not None:
        return catalog.live(user, live_photo_id)
    return [each for each in catalog.stem(user, album, stem(name)) if each.live_photo_id is None]


def other_half(catalog: Catalog, photo: Photo) -> Photo | None:
    """The other half of a recorded live photo; None for what is none, or has lost it."""
    return pairs_of(halves_like(catalog, photo)).get(photo.doc_id) if photo.is_live_photo else None


def pairs_of(photos: Iterable[Photo]) -> dict[int, Photo]:
    """The other half of each of these that has one, by its key."""
    waiting = sorted((photo for photo in photos if photo.is_live_photo), key=lambda photo: photo.doc_id)
    pairs: dict[int, Photo] = {}
    for sign in _SIGNS:
        if len(waiting) < 2:
            break
        stills: defaultdict[Hashable, list[Photo]] = defaultdict(list)
        videos: defaultdict[Hashable, list[Photo]] = defaultdict(list)
        for half in waiting:
            (videos if half.is_video else stills)[sign(half)].append(half)
        for key in stills.keys() & videos.keys():
            for still, video in zip(stills[key], videos[key], strict=False):  # one that is left over waits on
                pairs[still.doc_id], pairs[video.doc_id] = video, still
        waiting = [half for half in waiting if half.doc_id not in pairs]
    return pairs
