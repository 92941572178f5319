"""What tests need of the machine: programs, rights, the sample files. Each says why a test is skipped without it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import pytest

SHARED = Path(__file__).parent.parent.parent.parent / "shared"
"""Beside the checkout: the sample photos and videos, which are no part of it."""


def needs(*programs: str) -> None:
    """Skip the test where a program is missing; where CI is set, fail it, since there all of them are installed."""
    missing = [program for program in programs if shutil.which(program) is None]
    if missing and os.environ.get("CI"):
        pytest.fail(f"not installed: {', '.join(missing)}")
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)}")


@contextmanager
def tmpfs(folder: Path, size: str) -> Iterator[Path]:
    """A file system in memory, of a size such as `2m`, at a folder; skips the test where mounting is not allowed."""
    folder.mkdir(parents=True, exist_ok=True)
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)],
        capture_output=True,
        text=True,
        check=False,
    )
    if mounted.returncode != 0:
        pytest.skip(f"mounting is not allowed here: {mounted.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@cache
def manifest() -> list[dict[str, Any]]:
    """What the samples' manifest says of each file: path, kind, level, expected."""
    path = SHARED / "media" / "manifest.json"
    if not path.exists():
        pytest.skip(f"the sample photos are not there: {path.parent}")
    files: list[dict[str, Any]] = json.loads(path.read_text())["files"]
    return files


def sample(kind: str, name: str | None = None) -> Path:
    """A sample file of a kind (`heic-iphone-gps`), the first or that of a name; skips the test where there is none."""
    for entry in manifest():
        path = SHARED / "media" / str(entry["path"])
        if entry["kind"] == kind and name in (None, path.name):
            return path
    raise LookupError(f"no sample {name or ''} of the kind {kind}")
