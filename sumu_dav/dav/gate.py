"""The gate that every request passes first: is its target one at all, who is asking, does a foreign site send it.

A WsgiDAV middleware, and the front of our own server: whichever comes first asks, the second lets pass.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from sumu_dav.auth.addresses import client_address
from sumu_dav.auth.login import Login
from sumu_dav.dav.context import Context
from sumu_dav.dav.cors import SAFE_METHODS, permission, preflight, refuse_foreign_sites
from sumu_dav.dav.face import refusal, send
from sumu_dav.dav.health import open_endpoint
from sumu_dav.dav.request import Request, Response, StartResponse
from sumu_dav.dav.target import parse_request, without_authority
from sumu_dav.dav.transport import refuse_plain
from sumu_dav.errors import BadCredentials, SumuError, TooManyAttempts

Application = Callable[[dict[str, Any], StartResponse], Iterable[bytes]]

REALM = "sumu_dav"

SAFETY_HEADERS = (
    ("X-Content-Type-Options", "nosniff"),
    ("Content-Security-Policy", "sandbox; default-src 'none'"),
    ("Referrer-Policy", "no-referrer"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
)
"""What keeps an uploaded page from acting as ours; a page of our own brings its own policy."""


class Gate:
    """Lets a request through to `next_app` with `environ["sumu.request"]` set, or answers it."""

    def __init__(self, wsgidav_app: Any, next_app: Application, config: object, context: Context | None = None) -> None:
        del config
        self._wsgidav = wsgidav_app
        self._next = next_app
        self._context = context

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """Answer the request, or pass it on (PEP 3333)."""
        if "sumu.request" in environ:
            return self._next(environ, start_response)
        context = self._context or self._wsgidav.provider_map["/"].context
        # What is not read of a body is the server's to settle; WsgiDAV would read it into memory.
        environ["wsgidav.all_input_read"] = 1
        method = str(environ["REQUEST_METHOD"])
        guarded = _Guarded(context, environ, start_response)
        try:
            target = parse_request(environ)
            guarded.path = target.raw
            opened = preflight(environ, context.settings.cors) or open_endpoint(context, environ, target)
            if opened is not None:
                return send(opened, guarded, method)
            login = self._login(context, environ, guarded)
            if target.user is None:
                target = parse_request(environ, login.account.name)
            refuse_foreign_sites(environ, context.settings.cors)
        except TooManyAttempts as error:
            guarded.user = error.user
            return send(_too_many(error), guarded, method)
        except BadCredentials as error:
            guarded.user = error.user
            environ["sumu.user"] = error.user or ""  # fail2ban tells a guess from a client that has not logged in yet
            return send(_unauthorized(), guarded, method)
        except SumuError as error:
            return send(refusal(error, method), guarded, method)
        environ["sumu.request"] = Request(context, environ, method, target, login)
        return self._next(environ, guarded)

    def _login(self, context: Context, environ: dict[str, Any], guarded: _Guarded) -> Login:
        chain, forwarded = environ.get("HTTP_X_FORWARDED_FOR"), environ.get("HTTP_FORWARDED")
        if chain is not None or forwarded is not None:
            guarded.address = client_address(guarded.address, chain, forwarded, context.settings.trusted_proxies)
        refuse_plain(context.settings, environ, guarded.address)
        login = context.authenticator.check_header(environ.get("HTTP_AUTHORIZATION"), guarded.address)
        guarded.user, guarded.device = login.account.name, login.device
        environ["sumu.user"] = environ["wsgidav.auth.user_name"] = login.account.name
        return login


class _Guarded:
    """`start_response` with the safety headers added, and with the request written to the audit log."""

    def __init__(self, context: Context, environ: dict[str, Any], start_response: StartResponse) -> None:
        self._context = context
        self._environ = environ
        self._start_response = start_response
        self.address = str(environ.get("REMOTE_ADDR") or "")
        self.user: str | None = None
        self.device: str | None = None
        self.path = without_authority(str(environ.get("REQUEST_URI") or environ.get("PATH_INFO") or "?"))

    def __call__(self, status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
        headers.extend(permission(self._environ, self._context.settings.cors))
        named = dict(headers)
        headers.extend([each for each in SAFETY_HEADERS if each[0] not in named])
        code = int(status[:3])
        method = str(self._environ["REQUEST_METHOD"])
        if method not in SAFE_METHODS or code in (401, 403, 429):
            destination = self._environ.get("HTTP_DESTINATION")
            self._context.audit.record(
                user=self.user,
                device=self.device,
                address=self.address,
                verb=method,
                path=self.path,
                destination=None if destination is None else without_authority(destination),
                status=code,
            )
        return self._start_response(status, headers, exc_info) if exc_info else self._start_response(status, headers)


def _unauthorized() -> Response:
    words = b"Log in with the name and password of your account, or of your device.\n"
    return Response(
        401,
        [
            ("WWW-Authenticate", f'Basic realm="{REALM}", charset="UTF-8"'),
            ("Content-Type", "text/plain; charset=utf-8"),
        ],
        words,
    )


def _too_many(error: TooManyAttempts) -> Response:
    words = b"Too many wrong passwords came from your address; wait a little.\n"
    return Response(
        429, [("Retry-After", str(error.retry_after)), ("Content-Type", "text/plain; charset=utf-8")], words
    )
