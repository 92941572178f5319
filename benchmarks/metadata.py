"""Milliseconds a file that reading its metadata takes, for each kind of the shared media set.

Beside it stand Pillow, piexif and exiftool where they are installed and read that kind; exiftool gets all files of a
kind in one call, so that its start is shared. Exits 1 where the median of a kind is above the limit.

    python benchmarks/metadata.py [--media ../shared/media] [--rounds 15]
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from sumu_dav.metadata import read

LIMIT_MS = 0.5
"""What the median file of every kind may take."""

ZONE = ZoneInfo("Europe/Berlin")

Timed = Callable[[Path], object]


def ours(file: Path) -> object:
    """Open, read, close."""
    fd = os.open(file, os.O_RDONLY)
    try:
        return read(fd, now=datetime.now(UTC), zone=ZONE)
    finally:
        os.close(fd)


def peers() -> dict[str, Timed]:
    """The libraries that are installed, each as a function of one file."""
    found: dict[str, Timed] = {}
    try:
        image = importlib.import_module("PIL.Image")
    except ImportError:
        print("Pillow is not installed")
    else:

        def pillow(file: Path) -> object:
            with image.open(file) as picture:
                exif = picture.getexif()
                return exif, exif.get_ifd(0x8769), exif.get_ifd(0x8825)

        found["Pillow"] = pillow
    found["piexif"] = lambda file: importlib.import_module("piexif").load(str(file))
    return found


def milliseconds(function: Timed, files: list[Path], rounds: int) -> float | None:
    """The median file's median round; None where no file of the kind can be read."""
    medians = []
    for file in files:
        took = []
        try:
            for _ in range(rounds):
                started = time.perf_counter()
                function(file)
                took.append((time.perf_counter() - started) * 1000)
        except Exception:  # noqa: BLE001 - a peer that can't read a file is not measured on it
            continue
        medians.append(statistics.median(took))
    return statistics.median(medians) if medians else None


def exiftool_milliseconds(files: list[Path]) -> float | None:
    """One call for all files, divided by their number."""
    program = shutil.which("exiftool")
    if program is None:
        return None
    started = time.perf_counter()
    subprocess.run(
        [program, "-fast", "-n", "-j", *files], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False
    )
    return (time.perf_counter() - started) * 1000 / len(files)


def cell(value: float | None) -> str:
    """A number for the table."""
    return f"{value:10.3f}" if value is not None else f"{'-':>10}"


def main() -> int:
    """Print the table; return 1 where a kind is over the limit."""
    beside = Path(__file__).resolve().parents[2] / "shared" / "media"
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--media", type=Path, default=beside)
    arguments.add_argument("--rounds", type=int, default=15)
    options = arguments.parse_args()

    kinds: dict[str, list[Path]] = defaultdict(list)
    for entry in json.loads((options.media / "manifest.json").read_text())["files"]:
        kinds[entry["kind"]].append(options.media / entry["path"])
    others = peers()

    print(
        f"{'kind':24}{'files':>6}"
        + "".join(f"{name:>10}" for name in ("sumu_dav", *others, "exiftool"))
        + "   ms a file"
    )
    slow = []
    for kind, files in sorted(kinds.items()):
        own = milliseconds(ours, files, options.rounds)
        if own is None or own > LIMIT_MS:
            slow.append(kind)
        peer_cells = (cell(milliseconds(function, files, options.rounds)) for function in others.values())
        print(f"{kind:24}{len(files):6}{cell(own)}{''.join(peer_cells)}{cell(exiftool_milliseconds(files))}")
    print(f"over {LIMIT_MS} ms: {', '.join(slow) or 'none'}")
    return 1 if slow else 0


if __name__ == "__main__":
    sys.exit(main())
