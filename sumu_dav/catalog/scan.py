"""Reading a record file line by line: its records, and the first line that is not as `layout` lays them out.

Goes through the file once, in bounded memory.  Decides nothing: whether an irregular line was torn, edited or
damaged is for `recovery` to say.  Knows nothing of files or of what a record means.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple, NoReturn

from sumu_dav.catalog.layout import MAX_LINE, header, key_of, pack, unpack

_BLOCK = 512
"""Lines that are parsed in one call of the JSON parser, which then shares the field names among their records."""


_TORN_AFTER_COMMA = b",}}\n"
"""No record ends in this, but a whole one may lie before it: a batch's comma was the last byte of its sector, and the
next sector still holds the rest of the closing."""


class Entry(NamedTuple):
    """A record as it stands in the file: `place` is packed, `line` counts from 1."""

    key: int
    fields: dict[str, Any]
    place: int
    line: int


@dataclass(frozen=True, slots=True)
class Irregular:
    """The first line that can't be read, its offset, and where the batch that it belongs to begins (bytes)."""

    line: int
    offset: int
    batch_start: int
    reason: str


@dataclass(frozen=True, slots=True)
class Scanned:
    """How a reading ended. `tail` is the offset where the next batch belongs; it counts only without `irregular`."""

    tail: int
    last_place: int | None = None
    irregular: Irregular | None = None


class _NotJson(ValueError):
    """JSON has no such number, though Python's parser would take it."""


def _refuse_constant(text: str) -> NoReturn:
    raise _NotJson(f"{text} is no JSON")


def parse(text: bytes | str) -> Any:
    """What strict JSON says. `ValueError` otherwise, `RecursionError` kept from the caller as one."""
    try:
        return json.loads(text, parse_constant=_refuse_constant)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error


_Line = tuple[int, int, int, int, bytes]
"""A line that is still to be parsed: number, batch start, id, place, and the text of its object. A bare tuple: a named
one would add a tenth to the start of a large library."""


def scan(lines: Iterable[bytes], table: str, take: Callable[[list[Entry]], None]) -> Scanned:
    """Hand the records of a file, given as its lines with their line ends, to `take` block by block, in file order.

    Stops at the first irregular line.  Records of the batch that holds it may have been handed over by then.
    """
    reader = _Reader(table, take)
    for raw in lines:
        irregular = reader.read(raw) or (reader.flush() if len(reader.block) >= _BLOCK else None)
        if irregular is not None:
            return Scanned(irregular.batch_start, irregular=irregular)
    return reader.end()


class _Reader:
    """Where in the file the scan stands, and the lines that are still to be parsed."""

    def __init__(self, table: str, take: Callable[[list[Entry]], None]) -> None:
        self.block: list[_Line] = []
        self._take = take
        self._opening = header(table) + b"\n"
        self._number = self._offset = self._batch_start = 0
        self._last_place: int | None = None
        self._may_follow = True
        self._may_close = True
        self._tail: int | None = None

    def read(self, raw: bytes) -> Irregular | None:
        """Take in one line; say what is wrong with it, if anything is."""
        self._number += 1
        if self._number == 1:
            if raw != self._opening:
                return self._irregular("the file does not begin as it should")
            self._batch_start = len(raw) - 1
        elif self._tail is not None:
            return self._irregular("something follows the end of the table")
        elif raw[:2] == b"}}" and raw in (b"}}\n", b"}}"):
            if not self._may_close:
                return self._irregular("the last record is followed by a comma")
            self._tail = self._offset - 1
        elif raw.isspace():
            if not self._may_follow:
                return self._irregular("a comma is missing before this line")
            if raw[-1:] != b"\n":
                return self._irregular("the line has no end")
            self._batch_start = self._offset + len(raw) - 1
        else:
            return self._record(raw)
        self._offset += len(raw)
        return None

    def _record(self, raw: bytes) -> Irregular | None:
        if not self._may_follow:
            return self._irregular("a comma is missing before this line")
        if raw[-3:] == b"},\n":
            length, ends_batch, comma = len(raw) - 2, True, True
        elif raw[-4:] == b"}, \n":
            length, ends_batch, comma = len(raw) - 3, False, True
        elif raw[-4:] == _TORN_AFTER_COMMA:
            self._offset += len(raw) - len(_TORN_AFTER_COMMA)
            self._batch_start = self._offset
            return self._irregular("a batch begins here of which only the comma was written")
        elif raw[-2:] == b"}\n":
            length, ends_batch, comma = len(raw) - 1, True, False
        else:
            return self._irregular("the line does not end as a record does")
        key = key_of(raw)
        if key is None or length > MAX_LINE:
            return self._irregular('the line does not begin with a record\'s number, as in "12": {')
        value = raw[raw.index(b'": ') + 3 : length]
        place = self._last_place = pack(self._offset, length)
        self.block.append((self._number, self._batch_start, key, place, value))
        if ends_batch:
            self._batch_start = self._offset + length
        self._may_follow = comma
        self._may_close = not comma
        self._offset += len(raw)
        return None

    def _irregular(self, reason: str) -> Irregular:
        # a line before this one may be broken too, and then it is the first
        return self.flush() or Irregular(self._number, self._offset, self._batch_start, reason)

    def flush(self) -> Irregular | None:
        """Parse the lines that wait; say which of them is no record, if one is not."""
        block, self.block = self.block, []
        try:
            values = parse(b"[" + b",".join([line[-1] for line in block]) + b"]")
        except ValueError:
            return _first_broken(block)
        if len(values) != len(block) or set(map(type, values)) - {dict}:
            return _first_broken(block)
        lines = zip(block, values, strict=True)
        self._take([Entry(key, fields, place, number) for (number, _start, key, place, _text), fields in lines])
        return None

    def end(self) -> Scanned:
        """The file is at its end."""
        irregular = self.flush()
        if irregular is None and self._tail is None:
            irregular = Irregular(self._number + 1, self._offset, self._batch_start, "the file ends too early")
        if irregular is not None:
            return Scanned(irregular.batch_start, irregular=irregular)
        return Scanned(self._tail or 0, self._last_place)


def _first_broken(block: list[_Line]) -> Irregular:
    for number, batch_start, _key, place, text in block:
        try:
            broken = "the record is no JSON object" if type(parse(text)) is not dict else None
        except ValueError as error:
            broken = f"the record is not JSON ({error})"
        if broken is not None:
            return Irregular(number, unpack(place)[0], batch_start, broken)
    number, batch_start, _key, place, _text = block[0]
    return Irregular(number, unpack(place)[0], batch_start, "the records run into each other")
