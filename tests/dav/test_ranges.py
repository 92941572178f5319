"""Byte ranges: which bytes are sent, and never too many pieces."""

import random
import time

import pytest

from sumu_dav.dav.faults import RangeNotSatisfiable
from sumu_dav.dav.ranges import MAX_RANGES, Multipart, Span, content_range, plan, unsatisfied_range


@pytest.mark.parametrize(
    ("header", "spans"),
    [
        ("bytes=0-0", [(0, 1)]),
        ("bytes=0-", [(0, 100)]),
        ("bytes=10-19", [(10, 10)]),
        ("Bytes = 90-500", [(90, 10)]),
        ("bytes=-10", [(90, 10)]),
        ("bytes=-500", [(0, 100)]),
        ("bytes=99-99999999999999999999999999", [(99, 1)]),
        ("bytes=0-9,20-29", [(0, 10), (20, 10)]),
        ("bytes=20-29, 0-9", [(20, 10), (0, 10)]),
        ("bytes=0-9,,200-300 , -1", [(0, 10), (99, 1)]),
        ("bytes=0-9,10-19", [(0, 20)]),
        ("bytes=0-50,40-99,0-", [(0, 100)]),
        ("bytes=0-9,-0", [(0, 10)]),
        ("bytes=50-59,0-9,5-54", [(0, 60)]),
    ],
)
def test_spans_of_a_hundred_bytes(header: str, spans: list[tuple[int, int]]) -> None:
    assert plan(header, 100) == tuple(Span(*span) for span in spans)


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "bytes",
        "bytes=",
        "bytes=,",
        "bytes=-",
        "bytes=a-b",
        "bytes=9-0",
        "bytes=0-9,x",
        "bytes=0-9-",
        "lines=0-9",
        "bytes=--5",
        "bytes=٣-٤",
    ],
)
def test_what_is_no_range_is_ignored(header: str | None) -> None:
    assert plan(header, 100) is None


@pytest.mark.parametrize(
    "header", ["bytes=100-", "bytes=100-200", "bytes=-0", "bytes=200-,-0", "bytes=" + "9" * 60_000 + "-"]
)
def test_what_lies_outside_is_not_satisfiable(header: str) -> None:
    with pytest.raises(RangeNotSatisfiable) as raised:
        plan(header, 100)
    assert raised.value.size == 100
    assert unsatisfied_range(raised.value.size) == "bytes */100"


def test_an_empty_file() -> None:
    assert plan("bytes=-5", 0) is None
    for header in ("bytes=0-", "bytes=-0"):
        with pytest.raises(RangeNotSatisfiable):
            plan(header, 0)


def test_too_many_ranges_get_the_whole_file() -> None:
    many = ",".join(f"{2 * number}-{2 * number}" for number in range(MAX_RANGES))
    assert len(plan(f"bytes={many}", 1_000) or ()) == MAX_RANGES
    assert plan(f"bytes={many},900-", 1_000) is None
    begun = time.monotonic()
    assert plan("bytes=" + "0-," * 20_000, 1_000) is None
    assert time.monotonic() - begun < 5


def test_a_multipart_body_is_as_long_as_it_says() -> None:
    body = bytes(range(100))
    parts = Multipart((Span(0, 10), Span(90, 10)), 100, "image/jpeg", "edge")
    sent = b"".join(body[p.offset : p.offset + p.length] if isinstance(p, Span) else p for p in parts.pieces())
    assert len(sent) == parts.length
    assert parts.content_type == "multipart/byteranges; boundary=edge"
    assert sent == (
        b"--edge\r\nContent-Type: image/jpeg\r\nContent-Range: bytes 0-9/100\r\n\r\n" + body[:10] + b"\r\n"
        b"--edge\r\nContent-Type: image/jpeg\r\nContent-Range: bytes 90-99/100\r\n\r\n" + body[90:] + b"\r\n"
        b"--edge--\r\n"
    )
    assert content_range(Span(90, 10), 100) == "bytes 90-99/100"


def test_a_plan_sends_each_wanted_byte_once() -> None:
    seed = 9_110
    print("seed", seed)
    rng = random.Random(seed)
    for _ in range(3_000):
        size = rng.randrange(1, 40)
        wanted: set[int] = set()
        items = []
        for _ in range(rng.randrange(1, 6)):
            first = rng.randrange(50)
            last = first + rng.randrange(20)
            items.append(f"{first}-{last}")
            wanted.update(range(first, min(last + 1, size)))
        header = "bytes=" + ",".join(items)
        try:
            spans = plan(header, size)
        except RangeNotSatisfiable:
            assert not wanted
            continue
        assert spans is not None
        sent = [offset for span in spans for offset in range(span.offset, span.offset + span.length)]
        assert sorted(sent) == sorted(wanted)
