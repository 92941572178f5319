"""XML that strangers send: parsed within bounds into a small tree, and written back so that it stands alone.

Must not know WebDAV's elements (`bodies.py` does). Names are Clark names, `{namespace}local`. There is no DTD, so no
entity, and no processing instruction; comments are dropped. Bounds are on bytes, depth and nodes, since a small body
can hold a great many nodes, and expat alone bounds none of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from xml.parsers import expat

from sumu_dav.dav.faults import BadXml, TooLarge

MAX_BODY_BYTES = 1_048_576
"""The largest XML body that is read."""

MAX_DEPTH = 100
"""The deepest nesting: far more than any property has, and no danger to the stack."""

MAX_NODES = 20_000
"""The most elements, attributes and namespace declarations together: a few MB of memory at the worst."""

XML_NAMESPACE = "http://www.w3.org/XML/1998/namespace"
XML_LANG = f"{{{XML_NAMESPACE}}}lang"

# Expat refuses namespaces that contain the separator, so a name always splits the same way.
_SEPARATOR = "\n"
_ENCODINGS = ("utf-8", "utf-16", "utf-16le", "utf-16be", "us-ascii")
# Begins at the start of a word only, and never goes back: a long word must not be tried from each of its letters.
_PREFIX_IN_TEXT = re.compile(r"(?<![\w.\-])([^\W\d][\w.\-]*+):(?=[^\W\d])")
_ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


@dataclass(frozen=True, slots=True)
class Attribute:
    """An attribute: its Clark name, the prefix it was written with ("" for none), and its value."""

    name: str
    prefix: str
    value: str


@dataclass(slots=True)
class Element:
    """An element as it was sent. `declared` maps the prefixes that it declares itself to namespaces ("" is default)."""

    name: str
    prefix: str
    attributes: tuple[Attribute, ...]
    declared: dict[str, str]
    parent: Element | None = None
    content: list[str | Element] = field(default_factory=list)

    @property
    def children(self) -> list[Element]:
        """The elements directly below."""
        return [item for item in self.content if isinstance(item, Element)]

    @property
    def text(self) -> str:
        """The text directly below, without that of the children."""
        return "".join(item for item in self.content if isinstance(item, str))

    def child(self, name: str) -> Element | None:
        """The first child of that Clark name."""
        return next((child for child in self.children if child.name == name), None)

    def attribute(self, name: str) -> str | None:
        """The value of the attribute of that Clark name."""
        return next((each.value for each in self.attributes if each.name == name), None)

    def serialized(self) -> str:
        """The element as XML that means the same wherever it is put (RFC 4918 §4.3).

        Prefixes stay as they were sent. Namespaces from further up are declared on it where a name uses them, or a
        text looks like a name that does; so is an xml:lang that it inherits.
        """
        out: list[str] = []
        _write(self, out, _inherited(self))
        return "".join(out)


def parse(body: bytes) -> Element:
    """The root element of a document in UTF-8 or UTF-16.

    Raises BadXml for what is not well-formed or not allowed, TooLarge beyond MAX_BODY_BYTES.
    """
    if len(body) > MAX_BODY_BYTES:
        raise TooLarge(MAX_BODY_BYTES, "XML body")
    builder = _Builder()
    try:
        builder.parser.Parse(body, True)
    except expat.ExpatError as error:
        raise BadXml(str(error)) from None
    except (UnicodeError, LookupError, ValueError):
        raise BadXml("its encoding is neither UTF-8 nor UTF-16") from None
    if builder.root is None:
        raise BadXml("it has no element")
    return builder.root


def escape(text: str) -> str:
    """Text as XML character data, or as an attribute's value in double quotes.

    What XML 1.0 §2.2 has no place for (control characters, lone surrogates) becomes U+FFFD.
    """
    if _ILLEGAL.search(text):
        text = _ILLEGAL.sub("\ufffd", text)
    if "&" in text:
        text = text.replace("&", "&amp;")
    if "<" in text:
        text = text.replace("<", "&lt;")
    if ">" in text:
        text = text.replace(">", "&gt;")
    if '"' in text:
        text = text.replace('"', "&quot;")
    if "\r" in text:
        text = text.replace("\r", "&#13;")
    return text


class _Builder:
    """Expat's handlers: they build the tree, and stop the parser at whatever is not allowed."""

    def __init__(self) -> None:
        self.root: Element | None = None
        self._open: Element | None = None
        self._declared: dict[str, str] = {}
        self._depth = 0
        self._nodes = 0
        parser = expat.ParserCreate(namespace_separator=_SEPARATOR)
        parser.namespace_prefixes = True
        parser.buffer_text = True
        parser.ordered_attributes = True
        parser.XmlDeclHandler = self._declaration
        parser.StartDoctypeDeclHandler = self._doctype
        parser.ProcessingInstructionHandler = self._instruction
        parser.StartNamespaceDeclHandler = self._namespace
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._characters
        self.parser = parser

    def _declaration(self, _version: str, encoding: str | None, _standalone: int) -> None:
        if encoding is not None and encoding.lower() not in _ENCODINGS:
            raise BadXml(f"its encoding is {encoding[:40]!r}, neither UTF-8 nor UTF-16")

    def _doctype(self, *_declared: object) -> None:
        raise BadXml("a document type is not allowed")

    def _instruction(self, *_written: object) -> None:
        raise BadXml("a processing instruction is not allowed")

    def _namespace(self, prefix: str | None, uri: str | None) -> None:
        self._count(1)
        if prefix and not uri:
            raise BadXml(f"the prefix {prefix[:40]!r} is declared without a namespace")
        self._declared[prefix or ""] = uri or ""

    def _start(self, name: str, attributes: list[str]) -> None:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise BadXml(f"it is nested deeper than {MAX_DEPTH} levels")
        self._count(1 + len(attributes) // 2)
        clark, prefix = _split(name)
        pairs = zip(attributes[::2], attributes[1::2], strict=True)
        element = Element(
            clark, prefix, tuple(Attribute(*_split(key), value) for key, value in pairs), self._declared, self._open
        )
        self._declared = {}
        if self._open is None:
            self.root = element
        else:
            self._open.content.append(element)
        self._open = element

    def _end(self, _name: str) -> None:
        assert self._open is not None  # expat pairs the tags
        self._open = self._open.parent
        self._depth -= 1

    def _characters(self, text: str) -> None:
        if self._open is not None:
            self._open.content.append(text)

    def _count(self, nodes: int) -> None:
        self._nodes += nodes
        if self._nodes > MAX_NODES:
            raise BadXml(f"it has more than {MAX_NODES} elements and attributes")


def _split(name: str) -> tuple[str, str]:
    """Clark name and prefix from expat's `uri SEPARATOR local SEPARATOR prefix`."""
    match name.split(_SEPARATOR):
        case [uri, local, prefix]:
            return f"{{{uri}}}{local}", prefix
        case [uri, local]:
            return f"{{{uri}}}{local}", ""
    return name, ""


def _local(clark: str) -> str:
    return clark.rpartition("}")[2]


def _inherited(top: Element) -> str:
    """The declarations, and the xml:lang, that `top` takes from its ancestors, as attributes to write on it."""
    wanted: set[str] = set()
    for element in _subtree(top):
        wanted.add(element.prefix)
        for attribute in element.attributes:
            if attribute.prefix:  # an attribute without one is in no namespace, whatever the default is
                wanted.add(attribute.prefix)
            wanted.update(_PREFIX_IN_TEXT.findall(attribute.value))
        wanted.update(_PREFIX_IN_TEXT.findall(element.text))
    wanted -= {"xml", *top.declared}
    out: list[str] = []
    language = top.attribute(XML_LANG)
    above = top.parent
    while above is not None:
        for prefix in sorted(wanted & above.declared.keys()):
            if above.declared[prefix]:
                out.append(_declaration(prefix, above.declared[prefix]))
            wanted.discard(prefix)
        if language is None:
            language = above.attribute(XML_LANG)
            if language is not None:
                out.append(f' xml:lang="{_quoted(language)}"')
        above = above.parent
    return "".join(out)


def _subtree(top: Element) -> Iterator[Element]:
    yield top
    for child in top.children:
        yield from _subtree(child)


def _write(element: Element, out: list[str], extra: str = "") -> None:
    local = _local(element.name)
    tag = f"{element.prefix}:{local}" if element.prefix else local
    out.append(f"<{tag}")
    out.extend(_declaration(prefix, uri) for prefix, uri in element.declared.items())
    out.append(extra)
    for attribute in element.attributes:
        key = f"{attribute.prefix}:{_local(attribute.name)}" if attribute.prefix else _local(attribute.name)
        out.append(f' {key}="{_quoted(attribute.value)}"')
    if not element.content:
        out.append("/>")
        return
    out.append(">")
    for item in element.content:
        if isinstance(item, str):
            out.append(escape(item))
        else:
            _write(item, out)
    out.append(f"</{tag}>")


def _declaration(prefix: str, uri: str) -> str:
    return f' xmlns:{prefix}="{_quoted(uri)}"' if prefix else f' xmlns="{_quoted(uri)}"'


def _quoted(value: str) -> str:
    """An attribute's value: XML 1.0 §3.3.3 would turn a plain tab or line end into a space."""
    return escape(value).replace("\t", "&#9;").replace("\n", "&#10;")
