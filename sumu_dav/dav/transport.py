"""Whether a password may travel the way that a request comes: over TLS, or without leaving the machine.

Knows nothing of sockets: an address to listen on, or a request's environ, is all that is looked at.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sumu_dav.auth.addresses import is_loopback, is_trusted
from sumu_dav.dav.faults import PlainHttp
from sumu_dav.errors import SettingRefused
from sumu_dav.settings import Settings


def check_listening(settings: Settings) -> str | None:
    """What to warn of before the server listens, None where passwords are safe.

    Raises SettingRefused where TLS is required and nobody would speak it: neither this server nor a trusted proxy.
    """
    if settings.certificate is not None or is_loopback(settings.host):
        return None
    if not settings.require_tls:
        return (
            f"PASSWORDS AND PHOTOS CAN BE READ ON THE WAY: plain HTTP is served on {settings.host}. Give a certificate "
            "(ssl_certificate), or listen on 127.0.0.1 behind a proxy that speaks TLS; sumu.require_tls insists on it"
        )
    if not settings.trusted_proxies:
        raise SettingRefused(
            "sumu.require_tls",
            f"true, while plain HTTP would be served on {settings.host}",
            "with a certificate (ssl_certificate), with a loopback host, or behind sumu.trusted_proxies",
        )
    return None


def refuse_plain(settings: Settings, environ: Mapping[str, Any], client: str) -> None:
    """Where TLS is required, raise PlainHttp for a request that came without it from another machine.

    `client` is the address behind trusted proxies; theirs is the word on how the client came to them.
    """
    if not settings.require_tls or environ["wsgi.url_scheme"] == "https" or is_loopback(client):
        return
    if environ.get("HTTP_X_FORWARDED_PROTO") == "https" and is_trusted(
        str(environ.get("REMOTE_ADDR") or ""), settings.trusted_proxies
    ):
        return
    raise PlainHttp()
