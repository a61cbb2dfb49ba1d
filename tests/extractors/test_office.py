from __future__ import annotations

import io
from typing import Any

import pytest

from django_largefiles.containers.facts import Unreadable
from django_largefiles.extractors.base import Metadata
from django_largefiles.extractors.office import OfficeExtractor
from tests.archives import (
    APP,
    CORE,
    DOCX,
    ENCRYPTED_MANIFEST,
    META,
    ODF,
    PPTX,
    SLIDES,
    XLSX,
    docm,
    docx,
    odf,
    ooxml,
    overlapping_zip,
    pptx,
    xlsx,
    zip_of,
)

TEXT = f"{ODF}text"
MAIN = f"{DOCX}.main+xml"
BOMB = "<!DOCTYPE a [<!ENTITY b 'ha'><!ENTITY c '&b;&b;'>]><a>&c;</a>"


def described(data: bytes, media_type: str = DOCX) -> Metadata:
    return OfficeExtractor().extract(io.BytesIO(data), media_type)


def attributes(data: bytes, media_type: str = DOCX) -> dict[str, Any]:
    return dict(described(data, media_type).attributes)


@pytest.mark.parametrize(
    ("data", "media_type", "count", "counted", "claimed"),
    [
        (docx(), DOCX, 12, "pages", True),
        (xlsx(), XLSX, 2, "sheets", False),
        (pptx(), PPTX, 3, "slides", False),
        (odf("text"), TEXT, 12, "pages", True),
        (odf("spreadsheet"), f"{ODF}spreadsheet", 2, "sheets", True),
        (odf("presentation"), f"{ODF}presentation", 3, "slides", False),
    ],
    ids=["docx", "xlsx", "pptx", "odt", "ods", "odp"],
)
def test_pages_sheets_and_slides(data: bytes, media_type: str, count: int, counted: str, claimed: bool) -> None:
    found = described(data, media_type)
    assert (found.page_count, found.attributes["counted"]) == (count, counted)
    assert found.attributes["page_count_claimed"] is claimed


@pytest.mark.parametrize("data", [docx(), xlsx(), pptx()], ids=["docx", "xlsx", "pptx"])
def test_the_properties_of_ooxml(data: bytes) -> None:
    found = described(data)
    assert found.title == "Annual report"
    properties = {key: found.attributes[key] for key in found.attributes if key not in {"archive", "counted"}}
    assert properties == {
        "author": "Ada",
        "last_modified_by": "Bob",
        "created_at": "2020-01-02T03:04:05Z",
        "modified_at": "2021-01-02T03:04:05Z",
        "application": "Writer",
        "application_version": "16.0",
        "page_count_claimed": data == docx(),
        "macros": False,
        "encrypted": False,
    }


def test_the_properties_of_opendocument() -> None:
    found = described(odf("text"), TEXT)
    assert found.title == "Annual report"
    properties = {key: found.attributes[key] for key in found.attributes if key not in {"archive", "counted"}}
    assert properties == {
        "author": "Ada",
        "last_modified_by": "Bob",
        "created_at": "2020-01-02T03:04:05",
        "modified_at": "2021-01-02T03:04:05",
        "application": "LibreOffice",
        "page_count_claimed": True,
        "macros": False,
        "encrypted": False,
    }


@pytest.mark.parametrize(
    ("data", "media_type"),
    [
        (docm(), DOCX),
        (zip_of({"a": "a"}), DOCX),
        (zip_of({"[Content_Types].xml": BOMB}), DOCX),
        (odf("text", {"Basic/Standard/Module1.xml": "x"}), TEXT),
        (odf("text", {"Scripts/python/a.py": "x"}), TEXT),
    ],
    ids=["docm", "no content types", "content types that cannot be read", "basic", "script"],
)
def test_macros_are_flagged(data: bytes, media_type: str) -> None:
    assert attributes(data, media_type)["macros"] is True


@pytest.mark.parametrize(
    "manifest", [ENCRYPTED_MANIFEST, BOMB, "<a>"], ids=["encrypted", "entities", "cannot be read"]
)
def test_encryption_is_flagged_also_where_it_cannot_be_ruled_out(manifest: str) -> None:
    found = attributes(odf("text", {"META-INF/manifest.xml": manifest}), TEXT)
    assert found["encrypted"] is True
    assert found["archive"]["encrypted"] == 1


@pytest.mark.parametrize(
    "core",
    [BOMB, "<a>", "", CORE + " " * 3 * 1024 * 1024, "<a/>"],
    ids=["entities", "cut off", "empty", "huge", "nothing in it"],
)
def test_properties_that_cannot_be_read_are_left_out(core: str) -> None:
    found = described(ooxml(MAIN, parts={"docProps/core.xml": core, "word/document.xml": "<document/>"}))
    assert (found.title, found.page_count) == ("", 12)
    assert "author" not in found.attributes


@pytest.mark.parametrize("pages", ["-1", "many", "9" * 30, "1e9", ""])
def test_a_claim_that_is_no_number_of_pages_is_left_out(pages: str) -> None:
    app = APP.replace("12", pages)
    found = described(ooxml(MAIN, parts={"docProps/app.xml": app, "word/document.xml": "<document/>"}))
    assert found.page_count is None
    assert not {"counted", "page_count_claimed"} & found.attributes.keys()


def test_content_too_large_to_count_is_left_uncounted() -> None:
    slides = SLIDES + " " * 17 * 1024 * 1024
    assert described(odf("presentation", {"content.xml": slides}), f"{ODF}presentation").page_count is None


def test_meta_that_cannot_be_read_has_no_count() -> None:
    assert described(odf("text", {"meta.xml": BOMB}), TEXT).page_count is None


def test_hostile_texts_are_made_harmless() -> None:
    title = CORE.replace("Annual report", "\u202e&lt;script&gt;" + "x" * 5000)
    found = described(ooxml(MAIN, parts={"docProps/core.xml": title, "word/document.xml": "<document/>"}))
    assert found.title.startswith("<script>x")
    assert len(found.title) == 255


def test_the_facts_of_the_archive_are_told_as_those_of_any_other() -> None:
    facts = attributes(docx())["archive"]
    assert (facts["entries"], facts["complete"]) == (5, True)
    assert attributes(overlapping_zip())["archive"]["overlapping"] == 49


def test_what_is_no_archive_is_not_described() -> None:
    with pytest.raises(Unreadable):
        described(b"PK\3\4 and no more")


def test_meta_of_an_author_alone() -> None:
    meta = META.replace("initial-creator", "other")
    assert "author" not in attributes(odf("text", {"meta.xml": meta}), TEXT)
