"""The verbs of accounts, seen by the process that used them and by another one."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from sumu_dav.auth import accounts as accounts_module
from sumu_dav.auth.accounts import Accounts
from sumu_dav.auth.usage import INTERVAL
from sumu_dav.errors import AccountRefused
from sumu_dav.model import Account

from .conftest import CheapPasswords, Clock

Open = Callable[[], Accounts]


def test_an_account_is_found_under_its_name_in_any_case(accounts: Accounts, open_accounts: Open) -> None:
    accounts.add("José", "secret", quota=50)
    for seen in (accounts, open_accounts()):
        assert seen.get("JOSE\u0301") == Account("José", quota=50)
        assert seen.get("jos") is None


def test_two_names_that_differ_in_case_are_one(accounts: Accounts) -> None:
    accounts.add("Alice", "secret")
    with pytest.raises(AccountRefused, match="already"):
        accounts.add("alice", "other")


def test_an_account_needs_a_password_and_a_quota_that_can_be(accounts: Accounts) -> None:
    with pytest.raises(AccountRefused):
        accounts.add("alice", "")
    with pytest.raises(AccountRefused):
        accounts.add("alice", "secret", quota=-1)
    assert accounts.all() == ()


def test_quota_and_admin_are_set_and_taken_back(accounts: Accounts) -> None:
    accounts.add("alice", "secret", admin=True)
    accounts.set_quota("ALICE", 10)
    accounts.set_admin("alice", False)
    assert accounts.get("alice") == Account("alice", quota=10)
    accounts.set_quota("alice", None)
    accounts.set_admin("alice", True)
    assert accounts.get("alice") == Account("alice", admin=True)


def test_what_is_done_elsewhere_is_seen_at_the_next_question(accounts: Accounts, open_accounts: Open) -> None:
    other = open_accounts()
    accounts.add("alice", "secret")
    assert other.get("alice") is not None
    other.remove("alice")
    assert accounts.get("alice") is None


def test_a_share_lasts_until_it_is_revoked(accounts: Accounts) -> None:
    for name in ("alice", "bob", "carol"):
        accounts.add(name, "secret")
    accounts.share("alice", "BOB")
    accounts.share("alice", "bob")
    accounts.share("carol", "bob")
    assert accounts.sharers("Bob") == ("alice", "carol")
    accounts.revoke_share("alice", "bob")
    assert accounts.sharers("bob") == ("carol",)
    with pytest.raises(AccountRefused):
        accounts.revoke_share("alice", "bob")
    with pytest.raises(AccountRefused):
        accounts.share("alice", "alice")
    with pytest.raises(AccountRefused):
        accounts.share("alice", "nobody")


def test_a_new_account_of_a_removed_name_inherits_no_share(accounts: Accounts) -> None:
    accounts.add("alice", "secret")
    accounts.add("bob", "secret")
    accounts.share("alice", "bob")
    accounts.remove("bob")
    accounts.add("bob", "another")
    assert accounts.sharers("bob") == ()


def test_a_renamed_account_keeps_what_it_had(accounts: Accounts) -> None:
    for name in ("alice", "bob"):
        accounts.add(name, "secret")
    accounts.share("alice", "bob")
    accounts.add_device("bob", "phone")
    assert accounts.rename("bob", "Robert") == Account("Robert")
    assert accounts.get("bob") is None
    assert accounts.sharers("robert") == ("alice",)
    assert [device.user for device in accounts.devices("robert")] == ["Robert"]
    assert accounts.rename("robert", "ROBERT").name == "ROBERT"
    with pytest.raises(AccountRefused, match="already"):
        accounts.rename("ROBERT", "Alice")
    assert accounts.get("robert") is not None


def test_a_device_is_listed_and_revoked_by_its_name(accounts: Accounts, clock: Clock) -> None:
    accounts.add("alice", "secret")
    accounts.add("bob", "secret")
    password = accounts.add_device("ALICE", "Phone")
    accounts.add_device("bob", "Phone")
    with pytest.raises(AccountRefused, match="revoke it first"):
        accounts.add_device("alice", "phone")
    (device,) = accounts.devices("alice")
    assert (device.user, device.name, device.created) == ("alice", "Phone", clock.moment())
    assert password.count("-") == 3
    accounts.revoke_device("alice", "phone")
    assert [device.user for device in accounts.devices()] == ["bob"]
    with pytest.raises(AccountRefused):
        accounts.revoke_device("alice", "phone")


def test_no_two_devices_share_an_id(
    accounts: Accounts, open_accounts: Open, passwords: CheapPasswords, monkeypatch: pytest.MonkeyPatch
) -> None:
    accounts.add("alice", "secret")
    accounts.add("bob", "secret")
    drawn = iter(["aaaa", "aaaa", "bbbb", "cccc", "cccc"])
    monkeypatch.setattr(accounts_module, "new_selector", lambda: next(drawn))
    assert accounts.add_device("alice", "phone").startswith("aaaa-")
    assert accounts.add_device("bob", "phone").startswith("bbbb-")

    hash_password = passwords.hash

    def hash_while_another_process_draws_the_same(password: str) -> str:
        monkeypatch.setattr(passwords, "hash", hash_password)
        open_accounts().add_device("bob", "tablet")
        return hash_password(password)

    monkeypatch.setattr(passwords, "hash", hash_while_another_process_draws_the_same)
    with pytest.raises(AccountRefused, match="try again"):
        accounts.add_device("alice", "tablet")


@pytest.mark.parametrize(
    "change",
    [
        lambda accounts: accounts.remove("nobody"),
        lambda accounts: accounts.rename("nobody", "somebody"),
        lambda accounts: accounts.set_password("nobody", "secret"),
        lambda accounts: accounts.set_quota("nobody", 1),
        lambda accounts: accounts.set_admin("nobody", True),
        lambda accounts: accounts.add_device("nobody", "phone"),
        lambda accounts: accounts.devices("nobody"),
        lambda accounts: accounts.revoke_device("nobody", "phone"),
    ],
)
def test_every_verb_says_that_there_is_no_such_account(
    accounts: Accounts, change: Callable[[Accounts], object]
) -> None:
    with pytest.raises(AccountRefused, match="no such account"):
        change(accounts)


def test_the_last_use_of_a_device_is_recorded_once_a_minute(
    accounts: Accounts, clock: Clock, open_accounts: Open
) -> None:
    accounts.add("alice", "secret")
    selector = accounts.add_device("alice", "phone")[:4]
    first = clock.moment()
    accounts.note_use(selector, "192.0.2.1")
    clock.tick(INTERVAL - 1)
    accounts.note_use(selector, "192.0.2.2")
    (device,) = open_accounts().devices()
    assert (device.last_used, device.last_address) == (first, "192.0.2.1")
    clock.tick(1)
    accounts.note_use(selector, "192.0.2.3")
    assert accounts.devices()[0].last_address == "192.0.2.3"


def test_a_new_device_of_a_revoked_name_was_never_used(accounts: Accounts) -> None:
    accounts.add("alice", "secret")
    accounts.note_use(accounts.add_device("alice", "phone")[:4], "192.0.2.1")
    accounts.revoke_device("alice", "phone")
    accounts.add_device("alice", "phone")
    assert accounts.devices()[0].last_used is None


def test_writers_in_several_processes_lose_nothing(open_accounts: Open) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: open_accounts().add(f"user{number}", "secret"), range(24)))
    assert len(open_accounts().all()) == 24
