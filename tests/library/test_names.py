from __future__ import annotations

import os
import random
import time

import pytest

from sumu_dav.errors import NameRefused
from sumu_dav.library.names import (
    DEFAULT_EXTENSIONS,
    check_folder_name,
    check_name,
    check_user_name,
    is_false_favorites,
    is_junk,
    is_media,
    stem,
    suffixed,
)


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "..",
        "a/b",
        "a\\b",
        "nul\0",
        "bell\a",
        "tab\t",
        "delete\x7f",
        "c1\x85",
        "lone\ud800",
        "x" * 256,
        "é" * 128,
    ],
)
def test_what_can_not_be_a_name_is_refused(name: str) -> None:
    with pytest.raises(NameRefused) as refusal:
        check_name(name)
    assert refusal.value.reason


@pytest.mark.parametrize(
    "name", ["IMG_1.jpg", "…", "写真 1.heic", "a:b?*.png", " leading", "trailing.", "x" * 255, "é" * 127]
)
def test_names_of_people_pass_as_they_are(name: str) -> None:
    assert check_name(name) == name


def test_names_are_composed_and_measured_composed() -> None:
    decomposed = "e\u0301" * 127  # 381 bytes as sent, 254 on disk
    assert check_name(decomposed) == "\u00e9" * 127


@pytest.mark.parametrize(
    "name",
    [
        "holiday_UNPACK_1", "holiday_unpack_", "x_Failed_y", "lost+found", "Lost+Found 2", "album.itlp", "ALBUM.ITLP",
        "@Recycle", "@recycled", "#recycle", "#Recycle bin", "old.photoslibrary", "my.PhotosLibrary.bak", "@eaDir2",
        "@Recently-Snapshot", "Network Trash Folder", "Temporary Items 2", "$Recycle.Bin.old",
    ],
)  # fmt: skip
def test_folders_that_plex_skips_are_refused_in_words(name: str) -> None:
    with pytest.raises(NameRefused, match="Plex skips"):
        check_folder_name(name)


@pytest.mark.parametrize("name", ["UNPACK", "failed", "album.itlp2", "recycle", "found", "eaDir", "e\u0301t\u00e9"])
def test_folders_that_only_look_alike_pass(name: str) -> None:
    assert check_folder_name(name)


@pytest.mark.parametrize(
    "name",
    [
        ".DS_Store", "._IMG_1.jpg", ".hidden", "Thumbs.db", "THUMBS.DB", "desktop.ini", "@eaDir", "Temporary Items",
        "$RECYCLE.BIN", "System Volume Information", "X.jpg.tacitpart", "a.part", "a.PARTIAL", "a.filepart",
        "a.crdownload", "a.tmp", "~$letter.docx",
    ],
)  # fmt: skip
def test_junk_is_hidden_and_never_refused(name: str) -> None:
    assert is_junk(name)
    assert check_folder_name(name) == name


@pytest.mark.parametrize("name", ["IMG_1.jpg", "part", "tmp", "a.part.jpg", "~letter", "desktop.init"])
def test_what_people_name_is_no_junk(name: str) -> None:
    assert not is_junk(name)


@pytest.mark.parametrize(
    "name",
    [
        "-",
        "-x",
        ".x",
        "remote.php",
        "Remote.PHP",
        "status.php",
        "index.php",
        "ocs",
        "a:b",
        " a",
        "a ",
        "x.tmp",
        "lost+found",
    ],
)
def test_users_can_not_be_named_like_the_server_s_own(name: str) -> None:
    with pytest.raises(NameRefused):
        check_user_name(name)


def test_users_may_have_a_name_in_any_script() -> None:
    assert [check_user_name(name) for name in ("alice", "Jo\u0308rg", "花子")] == ["alice", "J\u00f6rg", "花子"]


def test_only_another_case_of_favorites_is_false() -> None:
    assert [is_false_favorites(name) for name in ("favorites", "Favorites", "FAVORITES", "favorite")] == [
        False, True, True, False,
    ]  # fmt: skip


def test_media_is_what_the_extension_says() -> None:
    assert all(is_media(name) for name in ("a.jpg", "A.JPG", "b.heic", "c.MOV", "a.b.mp4", "x.webp", "x.avif"))
    assert not any(is_media(name) for name in ("a.xmp", "jpg", ".jpg", "a.", "a.jpg.txt", "a.jpg.tacitpart"))
    assert is_media("a.xyz", {"xyz"})
    assert not is_media("a.jpg", {"xyz"})
    assert all(one == one.lower() and "." not in one for one in DEFAULT_EXTENSIONS)


@pytest.mark.parametrize(
    "name", ["a.jpg", "a", ".jpg", "..jpg", "...", "a.", "a..", ".a.jpg", "a.tar.gz", "é.HEIC", "a b."]
)
def test_stem_and_extension_part_as_everywhere(name: str) -> None:
    base, ending = os.path.splitext(name)
    assert stem(name) == base
    assert is_media(name, {"jpg", "gz", "heic"}) == (ending in (".jpg", ".gz", ".HEIC"))


def test_halves_of_a_live_photo_share_the_stem() -> None:
    assert stem("IMG_1.HEIC") == stem("IMG_1.MOV") == "IMG_1"


@pytest.mark.parametrize(
    ("name", "number", "result"),
    [
        ("IMG_1.jpg", 2, "IMG_1-2.jpg"),
        ("no extension", 10, "no extension-10"),
        ("x" * 251 + ".jpg", 2, "x" * 249 + "-2.jpg"),
        ("写" * 83 + ".jpg", 2, "写" * 83 + "-2.jpg"),
        ("写" * 83 + "ab.jpg", 12, "写" * 82 + "-12.jpg"),
        ("x" * 248 + "g\u0303" + ".jpg", 2, "x" * 248 + "-2.jpg"),
        ("a." + "b" * 250, 3, "a." + "b" * 250 + "-3"),
    ],
)
def test_a_suffix_goes_before_the_extension_and_cuts_no_character(name: str, number: int, result: str) -> None:
    assert suffixed(name, number) == result


def test_suffixed_names_always_are_names() -> None:
    seed = time.time_ns()
    print(f"seed {seed}")
    chance = random.Random(seed)
    letters = "aé写😀\u0301\u200d\ufe0f. -"
    for _ in range(2000):
        name = "n" + "".join(chance.choices(letters, k=chance.randrange(120))) + ".jpeg"
        if len(name.encode()) <= 255:
            longer = suffixed(name, chance.randrange(2, 10_000))
            assert len(check_name(longer).encode()) <= 255
            assert longer.endswith(".jpeg")
