"""Tells a Plex server which folders changed, so that it scans those at once: gathered, retried, never in anyone's way.

Speaks Plex's HTTP API: `GET /library/sections`, `GET /library/sections/{id}/refresh?path=…`, and for favourites
`PUT /:/rate`. Knows the archive's folders by name alone. The token goes in a header, so that no URL in a log has it.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import requests

from sumu_dav.archive.lookup import album_parts
from sumu_dav.model import FAVORITES, Photo
from sumu_dav.settings import PlexServer

_log = logging.getLogger("sumu_dav.plex")

MOST_FOLDERS = 8
"""Changed folders of one user that are scanned one by one; beyond it one scan of the user's folder is less work."""

FIRST_WAIT, LONGEST_WAIT = 2.0, 300.0
"""Seconds before another try when Plex does not answer: doubled each time, up to the longest."""

TIMEOUT = (3.05, 30.0)
"""Seconds to connect and to wait for an answer: a sleeping disk of Plex's takes a while."""

PHOTO, CLIP = 13, 12
"""Plex's numbers of the types whose items are single photos and videos in a photo library."""

FULL_MARKS = 10
"""What a favourite is rated: five stars, on Plex's scale of ten."""


@dataclass(frozen=True, slots=True)
class Section:
    """A library of Plex's and the folders in it, as Plex sees them."""

    key: str
    folders: tuple[str, ...]


class PlexApi:
    """The few calls of Plex's API. Raises requests.RequestException where Plex does not answer as it should."""

    def __init__(self, settings: PlexServer) -> None:
        self._base = (settings.url or "").rstrip("/")
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.headers.update({"Accept": "application/json", "X-Plex-Token": settings.token or ""})

    def sections(self) -> list[Section]:
        """The libraries."""
        found = self._get("/library/sections").get("Directory", [])
        return [Section(str(each["key"]), tuple(at["path"] for at in each.get("Location", []))) for each in found]

    def scan(self, section: str, folder: str) -> None:
        """Have one folder of a library scanned."""
        self._get(f"/library/sections/{section}/refresh", f"path={quote(folder, safe='')}")

    def rating_key(self, section: str, file: str) -> str | None:
        """The item that shows a file; None before Plex has scanned it."""
        stem = file.rpartition("/")[2].rpartition(".")[0]
        for kind in (PHOTO, CLIP):
            items = self._get(f"/library/sections/{section}/all", f"type={kind}&title={quote(stem, safe='')}")
            for item in items.get("Metadata", []):
                parts = (part.get("file") for media in item.get("Media", []) for part in media.get("Part", []))
                if file in parts:
                    return str(item["ratingKey"])
        return None

    def rate(self, key: str, rating: int) -> None:
        """Give an item a rating of 0 (none) to 10."""
        query = f"key={quote(key, safe='')}&identifier=com.plexapp.plugins.library&rating={rating}"
        self._session.put(f"{self._base}/:/rate?{query}", timeout=TIMEOUT).raise_for_status()

    def _get(self, path: str, query: str = "") -> dict[str, Any]:
        answer = self._session.get(self._base + path + (f"?{query}" if query else ""), timeout=TIMEOUT)
        answer.raise_for_status()
        if not answer.content:
            return {}
        container = answer.json().get("MediaContainer", {})
        return container if isinstance(container, dict) else {}

    def close(self) -> None:
        """Let go of the connection."""
        self._session.close()


class PlexNotifier:
    """A thread that passes changes on to Plex. `changed` and `rated` return at once, whatever Plex does."""

    def __init__(self, settings: PlexServer, plex_folder: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._settings = settings
        self._root = plex_folder.rstrip("/")
        self._api = PlexApi(settings)
        self._clock = clock
        self._turn = threading.Condition()
        self._folders: dict[tuple[str, tuple[str, ...]], None] = {}
        self._ratings: dict[str, int] = {}
        self._due = 0.0
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="plex", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End, without waiting for a Plex that does not answer."""
        with self._turn:
            self._stopping = True
            self._turn.notify_all()
        self._thread.join(timeout=1.0)
        self._api.close()

    def recorded(self, before: Photo | None, after: Photo | None) -> None:
        """A record changed: what of it Plex shows is told."""
        for was, now in ((before, after), (after, before)):
            if was is not None:
                for folder, shown in _shown(was).items():
                    if now is None or now.user != was.user or _shown(now).get(folder) != shown:
                        self.changed(was.user, folder)
        if after is not None and after.is_favorite != (before is not None and before.is_favorite):
            self.rated(after.user, (*album_parts(after.album), after.name), favorite=after.is_favorite)

    def changed(self, user: str, parts: tuple[str, ...]) -> None:
        """Files in this folder came, went or changed."""
        with self._turn:
            self._begin_waiting()
            self._folders[user, parts] = None

    def rated(self, user: str, parts: tuple[str, ...], *, favorite: bool) -> None:
        """A photo became a favourite, or ceases to be one."""
        if not self._settings.rate_favorites:
            return
        with self._turn:
            self._begin_waiting()
            self._ratings["/".join((self._root, user, *parts))] = FULL_MARKS if favorite else 0

    def _begin_waiting(self) -> None:
        """The first news since the last ones were passed on: whatever comes until then goes with it."""
        if not self._folders and not self._ratings:
            self._due = self._clock() + self._settings.delay_seconds
            self._turn.notify_all()

    def _run(self) -> None:
        wait = FIRST_WAIT
        while True:
            with self._turn:
                while not self._stopping and (left := self._left()) > 0:
                    self._turn.wait(None if left == float("inf") else left)
                if self._stopping:
                    return
                folders, self._folders = list(self._folders), {}
                ratings, self._ratings = dict(self._ratings), {}
            try:
                self._pass_on(folders, ratings)
                wait = FIRST_WAIT
            except (requests.RequestException, ValueError, KeyError) as error:
                _log.warning("Plex did not take the news, next try in %.0f s: %s", wait, _without_query(error))
                with self._turn:
                    self._folders.update(dict.fromkeys(folders))
                    self._ratings = {**ratings, **self._ratings}
                    self._due = self._clock() + wait
                wait = min(wait * 2, LONGEST_WAIT)

    def _left(self) -> float:
        if not self._folders and not self._ratings:
            return float("inf")
        return self._due - self._clock()

    def _pass_on(self, folders: Iterable[tuple[str, tuple[str, ...]]], ratings: dict[str, int]) -> None:
        sections = self._api.sections()
        for folder in self._gathered(folders):
            for section in _holding(sections, folder):
                self._api.scan(section.key, folder)
        for file, rating in ratings.items():
            shown = self._as_plex_sees(file)
            for section in _holding(sections, shown):
                key = self._api.rating_key(section.key, shown)
                if key is not None:
                    self._api.rate(key, rating)

    def _gathered(self, folders: Iterable[tuple[str, tuple[str, ...]]]) -> list[str]:
        """The folders to scan: none that lies below another, and one a user where there are many."""
        by_user: dict[str, set[tuple[str, ...]]] = {}
        for user, parts in folders:
            by_user.setdefault(user, set()).add(parts)
        gathered = []
        for user, parts_of in sorted(by_user.items()):
            tops = [p for p in parts_of if not any(p[:n] in parts_of for n in range(len(p)))]
            for parts in sorted(tops if len(tops) <= MOST_FOLDERS else [()]):
                gathered.append(self._as_plex_sees("/".join((self._root, user, *parts))))
        return gathered

    def _as_plex_sees(self, path: str) -> str:
        for here, there in self._settings.path_map:
            if path == here or path.startswith(here.rstrip("/") + "/"):
                return there.rstrip("/") + path[len(here.rstrip("/")) :]
        return path


def _shown(photo: Photo) -> dict[tuple[str, ...], tuple[str, str]]:
    """The folders that show a photo, with its name and bytes in each."""
    shown = {album_parts(photo.album): (photo.name, photo.sha256)}
    if photo.favorite_name is not None:
        shown[(FAVORITES,)] = (photo.favorite_name, photo.sha256)
    return shown


def _holding(sections: Sequence[Section], folder: str) -> list[Section]:
    """The libraries that the folder lies in."""
    return [
        section
        for section in sections
        if any(folder == at or folder.startswith(at.rstrip("/") + "/") for at in section.folders)
    ]


def _without_query(error: Exception) -> str:
    """The error in words, without the query of the URL in it: paths of photos are nobody's business in a log."""
    return str(error).partition("?")[0]
