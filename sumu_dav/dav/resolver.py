"""The last link of WsgiDAV's middleware stack: every method goes to our provider.

WsgiDAV's own would refuse LOCK without its lock manager, and REPORT always, before it asks the provider.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from wsgidav.request_resolver import RequestResolver

from sumu_dav.dav.provider import SumuProvider


class Resolver(RequestResolver):
    """Hands a request to the provider that it belongs to."""

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Pass the request on (PEP 3333)."""
        provider: SumuProvider = environ["wsgidav.provider"]
        return provider.custom_request_handler(environ, start_response, None)
