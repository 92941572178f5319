"""What an account and a device may be called.

A user name is also a folder, the first part of a URL and the user-id of Basic authentication, so it has to satisfy all
three.  What Plex thinks of a folder's name is not known here.
"""

from __future__ import annotations

import unicodedata

from sumu_dav.errors import AccountRefused

RESERVED = frozenset({"remote.php", "status.php", "index.php", "ocs"})
"""First path parts that ownCloud and Nextcloud clients ask for, compared folded."""

USER_NAME_BYTES = 255
"""NAME_MAX of Linux file systems, in bytes of UTF-8."""

DEVICE_NAME_CHARACTERS = 100
"""Enough for any phone's name, and still one line of a table."""


def folded(name: str) -> str:
    """The form in which two user names are compared: NFC, without regard to case."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def check_user_name(name: str) -> str:
    """The name in NFC. Raises AccountRefused where it can't be a folder, a URL part or a Basic user-id."""
    composed = unicodedata.normalize("NFC", name)
    reason = _user_name_fault(composed)
    if reason is not None:
        raise AccountRefused(name, reason)
    return composed


def check_device_name(user: str, device: str) -> str:
    """The device's name in NFC. Raises AccountRefused, naming the user, where a listing could not show it."""
    composed = unicodedata.normalize("NFC", device).strip()
    if not composed:
        raise AccountRefused(user, "a device needs a name")
    if len(composed) > DEVICE_NAME_CHARACTERS:
        raise AccountRefused(user, f"a device's name has at most {DEVICE_NAME_CHARACTERS} characters")
    if _has_unprintable(composed):
        raise AccountRefused(user, "a device's name can't hold control or invisible characters")
    return composed


def _user_name_fault(name: str) -> str | None:
    if not name:
        return "a name is needed"
    if _has_unprintable(name):
        return "a user name can't hold control or invisible characters"
    if any(character in "/\\" for character in name):
        return "a user name can't hold a slash or a backslash"
    if ":" in name:  # RFC 7617 §2: the first colon ends the user-id
        return "a user name can't hold a colon"
    if name[0] in "-.":
        return "a user name can't start with - or ."
    if name != name.strip() or name.endswith("."):  # Windows drops both from the end of a name
        return "a user name can't start or end with a space, or end with a dot"
    if unicodedata.normalize("NFKC", name) != name:
        return "a user name can't hold look-alike forms of other characters"
    if folded(name) in RESERVED:
        return "the name is reserved for sync clients"
    if len(name.encode("utf-8")) > USER_NAME_BYTES:
        return f"a user name has at most {USER_NAME_BYTES} bytes"
    return None


def _has_unprintable(text: str) -> bool:
    # C*: control, format (zero width, bidirectional overrides), surrogate, private, unassigned; Zl and Zp break lines.
    return any(unicodedata.category(character)[0] == "C" or character in "\u2028\u2029" for character in text)
