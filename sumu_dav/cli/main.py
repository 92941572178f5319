"""The command line: one parser over all commands, the settings from what it read, and errors as one line.

Knows nothing of what the commands do. Each is a module with `add(commands)`, which registers its parsers and sets
`run=` to a function of the arguments and the settings that returns the exit code.
"""

from __future__ import annotations

import argparse
import io
import os
import re
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Protocol

from sumu_dav import __version__
from sumu_dav.errors import SumuError
from sumu_dav.settings import Settings, load

Add = Callable[["argparse._SubParsersAction[argparse.ArgumentParser]"], None]
"""How a command module registers itself."""

FAILED = 2
"""The exit code of a command that could not run; argparse ends with the same on a wrong command line."""

INTERRUPTED = 130
"""The exit code after Ctrl-C: 128 + SIGINT, as shells have it."""

NOBODY_READS = 141
"""The exit code when the reader of our output has gone (`search | head`): 128 + SIGPIPE."""

OVERRIDES = {
    "host": "host",
    "port": "port",
    "certificate": "ssl_certificate",
    "private_key": "ssl_private_key",
    "plex": "sumu.plex",
    "state": "sumu.state",
    "plex_url": "sumu.plex_server.url",
}
"""The options that win over a key of the configuration, by their name among the parsed arguments."""


_NEGATIVE = re.compile(r"-\.?\d")


class Run(Protocol):
    """What a command does."""

    def __call__(self, arguments: argparse.Namespace, settings: Settings) -> int:
        """Do it and return the exit code. Raises SumuError where it can't."""


class Parser(argparse.ArgumentParser):
    """A parser that takes `--config`, `--plex` and `--state`, as do all that are made below it.

    None of the three has a default: a parser below would overwrite with it what one above has read.
    """

    def __init__(self, *positional: Any, **named: Any) -> None:
        super().__init__(*positional, **{"allow_abbrev": False, **named})
        common = self.add_argument_group("where everything is")
        for option, metavar, meaning in (
            ("--config", "FILE", "the configuration (default: wsgidav.yaml of the working folder)"),
            ("--plex", "DIR", "the folder that Plex watches"),
            ("--state", "DIR", "the folder of accounts and catalogue"),
        ):
            common.add_argument(option, metavar=metavar, help=meaning, type=Path, default=argparse.SUPPRESS)

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """As argparse does; but a value that begins like a negative number (`--near -33.9,151.2,10`) is one."""
        words: list[str] = []
        for word in sys.argv[1:] if args is None else args:
            if words and words[-1].startswith("--") and "=" not in words[-1] and _NEGATIVE.match(word):
                words[-1] += f"={word}"
            else:
                words.append(word)
        return super().parse_known_args(words, namespace)


def main(arguments: Sequence[str] | None, commands: Iterable[Add]) -> int:
    """Run the command that the arguments (None: the process's own) name, and return its exit code."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8")  # names of files are UTF-8, whatever the locale says
    parsed = _parser(commands).parse_args(arguments)
    run: Run = parsed.run
    try:
        code = run(parsed, load(getattr(parsed, "config", None), _overrides(parsed)))
        sys.stdout.flush()
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # The interpreter flushes once more at its end, and would complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return NOBODY_READS
    except SumuError as error:
        return _failed(str(error))
    except OSError as error:
        return _failed(f"{error.filename}: {error.strerror}" if error.filename else str(error))
    return code


def _parser(commands: Iterable[Add]) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = Parser(
        prog="sumu-dav", description="A WebDAV server for a family's photos, in front of Plex."
    )
    parser.add_argument("--version", action="version", version=f"sumu-dav {__version__}")
    below = parser.add_subparsers(metavar="COMMAND", required=True)
    for add in commands:
        add(below)
    return parser


def _overrides(parsed: argparse.Namespace) -> dict[str, object]:
    given = {name: getattr(parsed, name, None) for name in OVERRIDES}
    return {OVERRIDES[name]: value for name, value in given.items() if value is not None}


def _failed(message: str) -> int:
    print(f"sumu-dav: {' '.join(message.split())}", file=sys.stderr)
    return FAILED
