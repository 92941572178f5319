"""The provider that WsgiDAV maps onto `/`: hands every request to the face, and opens the archive for stock WsgiDAV."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from wsgidav.dav_error import HTTP_NOT_FOUND, DAVError
from wsgidav.dav_provider import DAVProvider, _DAVResource

from sumu_dav.dav.context import Context
from sumu_dav.dav.face import answer
from sumu_dav.dav.wiring import open_context
from sumu_dav.settings import from_document


class SumuProvider(DAVProvider):
    """Serves `<plex>/<user>/<album>/<file>`.

    Our own server passes the `context` that it opened; stock WsgiDAV passes the `application`, whose configuration
    says where everything is.
    """

    def __init__(self, application: Any = None, context: Context | None = None) -> None:
        DAVProvider.__init__(self)
        if context is None:
            config = application.config
            file = config.get("_config_file")
            context = open_context(from_document(config, Path(file) if file else None))
        self.context = context

    def custom_request_handler(
        self, environ: dict[str, Any], start_response: Callable[..., Any], default_handler: object
    ) -> Iterable[bytes]:
        """Answer every method (traps in WsgiDAV's own are why none is left to the default)."""
        del default_handler
        return answer(environ, start_response)

    def get_resource_inst(self, path: str, environ: dict[str, Any]) -> _DAVResource | None:
        """WsgiDAV's own handlers, which are never reached, would ask here."""
        del environ
        raise DAVError(HTTP_NOT_FOUND, path)
