"""XML from strangers: bounded, without tricks, and written back so that it means the same elsewhere."""

import time
from contextlib import suppress
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sumu_dav.dav.faults import BadXml, TooLarge
from sumu_dav.dav.xml import MAX_BODY_BYTES, MAX_DEPTH, MAX_NODES, escape, parse


def canonical(xml: str) -> str:
    return ElementTree.canonicalize(xml, rewrite_prefixes=True)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"   ",
        b"not xml",
        b"<a>",
        b"<a></b>",
        b"<a/><b/>",
        b"<a x='1' x='2'/>",
        b"<p:a/>",
        b"<a xmlns:p=''/>",
        b"<a>\x00</a>",
        b"<a>\xff</a>",
        b"<a>&unknown;</a>",
        b"<!DOCTYPE a><a/>",
        b"<!DOCTYPE a [<!ENTITY e 'x'>]><a>&e;</a>",
        b"<!DOCTYPE a SYSTEM 'file:///etc/passwd'><a/>",
        b"<?php x ?><a/>",
        b"<a><?php x ?></a>",
        b"<?xml version='1.0' encoding='iso-8859-1'?><a>\xe9</a>",
        b"<?xml version='1.0' encoding='utf-7'?><a/>",
        b"<?xml version='1.0' encoding='shift_jis'?><a/>",
        b"<?xml version='1.0' encoding='no-such'?><a/>",
        b"<?xml version='1.0' encoding='utf-16'?><a/>",
        b'<a xmlns="x&#10;y"/>',
    ],
)
def test_what_is_not_allowed_is_refused(body: bytes) -> None:
    with pytest.raises(BadXml):
        parse(body)


def test_bounds() -> None:
    assert parse(b"<a>" * MAX_DEPTH + b"</a>" * MAX_DEPTH).name == "a"
    with pytest.raises(BadXml, match="deeper"):
        parse(b"<a>" * (MAX_DEPTH + 1) + b"</a>" * (MAX_DEPTH + 1))
    with pytest.raises(BadXml, match="more than"):
        parse(b"<a>" + b"<b/>" * MAX_NODES + b"</a>")
    with pytest.raises(BadXml, match="more than"):
        parse(b"<a " + b" ".join(b"b%d=''" % n for n in range(MAX_NODES)) + b"/>")
    with pytest.raises(TooLarge):
        parse(b"<a>" + b" " * MAX_BODY_BYTES + b"</a>")


def test_a_long_word_is_quick() -> None:
    begun = time.monotonic()
    for word in ("x" * 1_000_000, "x." * 500_000, "x:" * 500_000, ":" * 1_000_000):
        parse(f"<a><b>{word}</b></a>".encode()).children[0].serialized()
    assert time.monotonic() - begun < 10


def test_the_worst_allowed_body_is_quick() -> None:
    declared = " ".join(f"xmlns:p{number}='u{number}'" for number in range(5_000))
    text = " ".join(f"p{number}:x" for number in range(5_000))
    body = f"<a {declared}><b>{text}</b>{'<b>p1:x p2:y</b>' * 10_000}</a>".encode()
    begun = time.monotonic()
    for child in parse(body).children:
        child.serialized()
    assert time.monotonic() - begun < 10


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_both_encodings(encoding: str) -> None:
    assert parse("<a>é 写真 📷</a>".encode(encoding)).text == "é 写真 📷"


def test_names_are_clark_names() -> None:
    root = parse(b"<D:a xmlns:D='DAV:' xmlns='urn:x' D:k='1' l='2'><b/><c xmlns=''/></D:a>")
    assert root.name == "{DAV:}a"
    assert [child.name for child in root.children] == ["{urn:x}b", "c"]
    assert (root.attribute("{DAV:}k"), root.attribute("l"), root.attribute("m")) == ("1", "2", None)


@pytest.mark.parametrize(
    ("body", "alone"),
    [
        ("<r xmlns:p='urn:p'><p:x>1</p:x></r>", '<p:x xmlns:p="urn:p">1</p:x>'),
        ("<r xmlns='urn:d'><x><y/></x></r>", '<x xmlns="urn:d"><y/></x>'),
        ("<r xmlns='urn:d'><x xmlns=''/></r>", '<x xmlns=""/>'),
        ("<r xmlns:p='urn:p'><x a='p:y'/></r>", '<x xmlns:p="urn:p" a="p:y"/>'),
        ("<r xmlns:p='urn:p'><x>see p:y there</x></r>", '<x xmlns:p="urn:p">see p:y there</x>'),
        ("<r xmlns:p='urn:p' xmlns:q='urn:q'><x p:a='1'/></r>", '<x xmlns:p="urn:p" p:a="1"/>'),
        ("<r xmlns:p='urn:outer'><p:x xmlns:p='urn:inner'/></r>", '<p:x xmlns:p="urn:inner"/>'),
        ("<r xml:lang='de'><x/></r>", '<x xml:lang="de"/>'),
        ("<r xml:lang='de'><x xml:lang='fr'/></r>", '<x xml:lang="fr"/>'),
        ("<r><x>a &lt;b&gt; &amp; &#13;<![CDATA[<c>]]></x></r>", "<x>a &lt;b&gt; &amp; &#13;&lt;c&gt;</x>"),
        ("<r><x a='&quot;&#10;&#9;&lt;'/></r>", '<x a="&quot;&#10;&#9;&lt;"/>'),
        ("<r><x>one<y>two</y>three<!-- gone -->four</x></r>", "<x>one<y>two</y>threefour</x>"),
        ("<r><x>  \n </x></r>", "<x>  \n </x>"),
    ],
)
def test_an_element_stands_alone(body: str, alone: str) -> None:
    written = parse(body.encode()).children[0].serialized()
    assert written == alone
    assert parse(written.encode()).serialized() == alone


names = st.sampled_from(["a", "b", "é", "写", "long-name.x_1"])
uris = st.sampled_from(["urn:one", "urn:two", "DAV:", "http://x/?a&b"])
texts = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"], exclude_characters="\ufffe\uffff"), max_size=12
)


@st.composite
def trees(draw: st.DrawFn, depth: int = 3) -> str:
    prefix, local, uri = draw(st.sampled_from(["", "p", "q"])), draw(names), draw(uris)
    tag = f"{prefix}:{local}" if prefix else local
    declared = f'xmlns{":" + prefix if prefix else ""}="{escape(uri)}"'
    inner = "".join(draw(st.lists(trees(depth=depth - 1), max_size=3))) if depth else ""
    return f'<{tag} {declared} k="{escape(draw(texts))}">{escape(draw(texts))}{inner}{escape(draw(texts))}</{tag}>'


@settings(max_examples=150, deadline=None, derandomize=True)
@given(trees())
def test_what_is_written_back_means_what_was_sent(tree: str) -> None:
    sent = f'<r xmlns="urn:root" xmlns:p="urn:p" xmlns:q="urn:q">{tree}</r>'
    written = parse(sent.encode()).children[0].serialized()
    wrapped = f'<r xmlns="urn:root" xmlns:p="urn:p" xmlns:q="urn:q">{written}</r>'
    assert canonical(wrapped) == canonical(sent)
    assert canonical(written) == canonical(parse(written.encode()).serialized())


@settings(max_examples=300, deadline=None, derandomize=True)
@given(
    st.one_of(
        st.binary(max_size=200),
        st.lists(
            st.sampled_from(
                [
                    b"<a>",
                    b"</a>",
                    b"<!DOCTYPE",
                    b"<?",
                    b"<p:b",
                    b" xmlns:p='u'",
                    b"/>",
                    b"&#0;",
                    b"&lt;",
                    b"\xff\xfe",
                    b"\x00",
                    b"]]>",
                ]
            ),
            max_size=12,
        ).map(b"".join),
    )
)
def test_any_bytes_are_xml_or_refused(body: bytes) -> None:
    with suppress(BadXml):
        parse(body).serialized()


def test_text_that_xml_has_no_place_for_is_replaced() -> None:
    written = escape('a\x00\x1b\ud800\uffff<&>"\r\n')
    assert written == "a\ufffd\ufffd\ufffd\ufffd&lt;&amp;&gt;&quot;&#13;\n"
