from __future__ import annotations

import io

import pytest

from django_largefiles.containers.facts import Unreadable
from django_largefiles.containers.opc import ContentTypes, content_types
from django_largefiles.containers.zip import find_directory, survey
from tests.archives import DOCX, VBA, XLSX, content_types as types_of, docm, docx, ooxml, zip_of

MAIN = f"{DOCX}.main+xml"


def found(data: bytes) -> ContentTypes | None:
    file = io.BytesIO(data)
    return content_types(file, survey(file, find_directory(file))[1])


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        pytest.param(docx(), ContentTypes(main=MAIN, macros=False), id="document"),
        pytest.param(docx(padding=10_000), ContentTypes(main=MAIN, macros=False), id="padded"),
        pytest.param(
            docm(),
            ContentTypes(main="application/vnd.ms-word.document.macroenabled.main+xml", macros=True),
            id="macros",
        ),
        pytest.param(ooxml(MAIN, VBA), ContentTypes(main=MAIN, macros=True), id="macros by type alone"),
        pytest.param(
            ooxml(MAIN, parts={"x/VBAProject.bin": "x"}),
            ContentTypes(main=MAIN, macros=True),
            id="macros by name alone",
        ),
        pytest.param(
            ooxml(MAIN, "application/vnd.ms-excel.macrosheet+xml"),
            ContentTypes(main=MAIN, macros=True),
            id="macro sheet",
        ),
        pytest.param(ooxml(MAIN, f"{XLSX}.main+xml"), ContentTypes(main="", macros=False), id="two main parts"),
        pytest.param(ooxml("text/xml"), ContentTypes(main="", macros=False), id="no main part"),
        pytest.param(zip_of({"a": "a"}), None, id="no package"),
        pytest.param(
            zip_of({"[CONTENT_TYPES].XML": types_of(MAIN)}), ContentTypes(main=MAIN, macros=False), id="in capitals"
        ),
        pytest.param(
            zip_of({"[Content_Types].xml": types_of(MAIN).encode("utf-16")}),
            ContentTypes(main=MAIN, macros=False),
            id="UTF-16",
        ),
    ],
)
def test_what_the_content_types_tell(data: bytes, expected: ContentTypes | None) -> None:
    assert found(data) == expected


@pytest.mark.parametrize(
    "data",
    [
        zip_of({"[Content_Types].xml": "", "[content_types].xml": ""}),
        zip_of({"[Content_Types].xml": "<!DOCTYPE a [<!ENTITY b 'c'>]><Types/>"}),
        zip_of({"[Content_Types].xml": types_of() + " " * 2**21}),
    ],
    ids=["twice", "entities", "huge"],
)
def test_content_types_that_are_not_read(data: bytes) -> None:
    with pytest.raises(Unreadable):
        found(data)
