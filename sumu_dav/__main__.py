"""`python -m sumu_dav`: the one place that knows every command, and so the server as well as the command line."""

from __future__ import annotations

import sys

from sumu_dav.cli import devices, users
from sumu_dav.cli import main as command_line

COMMANDS: tuple[command_line.Add, ...] = (users.add, devices.add)
"""The commands, in the order of the help."""


def main() -> int:
    """Run the command that the process was started with, and return its exit code."""
    return command_line.main(None, COMMANDS)


if __name__ == "__main__":
    sys.exit(main())
