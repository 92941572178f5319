"""`python -m sumu_dav`: the one place that knows every command, and so the server as well as the command line."""

from __future__ import annotations

import sys
from functools import partial

from sumu_dav.cli import check, devices, health, importer, locks, scan, search, trash, users
from sumu_dav.cli import main as command_line
from sumu_dav.cli import serve as serve_command
from sumu_dav.server.wiring import serve

COMMANDS: tuple[command_line.Add, ...] = (
    partial(serve_command.add, run=serve),
    users.add,
    devices.add,
    trash.add,
    search.add,
    scan.add,
    check.add,
    importer.add,
    locks.add,
    health.add,
)
"""The commands, in the order of the help."""


def main() -> int:
    """Run the command that the process was started with, and return its exit code."""
    return command_line.main(None, COMMANDS)


if __name__ == "__main__":
    sys.exit(main())
