"""What `check` finds wrong in a record file, and what `check --repair` makes of it.

Goes line by line where the ordinary opening stops at the first irregular one.  Knows nothing of what a record means;
that is for the codec to say.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sumu_dav.catalog.disk import Disk
from sumu_dav.catalog.layout import encode_line, key_of
from sumu_dav.catalog.log import NEW, name_beside, write_file
from sumu_dav.catalog.photos import PHOTO_CODEC, TABLE
from sumu_dav.catalog.records import Codec
from sumu_dav.catalog.recovery import (
    CURE,
    entries_of,
    half_blanked,
    is_torn,
    lines_of,
    opened,
    read_journal,
    wanted_blanks,
)
from sumu_dav.catalog.scan import Entry, Irregular, parse, scan
from sumu_dav.errors import Damaged

_LOOKS = 3
"""Times that a file is read before what was found in it counts: a running server may have been appending."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something wrong: the line (from 1), what it is, and what can be done."""

    line: int
    reason: str
    cure: str


@dataclass(frozen=True, slots=True)
class _Look:
    """What one reading gave: the records that are good, as fields by id, and the findings."""

    good: dict[int, dict[str, Any]]
    findings: list[Finding]


def examine(path: str, table: str = TABLE, codec: Codec[Any] = PHOTO_CODEC) -> list[Finding]:
    """What is wrong in the file, in the order of its lines; works beside a running server and changes nothing."""
    disk = Disk()
    for _look in range(_LOOKS):
        before = disk.identity(path)
        if before is None:
            return [Finding(1, "the file is missing", "Put a backup in its place; without one it begins empty")]
        findings = _look_at(disk, path, table, codec).findings
        if not findings or disk.identity(path) == before:
            break
    return findings


def repair(path: str, table: str = TABLE, codec: Codec[Any] = PHOTO_CODEC) -> list[str]:
    """Write the file anew from what can be read in it, and say what was done, a sentence each; none if all was well.

    The damaged original is kept beside.  No server may have the file open.
    """
    disk = Disk()
    if disk.identity(path) is None:
        return []
    found = _look_at(disk, path, table, codec)
    if not found.findings:
        return []
    kept = name_beside(disk, path, "damaged")
    disk.link(path, kept)
    lines = ((key, encode_line(key, fields)) for key, fields in found.good.items())
    disk.close(write_file(disk, path + NEW, table, lines)[0])
    disk.replace(path + NEW, path)
    disk.sync_folder(path)
    done = [f"line {finding.line} was left out: {finding.reason}" for finding in found.findings]
    return [*done, f"{len(found.good)} records were kept, and the damaged file lies in {kept}"]


def _look_at(disk: Disk, path: str, table: str, codec: Codec[Any]) -> _Look:
    good: dict[int, dict[str, Any]] = {}
    findings: list[Finding] = []

    def take(entries: list[Entry]) -> None:
        for entry in entries:
            finding = _wrong_record(codec, entry.key, entry.fields, entry.line)
            if finding is None:
                good[entry.key] = entry.fields
            else:
                findings.append(finding)

    intents = read_journal(disk, path)
    with opened(disk, path) as fd:
        irregular = scan(lines_of(disk, fd), table, take).irregular
        if irregular is None:
            return _Look(good, findings)
        blanks = dict(wanted_blanks(disk, fd, intents))
        torn = is_torn(disk, fd, irregular, intents)
        try:
            found = disk.identity(fd)
            text = b"" if torn or blanks else disk.read(fd, found.size if found else 0, 0)
            entries = entries_of(path, table, text, irregular)
        except Damaged:
            return _line_by_line(lines_of(disk, fd), codec, blanks, irregular if torn else None)
    good.clear()
    findings.clear()
    take(entries)
    return _Look(good, findings)


def _line_by_line(
    lines: Iterable[bytes], codec: Codec[Any], blanks: Mapping[int, bytes], torn: Irregular | None
) -> _Look:
    good: dict[int, dict[str, Any]] = {}
    findings: list[Finding] = []
    offset = 0
    for number, raw in enumerate(lines, start=1):
        here, offset = offset, offset + len(raw)
        if torn is not None and here > torn.batch_start:
            cure = "The next start cuts it off and keeps it beside"
            findings.append(Finding(number, f"the last write was torn ({torn.reason})", cure))
            break
        text = raw.strip(b" \r\n,")
        pending = blanks.get(here)
        if number == 1 or text in (b"", b"}}") or (pending and half_blanked(raw[: len(pending)], pending)):
            continue
        key, fields = key_of(text), _fields(text)
        if key is None or fields is None:
            findings.append(Finding(number, "the line is no record", CURE))
            continue
        finding = _wrong_record(codec, key, fields, number)
        if finding is None:
            good[key] = fields
        else:
            findings.append(finding)
    return _Look(good, findings or [Finding(1, "the lines are not joined as they should be", CURE)])


def _fields(line: bytes) -> dict[str, Any] | None:
    try:
        value = parse(line[line.find(b": ") + 2 :])
    except ValueError:
        return None
    return value if type(value) is dict else None


def _wrong_record(codec: Codec[Any], key: int, fields: dict[str, Any], line: int) -> Finding | None:
    try:
        codec.decode(key, fields)
    except ValueError as error:
        return Finding(line, f"record {key}: {error}", CURE)
    return None
