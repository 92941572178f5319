"""Files that people and other programs edited, replaced or broke, while the server was down or running."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tinydb import TinyDB

from sumu_dav.catalog import EmbeddedCatalog
from sumu_dav.catalog.records import Codec, RecordFile
from sumu_dav.errors import Damaged, NoSpace
from sumu_dav.model import Photo
from support.programs import tmpfs

MakePhoto = Callable[..., Photo]
PLAIN: Codec[dict[str, Any]] = Codec(dict, lambda _key, fields: fields)
File = RecordFile[dict[str, Any]]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "x.json"


def open_file(path: Path) -> File:
    return RecordFile.open(str(path), "media", PLAIN, housekeeping=False)


def beside(path: Path, why: str) -> list[Path]:
    return sorted(each for each in path.parent.iterdir() if f".{why}-" in each.name)


@pytest.fixture
def stopped(path: Path) -> Path:
    """The file of a server that ran and was stopped: three records."""
    file = open_file(path)
    file.change([(1, {"a": 1})])
    file.change([(2, {"a": 2})])
    file.change([(3, {"a": 3})])
    file.close()
    return path


# while the server was down


def test_a_file_that_stock_tinydb_rewrote_is_taken_and_laid_out_again(stopped: Path) -> None:
    with TinyDB(stopped) as stock:
        stock.table("media").insert({"a": "by hand"})
        stock.table("media").remove(doc_ids=[2])
    assert stopped.read_text().count("\n") == 0
    file = open_file(stopped)
    assert dict(file.items()) == {1: {"a": 1}, 3: {"a": 3}, 4: {"a": "by hand"}}
    assert stopped.read_text().count("\n") == 5
    file.change([(file.new_id(), {"a": 5})])
    file.close()


@pytest.mark.parametrize("indent", [2, None])
def test_a_file_in_another_layout_is_taken(stopped: Path, indent: int | None) -> None:
    stopped.write_text(json.dumps(json.loads(stopped.read_text()), indent=indent))
    file = open_file(stopped)
    assert dict(file.items()) == {1: {"a": 1}, 2: {"a": 2}, 3: {"a": 3}}
    file.close()


def test_line_ends_and_mark_of_a_windows_editor_are_taken(stopped: Path) -> None:
    stopped.write_bytes(b"\xef\xbb\xbf" + stopped.read_bytes().replace(b"\n", b"\r\n"))
    file = open_file(stopped)
    assert len(file) == 3
    file.close()


def test_a_line_edited_in_place_is_taken_as_it_is(stopped: Path) -> None:
    stopped.write_text(stopped.read_text().replace('"a": 2', '"a": "edited"'))
    file = open_file(stopped)
    assert file.get(2) == {"a": "edited"}
    file.close()


def test_a_missing_line_end_at_the_end_is_taken(stopped: Path) -> None:
    stopped.write_text(stopped.read_text().rstrip("\n"))
    file = open_file(stopped)
    file.change([(4, {"a": 4})])
    assert len(json.loads(stopped.read_text())["media"]) == 4
    file.close()


def test_trailing_blanks_that_an_editor_took_away_are_not_missed(path: Path) -> None:
    file = open_file(path)
    file.change([(1, {"a": 1}), (2, {"a": 2})])
    file.change(drop=[1])
    file.close()
    path.write_text("\n".join(line.rstrip() for line in path.read_text().splitlines()) + "\n")
    file = open_file(path)
    assert dict(file.items()) == {2: {"a": 2}}
    file.close()


def test_an_empty_file_begins_empty(path: Path) -> None:
    path.touch()
    file = open_file(path)
    assert len(file) == 0
    assert json.loads(path.read_text()) == {"media": {}}
    file.close()


def test_a_deleted_file_begins_empty_and_its_ids_stay_used(stopped: Path) -> None:
    stopped.unlink()
    file = open_file(stopped)
    assert len(file) == 0
    assert file.new_id() == 4
    file.close()


@pytest.mark.parametrize(
    ("found", "made", "line"),
    [
        ('"2": {"a": 2}', '"2": {"a": 2', 3),
        ('"2": {"a": 2}', '"2": {"a": }', 3),
        ('"2": {"a": 2},', '"2": {"a": 2}', 4),
        ('"2": {"a": 2}', '"2": {"a": 2}}', 3),
        ('"2": {"a": 2}', '"2": {"a": NaN}', 3),
        ('"2": {"a": 2}', '"2": 2', 3),
        ('"2": {"a": 2}', '"two": {"a": 2}', 3),
        ('"2": {"a": 2}', '"-2": {"a": 2}', 3),
        ('"3": {"a": 3}', '"3": {"a": 3', 4),
        ('"3": {"a": 3}\n', "", 4),
        ('{"media"', '{"photos"', 1),
        ('{"media": {', '["media", {', 1),
    ],
)
def test_damage_stops_the_start_and_names_the_line(stopped: Path, found: str, made: str, line: int) -> None:
    text = stopped.read_text().replace(found, made)
    stopped.write_text(text)
    with pytest.raises(Damaged) as caught:
        open_file(stopped)
    assert caught.value.line == line, str(caught.value)
    assert caught.value.path == str(stopped)
    assert "check --repair" in caught.value.cure
    assert stopped.read_text() == text, "a damaged file must not be touched"


@pytest.mark.parametrize("ending", ["}\n", "", "}}\nmore\n", "\n\0\0\0"])
def test_an_ending_that_a_torn_write_explains_is_mended(
    stopped: Path, ending: str, caplog: pytest.LogCaptureFixture
) -> None:
    """All that was recorded stands before it; it is kept beside all the same."""
    stopped.write_text(stopped.read_text().removesuffix("}}\n") + ending)
    file = open_file(stopped)
    assert len(file) == 3
    (kept,) = beside(stopped, "torn")
    assert str(kept) in caplog.text
    file.close()


@pytest.mark.parametrize("journal", ["there", "gone"])
def test_one_line_without_an_end_is_no_torn_write(stopped: Path, journal: str) -> None:
    stopped.write_text(json.dumps(json.loads(stopped.read_text())))
    if journal == "gone":
        os.unlink(f"{stopped}.journal")
    file = open_file(stopped)
    assert len(file) == 3
    file.close()


def test_a_file_cut_short_by_a_bad_copy_is_damage_and_not_a_torn_write(path: Path) -> None:
    file = open_file(path)
    for key in range(1, 200):
        file.change([(key, {"a": "x" * 50})])
    file.close()
    path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(Damaged):
        open_file(path)


def test_a_bad_sector_in_the_middle_is_damage(path: Path) -> None:
    file = open_file(path)
    for key in range(1, 200):
        file.change([(key, {"a": "x" * 50})])
    file.close()
    content = bytearray(path.read_bytes())
    content[2048:2560] = bytes(512)
    path.write_bytes(content)
    os.unlink(f"{path}.journal")
    with pytest.raises(Damaged):
        open_file(path)


def test_a_second_table_stops_the_start(stopped: Path) -> None:
    with TinyDB(stopped) as stock:
        stock.insert({"in": "the default table"})
    with pytest.raises(Damaged, match="_default"):
        open_file(stopped)


def test_a_record_that_is_no_photo_stops_the_start(tmp_path: Path, photo: MakePhoto) -> None:
    path = tmp_path / "catalog.json"
    catalog = EmbeddedCatalog.open(str(path))
    catalog.change(put=[photo(1)])
    catalog.change(put=[photo(2)])
    catalog.close()
    path.write_text(path.read_text().replace('"size": 1002', '"size": "large"'))
    with pytest.raises(Damaged, match="'size' is 'large' and should be a whole number") as caught:
        EmbeddedCatalog.open(str(path))
    assert caught.value.line == 3


def test_fields_that_others_added_are_kept(tmp_path: Path, photo: MakePhoto) -> None:
    path = tmp_path / "catalog.json"
    catalog = EmbeddedCatalog.open(str(path))
    catalog.change(put=[photo(1)])
    catalog.close()
    path.write_text(path.read_text().replace('"album": "trip"', '"album": "trip", "rating": 5'))
    catalog = EmbeddedCatalog.open(str(path))
    found = catalog.by_doc(1)
    assert found is not None
    assert found.extra == (("rating", 5),)
    catalog.change(put=[photo(1, name="new.jpg", extra=found.extra)])
    catalog.close()
    assert json.loads(path.read_text())["media"]["1"]["rating"] == 5


def test_a_record_made_by_hand_needs_the_essential_fields_alone(tmp_path: Path, photo: MakePhoto) -> None:
    path = tmp_path / "catalog.json"
    essential = ("id", "user", "album", "name", "size", "sha256", "modified", "uploaded")
    record = {name: getattr(photo(1), name) for name in essential}
    path.write_text(json.dumps({"media": {"1": record}}))
    catalog = EmbeddedCatalog.open(str(path))
    assert catalog.all() == [photo(1)]
    catalog.close()


# under the running server


def replaced(path: Path) -> None:
    other = path.with_suffix(".edited")
    other.write_text('{"media": {\n"9": {"a": "foreign"}\n}}\n')
    os.replace(other, path)


def edited(path: Path) -> None:
    path.write_text(path.read_text().replace('"a": 1', '"a": "foreign"'))


def appended(path: Path) -> None:
    with TinyDB(path) as stock:
        stock.table("media").insert({"a": "foreign"})


@pytest.mark.parametrize("meddle", [replaced, edited, appended])
def test_a_file_changed_under_the_server_is_kept_beside(
    path: Path, meddle: Callable[[Path], None], caplog: pytest.LogCaptureFixture
) -> None:
    file = open_file(path)
    file.change([(1, {"a": 1}), (2, {"a": 2})])
    meddle(path)
    with caplog.at_level(logging.WARNING):
        file.change([(3, {"a": 3})])
    (kept,) = beside(path, "changed")
    assert "foreign" in kept.read_text()
    assert str(kept) in caplog.text
    expected = {1: {"a": 1}, 2: {"a": 2}, 3: {"a": 3}}
    assert {int(key): value for key, value in json.loads(path.read_text())["media"].items()} == expected
    file.change(drop=[2])
    file.close()
    assert len(beside(path, "changed")) == 1
    file = open_file(path)
    assert dict(file.items()) == {1: {"a": 1}, 3: {"a": 3}}
    file.close()


def test_a_file_removed_under_the_server_is_written_anew(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    file = open_file(path)
    file.change([(1, {"a": 1})])
    path.unlink()
    file.change([(2, {"a": 2})])
    assert len(json.loads(path.read_text())["media"]) == 2
    assert "was removed" in caplog.text
    file.close()


def test_housekeeping_leaves_a_changed_file_to_the_next_write(path: Path) -> None:
    file = open_file(path)
    file.change([(1, {"a": 1}), (2, {"a": 2})])
    file.change([(1, {"a": 3})])
    replaced(path)
    file.tidy()
    file.compact()
    file.close()
    assert "foreign" in path.read_text()


def test_a_full_state_disk(tmp_path: Path) -> None:
    with tmpfs(tmp_path / "state", "256k") as state:
        path = state / "x.json"
        file = open_file(path)
        kept = fill(file)
        assert len(file) == kept
        assert len(json.loads(path.read_text())["media"]) == kept
        file.change(drop=[1])
        assert len(json.loads(path.read_text())["media"]) == kept - 1
        file.close()
        file = open_file(path)
        assert len(file) == kept - 1
        file.close()


def fill(file: File) -> int:
    """Put records until there is no space; gives how many there are."""
    for key in range(1, 2000):
        try:
            file.change([(key, {"a": "x" * 1000})])
        except NoSpace:
            return key - 1
    raise AssertionError("the disk is never full")


def test_a_wrong_record_in_another_layout_is_named_and_the_file_left_alone(tmp_path: Path, photo: MakePhoto) -> None:
    path = tmp_path / "catalog.json"
    catalog = EmbeddedCatalog.open(str(path))
    catalog.change(put=[photo(number) for number in range(1, 4)])
    catalog.close()
    tables = json.loads(path.read_text())
    tables["media"]["2"]["isVideo"] = "no"
    text = json.dumps(tables, indent=1)
    path.write_text(text)
    with pytest.raises(Damaged, match="record 2: the field 'isVideo'") as caught:
        EmbeddedCatalog.open(str(path))
    assert text.splitlines()[caught.value.line - 1].strip() == '"2": {'
    assert path.read_text() == text
