"""The way of an upload: from sealed bytes to a filed, recorded, perhaps favourite photo (DESIGN §1, "Upload")."""

from __future__ import annotations

from sumu_dav.archive.changes.beside import Beside
from sumu_dav.archive.changes.storing import Receipt, store
from sumu_dav.archive.changes.targets import Guard, check_new_file
from sumu_dav.archive.content import Content
from sumu_dav.archive.desk import Desk
from sumu_dav.archive.draft import Draft
from sumu_dav.archive.nodes import Node, Path
from sumu_dav.library import Upload


class Receiving:
    """Stores uploads. Safe for threads."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._beside = Beside(desk)

    def check_target(self, path: Path) -> Node | None:
        """What lies at the path of an upload. Raises where none can be stored there, before its body is read."""
        return check_new_file(self._desk.lookup, path)

    def store(
        self,
        path: Path,
        content: Content,
        *,
        favorite: bool = False,
        only_new: bool = False,
        was_free: bool = False,
        guard: Guard | None = None,
    ) -> Receipt:
        """Publish the content at the path, durably. Raises the domain errors; nothing has changed then.

        With `only_new`, what is there already stays as it is. `was_free`: `check_target` found nothing there just now.
        """
        self._desk.performer.check()
        receipt = None if favorite else self._beside.publish(path, content, guard, was_free=was_free)
        receipt = receipt or self._store_alone(path, content, favorite, only_new, guard)
        if isinstance(content.source, Upload):
            content.source.release_cache()
        return receipt

    def _store_alone(
        self, path: Path, content: Content, favorite: bool, only_new: bool, guard: Guard | None
    ) -> Receipt:
        with self._desk.turns.alone(path.user):
            node = self.check_target(path)
            if guard is not None:
                guard(node)
            if node is not None and only_new:
                return Receipt(False, path, content.sha256, content.size)
            with Draft(self._desk) as draft:
                return store(draft, path, content, node, favorite=favorite)
