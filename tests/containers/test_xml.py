from __future__ import annotations

from collections.abc import Mapping

import pytest

from django_largefiles.containers.facts import Unreadable
from django_largefiles.containers.xml import MAX_TEXT, texts, visit_elements

BILLION_LAUGHS = b'<!DOCTYPE a [<!ENTITY l "lol"><!ENTITY m "&l;&l;&l;&l;">]><a>&m;</a>'
EXTERNAL = b'<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>'
EXTERNAL_ENTITY = b'<!DOCTYPE a [<!ENTITY e SYSTEM "file:///etc/passwd">]><a>&e;</a>'


def test_elements_by_their_local_names() -> None:
    seen: list[tuple[str, Mapping[str, str]]] = []
    visit_elements([b'<x:a xmlns:x="urn:x" x:k="1"', b' l="2"><b/></x:a>'], lambda *each: seen.append(each))
    assert seen == [("a", {"k": "1", "l": "2"}), ("b", {})]


def test_texts_of_the_first_of_each() -> None:
    assert texts([b"<r><t>one</t><t>two</t><u/><v>x<w>y</w></v></r>"], ("t", "u", "v")) == {"t": "one", "v": "x"}


def test_long_texts_are_cut() -> None:
    assert texts([b"<t>" + b"x" * 10_000 + b"</t>"], ("t",)) == {"t": "x" * MAX_TEXT}


def test_other_encodings() -> None:
    assert texts(["<?xml version='1.0' encoding='utf-16'?><t>ä</t>".encode("utf-16")], ("t",)) == {"t": "ä"}


@pytest.mark.parametrize(
    "data",
    [BILLION_LAUGHS, EXTERNAL, EXTERNAL_ENTITY, b"<a>", b"", b"<a>&b;</a>", b"<a/><b/>", b"<x:a/>", b"\xff\xfe\xff"],
    ids=["bomb", "external", "external entity", "cut off", "empty", "entity", "two roots", "no namespace", "garbage"],
)
def test_what_is_not_read(data: bytes) -> None:
    with pytest.raises(Unreadable):
        texts([data], ("a",))


def test_an_unknown_encoding_is_not_read() -> None:
    with pytest.raises(Unreadable):
        visit_elements([b"<?xml version='1.0' encoding='none-such'?><a/>"], print)
