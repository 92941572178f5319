"""What a person may set: the checked `sumu:` block of wsgidav.yaml, WsgiDAV's listening keys, and the command line."""

from sumu_dav.settings.fields import (
    Filing,
    Health,
    Listing,
    Log,
    Media,
    Metrics,
    PlexServer,
    Server,
    Settings,
    Trash,
    Uploads,
)
from sumu_dav.settings.kinds import KindError, parse_size
from sumu_dav.settings.loading import from_document, load

__all__ = [
    "Filing",
    "Health",
    "KindError",
    "Listing",
    "Log",
    "Media",
    "Metrics",
    "PlexServer",
    "Server",
    "Settings",
    "Trash",
    "Uploads",
    "from_document",
    "load",
    "parse_size",
]
