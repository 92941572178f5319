"""Patience, trusted proxies and the log's lines: what needs no socket to be tested."""

from __future__ import annotations

import io
import json

import pytest

from sumu_dav.server.clock import Clock
from sumu_dav.server.forwarded import TrustedProxies
from sumu_dav.server.patience import Patience
from sumu_dav.server.requestlog import RequestLog, RequestRecord, escaped


def test_patience_ends_with_a_stall_however_fast_it_began() -> None:
    patience = Patience(grace=20, rate=1000)
    patience.earn(10**9)
    patience.spend(19)
    assert not patience.exhausted
    patience.spend(1)
    assert patience.exhausted


@pytest.mark.parametrize(("rate", "seconds"), [(1001, None), (500, 40), (0, 20)])
def test_patience_is_endless_above_the_rate_alone(rate: int, seconds: int | None) -> None:
    patience = Patience(grace=20, rate=1000)
    for second in range(1, 1000):
        patience.spend(1)
        if patience.exhausted:
            assert seconds is not None
            assert second == pytest.approx(seconds, abs=2)
            return
        patience.earn(rate)
    assert seconds is None


def test_a_chain_is_believed_as_far_as_it_is_trusted() -> None:
    proxies = TrustedProxies(["10.0.0.0/8", "::1"])
    assert proxies.trusts("10.1.2.3")
    assert proxies.trusts("::ffff:10.1.2.3")
    assert not proxies.trusts("192.0.2.1")
    assert proxies.client("10.0.0.1", "198.51.100.7, 192.0.2.1, 10.0.0.2") == "192.0.2.1"
    assert proxies.client("10.0.0.1", "192.0.2.1:4711") == "192.0.2.1"
    assert proxies.client("10.0.0.1", "[2001:db8::1]:4711") == "2001:db8::1"
    assert proxies.client("10.0.0.1", "10.0.0.9") == "10.0.0.9"
    assert proxies.client("10.0.0.1", "192.0.2.1, <script>") == "10.0.0.1"
    with pytest.raises(ValueError, match="nonsense"):
        TrustedProxies(["nonsense"])


RECORD = RequestRecord("192.0.2.1", "al ice\n", "PUT", '/a\x1b[2J\xe4"b', 201, 3, 4, 0.01234)


def test_a_text_line_stays_one_line_of_words() -> None:
    out = io.StringIO()
    log = RequestLog(out, "text", Clock())
    log.add(RECORD)
    assert out.getvalue() == ""
    log.flush()
    time, _, rest = out.getvalue().partition(" ")
    assert time[10] == "T"
    assert rest == "192.0.2.1 al\\x20ice\\x0a PUT /a\\x1b[2J\\xe4\\x22b 201 in=3 out=4 0.0123\n"


def test_a_json_line_is_an_object() -> None:
    out = io.StringIO()
    log = RequestLog(out, "json", Clock())
    log.add(RECORD)
    log.flush()
    line = json.loads(out.getvalue())
    assert (line["user"], line["status"], line["bytesIn"], line["bytesOut"]) == ("al ice\n", 201, 3, 4)


def test_no_line_is_lost_that_is_added_while_others_are_written() -> None:
    out = io.StringIO()

    class Interrupted(Clock):
        def log_time(self) -> str:
            log.flush()
            return super().log_time()

    log = RequestLog(out, "text", Interrupted())
    for _ in range(3):
        log.add(RECORD)
    log.flush()
    assert len(out.getvalue().splitlines()) == 3


def test_escapes() -> None:
    assert escaped("/a\\b") == "/a\\x5cb"
    assert escaped("\u20ac") == "\\xe2\\x82\\xac"
