"""`device`: a password for each phone, so that a lost one costs one revocation."""

from __future__ import annotations

import argparse
import sys
from ipaddress import ip_address
from urllib.parse import quote, urlsplit, urlunsplit

import segno

from sumu_dav.cli.output import add_json_option, print_list
from sumu_dav.dav.wiring import accounts_of
from sumu_dav.errors import AccountRefused
from sumu_dav.settings import Settings


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register `device` and what stands below it."""
    below = commands.add_parser("device", help="a password for each phone").add_subparsers(
        metavar="ACTION", required=True
    )

    parser = below.add_parser("add", help="make a password for a device; it is shown once")
    _add_names(parser)
    parser.set_defaults(run=_add)

    parser = below.add_parser("list", help="show the devices and when each was last used")
    add_json_option(parser)
    parser.set_defaults(run=_list)

    parser = below.add_parser("revoke", help="make a device's password worthless, at once")
    _add_names(parser)
    parser.set_defaults(run=_revoke)


def _add_names(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("user", metavar="USER")
    parser.add_argument("device", metavar="DEVICE")


def _add(arguments: argparse.Namespace, settings: Settings) -> int:
    accounts = accounts_of(settings)
    account = accounts.get(arguments.user)
    if account is None:
        raise AccountRefused(arguments.user, "there is no such account")
    password = accounts.add_device(account.name, arguments.device)
    print(f"url      {settings.base_url}\nuser     {account.name}\npassword {password}\n")
    segno.make(_with_login(settings.base_url, account.name, password), error="l").terminal(out=sys.stdout, compact=True)
    if _is_no_phones_address(settings.base_url):
        print(
            "note: no phone reaches that address; set sumu.public_url to the one under which phones see this server",
            file=sys.stderr,
        )
    return 0


def _list(arguments: argparse.Namespace, settings: Settings) -> int:
    rows = [
        {
            "user": device.user,
            "device": device.name,
            "created": device.created.isoformat(),
            "lastUsed": device.last_used.isoformat() if device.last_used else None,
            "lastAddress": device.last_address,
        }
        for device in accounts_of(settings).devices()
    ]
    print_list(rows, ("user", "device", "created", "lastUsed", "lastAddress"), as_json=arguments.json)
    return 0


def _revoke(arguments: argparse.Namespace, settings: Settings) -> int:
    accounts_of(settings).revoke_device(arguments.user, arguments.device)
    print(f"device {arguments.device} of {arguments.user} revoked")
    return 0


def _with_login(url: str, user: str, password: str) -> str:
    """The URL with name and password in it (RFC 3986 §3.2.1), as WebDAV apps that scan a code take it."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=f"{quote(user, safe='')}:{quote(password, safe='')}@{parts.netloc}"))


def _is_no_phones_address(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        address = ip_address(host)
    except ValueError:
        return host == "localhost"
    return address.is_loopback or address.is_unspecified
