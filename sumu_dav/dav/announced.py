"""What a client says beforehand of the bytes it sends: their length and their checksums.

Must not know the bytes: comparing is the archive's. A client that asks for a check gets it or an error, never a receipt
without one, so a checksum of a known kind that can't be read is refused, while unknown kinds are passed over.
"""

from __future__ import annotations

import binascii
import re
from base64 import b64decode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sumu_dav.dav.faults import BadRequest


@dataclass(frozen=True, slots=True)
class Checksum:
    """A checksum of the whole body. `algorithm` is its name in lower case (`sha3-256`), `value` lower-case hex."""

    algorithm: str
    value: str


@dataclass(frozen=True, slots=True)
class Announced:
    """Length in bytes (None where nothing is said of it) and checksums of a body that is to come."""

    length: int | None = None
    checksums: tuple[Checksum, ...] = ()


_BYTES = {"md5": 16, "sha1": 20, "sha256": 32, "sha512": 64, "sha3-256": 32, "adler32": 4, "crc32": 4}

# RFC 9530 §7.2. Its other insecure ones (unixsum, unixcksum, crc32c) protect nothing that TCP does not.
_RFC9530 = {"sha-256": "sha256", "sha-512": "sha512", "md5": "md5", "sha": "sha1", "adler": "adler32"}

_LENGTH = re.compile(r"[0-9]{1,18}", re.ASCII)
_HEX = re.compile(r"[0-9a-f]+", re.ASCII)
# A member of an RFC 9651 dictionary whose value is a byte sequence.
_DIGEST = re.compile(r"([a-z*][a-z0-9_.*-]*)=:([A-Za-z0-9+/]*={0,2}):", re.ASCII)


def announced_file(environ: Mapping[str, Any]) -> Announced:
    """What is announced of a file that the body brings whole (PUT).

    Raises BadRequest where two headers contradict each other, or one makes no sense.
    """
    length = _agreed_length(environ, ("CONTENT_LENGTH", "HTTP_OC_TOTAL_LENGTH", "HTTP_X_EXPECTED_ENTITY_LENGTH"))
    return Announced(length, (*_owncloud(environ), *_content_md5(environ), *_digests(environ)))


def announced_chunk(environ: Mapping[str, Any]) -> Announced:
    """What is announced of one chunk of a chunked upload: OC-Total-Length and OC-Checksum speak of the whole file."""
    return Announced(_agreed_length(environ, ("CONTENT_LENGTH",)), (*_content_md5(environ), *_digests(environ)))


def announced_assembly(environ: Mapping[str, Any]) -> Announced:
    """What is announced of the file that chunks are put together to (MOVE of `.file`): the request has no body."""
    return Announced(_agreed_length(environ, ("HTTP_OC_TOTAL_LENGTH",)), tuple(_owncloud(environ)))


def _agreed_length(environ: Mapping[str, Any], keys: tuple[str, ...]) -> int | None:
    agreed: int | None = None
    for key in keys:
        sent = str(environ.get(key) or "").strip()
        if not sent:
            continue
        if not _LENGTH.fullmatch(sent):
            raise BadRequest(f"{_spelled(key)} is a number of bytes, not {sent[:40]!r}")
        if agreed is not None and agreed != int(sent):
            raise BadRequest(f"{_spelled(key)} says {int(sent)} bytes, and another header {agreed}")
        agreed = int(sent)
    return agreed


def _owncloud(environ: Mapping[str, Any]) -> Iterator[Checksum]:
    """OC-Checksum: `SHA1:<hex>`, several of them separated by spaces."""
    for item in environ.get("HTTP_OC_CHECKSUM", "").split():
        kind, _, value = item.partition(":")
        algorithm = kind.lower()
        if algorithm not in _BYTES:
            continue
        value = value.strip().lower()
        digits = _BYTES[algorithm] * 2
        if algorithm in ("adler32", "crc32"):
            value = value.rjust(digits, "0")  # some clients print the number without its leading zeros
        if len(value) != digits or not _HEX.fullmatch(value):
            raise BadRequest(f"OC-Checksum: {kind} has {digits} hexadecimal digits")
        yield Checksum(algorithm, value)


def _content_md5(environ: Mapping[str, Any]) -> Iterator[Checksum]:
    """Content-MD5 (RFC 1864): base64 of the 16 bytes."""
    sent = environ.get("HTTP_CONTENT_MD5", "").strip()
    if sent:
        yield _from_base64("Content-MD5", "md5", sent)


def _digests(environ: Mapping[str, Any]) -> Iterator[Checksum]:
    """Repr-Digest and Content-Digest (RFC 9530): equal for a PUT without Content-Encoding."""
    for key in ("HTTP_REPR_DIGEST", "HTTP_CONTENT_DIGEST"):
        sent = environ.get(key, "").strip()
        for member in sent.split(",") if sent else ():
            found = _DIGEST.fullmatch(member.partition(";")[0].strip())  # parameters mean nothing here
            if found is None:
                raise BadRequest(f"{_spelled(key)} is written sha-256=:<base64>:, not {member.strip()[:80]!r}")
            if found[1] in _RFC9530:
                yield _from_base64(_spelled(key), _RFC9530[found[1]], found[2])


def _from_base64(header: str, algorithm: str, text: str) -> Checksum:
    try:
        value = b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise BadRequest(f"{header} is no base64") from None
    if len(value) != _BYTES[algorithm]:
        raise BadRequest(f"{header}: {algorithm} has {_BYTES[algorithm]} bytes, not {len(value)}")
    return Checksum(algorithm, value.hex())


def _spelled(key: str) -> str:
    return "-".join(word if word in ("OC", "MD5") else word.title() for word in key.removeprefix("HTTP_").split("_"))
