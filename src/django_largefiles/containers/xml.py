"""Read XML from containers with expat, without document types and therefore without entities."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from xml.parsers import expat

from .facts import Unreadable

Visit = Callable[[str, Mapping[str, str]], None]

MAX_TEXT = 4000
"""Characters of one element's text that are kept."""


def visit_elements(pieces: Iterable[bytes], visit: Visit) -> None:
    """Call ``visit`` with each element's local name and its attributes by local name. Raise ``Unreadable``."""
    parser = _parser()

    def start(name: str, attributes: dict[str, str]) -> None:
        visit(_local(name), {_local(key): value for key, value in attributes.items()})

    parser.StartElementHandler = start
    _feed(parser, pieces)


def texts(pieces: Iterable[bytes], wanted: Iterable[str]) -> dict[str, str]:
    """Return the text of the first element with text of each local name in ``wanted``. Raise ``Unreadable``."""
    parser, names = _parser(), frozenset(wanted)
    found: dict[str, str] = {}
    open_elements: list[str] = []

    def start(name: str, attributes: dict[str, str]) -> None:
        open_elements.append(_local(name))

    def end(name: str) -> None:
        open_elements.pop()

    def text(data: str) -> None:
        # The text is complete, because expat buffers it.
        if open_elements[-1] in names:
            found.setdefault(open_elements[-1], data[:MAX_TEXT])

    parser.StartElementHandler, parser.EndElementHandler, parser.CharacterDataHandler = start, end, text
    _feed(parser, pieces)
    return found


def _parser() -> expat.XMLParserType:
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = _refuse_document_type
    return parser


def _refuse_document_type(name: str, system_id: str | None, public_id: str | None, internal: int) -> None:
    raise Unreadable("the XML has a document type declaration, which is not allowed")


def _feed(parser: expat.XMLParserType, pieces: Iterable[bytes]) -> None:
    try:
        for piece in pieces:
            parser.Parse(piece, False)
        parser.Parse(b"", True)
    except (expat.ExpatError, ValueError, LookupError) as error:
        raise Unreadable(f"the XML is not well-formed: {error}") from error


def _local(name: str) -> str:
    return name.rpartition(" ")[2]
