"""The brake on guessing, on a clock of its own."""

from __future__ import annotations

import pytest

from sumu_dav.auth import throttle as limits
from sumu_dav.auth.throttle import FORGET_AFTER, PER_ACCOUNT, PER_ADDRESS, Throttle
from sumu_dav.errors import TooManyAttempts

from .conftest import Clock

HOME = "192.0.2.1"


@pytest.fixture
def throttle(clock: Clock) -> Throttle:
    return Throttle(clock)


def guess_until_refused(throttle: Throttle, account: str, address: str = HOME) -> int:
    """How many wrong guesses are heard in one go."""
    for heard in range(1_000):
        try:
            throttle.reserve(account, address)
        except TooManyAttempts:
            return heard
    raise AssertionError("never refused")


def test_the_first_guesses_are_free_and_the_next_ones_wait_twice_as_long_each(throttle: Throttle, clock: Clock) -> None:
    assert guess_until_refused(throttle, "alice") == PER_ACCOUNT.free + 1
    waits = []
    for _ in range(14):
        with pytest.raises(TooManyAttempts) as refusal:
            throttle.reserve("alice", HOME)
        waits.append(refusal.value.retry_after)
        clock.tick(refusal.value.retry_after)
        throttle.reserve("alice", HOME)
    assert waits == [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900, 900]


def test_who_is_patient_hears_the_truth_about_how_long(throttle: Throttle, clock: Clock) -> None:
    guess_until_refused(throttle, "alice")
    throttle_until = clock.seconds + 1
    clock.tick(0.75)
    with pytest.raises(TooManyAttempts) as refusal:
        throttle.reserve("alice", HOME)
    assert refusal.value.retry_after == 1
    clock.seconds = throttle_until
    throttle.reserve("alice", HOME)


def test_other_accounts_and_other_addresses_are_not_braked(throttle: Throttle) -> None:
    guess_until_refused(throttle, "alice")
    throttle.reserve("bob", HOME)
    throttle.reserve("alice", "192.0.2.2")


def test_a_right_password_starts_its_account_afresh(throttle: Throttle) -> None:
    for _ in range(PER_ACCOUNT.free):
        throttle.reserve("alice", HOME)
    throttle.succeeded("alice", HOME)
    assert guess_until_refused(throttle, "alice") == PER_ACCOUNT.free + 1


def test_one_address_is_braked_over_all_accounts(throttle: Throttle) -> None:
    for number in range(PER_ADDRESS.free + 1):
        throttle.reserve(f"user{number}", HOME)
    with pytest.raises(TooManyAttempts):
        throttle.reserve("another", HOME)
    throttle.reserve("another", "192.0.2.2")


def test_logging_in_to_ones_own_account_buys_no_guesses_at_others(throttle: Throttle) -> None:
    for number in range(PER_ADDRESS.free + 1):
        throttle.reserve("mallory", HOME)
        throttle.succeeded("mallory", HOME)
        throttle.reserve(f"user{number}", HOME)
    with pytest.raises(TooManyAttempts):
        throttle.reserve("another", HOME)


def test_logins_that_succeed_never_brake_an_address(throttle: Throttle) -> None:
    for number in range(3 * PER_ADDRESS.free):
        throttle.reserve(f"user{number % 5}", HOME)
        throttle.succeeded(f"user{number % 5}", HOME)
    assert throttle.size() == 0


def test_an_hour_without_a_guess_is_forgotten(throttle: Throttle, clock: Clock) -> None:
    guess_until_refused(throttle, "alice")
    clock.tick(FORGET_AFTER + 1)
    assert guess_until_refused(throttle, "alice") == PER_ACCOUNT.free + 1


def test_an_old_password_is_refused_in_the_end_without_lengthening_the_wait(throttle: Throttle, clock: Clock) -> None:
    for _ in range(PER_ACCOUNT.free):
        throttle.repeated("alice", HOME)
    for _ in range(50):
        with pytest.raises(TooManyAttempts):
            throttle.repeated("alice", HOME)
        clock.tick(1)
    throttle.reserve("alice", HOME)


def test_the_counters_are_bounded_and_the_quietest_goes_first(
    throttle: Throttle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "TABLE_LIMIT", 50)
    for number in range(200):
        throttle.reserve(f"user{number}", f"2001:db8:0:{number:x}::/64")
        guess_until_refused(throttle, "alice")
    assert throttle.size() == 100
    with pytest.raises(TooManyAttempts):
        throttle.reserve("alice", HOME)
