"""How the commands show lists: as a table for people, as one JSON array for programs.

Knows nothing of what is listed.
"""

from __future__ import annotations

import argparse
import json
import unicodedata
from collections.abc import Iterable, Mapping, Sequence

WIDE = ("W", "F")
"""The East Asian widths (Unicode annex 11) that take two columns of a terminal."""


def add_json_option(parser: argparse.ArgumentParser) -> None:
    """Let the command take `--json`."""
    parser.add_argument("--json", action="store_true", help="print one JSON array, one object a line")


def print_list(rows: Iterable[Mapping[str, object]], columns: Sequence[str], *, as_json: bool) -> None:
    """Print rows to standard output: as JSON with all their keys, or as a table of some columns under their names."""
    if as_json:
        _print_json(rows)
    else:
        _print_table(rows, columns)


def _print_json(rows: Iterable[Mapping[str, object]]) -> None:
    # Row by row, so that a list of 200,000 photos is never held as one text.
    separator = "["
    for row in rows:
        print(separator, json.dumps(row, ensure_ascii=False), sep="\n" if separator == "[" else "", end="")
        separator = ",\n"
    print("[]" if separator == "[" else "\n]")


def _print_table(rows: Iterable[Mapping[str, object]], columns: Sequence[str]) -> None:
    table = [tuple(columns), *(tuple(_cell(row.get(column)) for column in columns) for row in rows)]
    widths = [max(_width(line[at]) for line in table) for at in range(len(columns))]
    for line in table:
        print("  ".join(cell + " " * (width - _width(cell)) for cell, width in zip(line, widths, strict=True)).rstrip())


def _cell(value: object) -> str:
    if value is None or value == () or value == []:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return ", ".join(_cell(item) for item in value)
    # A file's name may hold what moves the cursor or colours the terminal.
    return "".join(letter if letter.isprintable() else f"\\x{ord(letter):02x}" for letter in str(value))


def _width(cell: str) -> int:
    return sum(
        0 if unicodedata.combining(letter) else 2 if unicodedata.east_asian_width(letter) in WIDE else 1
        for letter in cell
    )
