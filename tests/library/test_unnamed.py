"""Files without a name begin in folders of their own, and whatever becomes of these, an upload has where to begin."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from sumu_dav.library import Place, Tree, unnamed

FEW = 3
"""Files that begin in one folder, in these tests."""


@pytest.fixture
def tree(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> Tree:
    monkeypatch.setattr(unnamed, "FILES_A_FOLDER", FEW)
    return tree


def begun(plex: Path) -> set[str]:
    return set(os.listdir(plex / ".sumu/uploads-begun"))


def upload(tree: Tree, place: Place) -> None:
    with tree.receive() as received:
        received.write(b"bytes of " + place.name.encode())
        received.seal()
        received.publish(place)


def test_one_folder_at_a_time_and_another_one_for_the_next_files(tree: Tree, plex: Path, photo: Place) -> None:
    seen: list[str] = []
    for number in range(3 * FEW):
        upload(tree, photo.parent.child(f"{number}.jpg"))
        [folder] = begun(plex)
        seen.append(folder)
    assert len(set(seen)) == 3
    assert [seen.count(folder) for folder in dict.fromkeys(seen)] == [FEW] * 3
    assert len(tree.names(photo.parent)) == 3 * FEW


def test_none_is_left_at_the_end(plex: Path, photo: Place) -> None:
    tree = Tree.open(str(plex), None)
    tree.make_folders(photo.parent)
    upload(tree, photo)
    assert len(begun(plex)) == 1
    tree.close()
    assert begun(plex) == set()


def test_a_folder_that_somebody_removed_is_not_needed(tree: Tree, plex: Path, photo: Place) -> None:
    upload(tree, photo)
    [folder] = begun(plex)
    os.rmdir(plex / ".sumu/uploads-begun" / folder)
    for number in range(2 * FEW):
        upload(tree, photo.parent.child(f"{number}.jpg"))
    os.rmdir(plex / ".sumu/uploads-begun" / begun(plex).pop())
    os.rmdir(plex / ".sumu/uploads-begun")
    for number in range(2 * FEW, 4 * FEW):
        upload(tree, photo.parent.child(f"{number}.jpg"))
    assert len(tree.names(photo.parent)) == 1 + 4 * FEW


def test_folders_that_a_crash_left_go_at_the_next_start(tree: Tree, plex: Path) -> None:
    left = plex / ".sumu/uploads-begun"
    (left / "one").mkdir()
    (left / "of a person").mkdir()
    (left / "of a person" / "file").write_bytes(b"theirs")
    (left / "two").mkdir()
    assert tree.sweep(()) == 0, "they are no uploads"
    assert begun(plex) == {"of a person"}


def test_threads_that_move_on_at_once_do_not_disturb_each_other(
    tree: Tree, plex: Path, photo: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unnamed, "FILES_A_FOLDER", 1)
    failures: list[Exception] = []

    def send(thread: int) -> None:
        try:
            for number in range(40):
                upload(tree, photo.parent.child(f"{thread}-{number}.jpg"))
        except Exception as error:  # noqa: BLE001 - told below
            failures.append(error)

    threads = [threading.Thread(target=send, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failures == []
    assert len(tree.names(photo.parent)) == 6 * 40
    assert len(begun(plex)) == 1
