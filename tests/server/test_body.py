"""Bodies: both framings, read in pieces of any size, and every way in which one can be cut."""

from __future__ import annotations

import io
import random

import pytest

from sumu_dav.server.body import CHUNK_LINE_LIMIT, TRAILER_LIMIT, Body, BodyCut, ChunkedBody, KnownLengthBody


class Pieces:
    """A source that gives what it was made of, piece by piece, then ends."""

    def __init__(self, *pieces: bytes) -> None:
        self.buffer = bytearray()
        self._pieces = list(pieces)

    def receive_into(self, view: memoryview) -> int:
        if not self._pieces:
            raise BodyCut("the body ended early")
        piece = self._pieces.pop(0)
        size = min(len(piece), len(view))
        view[:size] = piece[:size]
        if piece[size:]:
            self._pieces.insert(0, piece[size:])
        return size

    def fill(self) -> None:
        if not self._pieces:
            raise BodyCut("the body ended early")
        self.buffer += self._pieces.pop(0)


def read_all(body: Body, size: int = -1) -> bytes:
    reader = io.BufferedReader(body)
    content = b""
    while data := reader.read(size):
        content += data
        if size < 0:
            break
    return content


def chunked(content: bytes, size: int, trailers: bytes = b"") -> bytes:
    pieces = [content[at : at + size] for at in range(0, len(content), size)]
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n" + trailers + b"\r\n"


def test_a_known_length_leaves_what_follows_alone() -> None:
    source = Pieces(b"worldGET /next")
    source.buffer += b"hello "
    body = KnownLengthBody(source, 11)
    assert read_all(body) == b"hello world"
    assert body.finished
    assert body.received == 11


def test_a_known_length_that_ends_early_is_an_error() -> None:
    body = KnownLengthBody(Pieces(b"hello"), 11)
    with pytest.raises(ConnectionError):
        read_all(body)
    assert not body.finished


def test_chunks_cut_anywhere() -> None:
    seed = random.randrange(2**32)
    print("seed", seed)
    chance = random.Random(seed)
    for _ in range(50):
        content = chance.randbytes(chance.randrange(1, 5000))
        wire = chunked(content, chance.randrange(1, 700), b"X-Trailer: 1\r\n") + b"GET /next"
        cuts = sorted(chance.sample(range(1, len(wire)), k=min(len(wire) - 1, chance.randrange(0, 30))))
        source = Pieces(*(wire[a:b] for a, b in zip([0, *cuts], [*cuts, len(wire)], strict=True)))
        body = ChunkedBody(source)
        assert read_all(body, chance.choice([-1, 1, 7, 1000])) == content
        assert body.finished
        assert body.received == len(content)
        assert b"GET /next".startswith(bytes(source.buffer))


def test_a_chunk_may_have_extensions_and_capital_digits() -> None:
    wire = b"A ;name=value\r\n0123456789\r\n000;last\r\n\r\n"
    assert read_all(ChunkedBody(Pieces(wire))) == b"0123456789"


@pytest.mark.parametrize(
    "wire",
    [
        b"",
        b"5\r\nhel",
        b"5\r\nhello\r\n",
        b"5\r\nhello\r\n0\r\n",
        b"5\r\nhelloX\r\n0\r\n\r\n",
        b"5\nhello\r\n0\r\n\r\n",
        b"0x5\r\nhello\r\n0\r\n\r\n",
        b"-5\r\nhello\r\n0\r\n\r\n",
        b"\r\nhello\r\n0\r\n\r\n",
        b"5;a\rb\r\nhello\r\n0\r\n\r\n",
        b"1" * 17 + b"\r\n",
        b"5;" + b"x" * (CHUNK_LINE_LIMIT + 1) + b"\r\nhello\r\n0\r\n\r\n",
        b"0\r\n" + b"X: y\r\n" * (TRAILER_LIMIT // 6 + 2) + b"\r\n",
    ],
)
def test_broken_chunks_are_cut(wire: bytes) -> None:
    with pytest.raises(BodyCut):
        read_all(ChunkedBody(Pieces(*([wire] if wire else []))))


def test_lines_and_readinto_work_as_pep_3333_asks() -> None:
    reader = io.BufferedReader(KnownLengthBody(Pieces(b"one\ntwo\nthree"), 13))
    assert reader.readline() == b"one\n"
    target = bytearray(4)
    assert reader.readinto(target) == 4
    assert list(reader) == [b"three"]
