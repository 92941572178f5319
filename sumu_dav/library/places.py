"""Where a file or folder lies: which tree, whose, and the names on the way. Values only, no disk.

Knows how the trees are laid out on disk and nothing of what is in them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum

from sumu_dav.errors import NameRefused

HIDDEN_ROOT = ".sumu"
"""The folder in the Plex tree that holds all that Plex must not see: it skips names that start with a dot."""

FOLDER_MODE = 0o777
FILE_MODE = 0o666
"""Both less the umask (022 by default): Plex, another user of the system, must be able to read."""

MAX_DEPTH = 64
"""Most folders below a user: no album is deeper, and what walks a tree down holds one descriptor a level."""


class Side(Enum):
    """The parts of the two trees. The value is the name in texts of places, and never changes."""

    VISIBLE = "visible"
    HIDDEN = "hidden"
    PARKED = "parked"
    BEGUN = "begun"
    TRASH = "trash"
    CHUNKS = "chunks"

    __hash__ = object.__hash__  # Enum's own is written in Python


_ROOTS = {
    Side.VISIBLE: "",
    Side.HIDDEN: f"{HIDDEN_ROOT}/users",
    Side.PARKED: f"{HIDDEN_ROOT}/uploads",
    Side.BEGUN: f"{HIDDEN_ROOT}/uploads-begun",
    Side.TRASH: f"{HIDDEN_ROOT}/trash",
    Side.CHUNKS: f"{HIDDEN_ROOT}/chunks",
}

_NO_NAMES = frozenset(("", ".", ".."))
_never_in_a_name = re.compile("[\x00/\ud800-\udfff]").search


@dataclass(frozen=True, slots=True)
class Place:
    """One file or folder, there or not: `user` and `parts` are names on disk, exactly as they are spelt there.

    Without a user it is the root of its side; uploads that are parked have no user. Raises NameRefused for what can't
    be one name each ("", ".", "..", "/", NUL, lone surrogates), for a visible user's name that starts with a dot, and
    for more than MAX_DEPTH parts: whoever holds a Place can't leave its side with it.
    """

    side: Side
    user: str
    parts: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for part in (self.user, *self.parts) if self.user else self.parts:
            if part in _NO_NAMES or _never_in_a_name(part):
                raise NameRefused(part, "it can't be the name of a file or folder")
        if self.user:
            if self.side is Side.PARKED or (self.side is Side.VISIBLE and self.user.startswith(".")):
                raise NameRefused(self.user, "no user can have this name")
        elif self.parts and self.side is not Side.PARKED:
            raise NameRefused(self.parts[0], "there is no user to whom it would belong")
        if len(self.parts) > MAX_DEPTH:
            raise NameRefused(self.name, f"folders can't be nested more than {MAX_DEPTH} deep")

    @property
    def name(self) -> str:
        """The last name on the way; "" for the root of a side."""
        return self.parts[-1] if self.parts else self.user

    @property
    def is_root(self) -> bool:
        """Whether this is the root of its side, which has no parent."""
        return not self.parts and not self.user

    @property
    def parent(self) -> Place:
        """The folder that holds it. Raises ValueError for the root of a side."""
        if self.parts:
            return Place(self.side, self.user, self.parts[:-1])
        if not self.user:
            raise ValueError(f"the root of the {self.side.value} side has no parent")
        return Place(self.side, "")

    def child(self, name: str) -> Place:
        """What has this name in this folder; below the root of a side that is a user, or a parked upload."""
        if self.is_root and self.side is not Side.PARKED:
            return Place(self.side, name)
        return Place(self.side, self.user, (*self.parts, name))

    @property
    def path(self) -> bytes:
        """The path on disk relative to the Plex folder, never empty."""
        return "/".join(filter(None, (_ROOTS[self.side], self.user, *self.parts))).encode() or b"."

    @property
    def shown(self) -> str:
        """How errors name it to a user."""
        return "/" + "/".join(filter(None, (self.user, *self.parts)))

    def to_text(self) -> str:
        """One line for an intent, which `from_text` reads again."""
        return f"{self.side.value}:" + "/".join((self.user, *self.parts))

    @classmethod
    def from_text(cls, text: str) -> Place:
        """The place that `to_text` wrote. Raises ValueError for another text, NameRefused for impossible names."""
        side, colon, path = text.partition(":")
        if not colon:
            raise ValueError(f"this is no place: {text!r}")
        user, *parts = path.split("/")
        return cls(Side(side), user, tuple(parts))
