"""The running server: WsgiDAV's application around our provider, the fast way for reads, cheroot's sockets below."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from wsgidav.wsgidav_app import WsgiDAVApp

from sumu_dav.archive.operations import trash as trash_operations
from sumu_dav.archive.operations.checking import check
from sumu_dav.archive.operations.importing import import_photos
from sumu_dav.archive.operations.renaming import rename_user
from sumu_dav.archive.operations.scanning import scan
from sumu_dav.auth.first_account import first_account
from sumu_dav.dav.context import Context
from sumu_dav.dav.face import answer
from sumu_dav.dav.gate import Gate
from sumu_dav.dav.provider import SumuProvider
from sumu_dav.dav.transport import check_listening
from sumu_dav.dav.wiring import open_context
from sumu_dav.server.control import Control, Operation
from sumu_dav.server.launcher import serve as serve_wsgi
from sumu_dav.server.notify import Supervisor
from sumu_dav.server.options import ServerOptions
from sumu_dav.server.plex import PlexNotifier
from sumu_dav.settings import Settings

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

FAST_METHODS = frozenset(("GET", "HEAD", "PROPFIND"))
"""Methods that leave before WsgiDAV: it would hide from the server that an answer is a file."""


def serve(arguments: argparse.Namespace, settings: Settings) -> int:
    """Serve until SIGTERM. Prints the first account, if it makes one, and one line once it accepts connections."""
    del arguments
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    supervisor = Supervisor.from_environment()
    warning = check_listening(settings)
    if warning is not None:
        logging.getLogger("sumu_dav").warning(warning)

    def ready(url: str) -> None:
        print(f"serving {url}", flush=True)
        supervisor.ready(url)

    context = open_context(settings)
    plex = PlexNotifier(settings.plex_server, str(settings.plex)) if settings.plex_server.url else None
    control = Control(settings.state / "control.sock", operations(context))
    try:
        first = first_account(context.accounts)
        if first is not None:
            print(f"account {first[0]} password {first[1]}", flush=True)
        context.archive.start()
        control.start()
        if plex is not None:
            context.archive.catalog.listen(plex.recorded)
            plex.start()
        serve_wsgi(
            application(context),
            server_options(settings),
            on_ready=ready,
            on_tick=supervisor.beat,
            on_stop=supervisor.stopping,
            on_hangup=context.accounts.reload,
            on_request=context.metrics.request,
        )
    finally:
        control.stop()
        if plex is not None:
            plex.stop()
        context.close()
    return 0


def operations(context: Context) -> dict[str, Operation]:
    """What commands may ask of the running server."""
    done_by_archive = {
        "scan": scan,
        "check": check,
        "import": import_photos,
        "trash.restore": trash_operations.restore,
        "trash.empty": trash_operations.empty,
        "user.rename": rename_user,
    }
    return {
        **{name: partial(operation, context.archive) for name, operation in done_by_archive.items()},
        "lock.break": lambda arguments, _progress: context.locks.drop(str(arguments["token"])),
    }


def application(context: Context) -> Application:
    """The WSGI application: the gate, then for reads the face at once, and WsgiDAV for everything else."""
    stack = wsgidav_application(context)

    def behind_the_gate(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if context.settings.fast_reads and environ["REQUEST_METHOD"] in FAST_METHODS:
            return answer(environ, start_response)
        # WsgiDAV would decode the path once more; the gate has parsed it from the request line.
        environ["SCRIPT_NAME"], environ["PATH_INFO"] = "", "/"
        result: Iterable[bytes] = stack(environ, start_response)
        return result

    return Gate(None, behind_the_gate, {}, context)


def wsgidav_application(context: Context) -> WsgiDAVApp:
    """WsgiDAV with our provider, configured as wsgidav.yaml says."""
    config = {
        **context.settings.wsgidav,
        "provider_mapping": {"/": SumuProvider(context=context)},
        "middleware_stack": ["sumu_dav.dav.gate.Gate", "sumu_dav.dav.resolver.Resolver"],
        "lock_storage": False,
        "property_manager": None,
        "http_authenticator": {"accept_basic": False, "accept_digest": False, "default_to_digest": False},
        "logging": {"enable": False},
        "verbose": 0,
    }
    return WsgiDAVApp(config)


def server_options(settings: Settings) -> ServerOptions:
    """What the settings say of sockets and limits."""
    limits = settings.server
    return ServerOptions(
        host=settings.host,
        port=settings.port,
        threads=limits.threads,
        backlog=limits.backlog,
        max_connections=limits.max_connections,
        head_timeout=limits.head_timeout,
        head_limit=limits.head_limit,
        body_min_rate=limits.body_min_rate,
        body_grace=limits.body_grace,
        idle_timeout=limits.idle_timeout,
        certificate=settings.certificate,
        private_key=settings.private_key,
        trusted_proxies=tuple(str(network) for network in settings.trusted_proxies),
        log_format="json" if settings.log.format == "json" else "text",
    )
