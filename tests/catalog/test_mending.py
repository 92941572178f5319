"""What is found wrong in a file, and what a repair leaves."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from sumu_dav.catalog import EmbeddedCatalog, examine, repair
from sumu_dav.errors import Damaged
from sumu_dav.model import Photo

MakePhoto = Callable[..., Photo]


@pytest.fixture
def path(tmp_path: Path, photo: MakePhoto) -> Path:
    path = tmp_path / "catalog.json"
    catalog = EmbeddedCatalog.open(str(path))
    for number in range(1, 6):
        catalog.change(put=[photo(number)])
    catalog.close()
    return path


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_a_good_file_has_no_findings(path: Path) -> None:
    before = path.read_bytes()
    assert examine(str(path)) == []
    assert repair(str(path)) == []
    assert path.read_bytes() == before


def test_a_running_servers_file_has_no_findings(path: Path, photo: MakePhoto) -> None:
    catalog = EmbeddedCatalog.open(str(path))
    catalog.change(put=[photo(1, make="Apple")], drop=[3])
    assert examine(str(path)) == []
    catalog.close()


def test_every_damaged_line_is_found_and_the_others_are_kept(path: Path, photo: MakePhoto) -> None:
    edit(path, '"2": {', '"2": {{')
    edit(path, '"size": 1004', '"size": "x"')
    damaged = path.read_bytes()
    findings = examine(str(path))
    assert [finding.line for finding in findings] == [3, 5]
    assert "'size' is 'x'" in findings[1].reason
    assert all(finding.cure for finding in findings)
    with pytest.raises(Damaged):
        EmbeddedCatalog.open(str(path))
    done = repair(str(path))
    assert any("line 3" in sentence for sentence in done)
    assert any("3 records were kept" in sentence for sentence in done)
    (kept,) = path.parent.glob("catalog.json.damaged-*")
    assert kept.read_bytes() == damaged
    assert str(kept) in done[-1]
    assert examine(str(path)) == []
    catalog = EmbeddedCatalog.open(str(path))
    assert catalog.all() == [photo(1), photo(3), photo(5)]
    assert catalog.new_doc_id() == 6
    catalog.close()


@pytest.mark.parametrize(("old", "new"), [("}},\n", "}}\n"), ("\n}}\n", ",\n}}\n"), ("}}\n", "}"), ("{", "[{")])
def test_what_is_wrong_between_the_records_costs_none(path: Path, photo: MakePhoto, old: str, new: str) -> None:
    text = path.read_text()
    path.write_text(text.replace(old, new, 1) if old != "}}\n" else text.removesuffix("}}\n") + new)
    assert examine(str(path)) != []
    repair(str(path))
    assert examine(str(path)) == []
    catalog = EmbeddedCatalog.open(str(path))
    assert catalog.all() == [photo(number) for number in range(1, 6)]
    catalog.close()


def test_a_file_in_another_layout_is_judged_by_its_records(path: Path) -> None:
    tables = json.loads(path.read_text())
    path.write_text(json.dumps(tables, indent=1))
    assert examine(str(path)) == []
    tables["media"]["2"]["latitude"] = 100
    path.write_text(json.dumps(tables, indent=1))
    (finding,) = examine(str(path))
    assert "record 2" in finding.reason


def test_a_missing_file_is_a_finding(tmp_path: Path) -> None:
    (finding,) = examine(str(tmp_path / "none.json"))
    assert "missing" in finding.reason
    assert repair(str(tmp_path / "none.json")) == []


def test_a_torn_end_is_found_and_the_rest_is_kept(path: Path, photo: MakePhoto) -> None:
    path.write_bytes(path.read_bytes().removesuffix(b"\n}}\n") + b',\n"6": {"id": "tor')
    (finding,) = examine(str(path))
    assert "torn" in finding.reason
    repair(str(path))
    catalog = EmbeddedCatalog.open(str(path))
    assert catalog.count() == 5
    catalog.close()
