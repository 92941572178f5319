"""The two trees on disk: names, places, durable writes. Knows nothing of WebDAV, TinyDB or records of photos."""

from sumu_dav.library.names import (
    DEFAULT_EXTENSIONS,
    any_junk,
    check_folder_name,
    check_name,
    is_false_favorites,
    is_junk,
    is_media,
    is_text,
    stem,
    suffixed,
)
from sumu_dav.library.places import Place, Side
from sumu_dav.library.tree import Entry, FolderStat, Tree
from sumu_dav.library.uploads import Upload

__all__ = [
    "DEFAULT_EXTENSIONS",
    "Entry",
    "FolderStat",
    "Place",
    "Side",
    "Tree",
    "Upload",
    "any_junk",
    "check_folder_name",
    "check_name",
    "is_false_favorites",
    "is_junk",
    "is_media",
    "is_text",
    "stem",
    "suffixed",
]
