"""`/-/metrics`: what the server does, in the text format of Prometheus; for admins, or whoever has the token.

Counts what it is told; what can be asked of the parts is asked when someone looks.
"""

from __future__ import annotations

import hmac
from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping
from itertools import accumulate
from threading import Lock
from typing import Any

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
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


class Durations:
    """How long something took, counted by `limits` (seconds, each inclusive). Thread-safe.

    The library's own histogram takes five calls to note a value, and an upload brings four.
    """

    def __init__(self, limits: tuple[float, ...]) -> None:
        self._limits = limits
        self._lock = Lock()
        self._counts = [0] * (len(limits) + 1)
        self._sum = 0.0

    def note(self, seconds: float) -> None:
        """It took so long once more."""
        place = bisect_left(self._limits, seconds)
        with self._lock:
            self._counts[place] += 1
            self._sum += seconds

    def add_to(self, family: HistogramMetricFamily, label: str) -> None:
        """What was noted so far, as a series of its own."""
        with self._lock:
            counts, total = tuple(accumulate(self._counts)), self._sum
        limits = (*map(str, self._limits), "+Inf")
        family.add_metric((label,), list(zip(limits, counts, strict=True)), total)


class Metrics(Collector):
    """Counters and gauges of one server. Thread-safe."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._requests: dict[tuple[str, int], int] = {}
        self._received = self._sent = 0
        self._seconds: dict[str, Durations] = {}
        self._syncs: dict[str, Durations] = {}
        self._registry = CollectorRegistry()
        self._registry.register(self)

    def request(self, method: str, status: int, seconds: float, received: int, sent: int) -> None:
        """A request is over; `status` 0 tells that its client left without an answer."""
        known = method if method in KNOWN_METHODS else "other"
        with self._lock:
            self._requests[known, status] = self._requests.get((known, status), 0) + 1
            self._received += received
            self._sent += sent
            durations = self._seconds.get(known)
            if durations is None:
                durations = self._seconds[known] = Durations(REQUEST_SECONDS)
        durations.note(seconds)

    def syncs(self, of: str) -> Callable[[float], None]:
        """What is to be told the seconds of each sync of this part (the trees, the catalogue)."""
        return self._syncs.setdefault(of, Durations(SYNC_SECONDS)).note

    def collect(self) -> Iterable[Metric]:
        """What was counted, as the library asks for it."""
        with self._lock:
            counted, durations = self._requests.copy(), self._seconds.copy()
            received, sent = self._received, self._sent
        requests = CounterMetricFamily("sumu_requests", "Requests answered", labels=("method", "status"))
        uploads = CounterMetricFamily("sumu_uploads", "Uploads by outcome", labels=("outcome",))
        outcomes: dict[str, int] = {}
        for (method, status), count in counted.items():
            requests.add_metric((method, str(status)), count)
            if method == "PUT":
                outcomes[_outcome(status)] = outcomes.get(_outcome(status), 0) + count
        for outcome, count in outcomes.items():
            uploads.add_metric((outcome,), count)
        yield from (requests, uploads)
        yield CounterMetricFamily("sumu_received_bytes", "Bytes of bodies received", received)
        yield CounterMetricFamily("sumu_sent_bytes", "Bytes of bodies sent", sent)
        yield _histogram("sumu_request_seconds", "From head to last byte", "method", durations)
        yield _histogram("sumu_fsync_seconds", "How long a sync to disk took", "of", self._syncs)

    def watch(self, gauges: Iterable[Gauge]) -> None:
        """Show these values too, asked for anew at each look."""
        self._registry.register(_Asked(tuple(gauges)))

    def page(self) -> bytes:
        """The metrics as they are now, of the media type CONTENT_TYPE."""
        return generate_latest(self._registry)


class _Asked(Collector):
    def __init__(self, gauges: tuple[Gauge, ...]) -> None:
        self._gauges = gauges

    def collect(self) -> Iterable[Metric]:
        for name, words, value in self._gauges:
            kind = CounterMetricFamily if name.endswith("_total") else GaugeMetricFamily
            family = kind(name, words)
            family.add_metric((), value())
            yield family


def _histogram(name: str, words: str, label: str, durations: Mapping[str, Durations]) -> HistogramMetricFamily:
    family = HistogramMetricFamily(name, words, labels=(label,))
    for of, each in durations.items():
        each.add_to(family, of)
    return family


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
