"""Names of files, folders and users: what can be one, what is kept out of Plex's sight, what is media.

Knows no disk and no tree; a name here is one segment of a path, decoded.
"""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Collection, Iterable
from functools import lru_cache

from sumu_dav.errors import NameRefused
from sumu_dav.model import FAVORITES

MAX_NAME = 255
"""Bytes of UTF-8 in a name, the limit of ext4, XFS, btrfs and ZFS alike."""

REMEMBERED = 1_024
"""Names of folders that are kept as checked: each upload brings those on its way, and they are few."""

_PHOTOS = (
    "png jpg jpeg jpe jfif bmp gif ico tif tiff tga pcx dng nef cr2 cr3 crw orf arw erf 3fr dcr x3f mef raf mrw pef "
    "sr2 srw mpo jps rw2 jp2 j2k heic heif hif webp avif"
)
_VIDEOS = "mov mp4 m4v mkv 3gp 3g2 mts m2ts m2t ts avi divx webm wmv asf mpg mpeg m2v vob dv flv ogv"
DEFAULT_EXTENSIONS = frozenset((*_PHOTOS.split(), *_VIDEOS.split()))
"""What is media unless the settings say otherwise, in lower case: what Plex's photo scanner takes, what newer cameras
and phones write (HEIF, WebP, AVIF, CR3, …; a server too old for them passes over them), and videos."""

_JUNK_NAMES = frozenset(
    {
        "thumbs.db",
        "desktop.ini",
        "@eadir",
        "temporary items",
        "$recycle.bin",
        "system volume information",
    }
)
_JUNK_ENDINGS = (".tacitpart", ".part", ".partial", ".filepart", ".crdownload", ".tmp")

_SKIPPED_BY_PLEX = re.compile(
    r"@eadir|.*_unpack_|.*_failed_|lost\+found|.*\.itlp$|@recycle|\#recycle|.*\.photoslibrary|@recently-snapshot"
    r"|\$recycle.bin|system volume information|temporary items|network trash folder",
    re.IGNORECASE | re.DOTALL,
)
"""Folders that Plex's scanners pass over whole, by the start of the name (the last four at a library's root only,
but an album may become one)."""

_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]")
_LONGEST_ENDING = 16
"""Characters of what still is an extension, with its dot; more is part of the name."""

_NO_USERS = frozenset({"remote.php", "status.php", "index.php", "ocs"})
"""Where Nextcloud and ownCloud clients look for the server's own addresses."""


def check_name(name: str) -> str:
    """The name in NFC, as it lies on disk. Raises NameRefused for what can't be the name of a file or folder."""
    if name in ("", ".", ".."):
        raise NameRefused(name, "it is no name")
    if _CONTROL.search(name):
        raise NameRefused(name, "it holds control characters")
    if "/" in name or "\\" in name:
        raise NameRefused(name, "it holds a slash or a backslash")
    try:
        composed = unicodedata.normalize("NFC", name)
        length = len(composed.encode())
    except UnicodeEncodeError as error:
        raise NameRefused(name, "it is not valid UTF-8") from error
    if length > MAX_NAME:
        raise NameRefused(name, f"it is longer than {MAX_NAME} bytes")
    return composed


@lru_cache(maxsize=REMEMBERED)
def check_folder_name(name: str) -> str:
    """As `check_name`, for a folder. Raises NameRefused also for what Plex would skip with all that is in it.

    Junk that programs make (`is_junk`) passes: it is hidden, so Plex never meets it.
    """
    name = check_name(name)
    if not is_junk(name) and _SKIPPED_BY_PLEX.match(name):
        raise NameRefused(name, "Plex skips folders of such a name with all that is in them; choose another one")
    return name


def check_user_name(name: str) -> str:
    """As `check_folder_name`, for a user's own folder. Raises NameRefused also for what would be hidden.

    A colon can't be sent in Basic authentication (RFC 7617 §2).
    """
    name = check_folder_name(name)
    if name.startswith(("-", ".")) or is_junk(name) or name.casefold() in _NO_USERS:
        raise NameRefused(name, "the server keeps such names for itself")
    if ":" in name or name != name.strip():
        raise NameRefused(name, "a user's name has no colon, and no space at its ends")
    return name


def is_text(name: str) -> bool:
    """Whether a name on disk is UTF-8: no client could ask for any other."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def is_junk(name: str) -> bool:
    """Whether a name is one of those that programs make for themselves, which Plex must not see: junk and temporary."""
    folded = name.casefold()
    return folded.startswith((".", "~$")) or folded in _JUNK_NAMES or folded.endswith(_JUNK_ENDINGS)


def any_junk(names: Iterable[str]) -> bool:
    """Whether one of the names on a way down is junk: what lies below a hidden folder is hidden."""
    return any(map(is_junk, names))


def is_false_favorites(name: str) -> bool:
    """Whether a name is `favorites` in another case, which would be a second one on other people's disks."""
    return name != FAVORITES and name.casefold() == FAVORITES


def is_media(name: str, extensions: Collection[str] = DEFAULT_EXTENSIONS) -> bool:
    """Whether a name has one of the extensions (lower case, without the dot), in any case."""
    base, _, ending = name.rpartition(".")
    return ending.lower() in extensions if base.strip(".") else "" in extensions


def stem(name: str) -> str:
    """The name without its extension: what the halves of a live photo share."""
    base, _, _ = name.rpartition(".")
    return base if base.strip(".") else name


def suffixed(name: str, number: int) -> str:
    """`IMG_1.jpg` and 2 give `IMG_1-2.jpg`, shortened before the suffix where it would pass MAX_NAME bytes."""
    base, ending = os.path.splitext(name)
    if len(ending) > _LONGEST_ENDING:
        base, ending = name, ""
    tail = f"-{number}{ending}"
    room = MAX_NAME - len(tail.encode())
    if len(base.encode()) > room:
        base = _shortened(base, room)
    return base + tail


def _shortened(text: str, room: int) -> str:
    """The longest start of a text within `room` bytes that cuts neither a character nor an accent off its letter."""
    end = len(text.encode()[:room].decode(errors="ignore"))
    while end > 1 and (unicodedata.category(text[end])[0] == "M" or "\u200d" in text[end - 1 : end + 1]):
        end -= 1
    return text[:end]
