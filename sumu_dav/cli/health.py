"""`health`: ask a running server how it is, for cron, Docker and people. Knows its page alone, not its insides."""

from __future__ import annotations

import argparse
import ipaddress
import json
import ssl
import sys
import urllib.error
import urllib.request
from http.client import HTTPException
from typing import Any
from urllib.parse import urljoin, urlsplit

from sumu_dav.settings import Settings

NOT_WELL = 1
"""The exit code where the server answers that something is wrong."""

NO_ANSWER = 2
"""The exit code where no server answers, as of every command that could not run."""

TIMEOUT_SECONDS = 8.0
"""Less than what Docker gives to its check, so that the cause is told before it is cut off."""

MAX_ANSWER_BYTES = 65_536

EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}  # noqa: S104 - listened on, not bound here
"""Addresses that a server listens on and nobody can ask, with the one of this machine."""


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command."""
    parser = commands.add_parser("health", help="ask the running server how it is; 0 well, 1 not well, 2 no answer")
    parser.add_argument("--url", metavar="URL", help="the server (default: the one of the configuration, here)")
    parser.set_defaults(run=_health)


def _health(arguments: argparse.Namespace, settings: Settings) -> int:
    server = arguments.url or local_url(settings)
    try:
        problems = _ask(server)
    except (OSError, ValueError, HTTPException) as error:
        print(f"no answer from {server}: {getattr(error, 'reason', error)}", file=sys.stderr)
        return NO_ANSWER
    if problems:
        print("\n".join(problems))
        return NOT_WELL
    print("healthy")
    return 0


def local_url(settings: Settings) -> str:
    """The server of the configuration as this machine reaches it, whatever its name is outside."""
    host = EVERYWHERE.get(settings.host, settings.host)
    scheme = "https" if settings.certificate is not None else "http"
    return f"{scheme}://{f'[{host}]' if ':' in host else host}:{settings.port}/"


def _ask(server: str) -> list[str]:
    """What is wrong, in words; nothing where all is well. Raises OSError, and ValueError for no such server."""
    url = urljoin(server, "/-/health")
    if urlsplit(url).scheme not in ("http", "https"):
        raise ValueError("the URL of a server starts with http:// or https://")
    handlers: list[Any] = [urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=_tls(url))]
    try:
        with urllib.request.build_opener(*handlers).open(url, timeout=TIMEOUT_SECONDS) as answer:
            told = json.loads(answer.read(MAX_ANSWER_BYTES))
    except urllib.error.HTTPError as error:
        with error:
            if error.code != 503:
                raise
            told = json.loads(error.read(MAX_ANSWER_BYTES))
    if not isinstance(told, dict) or not isinstance(told.get("problems"), list):
        raise ValueError("what answers there is no sumu_dav")
    return [str(problem) for problem in told["problems"]]


def _tls(url: str) -> ssl.SSLContext:
    """Certificates are checked, but on this machine itself, whose address no certificate names."""
    context = ssl.create_default_context()
    if _is_here(urlsplit(url).hostname or ""):
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _is_here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
