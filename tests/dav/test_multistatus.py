"""Answers in XML: well-formed, with the prefixes that apps look for, 200 first."""

import tracemalloc
from collections.abc import Iterator
from xml.etree import ElementTree

from sumu_dav.dav import multistatus as ms
from sumu_dav.dav.bodies import parse_proppatch

SABRE_MESSAGE = "{http://sabredav.org/ns}message"


def tree(*responses: str, tail: str = "") -> ElementTree.Element:
    return ElementTree.fromstring(b"".join(ms.multistatus(responses, tail)))


def statuses(response: ElementTree.Element) -> list[str | None]:
    return [propstat.findtext("{DAV:}status") for propstat in response.findall("{DAV:}propstat")]


def test_an_empty_multistatus_is_whole() -> None:
    assert tree().tag == "{DAV:}multistatus"
    assert tree(tail=ms.text_element("{DAV:}responsedescription", "a<b")).findtext("{DAV:}responsedescription") == "a<b"


def test_a_response_has_200_first_and_no_empty_propstat() -> None:
    found = ms.text_element("{DAV:}getetag", '"x"')
    others = [(403, ["{DAV:}getetag"], "cannot-modify-protected-property"), (424, ["{urn:k}k"], None)]
    whole, none, nothing = tree(
        ms.response("/alice/a&b", found, ["{urn:k}k", "bare"], others),
        ms.response("/x", "", ["{urn:k}k"]),
        ms.response("/y"),
    )
    assert whole.findtext("{DAV:}href") == "/alice/a&b"
    assert statuses(whole) == [
        "HTTP/1.1 200 OK",
        "HTTP/1.1 404 Not Found",
        "HTTP/1.1 403 Forbidden",
        "HTTP/1.1 424 Failed Dependency",
    ]
    assert whole.find("{DAV:}propstat/{DAV:}prop/{urn:k}k") is not None
    assert whole.find("{DAV:}propstat/{DAV:}prop/bare") is not None
    assert whole.find("{DAV:}propstat/{DAV:}error/{DAV:}cannot-modify-protected-property") is not None
    assert statuses(none) == ["HTTP/1.1 404 Not Found"]
    assert statuses(nothing) == ["HTTP/1.1 200 OK"]


def test_the_prefixes_are_those_that_apps_look_for() -> None:
    assert ms.text_element("{DAV:}getetag", "x") == "<d:getetag>x</d:getetag>"
    assert ms.element("{http://owncloud.org/ns}favorite") == "<oc:favorite/>"
    assert ms.element("{http://nextcloud.org/ns}has-preview", "1") == "<nc:has-preview>1</nc:has-preview>"
    assert ms.element("{urn:sumu}taken") == "<s:taken/>"
    assert ms.element('{urn:"}k', "1") == '<x:k xmlns:x="urn:&quot;">1</x:k>'


def test_a_dead_property_comes_back_as_it_was_sent() -> None:
    sent = (
        b"<D:propertyupdate xmlns:D='DAV:' xmlns:k='urn:k'><D:set><D:prop xml:lang='de'>"
        b"<k:tree><k:leaf a='k:x'>\xc3\xa9 &amp; <D:href>/x</D:href></k:leaf></k:tree>"
        b"</D:prop></D:set></D:propertyupdate>"
    )
    (change,) = parse_proppatch(sent)
    assert change.value is not None
    answer = tree(ms.response("/alice/", change.value))
    kept = answer.find("{DAV:}response/{DAV:}propstat/{DAV:}prop/{urn:k}tree")
    assert kept is not None
    assert kept.get("{http://www.w3.org/XML/1998/namespace}lang") == "de"
    assert "".join(kept.itertext()) == "é & /x"


def test_an_error_speaks_to_programs_and_to_people() -> None:
    body = ms.error_body("Locked \x1b by <b>", "lock-token-submitted", ["/alice/a&b"])
    error = ElementTree.fromstring(body)
    assert error.tag == "{DAV:}error"
    assert error.findtext("{DAV:}lock-token-submitted/{DAV:}href") == "/alice/a&b"
    assert error.findtext(SABRE_MESSAGE) == "Locked \ufffd by <b>"
    assert ElementTree.fromstring(ms.error_body("only words")).findtext(SABRE_MESSAGE) == "only words"


def test_the_properties_of_locks() -> None:
    owner = '<D:owner xmlns:D="DAV:">me</D:owner>'
    active = ms.active_lock(
        token="opaquelocktoken:1", root="/alice/a&b", owner=owner, shared=False, infinite=True, seconds=60
    )
    prop = ElementTree.fromstring(ms.prop_body(ms.element("{DAV:}lockdiscovery", active) + ms.SUPPORTED_LOCK))
    lock = prop.find("{DAV:}lockdiscovery/{DAV:}activelock")
    assert lock is not None
    assert [child.tag.removeprefix("{DAV:}") for child in lock] == [
        "locktype", "lockscope", "depth", "owner", "timeout", "locktoken", "lockroot",
    ]  # fmt: skip
    assert lock.find("{DAV:}lockscope/{DAV:}exclusive") is not None
    assert lock.findtext("{DAV:}timeout") == "Second-60"
    assert lock.findtext("{DAV:}lockroot/{DAV:}href") == "/alice/a&b"
    assert len(prop.findall("{DAV:}supportedlock/{DAV:}lockentry")) == 2


def test_a_long_listing_streams_in_bounded_memory() -> None:
    found = ms.text_element("{DAV:}getetag", "x" * 200)

    def members() -> Iterator[str]:
        return (ms.response(f"/alice/{number}", found) for number in range(20_000))

    tracemalloc.start()
    sizes = [len(block) for block in ms.multistatus(members())]
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert sum(sizes) > 20_000 * 200
    assert min(sizes[:-1]) >= ms.BLOCK_BYTES
    assert peak < 1_000_000
