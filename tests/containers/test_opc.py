from __future__ import annotations

import io

import pytest

from django_largefiles.containers.facts import Unreadable
from django_largefiles.containers.opc import ContentTypes, content_types
from django_largefiles.containers.zip import find_directory
from django_largefiles.containers.zip_survey import survey
from tests.archives import DOCX, VBA, XLSX, content_types as types_of, docm, docx, ooxml, relationships, zip_of

MAIN = f"{DOCX}.main+xml"


def related(name: str, content: str, root: str = "<Relationships/>") -> bytes:
    """A document whose main part may be another one too, with these relationships."""
    return ooxml(MAIN, parts={"_rels/.rels": root, "word/document.xml": "<document/>", name: content})


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
        pytest.param(ooxml(MAIN, f"{VBA}; charset=x"), id="parameters"),
        pytest.param(ooxml(f"{MAIN};a=b", f" {VBA.upper()} ;a=b"), id="parameters, white space and capitals"),
        pytest.param(related("_rels/part0.rels", relationships(vbaProject="a.bin")), id="relationship"),
        pytest.param(related("_RELS/Part0.rels", relationships(vbaProject="a.bin")), id="relationship in capitals"),
        pytest.param(related("%5frels/part0.rels", relationships(vbaProject="a.bin")), id="escaped relationship"),
        pytest.param(related("_rels/part0.rels", relationships(xlMacrosheet="a.xml")), id="relationship of a sheet"),
        pytest.param(related("_rels/part0.rels", relationships(wordVbaData="a.xml")), id="relationship of data"),
        pytest.param(related("x", "", relationships(vbaProject="a.bin")), id="relationship of the package"),
        *(
            pytest.param(
                related("a/_rels/b.xml.rels", relationships(vbaProject="c"), relationships(officeDocument=target)),
                id=f"relationship of {target}",
            )
            for target in ["a/b.xml", "/a/b.xml", "./x/../a/b.xml", "A%2FB.xml", "a\\b.xml", "../a/b.xml"]
        ),
        pytest.param(ooxml(MAIN, parts={"x/vba%50roject.bin": "x"}), id="escaped name"),
        pytest.param(ooxml(MAIN, parts={"word/vbaData.xml": "x"}), id="name of data"),
        pytest.param(ooxml(MAIN, parts={"xl/macrosheets/sheet1.xml": "x"}), id="name of a sheet"),
    ],
)
def test_macros_under_any_content_type(data: bytes) -> None:
    assert found(data) == ContentTypes(main=MAIN, macros=True)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(related("_rels/part0.rels", relationships(styles="styles.xml")), id="others"),
        pytest.param(related("x", "", relationships(officeDocument="missing.xml")), id="of a missing part"),
        pytest.param(
            related("x/_rels/y.rels", relationships(vbaProject="a.bin")), id="of a part that is not the main"
        ),
    ],
)
def test_relationships_that_are_of_no_macros(data: bytes) -> None:
    assert found(data) == ContentTypes(main=MAIN, macros=False)


@pytest.mark.parametrize(
    "data",
    [
        zip_of({"[Content_Types].xml": "", "[content_types].xml": ""}),
        zip_of({"[Content_Types].xml": "<!DOCTYPE a [<!ENTITY b 'c'>]><Types/>"}),
        zip_of({"[Content_Types].xml": types_of() + " " * 2**21}),
        related("_rels/part0.rels", "<Relationships>"),
        ooxml(*[f"{MAIN[:-9]}{n}.main+xml" for n in range(17)]),
    ],
    ids=["twice", "entities", "huge", "broken relationships", "many main parts"],
)
def test_content_types_that_are_not_read(data: bytes) -> None:
    with pytest.raises(Unreadable):
        found(data)
