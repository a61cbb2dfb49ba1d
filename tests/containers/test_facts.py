from __future__ import annotations

import dataclasses
import json

import pytest

from django_largefiles.containers.facts import (
    MAX_METHODS,
    MAX_SIZE,
    ArchiveFacts,
    Tally,
    Unreadable,
    is_nested,
    leads_elsewhere,
)

FACTS = ArchiveFacts(entries=2, total_size=10, ratio=1.5, nested=1, methods=("deflate", "stored"))
ANSWER = json.loads(json.dumps(dataclasses.asdict(FACTS)))


def test_facts_come_back_out_of_an_answer() -> None:
    assert ArchiveFacts.read(ANSWER) == FACTS


@pytest.mark.parametrize(
    "answer",
    [
        None,
        [],
        {},
        {"entries": 1},
        {**ANSWER, "more": 1},
        {**ANSWER, "entries": "2"},
        {**ANSWER, "entries": True},
        {**ANSWER, "entries": -1},
        {**ANSWER, "complete": 1},
        {**ANSWER, "ratio": None},
        {**ANSWER, "methods": "stored"},
        {**ANSWER, "methods": [8]},
    ],
    ids=[
        "nothing",
        "a list",
        "empty",
        "too few",
        "too many",
        "text",
        "a truth",
        "negative",
        "no truth",
        "no number",
        "one method",
        "no name",
    ],
)
def test_nonsense_holds_no_facts(answer: object) -> None:
    assert ArchiveFacts.read(answer) is None


@pytest.mark.parametrize(
    "name",
    [b"../a", b"a/../../b", b"..", b"a/..", b"/etc/passwd", b"C:x", b"c:\\x", b"..\\x", b"a\\b", b"a.txt\0.exe"],
)
def test_a_name_that_leads_elsewhere(name: bytes) -> None:
    assert leads_elsewhere(name)


@pytest.mark.parametrize(
    "name", [b"a", b"a/b", b"./a", b"a..b", b"...", b"a/", b"", "übung/ö.txt".encode(), b"ab:c", b"12:3"]
)
def test_a_name_that_stays_inside(name: bytes) -> None:
    assert not leads_elsewhere(name)


@pytest.mark.parametrize("name", [b"a.zip", b"A.ZIP", b"x/a.tar.gz", b"a.7z", b"a.rar", b"a.jar", b".zip"])
def test_an_archive_by_its_name(name: bytes) -> None:
    assert is_nested(name)


@pytest.mark.parametrize("name", [b"a.txt", b"a.zip.txt", b"zip", b"a.docx", b"a.zip/", b"a.azip"])
def test_no_archive_by_its_name(name: bytes) -> None:
    assert not is_nested(name)


def test_a_tally_counts() -> None:
    tally = Tally()
    tally.add(b"a", size=1000, method="stored")
    tally.add(b"a", size=0, method="deflate")
    tally.add(b"b", b"../b.zip", size=500, method="stored")
    assert tally.facts(100) == ArchiveFacts(
        entries=3,
        total_size=1500,
        ratio=15.0,
        nested=1,
        traversal=1,
        duplicates=1,
        largest=1000,
        methods=("deflate", "stored"),
    )


def test_no_more_methods_are_told_than_there_can_be() -> None:
    tally = Tally()
    for number in range(MAX_METHODS + 1):
        tally.add(b"a", size=0, method=f"method {number}")
    assert len(tally.facts(1).methods) == MAX_METHODS


def test_the_ratio_of_nothing() -> None:
    assert Tally().facts(0).ratio == 0


@pytest.mark.parametrize(
    ("counted", "size"), [(0, -1), (0, MAX_SIZE + 1), (MAX_SIZE, 1)], ids=["negative", "one", "together"]
)
def test_absurd_sizes_are_not_counted(counted: int, size: int) -> None:
    tally = Tally()
    tally.add(b"a", size=counted)
    with pytest.raises(Unreadable):
        tally.add(b"b", size=size)
