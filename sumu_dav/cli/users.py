"""`user`: the accounts, from the command line, beside a running server or without one.

Passwords come from a prompt or from standard input, never from the command line, which every process may read.
"""

from __future__ import annotations

import argparse
import getpass
import sys

from sumu_dav.archive.operations.renaming import rename_user
from sumu_dav.auth.accounts import Accounts
from sumu_dav.auth.names import check_user_name, folded
from sumu_dav.cli.control import perform
from sumu_dav.cli.output import add_json_option, print_list
from sumu_dav.dav.wiring import accounts_of
from sumu_dav.errors import AccountRefused
from sumu_dav.library import names as folders
from sumu_dav.settings import Settings, parse_size

SHORT = 8
"""Characters below which a password is warned about (NIST SP 800-63B §3.1.1.2 has it as the least)."""


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register `user` and what stands below it."""
    below = commands.add_parser("user", help="the accounts").add_subparsers(metavar="ACTION", required=True)

    parser = below.add_parser("add", help="make an account")
    parser.add_argument("name", metavar="NAME")
    _add_password_option(parser)
    parser.add_argument("--admin", action="store_true", help="let it see every user's tree")
    parser.add_argument("--quota", type=parse_size, metavar="SIZE", help="such as 50G; none if not given")
    parser.set_defaults(run=_add)

    parser = below.add_parser("list", help="show the accounts")
    add_json_option(parser)
    parser.set_defaults(run=_list)

    parser = below.add_parser("password", help="set an account's password")
    parser.add_argument("name", metavar="NAME")
    _add_password_option(parser)
    parser.set_defaults(run=_password)

    parser = below.add_parser("change", help="change an account's quota, or whether it is an admin's")
    parser.add_argument("name", metavar="NAME")
    parser.add_argument("--admin", action=argparse.BooleanOptionalAction, help="let it see every user's tree, or not")
    limit = parser.add_mutually_exclusive_group()
    limit.add_argument("--quota", type=parse_size, metavar="SIZE", help="such as 50G")
    limit.add_argument("--no-quota", action="store_true", help="as much as there is space for")
    parser.set_defaults(run=_change)

    parser = below.add_parser("rename", help="give an account another name")
    parser.add_argument("old", metavar="OLD")
    parser.add_argument("new", metavar="NEW")
    parser.set_defaults(run=_rename)

    parser = below.add_parser("share", help="let another account read a user's tree")
    parser.add_argument("owner", metavar="OWNER")
    parser.add_argument("reader", metavar="READER")
    parser.add_argument("--revoke", action="store_true", help="take it back")
    parser.set_defaults(run=_share)

    parser = below.add_parser("remove", help="remove an account; the photos stay where they are")
    parser.add_argument("name", metavar="NAME")
    parser.set_defaults(run=_remove)


def _add_password_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--password-stdin", action="store_true", help="read the password from standard input, not from the terminal"
    )


def _add(arguments: argparse.Namespace, settings: Settings) -> int:
    accounts = accounts_of(settings)
    name = _possible(arguments.name)
    if accounts.get(name) is not None:  # before somebody types a password for nothing
        raise AccountRefused(name, "there is such an account already")
    account = accounts.add(name, _read_password(arguments), admin=arguments.admin, quota=arguments.quota)
    print(f"account {account.name} added")
    return 0


def _list(arguments: argparse.Namespace, settings: Settings) -> int:
    accounts = accounts_of(settings)
    devices: dict[str, list[str]] = {}
    for device in accounts.devices():
        devices.setdefault(device.user, []).append(device.name)
    rows = [
        {
            "name": account.name,
            "admin": account.admin,
            "quota": account.quota,
            "sharedWith": list(account.shared_with),
            "devices": devices.get(account.name, []),
        }
        for account in accounts.all()
    ]
    print_list(rows, ("name", "admin", "quota", "sharedWith", "devices"), as_json=arguments.json)
    return 0


def _password(arguments: argparse.Namespace, settings: Settings) -> int:
    accounts = accounts_of(settings)
    name = _existing(accounts, arguments.name)
    accounts.set_password(name, _read_password(arguments))
    print(f"password of {name} set; its devices keep theirs")
    return 0


def _change(arguments: argparse.Namespace, settings: Settings) -> int:
    accounts = accounts_of(settings)
    name = _existing(accounts, arguments.name)
    if arguments.quota is not None or arguments.no_quota:
        accounts.set_quota(name, arguments.quota)
    if arguments.admin is not None:
        accounts.set_admin(name, arguments.admin)
    print(f"account {name} changed")
    return 0


def _rename(arguments: argparse.Namespace, settings: Settings) -> int:
    accounts = accounts_of(settings)
    name = _existing(accounts, arguments.old)
    new = _possible(arguments.new)
    if accounts.get(new) is not None and folded(new) != folded(name):
        raise AccountRefused(new, "it exists already")
    perform(settings, "user.rename", rename_user, {"old": name, "new": new})
    print(f"account {name} renamed to {accounts.rename(name, new).name}")
    return 0


def _share(arguments: argparse.Namespace, settings: Settings) -> int:
    accounts = accounts_of(settings)
    if arguments.revoke:
        accounts.revoke_share(arguments.owner, arguments.reader)
        print(f"{arguments.reader} can't read the tree of {arguments.owner} any more")
    else:
        accounts.share(arguments.owner, arguments.reader)
        print(f"{arguments.reader} can read the tree of {arguments.owner}")
    return 0


def _remove(arguments: argparse.Namespace, settings: Settings) -> int:
    accounts = accounts_of(settings)
    name = _existing(accounts, arguments.name)
    accounts.remove(name)
    print(f"account {name} removed; the photos stay in {settings.plex / name}")
    return 0


def _possible(name: str) -> str:
    """The name in NFC, if it can be an account's and also a folder's that Plex looks into."""
    return folders.check_user_name(check_user_name(name))


def _existing(accounts: Accounts, name: str) -> str:
    account = accounts.get(name)
    if account is None:
        raise AccountRefused(name, "there is no such account")
    return account.name


def _read_password(arguments: argparse.Namespace) -> str:
    if arguments.password_stdin or not sys.stdin.isatty():
        password = sys.stdin.read().removesuffix("\n")
    else:
        password = getpass.getpass("Password: ")
        if getpass.getpass("Once more: ") != password:
            raise AccountRefused(getattr(arguments, "name", ""), "the two passwords differ")
    if 0 < len(password) < SHORT:
        print(f"warning: a password of fewer than {SHORT} characters is soon guessed", file=sys.stderr)
    return password
