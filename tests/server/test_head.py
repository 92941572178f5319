"""Request heads: what is read out of them, and what is refused because two readers could differ about it."""

from __future__ import annotations

import pytest

from sumu_dav.server.head import MAX_FIELDS, HeadRefused, parse_head


def head(*lines: str) -> bytes:
    return "\r\n".join(lines).encode("latin-1")


def test_a_plain_request() -> None:
    parsed = parse_head(head("PROPFIND /alice/a%20b.jpg?x=1 HTTP/1.1", "Host: h", "Depth: 1", "Content-Length: 5"))
    assert (parsed.method, parsed.target) == ("PROPFIND", "/alice/a%20b.jpg?x=1")
    assert (parsed.path, parsed.query) == ("/alice/a b.jpg", "x=1")
    assert parsed.fields == {"HTTP_HOST": "h", "HTTP_DEPTH": "1", "CONTENT_LENGTH": "5"}
    assert (parsed.length, parsed.chunked, parsed.keep_alive, parsed.expects_continue) == (5, False, True, False)


def test_an_encoded_slash_stays_encoded() -> None:
    assert parse_head(head("GET /a%2fb%2Fc%41 HTTP/1.1", "Host: h")).path == "/a%2Fb%2FcA"


def test_utf8_and_broken_escapes_are_left_to_the_application() -> None:
    assert parse_head(head("GET /%C3%A4 HTTP/1.1", "Host: h")).path.encode("latin-1").decode() == "/ä"
    assert parse_head(head("GET /%ff%zz% HTTP/1.1", "Host: h")).path == "/\xff%zz%"


@pytest.mark.parametrize(
    ("line", "target", "host"),
    [
        ("GET http://other:81/a?b HTTP/1.1", "/a?b", "other:81"),
        ("GET http://other HTTP/1.1", "/", "other"),
        ("GET HTTPS://other?b HTTP/1.1", "/?b", "other"),
        ("OPTIONS * HTTP/1.1", "*", "h"),
    ],
)
def test_the_other_forms_of_a_target(line: str, target: str, host: str) -> None:
    parsed = parse_head(head(line, "Host: h"))
    assert (parsed.target, parsed.fields["HTTP_HOST"]) == (target, host)


def test_http_1_0_needs_no_host_and_closes() -> None:
    assert not parse_head(head("GET / HTTP/1.0")).keep_alive
    assert parse_head(head("GET / HTTP/1.0", "Connection: Keep-Alive")).keep_alive
    assert not parse_head(head("GET / HTTP/1.1", "Host: h", "Connection: close")).keep_alive


def test_repeated_fields_are_joined() -> None:
    fields = parse_head(head("GET / HTTP/1.1", "Host: h", "If: (a)", "If: (b)", "Cookie: a=1", "Cookie: b=2")).fields
    assert (fields["HTTP_IF"], fields["HTTP_COOKIE"]) == ("(a), (b)", "a=1; b=2")


def test_names_that_could_pass_for_others_are_dropped() -> None:
    parsed = parse_head(head("GET / HTTP/1.1", "Host: h", "Content_Length: 5", "X_User: root", "Proxy: http://evil/"))
    assert parsed.fields == {"HTTP_HOST": "h"}


@pytest.mark.parametrize(
    ("status", "lines"),
    [
        ("400", ["GET / HTTP/1.1"]),
        ("400", ["GET / HTTP/1.1", "Host: a", "Host: a"]),
        ("400", ["GET / HTTP/1.1", "Host: h", "Content-Length: 5", "Transfer-Encoding: chunked"]),
        ("400", ["GET / HTTP/1.1", "Host: h", "Content-Length: 5", "Content-Length: 6"]),
        ("400", ["GET / HTTP/1.1", "Host: h", "Content-Length: 5, 5"]),
        ("400", ["GET / HTTP/1.1", "Host: h", "Content-Length: +5"]),
        ("400", ["GET / HTTP/1.1", "Host: h", "Content-Length: -1"]),
        ("400", ["GET / HTTP/1.1", "Host: h", "Content-Length: 0x5"]),
        ("400", ["GET / HTTP/1.1", "Host: h", "Content-Length:"]),
        ("400", ["GET / HTTP/1.0", "Transfer-Encoding: chunked"]),
        ("501", ["GET / HTTP/1.1", "Host: h", "Transfer-Encoding: gzip, chunked"]),
        ("501", ["GET / HTTP/1.1", "Host: h", "Transfer-Encoding: chunked", "Transfer-Encoding: chunked"]),
        ("501", ["GET / HTTP/1.1", "Host: h", "Transfer-Encoding: xchunked"]),
        ("400", ["GET / HTTP/1.1", "Host: h", "Transfer-Encoding : chunked"]),
        ("400", ["GET / HTTP/1.1", "Host: h", " folded: line"]),
        ("400", ["GET / HTTP/1.1", "Host: h", "no colon"]),
        ("400", ["GET / HTTP/1.1", "Host: h", ": no name"]),
        ("400", ["GET / HTTP/1.1", "Host: h\nX: y"]),
        ("400", ["GET / HTTP/1.1", "Host: h\rX: y"]),
        ("400", ["GET / HTTP/1.1", "Host: h", "X: a\0b"]),
        ("400", ["GET  / HTTP/1.1", "Host: h"]),
        ("400", ["GET / HTTP/1.1 ", "Host: h"]),
        ("400", ["GET /#a HTTP/1.1", "Host: h"]),
        ("400", ["GET a HTTP/1.1", "Host: h"]),
        ("400", ["GET http://user:secret@h/ HTTP/1.1", "Host: h"]),
        ("400", ["CONNECT h:80 HTTP/1.1", "Host: h"]),
        ("400", ["G(T / HTTP/1.1", "Host: h"]),
        ("400", ["GET /"]),
        ("400", [""]),
        ("400", ["GET / http/1.1", "Host: h"]),
        ("505", ["GET / HTTP/2.0", "Host: h"]),
        ("417", ["PUT / HTTP/1.1", "Host: h", "Expect: miracles"]),
        ("431", ["GET / HTTP/1.1", "Host: h", *(["A: b"] * MAX_FIELDS)]),
    ],
)
def test_refused(status: str, lines: list[str]) -> None:
    with pytest.raises(HeadRefused) as refused:
        parse_head(head(*lines))
    assert refused.value.status.startswith(status)
