"""The audit log: one JSON line each, private, rotated, and never the reason for a failed request."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sumu_dav.auth.audit import AuditLog


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "audit.log"


@pytest.fixture
def audit(path: Path) -> Iterator[AuditLog]:
    log = AuditLog(path, max_bytes=2_000, kept_files=2, clock=lambda: 1_714_567_890.5)
    yield log
    log.close()


def put(audit: AuditLog, path: str = "/alice/a.jpg", **other: Any) -> None:
    facts: dict[str, Any] = {"user": "alice", "device": "phone", "address": "192.0.2.1", "verb": "PUT", "status": 201}
    audit.record(**{**facts, "path": path, "destination": None, **other})


def test_a_line_says_who_did_what_to_which_path_from_where(audit: AuditLog, path: Path) -> None:
    put(audit, verb="MOVE", destination="/alice/trip/a.jpg")
    put(audit, user=None, device=None, status=401)
    first, second = (json.loads(line) for line in path.read_text().splitlines())
    assert first == {
        "time": "2024-05-01T12:51:30.500+00:00",
        "user": "alice",
        "device": "phone",
        "address": "192.0.2.1",
        "verb": "MOVE",
        "path": "/alice/a.jpg",
        "destination": "/alice/trip/a.jpg",
        "status": 201,
    }
    assert (second["user"], second["device"], second["status"]) == (None, None, 401)


@pytest.mark.parametrize("name", ["a\nb", "a\r\n{}", "\x1b[2J", "\u2028", "\u202e", "\udcff", 'a"b', "ü"])
def test_a_name_never_breaks_out_of_its_line(audit: AuditLog, path: Path, name: str) -> None:
    put(audit, name)
    content = path.read_bytes()
    assert content.count(b"\n") == 1
    assert all(32 <= byte < 127 for byte in content[:-1])
    assert json.loads(content)["path"] == name


def test_it_is_rotated_by_size_and_stays_private(audit: AuditLog, path: Path) -> None:
    for number in range(60):
        put(audit, f"/alice/{number}.jpg")
    files = sorted(path.parent.iterdir())
    assert [file.name for file in files] == ["audit.log", "audit.log.1", "audit.log.2"]
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}
    assert all(file.stat().st_size <= 2_000 for file in files)
    assert json.loads(path.read_text().splitlines()[-1])["path"] == "/alice/59.jpg"


def test_it_goes_on_where_the_last_start_ended(audit: AuditLog, path: Path) -> None:
    put(audit)
    again = AuditLog(path)
    put(again)
    again.close()
    assert len(path.read_text().splitlines()) == 2


def test_a_disk_that_fails_costs_a_line_and_no_more(
    audit: AuditLog, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    away = path.parent.with_name("away")
    path.parent.rename(away)
    with caplog.at_level(logging.ERROR):
        for number in range(20):
            put(audit, f"/alice/{number}.jpg")
    assert "a line of the audit log is lost" in caplog.text
    away.rename(path.parent)
    put(audit, "/alice/last.jpg")
    assert json.loads(path.read_text().splitlines()[-1])["path"] == "/alice/last.jpg"
