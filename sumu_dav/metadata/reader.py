"""The way from an open file to its facts: sniff, hand on to the container's reader, apply the rules.

It must not know any format, and never raises because of what is in a file.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, tzinfo
from types import MappingProxyType

from sumu_dav.metadata import gif, heif, jpeg, matroska, png, quicktime, tiff, webp
from sumu_dav.metadata.bounded import FileSource, MalformedError, Source
from sumu_dav.metadata.findings import Findings
from sumu_dav.metadata.sniff import HEAD, Reader, sniff
from sumu_dav.model import Facts

READER_VERSION = 1
"""Goes up with every change after which a file may give other facts; records carry it, so that old ones are found."""

_READERS: MappingProxyType[Reader, Callable[[Source, Findings], None]] = MappingProxyType(
    {
        Reader.JPEG: jpeg.read,
        Reader.PNG: png.read,
        Reader.WEBP: webp.read,
        Reader.GIF: gif.read,
        Reader.TIFF: tiff.read,
        Reader.HEIF: heif.read,
        Reader.QUICKTIME: quicktime.read,
        Reader.MATROSKA: matroska.read,
    }
)


def read(fd: int, *, now: datetime, zone: tzinfo) -> Facts:
    """Return what the open file says of itself.

    The descriptor's position neither counts nor changes. `now` (aware) bounds dates in the future, `zone` is the
    server's time zone. What can't be read is None, and `error` says why. Raises OSError where the disk fails, and
    nothing because of the content.
    """
    source = FileSource(fd)
    findings = Findings()
    try:
        kind = sniff(source.read(0, min(HEAD, source.size)))
        if kind is None:
            findings.refuse("the content is of no known kind" if source.size else "the file is empty")
        else:
            findings.media_type, findings.is_video = kind.media_type, kind.is_video
            if kind.reader in _READERS:
                _READERS[kind.reader](source, findings)
            else:
                findings.refuse(f"{kind.media_type} is not read")
    except MalformedError as error:
        findings.refuse(str(error))
    return findings.facts(now=now, zone=zone)
