from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from pypdf import PdfReader, PdfWriter
from pypdf.errors import PdfReadError, PyPdfError
from pypdf.generic import ArrayObject, DictionaryObject, FloatObject, NameObject, NumberObject, TextStringObject

from django_largefiles.extractors import pdf as module
from django_largefiles.extractors.base import Metadata
from django_largefiles.extractors.pdf import PdfExtractor
from tests.remote_files import MIB, book

PLAIN = {"encrypted": False, "page_count_claimed": False}


def extract(file: Any) -> Metadata:
    return PdfExtractor().extract(file, "application/pdf")


def written(writer: PdfWriter) -> io.BytesIO:
    file = io.BytesIO()
    writer.write(file)
    return file


def one_page() -> PdfWriter:
    writer = PdfWriter()
    writer.add_blank_page(612, 792)
    return writer


def claiming(count: Any, pages: int = 3) -> io.BytesIO:
    """A document whose page tree claims ``count`` pages."""
    writer = PdfWriter()
    for _ in range(pages):
        writer.add_blank_page(612, 792)
    tree: Any = writer.root_object["/Pages"]
    tree[NameObject("/Count")] = count
    return written(writer)


def encrypted(algorithm: str, password: str) -> io.BytesIO:
    writer = one_page()
    writer.add_metadata({"/Title": "Secret"})
    writer.encrypt(password, "owner", algorithm=algorithm)
    return written(writer)


def unknown_encryption() -> io.BytesIO:
    """What pypdf refuses to open: a security handler that it does not know."""
    file = encrypted("RC4-128", "")
    return io.BytesIO(file.getvalue().replace(b"/Filter /Standard", b"/Filter /Peculiar"))


def test_document_is_described(pdf: Path) -> None:
    with pdf.open("rb") as file:
        metadata = extract(file)
    assert metadata == Metadata(
        page_count=2,
        title="Annual report",
        attributes={
            "pdf_version": "1.3",
            "author": "Ada",
            "created_at": "2020-01-02T03:04:05+00:00",
            "modified_at": "2021-01-02T03:04:05+02:00",
            "page_size": [612.0, 792.0],
            **PLAIN,
        },
    )


def test_unbuffered_file_is_buffered_and_left_open(pdf: Path) -> None:
    with pdf.open("rb", buffering=0) as file:
        assert extract(file).page_count == 2
        assert not file.closed


def test_document_without_information(pdf: Path) -> None:
    writer = one_page()
    writer.metadata = None
    assert extract(written(writer)).attributes == {"pdf_version": "1.3", "page_size": [612.0, 792.0], **PLAIN}


@pytest.mark.parametrize(
    ("key", "value"),
    [
        pytest.param("/Title", NumberObject(7), id="number for a title"),
        pytest.param("/Author", DictionaryObject(), id="dictionary for an author"),
        pytest.param("/CreationDate", TextStringObject("yesterday"), id="date that is none"),
        pytest.param("/CreationDate", TextStringObject("D:99999999999999Z"), id="date beyond time"),
    ],
)
def test_odd_information_is_left_out(key: str, value: Any) -> None:
    writer = one_page()
    assert writer._info is not None
    writer._info[NameObject(key)] = value
    metadata = extract(written(writer))
    assert metadata.title == ""
    assert not {"author", "created_at"} & metadata.attributes.keys()


def test_information_that_is_no_dictionary_is_left_out() -> None:
    content = written(one_page()).getvalue()
    assert extract(io.BytesIO(content.replace(b"/Info 1 0 R", b"/Info 9     "))).page_count == 1


@pytest.mark.parametrize("title", ["<script>alert(1)</script>", "Ł👩‍🚀"])
def test_title_is_data(title: str) -> None:
    writer = one_page()
    writer.add_metadata({"/Title": title})
    assert extract(written(writer)).title == title


def test_long_title_is_cut() -> None:
    writer = one_page()
    writer.add_metadata({"/Title": "x" * 1000})
    assert extract(written(writer)).title == "x" * 255


@pytest.mark.parametrize(
    ("box", "rotation", "size"),
    [
        pytest.param((0, 0, 612, 792), 0, [612.0, 792.0], id="upright"),
        pytest.param((0, 0, 612, 792), 90, [792.0, 612.0], id="rotated"),
        pytest.param((10, 10, 110, 60.5), 180, [100.0, 50.5], id="moved"),
        pytest.param((0, 0, 0, 0), 0, None, id="empty"),
        pytest.param((0, 0, 1e12, 1), 0, None, id="enormous"),
        pytest.param((), 0, None, id="no box"),
    ],
)
def test_page_size_is_that_displayed(box: tuple[float, ...], rotation: int, size: list[float] | None) -> None:
    writer = one_page()
    page = writer.pages[0]
    page[NameObject("/MediaBox")] = ArrayObject(FloatObject(side) for side in box)
    page[NameObject("/Rotate")] = NumberObject(rotation)
    assert extract(written(writer)).attributes.get("page_size") == size


def test_page_size_is_inherited() -> None:
    writer = one_page()
    page = writer.pages[0]
    tree: Any = writer.root_object["/Pages"]
    tree[NameObject("/MediaBox")] = page.pop("/MediaBox")
    assert extract(written(writer)).attributes["page_size"] == [612.0, 792.0]


def test_page_tree_without_end_has_no_page() -> None:
    writer = one_page()
    tree: Any = writer.root_object["/Pages"]
    tree[NameObject("/Kids")] = ArrayObject([tree.indirect_reference])
    metadata = extract(written(writer))
    assert metadata.page_count == 1
    assert metadata.attributes["page_count_claimed"] is True


@pytest.mark.parametrize(
    ("count", "page_count", "claimed"),
    [
        pytest.param(NumberObject(1), 3, False, id="too few: walked"),
        pytest.param(NumberObject(100), 3, False, id="too many: walked"),
        pytest.param(NumberObject(50_000), 50_000, True, id="more than are walked"),
        pytest.param(NumberObject(-5), 3, False, id="negative"),
        pytest.param(NumberObject(10**12), 3, False, id="absurd"),
        pytest.param(TextStringObject("many"), 3, False, id="text"),
        pytest.param(ArrayObject(), 3, False, id="array"),
    ],
)
def test_pages_are_counted_where_they_are_few(count: Any, page_count: int, claimed: bool) -> None:
    metadata = extract(claiming(count))
    assert (metadata.page_count, metadata.attributes["page_count_claimed"]) == (page_count, claimed)


def test_missing_count_is_walked() -> None:
    writer = one_page()
    tree: Any = writer.root_object["/Pages"]
    del tree["/Count"]
    assert extract(written(writer)).page_count == 1


def test_more_pages_than_are_walked_are_claimed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_LIMITS", module._LIMITS.with_overwrites(page_tree_maximum_entries=2))
    metadata = extract(claiming(NumberObject(1)))
    assert (metadata.page_count, metadata.attributes["page_count_claimed"]) == (1, True)


def test_fewer_pages_of_a_large_file_are_walked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LARGE_FILE", 100)
    assert extract(claiming(NumberObject(200))).page_count == 3
    assert extract(claiming(NumberObject(201))).page_count == 201


def test_of_a_large_file_not_every_object_is_looked_at() -> None:
    file = book(1000, 500 * MIB)
    assert PdfExtractor().extract(io.BufferedReader(file, 16384), "application/pdf").page_count == 1000
    assert file.requests < 30


def test_a_large_file_that_is_not_in_order_is_read_nevertheless(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LARGE_FILE", 100)
    content = claiming(NumberObject(3)).getvalue().replace(b"startxref\n", b"startxref\n9")
    with pytest.raises(PdfReadError):
        PdfReader(io.BytesIO(content), strict=True)
    assert extract(io.BytesIO(content)).page_count == 3


def test_a_large_file_is_not_searched_for_its_end() -> None:
    content = claiming(NumberObject(3)).getvalue() + bytes(module.LARGE_FILE)
    with pytest.raises(ValueError, match="the last 65536 bytes contain no startxref"):
        extract(io.BytesIO(content))


@pytest.mark.parametrize(
    ("file", "title"),
    [
        pytest.param(encrypted("RC4-128", ""), "Secret", id="empty password"),
        pytest.param(encrypted("RC4-128", "word"), "", id="password"),
        pytest.param(unknown_encryption(), "", id="unknown handler"),
    ],
)
def test_encrypted_document_tells_what_is_open(file: io.BytesIO, title: str) -> None:
    metadata = extract(file)
    assert (metadata.page_count, metadata.title) == (1, title)
    assert metadata.attributes["encrypted"] is True
    assert metadata.attributes["page_count_claimed"] is (title == "")
    assert metadata.attributes["page_size"] == [612.0, 792.0]


def test_encryption_whose_library_is_missing_is_no_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(self: PdfReader, password: object) -> None:
        raise ImportError("cryptography>=3.1 is required for AES algorithm")

    file = encrypted("RC4-128", "")
    monkeypatch.setattr(PdfReader, "_handle_encryption", missing)
    assert extract(file).attributes["encrypted"] is True


@pytest.mark.parametrize(
    ("content", "version"), [(b"junk\n%PDF-1.7\n", "1.7"), (b"%PDF-2.0\n", "2.0"), (b"%PDF-x", "")]
)
def test_version_is_that_of_the_header(content: bytes, version: str) -> None:
    assert module._version(io.BytesIO(content)) == version


@pytest.mark.parametrize(
    ("content", "error"),
    [
        pytest.param(b"", PyPdfError, id="empty"),
        pytest.param(b"%PDF-1.7\nnothing else", PyPdfError, id="no trailer"),
        pytest.param(
            b"%PDF-1.7\nxref\n0 0\ntrailer <</Size 1>>\nstartxref\n9\n%%EOF\n", ValueError, id="no page tree"
        ),
    ],
)
def test_broken_document_raises(content: bytes, error: type[Exception]) -> None:
    with pytest.raises(error):
        extract(io.BytesIO(content))
