"""Which settings there are: the name, kind, unit and default of each, as one tree of frozen values.

Knows nothing of YAML, the command line or the environment; `loading` reads those into these classes. The names of the
fields are the keys of the `sumu:` block of wsgidav.yaml, which explains each of them to whoever edits it. A field that
is annotated with a `Kind`, or is a group of such fields, can be set there.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from sumu_dav.settings import kinds
from sumu_dav.settings.kinds import Network

DAY = 24 * 60 * 60.0
"""Seconds; the longest that any waiting time may be set to."""


@dataclass(frozen=True, slots=True)
class Media:
    """Which files are photos and videos. None: the extensions that Plex takes."""

    extensions: Annotated[tuple[str, ...] | None, kinds.several(kinds.extension(), least=1).or_none()] = None


@dataclass(frozen=True, slots=True)
class Filing:
    """Where loose uploads go: an strftime pattern, applied to the local time at which the photo was taken."""

    album: Annotated[str, kinds.album_pattern()] = "%y-%m"


@dataclass(frozen=True, slots=True)
class Trash:
    """How long (days) and how much (bytes of one user; None: no limit) is kept of what was deleted or overwritten."""

    days: Annotated[float, kinds.number(0, 36500, "days")] = 30.0
    max_bytes: Annotated[int | None, kinds.size().or_none()] = None


@dataclass(frozen=True, slots=True)
class Listing:
    """How many resources a PROPFIND with Depth infinity may list before it is refused (RFC 4918 §9.1)."""

    max_depth_infinity: Annotated[int, kinds.integer(0, 10_000_000)] = 20_000


@dataclass(frozen=True, slots=True)
class Uploads:
    """How long what is unfinished waits for its bytes: chunks in hours, placeholders in minutes."""

    chunks_hours: Annotated[float, kinds.number(0.1, 720, "hours")] = 24.0
    placeholder_minutes: Annotated[float, kinds.number(1, 10080, "minutes")] = 60.0


@dataclass(frozen=True, slots=True)
class PlexServer:
    """The Plex server that is told what changed. `path_map` pairs folders here with where Plex sees them."""

    url: Annotated[str | None, kinds.web_address().or_none()] = None
    token: Annotated[str | None, kinds.text().hidden().or_none()] = field(default=None, repr=False)
    path_map: Annotated[tuple[tuple[str, str], ...], kinds.path_pairs()] = ()
    rate_favorites: Annotated[bool, kinds.flag()] = False
    delay_seconds: Annotated[float, kinds.number(0, 3600, "seconds")] = 10.0


@dataclass(frozen=True, slots=True)
class Health:
    """When the server calls itself unwell: fewer free bytes than this on the disk of either tree or of the state."""

    min_free: Annotated[int, kinds.size()] = 1 << 30


@dataclass(frozen=True, slots=True)
class Metrics:
    """Who may read `/-/metrics` without being an admin: whoever has this token."""

    token: Annotated[str | None, kinds.text().hidden().or_none()] = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Server:
    """What one connection may cost: times in seconds, sizes in bytes, rates in bytes a second."""

    threads: Annotated[int, kinds.integer(1, 1000)] = 256
    backlog: Annotated[int, kinds.integer(1, 65535)] = 1024
    max_connections: Annotated[int, kinds.integer(1, 1_000_000)] = 4096
    head_timeout: Annotated[float, kinds.number(0.1, DAY, "seconds")] = 10.0
    head_limit: Annotated[int, kinds.size()] = 64 << 10
    body_min_rate: Annotated[int, kinds.size()] = 1 << 10
    body_grace: Annotated[float, kinds.number(0.1, DAY, "seconds")] = 20.0
    idle_timeout: Annotated[float, kinds.number(0.1, DAY, "seconds")] = 120.0


@dataclass(frozen=True, slots=True)
class Log:
    """How a line of the log looks."""

    format: Annotated[str, kinds.choice("text", "json")] = "text"


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that can be set. Paths are absolute; the files and folders that they name may not exist yet.

    `host`, `port` and the certificate are WsgiDAV's own keys. `wsgidav` holds all of those as they were written, for
    the application itself; `config` is the file that was read, None where there is none.
    """

    host: str = "127.0.0.1"
    port: int = 8080
    certificate: Path | None = None
    private_key: Path | None = None
    config: Path | None = None
    wsgidav: dict[str, Any] = field(default_factory=dict, repr=False)

    plex: Annotated[Path, kinds.path()] = Path("data/plex")
    state: Annotated[Path, kinds.path()] = Path("data/state")
    public_url: Annotated[str | None, kinds.web_address().or_none()] = None
    timezone: Annotated[ZoneInfo | None, kinds.time_zone().or_none()] = None
    require_tls: Annotated[bool, kinds.flag()] = False
    trusted_proxies: Annotated[tuple[Network, ...], kinds.several(kinds.network())] = ()
    cors: Annotated[tuple[str, ...], kinds.several(kinds.origin())] = ()
    fast_reads: Annotated[bool, kinds.flag()] = True
    watch: Annotated[str, kinds.choice("auto", "events", "poll", "off")] = "auto"
    watch_poll_seconds: Annotated[float, kinds.number(1, DAY, "seconds")] = 60.0
    media: Media = Media()
    filing: Filing = Filing()
    trash: Trash = Trash()
    listing: Listing = Listing()
    uploads: Uploads = Uploads()
    plex_server: PlexServer = PlexServer()
    health: Health = Health()
    metrics: Metrics = Metrics()
    server: Server = Server()
    log: Log = Log()

    @property
    def base_url(self) -> str:
        """Where clients reach the server, with a slash at its end: `public_url`, else made from host and port."""
        if self.public_url is not None:
            return self.public_url
        scheme = "https" if self.certificate else "http"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{scheme}://{host}:{self.port}/"
