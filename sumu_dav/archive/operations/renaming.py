"""A user gets another name: both trees, trash, chunks, and every record, by one plan.

Knows nothing of accounts: whoever renames one does it afterwards, and may call this again where that was cut short.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sumu_dav.archive.archive import Archive
from sumu_dav.archive.draft import Draft
from sumu_dav.archive.progress import Progress
from sumu_dav.errors import Conflict
from sumu_dav.library import Place, Side

SIDES = (Side.VISIBLE, Side.HIDDEN, Side.TRASH, Side.CHUNKS)
"""Where a user has a folder."""


def rename_user(archive: Archive, arguments: Mapping[str, Any], progress: Progress) -> None:
    """Move all that is the user `old`'s to the user `new`. Raises Conflict where the new one has something already."""
    old, new = str(arguments["old"]), str(arguments["new"])
    desk = archive.desk
    with desk.turns.alone(old, new):
        moving = [side for side in SIDES if archive.tree.is_folder(Place(side, old))]
        taken = [side for side in moving if archive.tree.is_folder(Place(side, new))]
        if taken or archive.catalog.of(new):
            raise Conflict(f"/{new}", "there are photos of a user of that name already")
        with Draft(desk) as draft:
            for side in moving:
                draft.move_folder(Place(side, old), Place(side, new))
            photos = archive.catalog.of(old)
            for number, photo in enumerate(photos):
                progress("records", number, len(photos))
                draft.put(replace(photo, user=new))
            for other in desk.performer.others.below(old, ()):
                aside = replace(other.photo, user=new) if other.photo is not None else None
                draft.put_other(replace(other, user=new, photo=aside))
            for entry in archive.trash.all(old):
                photo_in_trash = replace(entry.photo, user=new) if entry.photo is not None else None
                draft.put_trash(replace(entry, user=new, photo=photo_in_trash))
