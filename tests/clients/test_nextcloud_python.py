"""Nextcloud's Python client (PyPI's `nc-py-api`): chunks, favorites, lists by REPORT and SEARCH, ids.

Its first questions are not WebDAV, and are answered by a front (`support.nextcloud`).
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.clients import contents, run
from support.nextcloud import Front
from support.samples import mov
from support.server import ROOT, Server, password_of

PROGRAM = ROOT / "tests" / "clients" / "python"
LARGE = 12_000_000
"""Bytes: three chunks of five MiB, the last one not full."""


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the client in it: beside our own packages it would take the place of one of them."""
    folder = tmp_path_factory.mktemp("packages")
    statuses = (0,) if os.environ.get("CI") else range(256)
    pip = (sys.executable, "-m", "pip", "--no-cache-dir", "--disable-pip-version-check", "install")
    run(*pip, "--target", folder, "--requirement", PROGRAM / "requirements.txt", statuses=statuses)
    if not (folder / "nc_py_api").exists():
        pytest.skip("pip can't fetch its packages here")
    return folder


@pytest.fixture
def front(server: Server) -> Iterator[Front]:
    front = Front(server)
    yield front
    front.close()


def test_a_day(server: Server, front: Front, photos: Path, packages: Path, tmp_path: Path) -> None:
    large = tmp_path / "large.mov"
    large.write_bytes(mov(pad=LARGE))
    everything = contents(photos) | contents(tmp_path)
    first, second, third = sorted(contents(photos))[:3]
    words = (front.url, "alice", password_of("alice"), photos, large, "python day")

    told = json.loads(run(sys.executable, PROGRAM / "day.py", *words, environment={"PYTHONPATH": str(packages)}))

    assert told["listed"] == {name: len(data) for name, data in everything.items()}
    assert told["made"] == told["asked"]
    assert told["found"] == ["large.mov", f"renamed {first}", f"copy of {third}"]
    assert told["taken"] == 412
    assert told["favorites"] == [second]
    assert "large.mov" in told["searched"]
    assert told["whole"] == len(everything[second])
    assert told["missing"] == [first, third]

    everything[f"renamed {first}"] = everything.pop(first)
    everything[f"copy of {third}"] = everything.pop(third)
    assert contents(server.plex / "alice" / "python day") == everything
    assert contents(server.plex / "alice" / "favorites") == {second: everything[second]}
    chunks = [each.path for each in front.passed if each.method == "PUT" and "/uploads/" in each.path]
    assert [path.rpartition("/")[2] for path in chunks[-3:]] == ["0", "1", "2"]
    assert len(chunks) > len(everything)
