"""What a file that is moved or copied meets at its target: what is displaced by it, and where plain files go.

Adds to a draft; what becomes of the file's own record is decided where it leaves.
"""

from __future__ import annotations

from dataclasses import dataclass

from sumu_dav.archive.changes.favorites import make_room, unfavor_alone
from sumu_dav.archive.changes.storing import keep_replaced
from sumu_dav.archive.draft import Draft
from sumu_dav.archive.failures import Failure
from sumu_dav.archive.lookup import Lookup, hidden_place, visible_place
from sumu_dav.archive.nodes import Binding, FileNode, Node, Path
from sumu_dav.library import Place
from sumu_dav.model import Photo


@dataclass(frozen=True, slots=True)
class Moved:
    """What a COPY or MOVE did: whether the destination is new, where a photo was filed, if elsewhere, and what of a
    collection was left out."""

    created: bool
    filed: Path | None = None
    failures: tuple[Failure, ...] = ()


def leaves_media(lookup: Lookup, target: Path) -> bool:
    """Whether what comes to lie at the target is no photo, whatever it was before."""
    return lookup.hides(target) or not lookup.is_media(target.name)


def shows(there: Node | None, photo: Photo) -> bool:
    """Whether what lies at a target is the photo itself, by another of its names."""
    return isinstance(there, FileNode) and there.photo is not None and there.photo.doc_id == photo.doc_id


def put_plain(draft: Draft, source: Place, size: int, target: Path, there: Node | None) -> None:
    """Bring bytes to a name that is no photo's: hidden where Plex must not see them, and where there are none yet."""
    lookup = draft.lookup
    place = hidden_place(target) if size == 0 or lookup.hides(target) else visible_place(target)
    lying = draft.stat(hidden_place(target))
    if size:
        displace(draft, target, there)
    elif lying is not None:
        keep_replaced(draft, target, place, lying.size)
        draft.drop_other(target)
    draft.require_folder(place.parent)
    draft.bring(source, place)


def displace(draft: Draft, target: Path, there: Node | None) -> None:
    """What lies at the target goes to the trash, with its record; a name alone goes alone."""
    if not isinstance(there, FileNode):
        return
    if there.binding is Binding.PLACEHOLDER:
        draft.unlink(hidden_place(target))
        draft.drop_other(target)
        beneath = draft.lookup.beneath(target)
        if beneath is None:
            return
        there = beneath
    photo, place = there.photo, draft.lookup.place_of(there)
    if photo is None:
        keep_replaced(draft, target, place, there.stat.size)
        draft.drop_other(target)
    elif there.binding is Binding.LOOSE:
        draft.drop_loose_name(photo, target.name)
    elif there.binding is Binding.COPY:
        make_room(draft, photo, target.name)
    else:
        current = draft.current(photo)
        draft.discard_replaced(target, place, there.stat.size, "overwritten", current)
        draft.drop(unfavor_alone(draft, current))
