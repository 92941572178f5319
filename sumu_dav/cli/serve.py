"""`serve`: the options of the server. What serving is belongs to the server."""

from __future__ import annotations

import argparse
from pathlib import Path

from sumu_dav.cli.main import Run


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser], run: Run) -> None:
    """Register the command; `run` serves."""
    parser = commands.add_parser("serve", help="serve the photos until SIGTERM")
    parser.add_argument("--host", metavar="H", help="the address to listen on")
    parser.add_argument("--port", metavar="N", type=int, help="the port to listen on, 0 for any free one")
    parser.add_argument("--certificate", metavar="FILE", type=Path, help="speak TLS with this certificate (PEM)")
    parser.add_argument("--private-key", metavar="FILE", type=Path, help="the certificate's key (PEM)")
    parser.add_argument("--plex-url", metavar="URL", help="the Plex server to tell of changes")
    parser.set_defaults(run=run)
