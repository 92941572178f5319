"""Hears of other programs' changes as they are made, by inotify, or by looking every so often; listings know at once.

Knows which paths changed, and nothing of what that means: whoever is told looks closer when all has settled.
"""

from __future__ import annotations

import logging
import os
import stat
import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass

from sumu_dav.archive.desk import Desk
from sumu_dav.archive.lookup import album_parts
from sumu_dav.archive.nodes import Path
from sumu_dav.archive.outside.folder_events import FolderEvents, Where
from sumu_dav.archive.outside.polling import FolderSigns, gives_no_events
from sumu_dav.archive.outside.reconcile import SETTLED
from sumu_dav.errors import Interrupted, SumuError
from sumu_dav.library import Place, Side
from sumu_dav.model import FAVORITES

_log = logging.getLogger("sumu_dav.archive")

GATHER = 0.2
"""Seconds over which events are gathered, in the kernel: a listing is right so much later at most, and a thousand
changes wake nobody up a thousand times."""

AGAIN = 10.0
"""Seconds before listening begins again, with a look at everything, after a folder could not be read."""


@dataclass(frozen=True, slots=True)
class Watch:
    """How the Plex folder is watched: `mode` is auto, events, poll or off; `poll_seconds` lie between two looks."""

    plex: str
    mode: str = "off"
    poll_seconds: float = 60.0


class Listener:
    """Tells `changed` of paths and `lost` of users of whom not every change is known, until `stopping` is set."""

    def __init__(
        self,
        desk: Desk,
        how: Watch,
        stopping: threading.Event,
        changed: Callable[[Iterable[Where]], None],
        lost: Callable[[Iterable[str], float], None],
    ) -> None:
        """`lost` also gets in how many seconds to look; `mode` is how it listens now, events or poll."""
        self._desk = desk
        self._plex = os.path.realpath(how.plex)
        self._poll_seconds = how.poll_seconds
        self._stopping = stopping
        self._changed = changed
        self._lost = lost
        self.mode = ("poll" if gives_no_events(self._plex) else "events") if how.mode == "auto" else how.mode

    def run(self) -> None:
        """Listen as `mode` says, beginning with a look at everything; by looking where events are refused."""
        try:
            if self.mode == "events":
                self._listen()
            if self.mode == "poll":
                self._poll()
        except Interrupted:
            return

    def _check(self, *_progress: object) -> None:
        """Raise Interrupted when it is time to end: a slow disk takes its time for each look, a stop waits for one."""
        if self._stopping.is_set():
            raise Interrupted

    def _listen(self) -> None:
        while not self._stopping.is_set():
            try:
                self._listen_to(self._folders())
            except Interrupted:
                raise
            except SumuError as error:  # a disk that fails, or no descriptors for a moment
                _log.warning("watching begins again: %s", error)
                self._stopping.wait(AGAIN)
            except OSError as error:
                _log.warning(
                    "changes by other programs are looked for every %g s, since the system does not tell of them: %s",
                    *(self._poll_seconds, error),
                )
                self.mode = "poll"
                return

    def _listen_to(self, folders: dict[str, tuple[int, ...]]) -> None:
        """Until the accounts, or the folders that their paths lead to, are others."""
        versions = self._desk.performer.versions
        with closing(FolderEvents(self._desk.lookup.tree, folders, self._check)) as events:
            events.watch_all()
            versions.hears_others = True
            try:
                self._lost(folders, 0.0)
                while not self._stopping.wait(GATHER) and self._folders() == folders:
                    self._heed(events)
            finally:
                versions.hears_others = False

    def _folders(self) -> dict[str, tuple[int, ...]]:
        """The accounts that have a folder, and which one: a disk may be mounted over it, or it may be let in."""
        found: dict[str, tuple[int, ...]] = {}
        for user in sorted(self._desk.users()):
            try:
                status = os.stat(os.path.join(self._plex, user), follow_symlinks=False)
            except OSError:
                continue
            if stat.S_ISDIR(status.st_mode):
                found[user] = (status.st_dev, status.st_ino, status.st_mode, status.st_uid, status.st_gid)
        return found

    def _heed(self, events: FolderEvents) -> None:
        """Let listings know at once; look closer when what is there has settled."""
        heard = events.read()
        if heard.incomplete:
            events.watch_all()
            self._look_at_everything()
            return
        news = list(self._by_others(heard.paths))
        self._tell_listings(news)
        self._changed(news)

    def _look_at_everything(self) -> None:
        users = self._desk.users()
        _log.info("not every change was told of: everything of %s is looked at", ", ".join(sorted(users)))
        for user in users:
            self._desk.performer.swept(user, ())
        self._lost(users, SETTLED)

    def _tell_listings(self, news: list[Where]) -> None:
        lookup, performer = self._desk.lookup, self._desk.performer
        names: defaultdict[Where, set[str]] = defaultdict(set)
        albums: dict[str, set[Where]] = {}
        for user, parts in news:
            self._check()
            names[user, parts[:-1]].add(parts[-1])
            if user not in albums:
                albums[user] = {(user, above) for album in lookup.catalog.albums(user) for above in _down_to(album)}
            if (user, parts) in albums[user] or lookup.tree.is_folder(Place(Side.VISIBLE, user, parts)):
                performer.swept(user, parts)
        for (user, parts), some in names.items():
            performer.touched(user, parts, some)

    def _by_others(self, paths: Iterable[Where]) -> Iterator[Where]:
        for where in paths:
            self._check()
            if not self._is_our_own(where):
                yield where

    def _is_our_own(self, where: Where) -> bool:
        """Whether the records say so already: a file that is as recorded, a photo that is gone with its record."""
        user, parts = where
        lookup = self._desk.lookup
        lies_there = lookup.tree.stat(Place(Side.VISIBLE, user, parts))
        if parts[0] == FAVORITES:
            photo = lookup.catalog.favorite(user, parts[-1])
            known = lookup.seen.copies.get(photo.doc_id) if photo is not None else None
        else:
            photo = lookup.catalog.at(user, Path(user, parts).album, parts[-1])
            known = lookup.seen.originals.get(photo.doc_id) if photo is not None else None
        if photo is None and lies_there is None:
            return lookup.is_media(parts[-1]) and not lookup.tree.is_folder(Place(Side.VISIBLE, user, parts))
        return known is not None and lies_there == known

    def _poll(self) -> None:
        signs = FolderSigns(self._desk.lookup.tree)
        self._lost(self._desk.users(), 0.0)
        while not self._stopping.is_set():
            try:
                self._look(signs)
            except Interrupted:
                raise
            except SumuError as error:
                _log.warning("changes by other programs could not be looked for: %s", error)
            self._stopping.wait(self._poll_seconds)

    def _look(self, signs: FolderSigns) -> None:
        for user in sorted(self._desk.users()):
            changed = signs.changed(user, self._check)
            for parts in changed:
                self._desk.performer.touched(user, parts)
            if changed:
                self._lost([user], 0.0)


def _down_to(album: str) -> Iterable[tuple[str, ...]]:
    """The folders on the way to an album, and the album itself."""
    parts = album_parts(album)
    return (parts[:depth] for depth in range(1, len(parts) + 1))
