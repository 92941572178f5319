"""The accounts that the settings of a command mean."""

from __future__ import annotations

from sumu_dav.auth.accounts import Accounts
from sumu_dav.settings import Settings

ACCOUNTS_FILE = "accounts.json"


def accounts_of(settings: Settings) -> Accounts:
    """The accounts in the state. Raises Damaged."""
    return Accounts(settings.state / ACCOUNTS_FILE)
