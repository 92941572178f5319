"""The one place where errors of the operating system become errors of this package.

Knows no tree and no operation: callers that know more (that it was a parent which was missing) say so themselves.
"""

from __future__ import annotations

import errno

from sumu_dav.errors import (
    AlreadyExists,
    DiskFailure,
    Forbidden,
    IsCollection,
    NameRefused,
    NoSpace,
    NotFound,
    SumuError,
)
from sumu_dav.library.places import Place

ABSENT = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENXIO})
"""Nothing there, or nothing that counts: a symbolic link (ELOOP) or a socket (ENXIO) on the way or at its end."""

FULL = frozenset({errno.ENOSPC, errno.EDQUOT})

_REASONS = {
    errno.EROFS: "the disk is mounted read-only",
    errno.EACCES: "the server has no right to do this on the disk",
    errno.EPERM: "the disk does not allow this",
    errno.EXDEV: "it lies on another file system than the rest of the tree",
    errno.EFBIG: "the file is too large for the file system",
    errno.EMLINK: "the folder holds as many as the file system allows",
}


def translated(error: OSError, place: Place) -> SumuError:
    """The domain error that an OSError about `place` means. To be raised `from` the error itself."""
    code = error.errno
    shown = place.shown
    if code in ABSENT:
        return NotFound(shown)
    if code in (errno.EEXIST, errno.ENOTEMPTY):
        return AlreadyExists(shown)
    if code == errno.EISDIR:
        return IsCollection(shown)
    if code in FULL:
        return NoSpace("tree")
    if code in _REASONS:
        return Forbidden(shown, _REASONS[code])
    if code == errno.ENAMETOOLONG:
        return NameRefused(place.name, "the name or the whole path is too long for the disk")
    if code in (errno.EINVAL, errno.EILSEQ):
        return NameRefused(place.name, "the file system can't hold such a name")
    return DiskFailure(shown, error.strerror or str(error))
