"""The tests' own tools tell the truth: samples are what they claim, and a client reads a multistatus as it is."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import requests

from sumu_dav.auth.accounts import Accounts
from sumu_dav.settings import load
from support.dav import DAV, SUMU, condition, members
from support.programs import needs
from support.samples import jpeg, mov
from support.server import Server


def as_exiftool_reads(path: Path) -> dict[str, Any]:
    needs("exiftool")
    shown = subprocess.run(["exiftool", "-json", "-n", "-a", str(path)], capture_output=True, text=True, check=True)
    tags: dict[str, Any] = json.loads(shown.stdout)[0]
    assert "Error" not in tags
    assert "Warning" not in tags
    return tags


def test_a_made_jpeg_says_what_it_was_told(tmp_path: Path) -> None:
    photo = tmp_path / "made.jpg"
    photo.write_bytes(
        jpeg(
            taken="2024:05:17 10:11:12",
            offset="+02:00",
            gps=(-33.8568, 151.2153),
            make="Apple",
            model="iPhone 15",
            orientation=6,
            content_id="7A5B0F9E-0000-4000-8000-000000000001",
            width=100,
            height=50,
            pad=100_000,
        )
    )

    tags = as_exiftool_reads(photo)

    assert (tags["ImageWidth"], tags["ImageHeight"], tags["Orientation"]) == (100, 50, 6)
    assert (tags["DateTimeOriginal"], tags["OffsetTimeOriginal"]) == ("2024:05:17 10:11:12", "+02:00")
    assert tags["GPSLatitude"] == pytest.approx(-33.8568, abs=1e-6)
    assert tags["GPSLongitude"] == pytest.approx(151.2153, abs=1e-6)
    assert (tags["Make"], tags["Model"]) == ("Apple", "iPhone 15")
    # Newer releases of exiftool name the tag as Apple does for videos.
    assert tags.get("MediaGroupUUID", tags.get("ContentIdentifier")) == "7A5B0F9E-0000-4000-8000-000000000001"
    assert photo.stat().st_size > 100_000


def test_a_made_jpeg_without_exif_says_nothing(tmp_path: Path) -> None:
    photo = tmp_path / "made.jpg"
    photo.write_bytes(jpeg())

    assert not {"Make", "DateTimeOriginal", "GPSLatitude"} & set(as_exiftool_reads(photo))


def test_samples_differ_unless_they_are_asked_not_to() -> None:
    assert jpeg() != jpeg()
    assert mov() != mov()
    assert jpeg(seed=1) == jpeg(seed=1)
    assert mov(seed=1) == mov(seed=1)


def test_a_made_movie_says_what_it_was_told(tmp_path: Path) -> None:
    video = tmp_path / "made.mov"
    video.write_bytes(
        mov(
            taken=datetime(2024, 5, 17, 8, 11, 12, tzinfo=UTC),
            written="2024-05-17T10:11:12+0200",
            gps="+48.2082+016.3738/",
            content_id="7A5B0F9E-0000-4000-8000-000000000001",
            duration=2.5,
            width=640,
            height=480,
        )
    )

    tags = as_exiftool_reads(video)

    assert tags["CreateDate"] == "2024:05:17 08:11:12"
    assert tags["CreationDate"] == "2024:05:17 10:11:12+02:00"
    assert tags["ContentIdentifier"] == "7A5B0F9E-0000-4000-8000-000000000001"
    assert tags["Duration"] == 2.5
    assert (tags["ImageWidth"], tags["ImageHeight"]) == (640, 480)
    assert tags["GPSLatitude"] == pytest.approx(48.2082)


def answered(status: int, body: str) -> requests.Response:
    answer = requests.Response()
    answer.status_code = status
    answer._content = body.encode()
    return answer


def test_a_multistatus_is_read() -> None:
    first, second = members(
        answered(
            207,
            '<d:multistatus xmlns:d="DAV:" xmlns:s="urn:sumu">'
            "<d:response><d:href>/alice/%C3%BC%20x/</d:href>"
            "<d:propstat><d:prop><d:resourcetype><d:collection/></d:resourcetype></d:prop>"
            "<d:status>HTTP/1.1 200 OK</d:status></d:propstat>"
            "<d:propstat><d:prop><s:taken/></d:prop><d:status>HTTP/1.1 404 Not Found</d:status></d:propstat>"
            "</d:response>"
            "<d:response><d:href>http://host/alice/a.jpg</d:href><d:status>HTTP/1.1 423 Locked</d:status></d:response>"
            "</d:multistatus>",
        )
    )

    assert (first.path, first.name, first.is_collection) == ("/alice/ü x/", "ü x/", True)
    assert first.statuses == {f"{DAV}resourcetype": 200, f"{SUMU}taken": 404}
    assert first.text(f"{SUMU}taken") is None
    assert (second.name, second.status) == ("a.jpg", 423)


def test_the_condition_of_an_error_is_read() -> None:
    assert condition(answered(403, '<d:error xmlns:d="DAV:"><d:propfind-finite-depth/></d:error>')) == (
        "propfind-finite-depth"
    )
    assert condition(answered(404, "nothing there")) is None


@pytest.mark.parametrize(("ci", "outcome"), [("", pytest.skip.Exception), ("1", pytest.fail.Exception)])
def test_a_missing_program_skips_here_and_fails_where_all_are_installed(
    ci: str, outcome: type[BaseException], monkeypatch: pytest.MonkeyPatch, needs: Callable[..., None]
) -> None:
    monkeypatch.setitem(os.environ, "CI", ci)
    monkeypatch.setattr(shutil, "which", lambda program: None)

    with pytest.raises(outcome, match="not installed: litmus"):
        needs("litmus")


SERVING = """
import http.server, signal, sys
server = http.server.HTTPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler)
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
sys.stdout.write(f"account alice password s3cret\\nserving http://127.0.0.1:{server.server_port}/\\n")
sys.stdout.flush()
server.serve_forever()
"""


def instead_of_the_server(program: str) -> tuple[str, ...]:
    return (sys.executable, "-c", program)


def test_a_server_is_started_stopped_and_killed(tmp_path: Path) -> None:
    server = Server(tmp_path / "server", prefix=instead_of_the_server(SERVING))

    server.start()
    assert server.first_account == ("alice", "s3cret")
    assert server.raw(b"GET / HTTP/1.0\r\n\r\n").startswith(b"HTTP/1.0 501")
    assert server.stop() == 0

    server.start()
    server.kill()
    with pytest.raises(ConnectionRefusedError):
        server.raw(b"")


def test_a_server_that_does_not_start_says_why(tmp_path: Path) -> None:
    server = Server(tmp_path / "server", prefix=instead_of_the_server("import sys; sys.exit('no such tree')"))

    with pytest.raises(AssertionError, match="no such tree"):
        server.start()


def test_a_server_gets_the_settings_that_a_test_asks_for(tmp_path: Path) -> None:
    server = Server(tmp_path / "server", sumu={"trash": {"days": 0}, "watch": "off"})

    settings = load(server.config)

    assert (settings.trash.days, settings.watch) == (0.0, "off")
    assert settings.filing.album == "%y-%m"


def test_the_accounts_of_a_test_s_server_can_log_in(accounts: Path) -> None:
    made = Accounts(accounts)

    assert {account.name: account.admin for account in made.all()} == {"alice": False, "bob": False, "root": True}
