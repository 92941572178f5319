"""Chunks joined to one file: their order, what is refused, no second copy, and a crash between any two steps."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sumu_dav.archive.changes import chunks as module
from sumu_dav.archive.changes.chunks import Chunks
from sumu_dav.archive.plans.transit import Transit
from sumu_dav.errors import AlreadyExists, Busy, Conflict, LengthMismatch, NameRefused, NotFound, ParentMissing
from sumu_dav.library import Place, Side, Tree

TARGET = Place(Side.VISIBLE, "alice", ("trip", "movie.mov"))
SEED = 20240517


class Killed(BaseException):
    """What ends the process in a test: no `except` of the code under test may stop it."""


class KilledTree:
    """A tree whose process is killed after a number of changes, each of which is on the disk when it returns."""

    def __init__(self, tree: Tree, changes: int) -> None:
        self._tree = tree
        self._left = changes

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._tree, name)
        if name not in ("extend", "remove", "remove_tree", "rename"):
            return found

        def change(*arguments: Any, **named: Any) -> Any:
            if self._left == 0:
                raise Killed
            self._left -= 1
            return found(*arguments, **named)

        return change


@pytest.fixture
def tree(tmp_path: Path) -> Iterator[Tree]:
    tree = Tree.open(str(tmp_path / "plex"), None)
    tree.make_folders(TARGET.parent)
    yield tree
    tree.close()


@pytest.fixture
def chunks(tree: Tree) -> Chunks:
    chunks = Chunks(tree, Transit())
    chunks.make("alice", "u")
    return chunks


@pytest.fixture
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BATCH_BYTES", 2_000)


def send(tree: Tree, chunks: Chunks, name: str, data: bytes) -> bool:
    with tree.receive() as upload:
        upload.write(data)
        upload.seal()
        _, created = chunks.store("alice", "u", name, upload)
    return created


def publish(tree: Tree, chunks: Chunks, expected: int | None = None) -> bytes:
    with chunks.joined("alice", "u", expected=expected, also={"sha1"}) as whole:
        tree.rename(whole.place, TARGET, replace=True)
    data = content(tree, TARGET)
    assert whole.size == len(data)
    assert whole.digests == {"sha256": hashlib.sha256(data).hexdigest(), "sha1": hashlib.sha1(data).hexdigest()}
    return data


def content(tree: Tree, place: Place) -> bytes:
    with open(tree.open_file(place), "rb") as file:
        return file.read()


def test_chunks_are_joined_in_the_order_of_their_numbers(tree: Tree, chunks: Chunks) -> None:
    for name in ("10", "9", "00002", "1"):
        send(tree, chunks, name, name.encode() * 100)
    assert [chunk.name for chunk in chunks.listed("alice", "u")] == ["1", "00002", "9", "10"]
    assert publish(tree, chunks) == b"1" * 100 + b"00002" * 100 + b"9" * 100 + b"10" * 100
    assert chunks.uploads("alice") == []


def test_chunks_named_by_their_bytes_must_leave_no_gap(tree: Tree, chunks: Chunks) -> None:
    send(tree, chunks, "000000000000000-000000000000100", b"a" * 100)
    send(tree, chunks, "000000000000200-000000000000250", b"c" * 50)
    with pytest.raises(Conflict, match="at byte 100 is missing"):
        publish(tree, chunks)
    send(tree, chunks, "000000000000100-000000000000200", b"b" * 100)
    assert publish(tree, chunks) == b"a" * 100 + b"b" * 100 + b"c" * 50


def test_two_chunks_for_one_place_are_refused(tree: Tree, chunks: Chunks) -> None:
    send(tree, chunks, "1", b"one")
    send(tree, chunks, "01", b"two")
    with pytest.raises(Conflict, match=r"1 and 01|01 and 1"):
        publish(tree, chunks)


def test_a_chunk_sent_again_replaces_the_first(tree: Tree, chunks: Chunks) -> None:
    assert send(tree, chunks, "1", b"first")
    assert not send(tree, chunks, "1", b"second")
    assert publish(tree, chunks) == b"second"


@pytest.mark.parametrize("name", [".file", ".whole", ".joined", "x", "1-2-3", "-1", "1 ", "٣", "1" * 21])
def test_a_name_that_tells_no_order_is_refused(tree: Tree, chunks: Chunks, name: str) -> None:
    with pytest.raises(NameRefused):
        send(tree, chunks, name, b"data")
    assert chunks.listed("alice", "u") == []
    assert tree.leftovers() == []


def test_uploads_begin_once_and_end_once(tree: Tree, chunks: Chunks) -> None:
    with pytest.raises(AlreadyExists):
        chunks.make("alice", "u")
    assert chunks.uploads("alice") == ["u"]
    chunks.remove("alice", "u")
    with pytest.raises(NotFound):
        chunks.remove("alice", "u")
    with pytest.raises(NotFound):
        chunks.listed("alice", "u")
    with pytest.raises(ParentMissing):
        send(tree, chunks, "1", b"late")
    with pytest.raises(NotFound):
        publish(tree, chunks)


def test_a_chunk_that_is_dropped_can_be_sent_again(tree: Tree, chunks: Chunks) -> None:
    for name in ("1", "2"):
        send(tree, chunks, name, b"first")
    chunks.remove_chunk("alice", "u", "2")
    with pytest.raises(NotFound):
        chunks.remove_chunk("alice", "u", "2")
    for name in (".whole", ".joined", ".file", "x"):
        with pytest.raises(NameRefused):
            chunks.remove_chunk("alice", "u", name)
    send(tree, chunks, "2", b" second")
    assert publish(tree, chunks) == b"first second"


def test_an_upload_without_chunks_can_not_be_joined(tree: Tree, chunks: Chunks) -> None:
    with pytest.raises(Conflict, match="no chunk"):
        publish(tree, chunks)


def test_another_length_than_expected_uses_up_nothing(tree: Tree, chunks: Chunks) -> None:
    send(tree, chunks, "1", b"12345")
    with pytest.raises(LengthMismatch, match="6 bytes were announced and 5 came"):
        publish(tree, chunks, expected=6)
    assert publish(tree, chunks, expected=5) == b"12345"


def test_while_chunks_are_joined_the_upload_is_busy(tree: Tree, chunks: Chunks) -> None:
    send(tree, chunks, "1", b"data")
    with chunks.joined("alice", "u") as whole:
        with pytest.raises(Busy):
            send(tree, chunks, "2", b"more")
        with pytest.raises(Busy):
            chunks.remove("alice", "u")
        with pytest.raises(Busy):
            chunks.remove_chunk("alice", "u", "1")
        with pytest.raises(Busy):
            publish(tree, chunks)
        tree.rename(whole.place, TARGET, replace=True)
    assert content(tree, TARGET) == b"data"


@pytest.mark.usefixtures("small_batches")
def test_a_file_that_could_not_be_published_can_be_joined_again(tree: Tree, chunks: Chunks) -> None:
    names = [f"{number:05d}" for number in range(10)]
    for name in names:
        send(tree, chunks, name, name.encode() * 200)
    with pytest.raises(Conflict, match="locked"), chunks.joined("alice", "u"):
        raise Conflict("/alice/trip/movie.mov", "locked")
    assert [chunk.name for chunk in chunks.listed("alice", "u")] == names
    assert {chunk.size for chunk in chunks.listed("alice", "u")} == {1_000}
    with pytest.raises(Conflict, match="part of a file already"):
        send(tree, chunks, "00000", b"again")
    with pytest.raises(Conflict, match="part of a file already"):
        chunks.remove_chunk("alice", "u", "00000")
    assert publish(tree, chunks, expected=10_000) == b"".join(name.encode() * 200 for name in names)


@pytest.mark.usefixtures("small_batches")
def test_no_more_than_a_batch_lies_on_the_disk_twice(
    tree: Tree, chunks: Chunks, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(20):
        send(tree, chunks, str(number), bytes([number]) * 1_000)
    most = 0
    extend = Tree.extend

    def measured(tree: Tree, target: Place, *arguments: Any) -> Any:
        nonlocal most
        stat = extend(tree, target, *arguments)
        most = max(most, sum(entry.stat.size for entry in tree.scan(target.parent) if entry.name != ".joined"))
        return stat

    monkeypatch.setattr(Tree, "extend", measured)
    publish(tree, chunks)
    assert 20_000 < most <= 20_000 + module.BATCH_BYTES


@pytest.mark.usefixtures("small_batches")
@pytest.mark.parametrize("torn", [b"", b"half of a batch"], ids=["between", "within"])
def test_a_kill_between_any_two_steps_costs_no_byte(tree: Tree, tmp_path: Path, torn: bytes) -> None:
    """The process ends after 0, 1, 2… changes; a new one joins what it finds, until one is not killed."""
    print("seed", SEED)
    data = random.Random(SEED).randbytes(9_500)
    pieces = {f"{at:05d}-{at + 1_000:05d}": data[at : at + 1_000] for at in range(0, len(data), 1_000)}
    steps = 0
    while True:
        chunks = Chunks(tree, Transit())
        chunks.make("alice", "u")
        for name, piece in pieces.items():
            send(tree, chunks, name, piece)
        whole = Place(Side.CHUNKS, "alice", ("u", ".whole"))
        killed: Any = KilledTree(tree, steps)
        try:
            publish(killed, Chunks(killed, Transit()), expected=len(data))
            break
        except Killed:
            if tree.stat(TARGET) is None:
                if torn and tree.stat(whole) is not None:
                    with open(tmp_path / "plex" / whole.path.decode(), "ab") as file:
                        file.write(torn)
                assert publish(tree, Chunks(tree, Transit()), expected=len(data)) == data
            else:
                assert content(tree, TARGET) == data
                chunks.remove("alice", "u")
        tree.remove(TARGET)
        assert chunks.uploads("alice") == []
        tree.sweep(())
        steps += 1
    assert steps > 15
    assert content(tree, TARGET) == data


def test_bytes_that_the_journal_promises_and_that_are_gone_are_told(
    tree: Tree, chunks: Chunks, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BATCH_BYTES", 1_000)
    for number in range(3):
        send(tree, chunks, str(number), bytes(1_000))
    with pytest.raises(Conflict, match="locked"), chunks.joined("alice", "u"):
        raise Conflict("/alice/trip/movie.mov", "locked")
    tree.remove(Place(Side.CHUNKS, "alice", ("u", ".whole")))
    with pytest.raises(Conflict, match="2000 bytes should be there, and 0 are"):
        publish(tree, chunks)
