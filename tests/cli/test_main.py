"""The command line itself: options anywhere, errors on one line, exit codes that scripts can rely on."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from sumu_dav.cli.main import FAILED, INTERRUPTED, NOBODY_READS, Run, main
from sumu_dav.cli.output import add_json_option, print_list
from sumu_dav.errors import StateInUse
from sumu_dav.settings import Settings


@pytest.fixture(autouse=True)
def _work_in_an_empty_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)


class Fleet:
    """A command `ship launch [--port N]` that remembers the settings it was run with."""

    def __init__(self, run: Run | None = None) -> None:
        self.settings: Settings | None = None
        self._run: Run = run or self.remember

    def remember(self, arguments: argparse.Namespace, settings: Settings) -> int:
        self.settings = settings
        return 7

    def add(self, commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
        below = commands.add_parser("ship").add_subparsers(required=True)
        launch = below.add_parser("launch")
        launch.add_argument("--port")
        launch.set_defaults(run=self._run)

    def launch(self, *arguments: str) -> int:
        return main(list(arguments), [self.add])


@pytest.mark.parametrize(
    "arguments",
    [
        ("ship", "launch", "--plex", "p", "--state", "s"),
        ("ship", "--plex", "p", "launch", "--state", "s"),
        ("--plex", "p", "--state", "s", "ship", "launch"),
        ("--plex", "other", "ship", "--plex", "p", "--state", "s", "launch"),
    ],
)
def test_the_common_options_stand_before_or_behind_the_command(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    fleet = Fleet()

    assert fleet.launch(*arguments) == 7

    assert fleet.settings is not None
    assert fleet.settings.plex == tmp_path / "p"
    assert fleet.settings.state == tmp_path / "s"


def test_options_win_over_the_configuration(tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text("port: 9000\nhost: 0.0.0.0\n")
    fleet = Fleet()

    fleet.launch("ship", "launch", "--config", "own.yaml", "--port", "9001")

    assert fleet.settings is not None
    assert (fleet.settings.host, fleet.settings.port) == ("0.0.0.0", 9001)


def test_a_wrong_setting_is_one_line_and_exit_code_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert Fleet().launch("ship", "launch", "--port", "http") == FAILED

    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err == "sumu-dav: port: found 'http', allowed: a whole number from 0 to 65535\n"


def test_errors_of_the_domain_and_of_the_system_are_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    def busy(arguments: argparse.Namespace, settings: Settings) -> int:
        raise StateInUse("/srv/state")

    def forbidden(arguments: argparse.Namespace, settings: Settings) -> int:
        raise PermissionError(13, "Permission denied", "/srv/state/accounts.json")

    assert Fleet(busy).launch("ship", "launch") == FAILED
    assert Fleet(forbidden).launch("ship", "launch") == FAILED

    assert capsys.readouterr().err.splitlines() == [
        "sumu-dav: Another server or command is using /srv/state.",
        "sumu-dav: /srv/state/accounts.json: Permission denied",
    ]


def test_ctrl_c_ends_quietly(capsys: pytest.CaptureFixture[str]) -> None:
    def interrupted(arguments: argparse.Namespace, settings: Settings) -> int:
        raise KeyboardInterrupt

    assert Fleet(interrupted).launch("ship", "launch") == INTERRUPTED
    assert capsys.readouterr().err == ""


def test_a_reader_that_goes_away_ends_a_command_quietly() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    program = (
        "import sys\n"
        "from sumu_dav.cli.main import main\n"
        "def run(arguments, settings):\n"
        "    print('x' * 100000)\n"
        "    return 0\n"
        "sys.exit(main(['talk'], [lambda commands: commands.add_parser('talk').set_defaults(run=run)]))\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program], stdout=writing, stderr=subprocess.PIPE, text=True, env=on_path(), check=False
    )
    os.close(writing)

    assert (ended.returncode, ended.stderr) == (NOBODY_READS, "")


def on_path() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent.parent)}


@pytest.mark.parametrize(
    "arguments", [(), ("sail",), ("ship",), ("ship", "launch", "--prot", "1"), ("ship", "launch", "--por", "1")]
)
def test_a_command_line_that_makes_no_sense_is_exit_code_2(
    arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        Fleet().launch(*arguments)

    assert ended.value.code == FAILED
    assert "usage: sumu-dav" in capsys.readouterr().err


def test_python_m_sumu_dav_is_the_same_as_the_installed_program() -> None:
    shown = subprocess.run(
        [sys.executable, "-m", "sumu_dav", "--version"], capture_output=True, text=True, env=on_path(), check=True
    )

    assert shown.stdout.startswith("sumu-dav 1.")


def test_a_list_as_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    rows: list[dict[str, object]] = [
        {"name": "日本.jpg", "size": 5, "favorite": True, "hidden": 1},
        {"name": "a\x1b[31m\nb", "size": None, "favorite": False},
    ]

    print_list(rows, ["name", "size", "favorite"], as_json=False)

    assert capsys.readouterr().out == (
        "name            size  favorite\n日本.jpg        5     yes\na\\x1b[31m\\x0ab  -     no\n"
    )


def test_a_list_as_json_is_one_array_with_one_object_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    rows: list[dict[str, object]] = [{"name": "日本.jpg", "size": None}, {"name": "a\nb", "size": 2}]

    print_list(rows, ["name"], as_json=True)

    shown = capsys.readouterr().out
    assert json.loads(shown) == rows
    assert shown == '[\n{"name": "日本.jpg", "size": null},\n{"name": "a\\nb", "size": 2}\n]\n'


def test_an_empty_list_is_an_empty_array(capsys: pytest.CaptureFixture[str]) -> None:
    print_list([], ["name"], as_json=True)

    assert json.loads(capsys.readouterr().out) == []


def test_json_is_asked_for_with_an_option() -> None:
    parser = argparse.ArgumentParser()
    add_json_option(parser)

    assert parser.parse_args(["--json"]).json
    assert not parser.parse_args([]).json
