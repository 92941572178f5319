"""Running real WebDAV clients as programs, and the photos that their users have."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from support.programs import SHARED
from support.samples import jpeg
from support.server import Server, password_of

PATIENCE = 120.0
"""Seconds after which a client that hangs fails its test."""

SCRIPTS = (
    "IMG",
    "Größe",
    "naïve café",
    "写真",
    "фото",
    "صورة",
    "תמונה",
    "한글",
    "a+b%20c",
    "#1; ?&=",
    "emoji 😀",
    "O'Neil",
)
"""What names begin with, in the scripts and with the signs that clients encode in different ways."""


def run(
    *words: str | Path,
    stdin: str = "",
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
    statuses: Sequence[int] = (0,),
) -> str:
    """Run a program to its end, and return all that it said; it must exit with one of `statuses`."""
    done = subprocess.run(
        [str(word) for word in words],
        input=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        env={**os.environ, **(environment or {})},
        cwd=folder,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode in statuses, f"{words[0]} ended with {done.returncode}:\n{done.stdout}"
    return done.stdout


def camera_roll(folder: Path, count: int = 100) -> Path:
    """Fill a folder with real photos and videos, made ones for those that are missing: `count` of them in all."""
    folder.mkdir(parents=True)
    kept = sorted(path for path in (SHARED / "media").glob("*/*") if path.is_file() and path.stat().st_size)[:count]
    for path in kept:
        shutil.copy2(path, folder / path.name)
    for number in range(count - len(kept)):
        (folder / f"IMG_{number:04}.jpg").write_bytes(jpeg(taken=f"2024:05:{number % 28 + 1:02} 10:11:12"))
    return folder


def named_photos(folder: Path, count: int) -> Path:
    """Fill a folder with small photos whose names are in many scripts."""
    folder.mkdir(parents=True)
    for number in range(count):
        name = f"{SCRIPTS[number % len(SCRIPTS)]} {number:03}.jpg"
        (folder / name).write_bytes(jpeg(taken=f"2024:{number % 3 + 1:02}:05 10:11:12"))
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    """The files of a folder and their bytes."""
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def written(server: Server, album: str) -> int:
    """How many files were sent into an album of alice's so far, new ones and replacements: PUTs that were taken."""
    entries = map(json.loads, (server.state / "audit.log").read_text().splitlines())
    return sum(
        entry["verb"] == "PUT" and entry["status"] < 300 and f"/alice/{album}/" in entry["path"] for entry in entries
    )


def home_with_netrc(folder: Path, user: str = "alice") -> dict[str, str]:
    """The environment of a program that reads names and passwords from ~/.netrc."""
    folder.mkdir(parents=True)
    netrc = folder / ".netrc"
    netrc.write_text(f'machine 127.0.0.1 login {user} password "{password_of(user)}"\n')
    netrc.chmod(0o600)
    return {"HOME": str(folder)}
