"""`/-/metrics`: what the server does, in the text format of Prometheus; for admins, or whoever has the token.

Counts what it is told; what can be asked of the parts is asked when someone looks.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST as CONTENT_TYPE
from prometheus_client.registry import Collector

KNOWN_METHODS = frozenset(
    (
        *("GET", "HEAD", "PUT", "OPTIONS", "PROPFIND", "PROPPATCH", "MKCOL", "DELETE", "COPY", "MOVE"),
        *("LOCK", "UNLOCK", "REPORT", "SEARCH", "POST"),
    )
)
"""What has a series of its own: a client may invent methods, but not fill our memory with their names."""

__all__ = ["CONTENT_TYPE", "Metrics", "has_token"]

REQUEST_SECONDS = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 60.0, 600.0)
SYNC_SECONDS = (0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 5.0)

Gauge = tuple[str, str, Callable[[], float]]
"""Name, help and value of something that is asked for when someone looks; a `…_total` only ever grows."""


class Metrics:
    """Counters and gauges of one server. Thread-safe."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        # Looking a series up by its labels costs more than counting in it; methods and statuses are few.
        self._series: dict[tuple[str, int], tuple[Counter, Histogram, Counter | None]] = {}
        self._requests = Counter(
            "sumu_requests_total", "Requests answered", ("method", "status"), registry=self.registry
        )
        self._seconds = Histogram(
            "sumu_request_seconds",
            "From head to last byte",
            ("method",),
            buckets=REQUEST_SECONDS,
            registry=self.registry,
        )
        self._received = Counter("sumu_received_bytes_total", "Bytes of bodies received", registry=self.registry)
        self._sent = Counter("sumu_sent_bytes_total", "Bytes of bodies sent", registry=self.registry)
        self._uploads = Counter("sumu_uploads_total", "Uploads by outcome", ("outcome",), registry=self.registry)
        self._syncs = Histogram(
            "sumu_fsync_seconds",
            "How long a sync to disk took",
            ("of",),
            buckets=SYNC_SECONDS,
            registry=self.registry,
        )

    def request(self, method: str, status: int, seconds: float, received: int, sent: int) -> None:
        """A request is over; `status` 0 tells that its client left without an answer."""
        known = method if method in KNOWN_METHODS else "other"
        series = self._series.get((known, status))
        if series is None:
            outcome = self._uploads.labels(_outcome(status)) if known == "PUT" else None
            series = self._requests.labels(known, str(status)), self._seconds.labels(known), outcome
            self._series[known, status] = series
        requests, duration, uploads = series
        requests.inc()
        duration.observe(seconds)
        if received:
            self._received.inc(received)
        if sent:
            self._sent.inc(sent)
        if uploads is not None:
            uploads.inc()

    def syncs(self, of: str) -> Callable[[float], None]:
        """What is to be told the seconds of each sync of this part (the trees, the catalogue)."""
        return partial(_observe, self._syncs.labels(of))

    def watch(self, gauges: Iterable[Gauge]) -> None:
        """Show these values too, asked for anew at each look."""
        self.registry.register(_Asked(tuple(gauges)))

    def page(self) -> bytes:
        """The metrics as they are now, of the media type CONTENT_TYPE."""
        return generate_latest(self.registry)


class _Asked(Collector):
    def __init__(self, gauges: tuple[Gauge, ...]) -> None:
        self._gauges = gauges

    def collect(self) -> Iterable[Metric]:
        for name, words, value in self._gauges:
            kind = CounterMetricFamily if name.endswith("_total") else GaugeMetricFamily
            family = kind(name, words)
            family.add_metric((), value())
            yield family


def _observe(histogram: Histogram, seconds: float) -> None:
    histogram.observe(seconds)


def _outcome(status: int) -> str:
    if status in (201, 204):
        return "stored"
    if status in (0, 400):
        return "broken"  # cut short, or not of the length or checksum that was announced
    if status == 507:
        return "full"
    return "refused" if 400 <= status < 500 else "failed"


def has_token(environ: dict[str, Any], token: str | None) -> bool:
    """Whether the request brings the token of the metrics (`Authorization: Bearer …`)."""
    sent = str(environ.get("HTTP_AUTHORIZATION") or "")
    return token is not None and hmac.compare_digest(sent.encode(), f"Bearer {token}".encode())
