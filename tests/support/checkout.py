"""A checkout as a newcomer has it: the files of the repository alone, in a folder of its own."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from support.server import ROOT


def clone(folder: Path) -> Path:
    """What `git clone` would give, with the changes that are not committed yet."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
        text=True,
    )
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).exists():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    return folder


def pretend_to_install(checkout: Path) -> None:
    """Let `.venv/bin/…` be what `make` would put there, without the minutes that it takes: this Python's packages."""
    programs = checkout / ".venv" / "bin"
    programs.mkdir(parents=True)
    (checkout / ".venv" / ".installed").touch()
    for name, words in (("python", ""), ("sumu-dav", "-m sumu_dav")):
        program = programs / name
        program.write_text(f'#!/bin/sh\nPYTHONPATH="{checkout}" exec "{sys.executable}" {words} "$@"\n')
        program.chmod(0o755)
