"""The account that a server without any makes at its first start, so that there is something to log in with."""

from __future__ import annotations

import getpass

from sumu_dav.auth.accounts import Accounts
from sumu_dav.auth.names import check_user_name
from sumu_dav.auth.passwords import account_password
from sumu_dav.errors import AccountRefused

FALLBACK = "admin"
"""Where the process has no login name (a container's bare user id), or one that can't be an account's."""


def first_account(accounts: Accounts) -> tuple[str, str] | None:
    """Make an admin named after the login name: its name and random password. None where any account exists."""
    if accounts.all():
        return None
    password = account_password()
    return accounts.add(_login_name(), password, admin=True).name, password


def _login_name() -> str:
    try:
        return check_user_name(getpass.getuser())
    except (KeyError, OSError, AccountRefused):  # KeyError up to Python 3.12, OSError after it
        return FALLBACK
