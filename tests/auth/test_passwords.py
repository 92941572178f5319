"""Hashes, and random passwords that a person types."""

from __future__ import annotations

import pytest

from sumu_dav.auth.passwords import (
    Passwords,
    account_password,
    as_device_password,
    device_password,
    new_selector,
    password_fault,
)


def test_the_hash_is_argon2id_at_the_cost_that_the_constants_say() -> None:
    assert Passwords().hash("secret").startswith("$argon2id$v=19$m=47104,t=1,p=1$")


def test_a_password_matches_in_either_unicode_form() -> None:
    cheap = Passwords(8, 1, 1)
    stored = cheap.hash("gru\u0308n")
    assert cheap.verify(stored, "gr\u00fcn")
    assert not cheap.verify(stored, "grun")


def test_a_hash_of_another_cost_is_outdated() -> None:
    stored = Passwords(8, 1, 1).hash("secret")
    assert Passwords(16, 1, 1).outdated(stored)
    assert Passwords(16, 1, 1).verify(stored, "secret")


@pytest.mark.parametrize("stored", ["", "secret", "$argon2id$", "$argon2id$v=19$m=8,t=1,p=1$c2FsdA$"])
def test_a_hash_that_cannot_be_read_matches_nothing(stored: str) -> None:
    assert not Passwords(8, 1, 1).verify(stored, "secret")


def test_a_surrogate_from_a_client_matches_nothing() -> None:
    cheap = Passwords(8, 1, 1)
    assert not cheap.verify(cheap.hash("secret"), "\udcff")


def test_a_device_password_is_read_however_it_is_typed() -> None:
    selector = new_selector()
    password = device_password(selector)
    assert len(password) == 19
    for typed in (password, password.upper(), password.replace("-", ""), password.replace("-", " ")):
        assert as_device_password(typed) == (selector, password)


def test_a_made_up_account_password_never_passes_for_a_device_password() -> None:
    assert as_device_password(account_password()) is None


@pytest.mark.parametrize("password", ["", "a\nb", "a\0", "\udcff"])
def test_what_basic_authentication_cannot_carry_is_no_password(password: str) -> None:
    assert password_fault(password) is not None
