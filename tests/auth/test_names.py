"""What a user and a device may be called."""

from __future__ import annotations

import pytest

from sumu_dav.auth.names import check_device_name, check_user_name, folded
from sumu_dav.errors import AccountRefused


@pytest.mark.parametrize("name", ["alice", "Ann-Marie", "josé", "李雷", "a.b", "x" * 255, "o'neil", "user@example.org"])
def test_a_name_is_taken_as_it_is(name: str) -> None:
    assert check_user_name(name) == name


def test_a_name_is_kept_in_nfc() -> None:
    assert check_user_name("jose\u0301") == "jos\u00e9"


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".hidden",
        "..",
        "-",
        "-inbox",
        "a/b",
        "a\\b",
        "a:b",  # RFC 7617: the colon ends the user-id
        "a\0b",
        "a\nb",
        "a\u200bb",  # zero width space
        "a\u202eb",  # right-to-left override
        "a\ud800",
        " alice",
        "alice ",
        "alice.",
        "\uff41lice",  # full width
        "remote.php",
        "STATUS.php",
        "index.php",
        "OCS",
        "x" * 256,
        "é" * 128,
    ],
)
def test_a_name_that_cannot_be_a_folder_a_url_and_a_user_id_is_refused(name: str) -> None:
    with pytest.raises(AccountRefused):
        check_user_name(name)


def test_names_are_compared_without_case_and_unicode_form() -> None:
    assert folded("JOSÉ") == folded("jose\u0301")
    assert folded("alice") != folded("alice2")


@pytest.mark.parametrize("device", ["", "  ", "a\nb", "\x1b[31m", "x" * 101])
def test_a_device_name_has_to_fit_a_line(device: str) -> None:
    with pytest.raises(AccountRefused):
        check_device_name("alice", device)


def test_a_device_name_may_be_what_phones_call_themselves() -> None:
    assert check_device_name("alice", " Alice\u2019s iPhone ") == "Alice\u2019s iPhone"
