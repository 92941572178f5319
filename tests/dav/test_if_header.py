"""The If header of RFC 4918 §10.4: the examples of the RFC, what clients send, and what is none."""

import random

import pytest

from sumu_dav.dav.faults import BadRequest
from sumu_dav.dav.if_header import Observed, parse_if
from sumu_dav.dav.target import Target, parse_reference
from sumu_dav.errors import NameRefused

PHOTO = parse_reference("/alice/a.jpg")
LOCKED: dict[tuple[str, ...], Observed] = {
    ("alice", "a.jpg"): Observed('"one"', {"urn:t:1"}),
    ("alice", "b"): Observed('"b"', {"urn:t:2"}),
}


def seen(target: Target) -> Observed:
    return LOCKED.get(target.path, Observed())


def holds(header: str) -> bool:
    parsed = parse_if({"HTTP_IF": header})
    assert parsed is not None
    return parsed.holds(PHOTO, seen)


def test_without_the_header_there_is_no_condition() -> None:
    assert parse_if({}) is None


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("(<urn:t:1>)", True),
        ("(<urn:t:2>)", False),
        ('(["one"])', True),
        ('(["two"])', False),
        ('([W/"one"])', False),
        ('(<urn:t:1> ["one"])', True),
        ('(<urn:t:1> ["two"])', False),
        ('(<urn:t:2>) (["one"])', True),
        ('(<urn:t:2>)(["two"])', False),
        ("(Not <urn:t:2>)", True),
        ("(Not <urn:t:1>)", False),
        ('(not ["two"] NOT <DAV:no-lock>)', True),
        ("(<urn:t:2>) (Not <DAV:no-lock>)", True),
        ("</alice/b> (<urn:t:2>)", True),
        ("</alice/b> (<urn:t:1>)", False),
        ("<http://any.example:81/alice/b> (<urn:t:2>)", True),
        ("<webdavs://x/alice/b>(<urn:t:1>)(<urn:t:2>)", True),
        ("</alice/b> (<urn:t:1>) </alice/a.jpg> (<urn:t:1>)", True),
        ('</alice/none> (["one"])', False),
        ('</alice/none> (Not ["one"])', True),
        ("</remote.php/dav/files/alice/b> (<urn:t:2>)", True),
    ],
)
def test_conditions(header: str, expected: bool) -> None:
    assert holds(header) is expected


def test_every_token_in_the_header_is_submitted() -> None:
    parsed = parse_if({"HTTP_IF": '</x> (<urn:t:1> ["e"]) (Not <urn:t:3>) </y> (<urn:t:2>)'})
    assert parsed is not None
    assert parsed.tokens == {"urn:t:1", "urn:t:2", "urn:t:3"}


@pytest.mark.parametrize(
    "header",
    [
        "",
        "   ",
        "()",
        "(",
        "(<urn:t:1>",
        "<urn:t:1>",
        "</alice/b>",
        "</a> </b> (<urn:t:1>)",
        "(<urn:t:1>) </a> (<urn:t:1>)",
        "</a> (<urn:t:1>) </b>",
        "(Not)",
        "(Not Not <urn:t:1>)",
        "((<urn:t:1>))",
        "(<urn:t:1>) trailing",
        "([one])",
        "(Notorious <urn:t:1>)",
        "(<a b>)",
        "(<urn:t:1>)" * 5_000,
    ],
)
def test_what_does_not_follow_the_grammar_is_refused(header: str) -> None:
    with pytest.raises(BadRequest):
        parse_if({"HTTP_IF": header})


def test_a_tag_leads_nowhere_that_a_request_would_not() -> None:
    with pytest.raises(NameRefused):
        parse_if({"HTTP_IF": "</alice/../bob/x> (<urn:t:1>)"})


def test_a_resource_is_looked_at_once() -> None:
    looked: list[Target] = []

    def lookup(target: Target) -> Observed:
        looked.append(target)
        return Observed()

    parsed = parse_if({"HTTP_IF": "(<a:1>)" * 500})
    assert parsed is not None
    assert not parsed.holds(PHOTO, lookup)
    assert looked == [PHOTO]


def test_any_text_is_a_header_or_refused() -> None:
    seed = 4_918
    print("seed", seed)
    rng = random.Random(seed)
    pieces = [
        "(",
        ")",
        "<",
        ">",
        "[",
        "]",
        '"',
        "Not ",
        " ",
        "<urn:t:1>",
        '["one"]',
        "</alice/b>",
        "x",
        "\xff",
        "W/",
        "\t",
    ]
    for _ in range(5_000):
        header = "".join(rng.choice(pieces) for _ in range(rng.randrange(14)))
        try:
            parsed = parse_if({"HTTP_IF": header})
        except (BadRequest, NameRefused):
            continue
        assert parsed is not None
        parsed.holds(PHOTO, seen)
