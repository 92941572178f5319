"""`trash`: listed beside whoever has the state, brought back and dropped through the server or alone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from sumu_dav.archive.operations.trash import empty, restore
from sumu_dav.cli import trash
from sumu_dav.cli.main import main
from sumu_dav.server.control import Control
from support.family import Family
from support.samples import jpeg


@pytest.fixture
def family(tmp_path: Path) -> Iterator[Family]:
    """Alice has deleted two photos, an hour apart, and Bob one; another process has the state, and listens."""
    family = Family(tmp_path)
    for owner, name in (("alice", "a"), ("bob", "b"), ("alice", "c")):
        family.put(f"/{owner}/{name}.jpg", jpeg(taken="2024:05:17 10:11:12"))
        family.delete(f"/{owner}/24-05/{name}.jpg")
        family.clock.ahead += timedelta(hours=1)
    control = Control(
        family.state / "control.sock",
        {"trash.restore": partial(restore, family.archive), "trash.empty": partial(empty, family.archive)},
    )
    control.start()
    yield family
    control.stop()
    family.close()


def run(family: Family, *arguments: str) -> int:
    return main(["trash", *arguments, "--plex", str(family.plex), "--state", str(family.state)], [trash.add])


def listed(family: Family, capsys: pytest.CaptureFixture[str], *arguments: str) -> list[dict[str, object]]:
    capsys.readouterr()
    assert run(family, "list", "--json", *arguments) == 0
    rows: list[dict[str, object]] = json.loads(capsys.readouterr().out)
    return rows


def test_list_tells_what_can_be_restored(family: Family, capsys: pytest.CaptureFixture[str]) -> None:
    rows = listed(family, capsys)

    assert [list(row) for row in rows] == [["id", "user", "album", "name", "size", "when", "why"]] * 3
    assert [(row["user"], row["album"], row["name"], row["why"]) for row in rows] == [
        ("alice", "24-05", "a.jpg", "deleted"),
        ("bob", "24-05", "b.jpg", "deleted"),
        ("alice", "24-05", "c.jpg", "deleted"),
    ]
    assert [row["name"] for row in listed(family, capsys, "--user", "bob")] == ["b.jpg"]
    assert run(family, "list") == 0
    assert "deleted" in capsys.readouterr().out


def test_list_before_the_first_start_is_empty(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["trash", "list", "--json", "--state", str(tmp_path / "state")], [trash.add]) == 0
    assert capsys.readouterr().out == "[]\n"


def test_restore_brings_back_what_is_named(family: Family, capsys: pytest.CaptureFixture[str]) -> None:
    first = str(listed(family, capsys)[0]["id"])

    assert run(family, "restore", first) == 0

    assert capsys.readouterr().out == f"{first} /alice/24-05/a.jpg\n"
    assert family.has("/alice/a.jpg")
    assert [row["name"] for row in listed(family, capsys)] == ["b.jpg", "c.jpg"]


def test_restore_since_a_time_is_one_users_alone(family: Family, capsys: pytest.CaptureFixture[str]) -> None:
    since = datetime.fromisoformat(str(listed(family, capsys)[1]["when"]))

    assert run(family, "restore", "--user", "alice", "--since", since.isoformat()) == 0

    assert [row["name"] for row in listed(family, capsys)] == ["a.jpg", "b.jpg"]
    assert run(family, "restore", "--since", since.date().isoformat()[:4]) == 0
    assert listed(family, capsys) == []


def test_what_could_not_be_restored_is_told_by_the_exit_code(
    family: Family, capsys: pytest.CaptureFixture[str]
) -> None:
    for stored in (family.plex / ".sumu/trash/bob").iterdir():
        stored.unlink()

    assert run(family, "restore", "--user", "bob") == 1

    assert "its bytes are no longer in the trash" in capsys.readouterr().out


def test_restore_asks_what_is_meant(family: Family, capsys: pytest.CaptureFixture[str]) -> None:
    for arguments, words in (
        ((), "name the entries"),
        (("--since", "yesterday"), "yesterday"),
    ):
        with pytest.raises(SystemExit) as ended:
            run(family, "restore", *arguments)
        assert ended.value.code == 2
        assert words in capsys.readouterr().err
    assert run(family, "restore", "nothing") == 2
    assert "nothing in the trash" in capsys.readouterr().err


def test_empty_drops_everything_or_one_users(family: Family, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(family, "empty", "--user", "alice") == 0
    assert capsys.readouterr().out.startswith("2 entries of ")
    assert [row["name"] for row in listed(family, capsys)] == ["b.jpg"]
    assert run(family, "empty") == 0
    assert listed(family, capsys) == []


def test_without_a_server_the_command_does_it_itself(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    family = Family(tmp_path)
    family.put("/alice/a.jpg", jpeg(taken="2024:05:17 10:11:12"))
    family.delete("/alice/24-05/a.jpg")
    assert run(family, "restore", "--user", "alice") == 2  # somebody has the state, and does not listen
    capsys.readouterr()
    family.close()

    assert run(family, "restore", "--user", "alice") == 0

    assert (family.plex / "alice/24-05/a.jpg").exists()
    assert run(family, "empty") == 0
    assert "0 entries" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2024", "2024-01-01T00:00:00"),
        ("2024-05", "2024-05-01T00:00:00"),
        ("2024-05-17", "2024-05-17T00:00:00"),
        ("2024-05-17T10:11:12Z", "2024-05-17T10:11:12+00:00"),
    ],
)
def test_a_time_may_be_as_coarse_as_a_year(text: str, expected: str) -> None:
    assert trash.moment(text).isoformat() == expected
