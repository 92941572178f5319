"""Checksums of bytes as they arrive, several at once. Knows no file."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterable
from typing import Protocol

ALGORITHMS = frozenset({"sha256", "sha1", "sha512", "md5", "adler32", "crc32", "sha384", "sha224", "sha3-256"})
"""What can be asked for: all that OC-Checksum (ownCloud), Content-MD5 (RFC 1864) and digest fields (RFC 9530) name."""


class _Hash(Protocol):
    def update(self, data: bytes | bytearray | memoryview, /) -> None: ...

    def hexdigest(self) -> str: ...


class _Rolling:
    """A checksum of zlib's in the shape of hashlib's, 8 hexadecimal digits."""

    def __init__(self, adler: bool) -> None:
        self._function = zlib.adler32 if adler else zlib.crc32
        self._value = 1 if adler else 0

    def update(self, data: bytes | bytearray | memoryview, /) -> None:
        self._value = self._function(data, self._value)

    def hexdigest(self) -> str:
        return f"{self._value:08x}"


def _started(algorithm: str) -> _Hash:
    if algorithm not in ALGORITHMS:
        raise ValueError(f"no such checksum: {algorithm!r}")
    if algorithm in ("adler32", "crc32"):
        return _Rolling(algorithm == "adler32")
    # these tell damage from wholeness, and guard no secret
    started: _Hash = getattr(hashlib, algorithm.replace("-", "_"))(usedforsecurity=False)
    return started


class Digests:
    """SHA-256 and whatever else was asked for. Raises ValueError for an algorithm that is not in ALGORITHMS."""

    def __init__(self, also: Iterable[str] = ()) -> None:
        self._hashes = {algorithm: _started(algorithm) for algorithm in ("sha256", *also)}

    def update(self, data: bytes | bytearray | memoryview) -> None:
        """Take in the next bytes."""
        for running in self._hashes.values():
            running.update(data)

    def hexdigests(self) -> dict[str, str]:
        """Algorithm to lower-case hexadecimal digits, of the bytes so far."""
        return {algorithm: running.hexdigest() for algorithm, running in self._hashes.items()}
