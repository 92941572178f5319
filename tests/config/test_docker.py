"""The container's files, as far as they can be tried without a Docker daemon: what they copy, and the script in it."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from sumu_dav.__main__ import COMMANDS
from sumu_dav.cli.main import _parser
from support.server import ROOT

DOCKER = ROOT / "config" / "docker"
SCRIPT = DOCKER / "sumu"
UID, GID = 12_345, 23_456

SHOW = (
    "#!/bin/sh\nid -u; id -g; id -G; umask; grep -h -e CapEff -e NoNewPrivs /proc/self/status; printf '%s\\n' \"$@\"\n"
)
"""Stands for the program: who it runs as, and with which words."""


def instructions() -> list[list[str]]:
    """The Dockerfile's instructions, each a list of words."""
    text = re.sub(r"\\\n", " ", (DOCKER / "Dockerfile").read_text())
    return [shlex.split(line, comments=True) for line in text.splitlines() if line and not line.startswith("#")]


def test_everything_that_is_copied_is_there_and_not_ignored() -> None:
    ignored = (DOCKER / "Dockerfile.dockerignore").read_text().split()
    copied = [
        source
        for name, *words in instructions()
        if name == "COPY" and not any(word.startswith("--from") for word in words)
        for source in [word for word in words if not word.startswith("--")][:-1]
    ]
    assert {"requirements.txt", "sumu_dav", "wsgidav.yaml", "config/docker/sumu"} <= set(copied)
    for source in copied:
        assert (ROOT / source).exists(), source
        assert f"!{source}" in ignored, source


def test_the_image_is_slim_and_has_a_health_check() -> None:
    bases = [words[0] for name, *words in instructions() if name == "FROM"]
    assert all(re.fullmatch(r"python:3\.\d+-slim-bookworm", base) for base in bases)
    (check,) = (words for name, *words in instructions() if name == "HEALTHCHECK")
    assert "health," in check


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that other users may enter, unlike pytest's."""
    with tempfile.TemporaryDirectory() as made:
        os.chmod(made, 0o755)
        yield Path(made)


@pytest.fixture
def run(folder: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs the container's script around a program that shows who it is."""
    program = folder / "program"
    program.write_text(SHOW)
    program.chmod(0o755)
    for name in ("photos", "state"):
        (folder / name).mkdir()

    def run(*words: str, prefix: tuple[str, ...] = (), **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*prefix, str(SCRIPT), *words],
            capture_output=True,
            text=True,
            check=False,
            cwd="/",
            env={
                "PATH": os.environ["PATH"],
                "SUMU_DAV": str(program),
                "SUMU_PLEX": str(folder / "photos"),
                "SUMU_STATE": str(folder / "state"),
                **environment,
            },
        )

    return run


needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")


@needs_root
def test_the_program_runs_as_the_user_that_was_asked_for_and_without_a_right(
    needs: Callable[..., None], run: Callable[..., subprocess.CompletedProcess[str]], folder: Path
) -> None:
    needs("setpriv")
    answer = run("serve", "--host", "0.0.0.0", PUID=str(UID), PGID=str(GID), UMASK="027")
    assert answer.returncode == 0, answer.stderr
    user, group, groups, umask, capabilities, privileges, *words = answer.stdout.splitlines()
    assert (user, group, groups, umask) == (str(UID), str(GID), str(GID), "0027")
    assert capabilities.split() == ["CapEff:", "0" * 16]
    assert privileges.split() == ["NoNewPrivs:", "1"]
    assert words[:3] == ["serve", "--host", "0.0.0.0"]
    assert words[3:] == [
        *("--config", "/etc/sumu-dav/wsgidav.yaml", "--plex", str(folder / "photos")),
        *("--state", str(folder / "state")),
    ]
    for name in ("photos", "state"):
        status = (folder / name).stat()
        assert (status.st_uid, status.st_gid) == (UID, GID)


@needs_root
def test_a_folder_that_is_somebodys_stays_theirs(
    needs: Callable[..., None], run: Callable[..., subprocess.CompletedProcess[str]], folder: Path
) -> None:
    needs("setpriv")
    os.chown(folder / "photos", 999, 999)
    assert run("user", "list", PUID=str(UID), PGID=str(GID)).returncode == 0
    assert (folder / "photos").stat().st_uid == 999


@needs_root
@pytest.mark.parametrize("environment", [{"PUID": "0"}, {"PGID": "0"}])
def test_root_is_refused(run: Callable[..., subprocess.CompletedProcess[str]], environment: dict[str, str]) -> None:
    answer = run("serve", **environment)
    assert (answer.returncode, answer.stdout) == (2, "")
    assert "other than root" in answer.stderr


@needs_root
def test_a_container_that_is_another_user_already_has_nothing_to_drop(
    needs: Callable[..., None], run: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    needs("setpriv")
    answer = run("user", "list", prefix=("setpriv", f"--reuid={UID}", f"--regid={GID}", "--clear-groups"))
    assert answer.stdout.splitlines()[:2] == [str(UID), str(GID)]


@needs_root
def test_the_server_starts_as_a_user_without_a_name(
    needs: Callable[..., None], run: Callable[..., subprocess.CompletedProcess[str]], folder: Path
) -> None:
    """Containers know PUID by its number alone. A command stands for the server: it makes the state's files."""
    needs("setpriv")
    program = folder / "program"
    program.write_text(f'#!/bin/sh\nPYTHONPATH={ROOT} exec {sys.executable} -m sumu_dav "$@"\n')
    answer = run("user", "list", PUID=str(UID), PGID=str(GID), SUMU_CONFIG=str(ROOT / "wsgidav.yaml"))
    if "Permission denied" in answer.stderr:
        pytest.skip(f"the checkout is not readable for everyone: {answer.stderr.splitlines()[-1]}")
    assert answer.returncode == 0, answer.stderr


def test_compose_puts_both_on_one_folder_and_uses_options_that_exist() -> None:
    services: dict[str, Any] = yaml.safe_load((DOCKER / "compose.yaml").read_text())["services"]
    ours, plex = services["sumu-dav"], services["plex"]
    context = (DOCKER / ours["build"]["context"]).resolve()
    assert context == ROOT.resolve()
    assert (context / ours["build"]["dockerfile"]).is_file()
    (photos,) = (volume for volume in ours["volumes"] if volume.endswith(":/photos"))
    assert f"{photos}:ro" in plex["volumes"]
    parsed = _parser(COMMANDS).parse_args(ours["command"])
    assert (parsed.host, parsed.plex_url) == ("0.0.0.0", "http://plex:32400/")
