"""What can go wrong, as facts. No status code stands here: each face of the server has its own table for them."""

from __future__ import annotations

from dataclasses import dataclass


class SumuError(Exception):
    """The root of every error that this package raises on purpose. Its text is fit to be shown to a user."""

    def __str__(self) -> str:
        return self.__doc__ or type(self).__name__


@dataclass(eq=False)
class NameRefused(SumuError):
    """A path or name that can't be, or that Plex would trip over."""

    name: str
    reason: str

    def __str__(self) -> str:
        return f"The name {self.name!r} is refused: {self.reason}."


@dataclass(eq=False)
class NotFound(SumuError):
    """Nothing is there, or nothing that the caller may see."""

    path: str

    def __str__(self) -> str:
        return f"There is nothing at {self.path}."


@dataclass(eq=False)
class ParentMissing(SumuError):
    """The collection that should hold the new resource does not exist (RFC 4918 §9.3.1, §9.7.1)."""

    path: str

    def __str__(self) -> str:
        return f"The folder that should hold {self.path} does not exist; make it first."


@dataclass(eq=False)
class AlreadyExists(SumuError):
    """Something is there already, and may not be replaced."""

    path: str

    def __str__(self) -> str:
        return f"{self.path} exists already."


@dataclass(eq=False)
class IsCollection(SumuError):
    """A file was wanted and a collection is there."""

    path: str

    def __str__(self) -> str:
        return f"{self.path} is a folder."


@dataclass(eq=False)
class Conflict(SumuError):
    """What was asked for would destroy or contradict what is there."""

    path: str
    reason: str

    def __str__(self) -> str:
        return f"{self.path}: {self.reason}."


@dataclass(eq=False)
class Busy(SumuError):
    """Another request is at work on it, and will be for a while."""

    path: str

    def __str__(self) -> str:
        return f"Another request is at work on {self.path}; try again in a moment."


@dataclass(eq=False)
class Forbidden(SumuError):
    """The caller may see the path, but not do this to it."""

    path: str
    reason: str

    def __str__(self) -> str:
        return f"{self.path}: {self.reason}."


@dataclass(eq=False)
class LengthMismatch(SumuError):
    """The body was shorter or longer than announced. Sizes in bytes."""

    announced: int
    received: int

    def __str__(self) -> str:
        return f"{self.announced} bytes were announced and {self.received} came; nothing was stored."


@dataclass(eq=False)
class ChecksumMismatch(SumuError):
    """The body is not what the client's checksum says."""

    algorithm: str
    announced: str
    received: str

    def __str__(self) -> str:
        return f"The {self.algorithm} checksum should be {self.announced} and is {self.received}; nothing was stored."


@dataclass(eq=False)
class NoSpace(SumuError):
    """The disk (of the tree or of the state) is full."""

    where: str

    def __str__(self) -> str:
        return f"There is no space left on the disk of the {self.where}; nothing was stored."


@dataclass(eq=False)
class DiskFailure(SumuError):
    """The disk or the system failed at this (an input/output error, no more descriptors): nothing the caller did."""

    path: str
    reason: str

    def __str__(self) -> str:
        return f"{self.path} could not be reached on the disk: {self.reason}."


@dataclass(eq=False)
class TooManyProperties(SumuError):
    """The dead properties of one resource would take more than `limit` bytes."""

    path: str
    limit: int

    def __str__(self) -> str:
        return f"{self.path} has properties of {self.limit} bytes already; no more are kept for one file."


@dataclass(eq=False)
class QuotaExceeded(SumuError):
    """The user's quota does not allow it. Sizes in bytes."""

    user: str
    quota: int
    used: int

    def __str__(self) -> str:
        return f"The quota of {self.user} is {self.quota} bytes, and {self.used} are in use."


@dataclass(eq=False)
class WritesSuspended(SumuError):
    """A sync to disk failed, or a finished change stays written down: nothing may be promised until a restart."""

    reason: str

    def __str__(self) -> str:
        return f"Writing is suspended until the server is restarted: {self.reason}."


@dataclass(eq=False)
class TreeMissing(SumuError):
    """The Plex folder is not the one that the state belongs to: another one, or one that is not mounted."""

    path: str
    reason: str

    def __str__(self) -> str:
        return f"The Plex folder {self.path} can't be used: {self.reason}."


@dataclass(eq=False)
class StateInUse(SumuError):
    """Another process holds the lock on the state."""

    path: str

    def __str__(self) -> str:
        return f"Another server or command is using {self.path}."


@dataclass(eq=False)
class Damaged(SumuError):
    """A file of the state is damaged in a way that no torn write explains."""

    path: str
    line: int
    reason: str
    cure: str

    def __str__(self) -> str:
        return f"{self.path}, line {self.line}: {self.reason}. {self.cure}"


@dataclass(eq=False)
class SettingRefused(SumuError):
    """A wrong setting: which key, what was found, what is allowed."""

    key: str
    found: object
    allowed: str

    def __str__(self) -> str:
        return f"{self.key}: found {self.found!r}, allowed: {self.allowed}"


@dataclass(eq=False)
class AccountRefused(SumuError):
    """An account or device that can't be made or changed like this."""

    name: str
    reason: str

    def __str__(self) -> str:
        return f"The account {self.name!r}: {self.reason}."


@dataclass(eq=False)
class BadCredentials(SumuError):
    """Nobody is logged in by these credentials. `user` is the name that was claimed, None where none could be read."""

    user: str | None

    def __str__(self) -> str:
        return "The user name or the password is wrong."


@dataclass(eq=False)
class TooManyAttempts(SumuError):
    """Too many wrong passwords came from this address. `retry_after` is whole seconds, `user` the name claimed now."""

    retry_after: int
    user: str | None = None

    def __str__(self) -> str:
        return f"Too many wrong passwords came from this address; try again in {self.retry_after} s."


class Interrupted(SumuError):
    """The work was interrupted; what was done until then is whole and stays."""


@dataclass(eq=False)
class NotServing(SumuError):
    """No server listens for commands beside this state."""

    path: str

    def __str__(self) -> str:
        return f"No server is running on {self.path}."


@dataclass(eq=False)
class CommandFailed(SumuError):
    """The running server could not do what a command asked of it. `reason` is a sentence."""

    reason: str

    def __str__(self) -> str:
        return self.reason
