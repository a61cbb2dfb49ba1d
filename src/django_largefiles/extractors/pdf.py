"""Describe PDF files with pypdf: document information, page count and the size of the first page."""

from __future__ import annotations

import io
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, BinaryIO

from pypdf import Configuration, DocumentInformation, PasswordType, PdfReader, apply_configuration
from pypdf.generic import RectangleObject

# pypdf imports these when it reads the first stream. In the child, the limits are in force by then, and imports may
# fail.
from pypdf import filters  # noqa: F401  # isort: skip

from .base import JSON, MAX_TEXT, MAX_TITLE, Extractor, Metadata, clean_text

_MIB = 1024 * 1024

WALKED_PAGES = 2000
"""Up to this number, pages are counted one by one. Beyond it, /Count of the page tree is reported, as a claim."""

LARGE_FILE = 8 * _MIB
WALKED_PAGES_OF_LARGE_FILE = 200
"""The pages of a large file lie far apart: each costs a separate read, which is a request in a remote store."""

BUFFER_SIZE = 64 * 1024

MAX_PAGES = 10_000_000
MAX_POINTS = 1_000_000

_DEPTH = 50
_LIMITS = Configuration(
    maximum_declared_stream_length=32 * _MIB,
    array_based_stream_maximum_output_length=32 * _MIB,
    zlib_maximum_output_length=32 * _MIB,
    zlib_maximum_recovery_input_length=1 * _MIB,
    lzw_maximum_output_length=8 * _MIB,
    run_length_maximum_output_length=8 * _MIB,
    brotli_maximum_output_length=8 * _MIB,
    jbig2_maximum_output_length=8 * _MIB,
    image_maximum_buffer_size=8 * _MIB,
    stream_decoding_work_maximum_length=64 * _MIB,
    page_tree_maximum_entries=2 * WALKED_PAGES,
    page_tree_maximum_page_entries=100 * WALKED_PAGES,
    page_tree_maximum_depth=_DEPTH,
    # Never start another program.
    jbig2dec_binary=None,
)


class PdfExtractor(Extractor):
    def extract(self, file: BinaryIO, media_type: str) -> Metadata:
        with apply_configuration(_LIMITS), _buffered(file) as stream:
            return _describe(_open(stream), stream)


@contextmanager
def _buffered(file: BinaryIO) -> Iterator[BinaryIO]:
    """Add a buffer to an unbuffered file: pypdf reads byte by byte, which would take millions of system calls."""
    if not isinstance(file, io.RawIOBase):
        yield file
        return
    stream = io.BufferedReader(file, BUFFER_SIZE)
    try:
        yield stream
    finally:
        stream.detach()


def _open(stream: BinaryIO) -> PdfReader:
    """Return a reader.

    Try a large file in strict mode first: otherwise pypdf looks at every object that the cross-reference table lists.
    """
    if _is_large(stream):
        _require_an_end(stream)
        with suppress(Exception):
            reader = PdfReader(stream, strict=True)
            reader.strict = False
            return reader
    return _open_leniently(stream)


def _require_an_end(stream: BinaryIO) -> None:
    """Raise ``ValueError`` if the end of the file has no ``startxref``, for which pypdf would search the whole file.

    Viewers look for it in the last 1,024 bytes (ISO 32000-1, annex H, note 18).
    """
    stream.seek(-BUFFER_SIZE, os.SEEK_END)
    if b"startxref" not in stream.read(BUFFER_SIZE):
        raise ValueError(f"the last {BUFFER_SIZE} bytes contain no startxref")


def _open_leniently(stream: BinaryIO) -> PdfReader:
    """Return a reader, even if pypdf cannot handle the encryption: everything except texts can still be read."""
    reader = PdfReader.__new__(PdfReader)
    try:
        PdfReader.__init__(reader, stream)
    except Exception:
        if not reader.is_encrypted:
            raise
    return reader


def _describe(reader: PdfReader, stream: BinaryIO) -> Metadata:
    readable = not reader.is_encrypted or _opens_without_password(reader)
    if not readable:
        # Texts and streams are encrypted, but not the page tree (ISO 32000-1, 7.6.1). pypdf refuses to read any of it.
        reader._override_encryption = True
    information = _information(reader) if readable else DocumentInformation()
    attributes: dict[str, JSON] = {
        "pdf_version": _version(stream),
        "author": _text(information, "/Author"),
        "created_at": _date(information, "creation_date"),
        "modified_at": _date(information, "modification_date"),
        "page_size": _first_page_size(reader),
    }
    page_count, claimed = _page_count(reader, _walkable_pages(stream) if readable else 0)
    if page_count is None and readable:
        raise ValueError("the document has no page tree")
    return Metadata(
        page_count=page_count,
        title=_text(information, "/Title", MAX_TITLE),
        attributes={key: value for key, value in attributes.items() if value}
        | {"encrypted": reader.is_encrypted, "page_count_claimed": claimed},
    )


def _opens_without_password(reader: PdfReader) -> bool:
    with suppress(Exception):
        return reader.decrypt("") != PasswordType.NOT_DECRYPTED
    return False


def _version(stream: BinaryIO) -> str:
    """Return the version in the header, from the first 1,024 bytes (ISO 32000-1, annex H, note 13), or ``""``."""
    stream.seek(0)
    header = re.search(rb"%PDF-(\d\.\d)", stream.read(1024))
    return header[1].decode() if header else ""


def _information(reader: PdfReader) -> DocumentInformation:
    with suppress(Exception):
        return reader.metadata or DocumentInformation()
    return DocumentInformation()


def _text(information: DocumentInformation, key: str, limit: int = MAX_TEXT) -> str:
    with suppress(Exception):
        return clean_text(information[key], limit)
    return ""


def _date(information: DocumentInformation, name: str) -> str:
    """Return the date in ISO 8601, or ``""``."""
    with suppress(Exception):
        return str(getattr(information, name).isoformat())
    return ""


def _first_page_size(reader: PdfReader) -> list[float] | None:
    """Return the width and height of the first page as displayed, in points, or ``None``."""
    with suppress(Exception):
        page = _first_page(reader)
        box = RectangleObject(page["/MediaBox"])
        width, height = round(float(box.width), 2), round(float(box.height), 2)
        if 0 < width <= MAX_POINTS and 0 < height <= MAX_POINTS:
            return [height, width] if int(page.get("/Rotate", 0)) % 180 == 90 else [width, height]
    return None


def _first_page(reader: PdfReader) -> Mapping[str, Any]:
    """Return the entries of the first page, some of them inherited (ISO 32000-1, 7.7.3.4).

    pypdf would read the whole page tree to get at one page.
    """
    node: Any = reader.root_object["/Pages"]
    entries: dict[str, Any] = {}
    for _ in range(_DEPTH):
        entries |= {key: node[key] for key in ("/MediaBox", "/Rotate") if key in node}
        if "/Kids" not in node:
            break
        node = node["/Kids"][0].get_object()
    return entries


def _page_count(reader: PdfReader, walkable: int) -> tuple[int | None, bool]:
    """Return the number of pages, and whether it is only the claim of the file."""
    claim = _claimed_page_count(reader)
    if walkable and (claim is None or claim <= walkable):
        with suppress(Exception):
            return reader.get_num_pages(), False
    return claim, claim is not None


def _claimed_page_count(reader: PdfReader) -> int | None:
    with suppress(Exception):
        pages: Any = reader.root_object["/Pages"]
        count = pages["/Count"]
        return int(count) if isinstance(count, int) and 0 <= count <= MAX_PAGES else None
    return None


def _walkable_pages(stream: BinaryIO) -> int:
    return WALKED_PAGES_OF_LARGE_FILE if _is_large(stream) else WALKED_PAGES


def _is_large(stream: BinaryIO) -> bool:
    return stream.seek(0, os.SEEK_END) > LARGE_FILE
