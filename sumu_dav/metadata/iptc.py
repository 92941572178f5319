"""The date that an IPTC block gives, as Photoshop stores it.

Specifications: IPTC IIM 4.2 datasets 2:55 "Date Created" and 2:60 "Time Created"; Adobe's "Photoshop File Formats",
image resource blocks (resource 0x0404 holds the IPTC data). It must not know in which container the block lay.
"""

from __future__ import annotations

from sumu_dav.metadata.dates import Claim
from sumu_dav.metadata.findings import Findings

_IPTC_RESOURCE = 0x0404
_RECORD, _DATE_CREATED, _TIME_CREATED = 2, 55, 60
_MAX_DATASETS = 2000
_MAX_RESOURCES = 200


def read_resources(block: bytes, findings: Findings) -> None:
    """Find the IPTC data among Photoshop's image resource blocks (without the "Photoshop 3.0\\0" before them)."""
    at = 0
    for _ in range(_MAX_RESOURCES):
        if block[at : at + 4] != b"8BIM" or at + 7 > len(block):
            return
        number = int.from_bytes(block[at + 4 : at + 6], "big")
        # A Pascal string and the data are each padded to an even length.
        name_length = (block[at + 6] + 2) & ~1
        size_at = at + 6 + name_length
        size = int.from_bytes(block[size_at : size_at + 4], "big")
        data_at = size_at + 4
        if number == _IPTC_RESOURCE:
            read_datasets(block[data_at : data_at + size], findings)
            return
        at = data_at + ((size + 1) & ~1)


def read_datasets(block: bytes, findings: Findings) -> None:
    """Read the IPTC datasets; a date without a time is its midnight, a time without a date is nothing."""
    if not findings.admits("IPTC"):
        return
    values: dict[int, str] = {}
    at = 0
    for _ in range(_MAX_DATASETS):
        if at + 5 > len(block) or block[at] != 0x1C:
            break
        record, dataset = block[at + 1], block[at + 2]
        size = int.from_bytes(block[at + 3 : at + 5], "big")
        if size & 0x8000:
            # An extended dataset (IIM §1.6.3) is megabytes of picture, never a date.
            break
        if record == _RECORD and dataset in (_DATE_CREATED, _TIME_CREATED):
            values.setdefault(dataset, block[at + 5 : at + 5 + min(size, 32)].decode("latin-1").strip(" \0"))
        at += 5 + size
    date, time = values.get(_DATE_CREATED, ""), values.get(_TIME_CREATED, "")
    if len(date) == 8:
        date = f"{date[:4]}-{date[4:6]}-{date[6:]}"
    if date and len(time) >= 6:
        date = f"{date} {time[:2]}:{time[2:4]}:{time[4:6]}{time[6:]}"
    if date:
        findings.claims.append(Claim("iptc:DateCreated", date))
