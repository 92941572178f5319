"""What the files looked like, noted without waiting."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from sumu_dav.catalog import SeenFile
from sumu_dav.model import FileStat

ONE = FileStat(size=5, mtime_ns=1_700_000_000_123_456_789, ctime_ns=-1, inode=2**63)
TWO = FileStat(size=6, mtime_ns=2, ctime_ns=3, inode=44)


def test_notes_survive_a_restart(tmp_path: Path) -> None:
    seen = SeenFile.open(str(tmp_path / "seen.json"))
    seen.put(1, ONE)
    seen.put(2, TWO)
    seen.put(3, TWO)
    seen.forget(2)
    assert seen.get(1) == ONE
    seen.close()
    again = SeenFile.open(str(tmp_path / "seen.json"))
    assert (again.get(1), again.get(2), again.get(3)) == (ONE, None, TWO)
    assert again.by_inode(ONE.inode) == (1,)
    assert again.by_inode(TWO.inode) == (3,)
    again.close()


def test_records_that_share_an_inode_are_all_found(tmp_path: Path) -> None:
    seen = SeenFile.open(str(tmp_path / "seen.json"))
    seen.put(1, TWO)
    seen.put(2, TWO)
    assert seen.by_inode(44) == (1, 2)
    seen.put(1, ONE)
    assert seen.by_inode(44) == (2,)
    seen.forget(2)
    seen.forget(77)
    assert seen.by_inode(44) == ()
    seen.close()


@pytest.mark.parametrize("content", ['{"seen": {\n"1": {"size": "x"}\n}}\n', "no JSON", '{"seen": {\n"1": {}\n}}\n'])
def test_a_damaged_file_is_set_aside_and_begun_anew(
    tmp_path: Path, content: str, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "seen.json"
    path.write_text(content)
    with caplog.at_level(logging.WARNING):
        seen = SeenFile.open(str(path))
    assert seen.get(1) is None
    seen.put(1, ONE)
    seen.close()
    (kept,) = tmp_path.glob("seen.json.damaged-*")
    assert kept.read_text() == content
    assert str(kept) in caplog.text


def test_after_the_end_a_note_is_merely_lost(tmp_path: Path) -> None:
    seen = SeenFile.open(str(tmp_path / "seen.json"))
    seen.close()
    seen.put(1, ONE)
