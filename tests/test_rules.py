from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from typing import TypeAlias

import pytest

from django_largefiles.conf import Profile, get_profile
from django_largefiles.exceptions import ArchiveRefused, ConfigurationError, TooLarge, TypeMismatch, TypeNotAllowed
from django_largefiles.media_types import sniffing
from django_largefiles.media_types.families import ARCHIVE_TYPES
from django_largefiles.rules import (
    SMALL_ARCHIVE,
    check_archive,
    check_declared,
    check_head,
    check_size,
    check_type,
    sniff_file,
    sniff_head,
)
from tests.conftest import Largefiles

Check: TypeAlias = Callable[[str, str, Profile], object]

DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"


@pytest.fixture
def rules(largefiles: Largefiles) -> Profile:
    largefiles.set(MAX_UPLOAD_SIZE=1000, ALLOWED_MIME_TYPES=["image/png", "video/*", "text/csv", DOCX])
    return get_profile("default")


@pytest.fixture
def lenient(largefiles: Largefiles, rules: Profile) -> Profile:
    largefiles.set(EXTENSION_MUST_MATCH=False)
    return get_profile("default")


@pytest.mark.parametrize("size", [0, 1, 999, 1000])
def test_up_to_the_limit_is_not_too_large(rules: Profile, size: int) -> None:
    check_size(size, rules)


@pytest.mark.parametrize("size", [1001, 2**63])
def test_above_the_limit_is_too_large(rules: Profile, size: int) -> None:
    with pytest.raises(TooLarge, match=rf"^{size} bytes are more than the 1000 allowed$") as refused:
        check_size(size, rules)
    assert (refused.value.limit, refused.value.value) == (1000, size)


WELL = [
    pytest.param("image/png", "a.png", id="exact"),
    pytest.param("image/png", "A.PNG", id="upper case"),
    pytest.param("video/mp4", "a.mp4", id="pattern"),
    pytest.param("image/png", "a", id="no extension"),
    pytest.param("image/png", "a.php.png", id="final extension fits"),
    pytest.param("text/csv", "a.csv", id="text"),
]

NOT_ALLOWED = [
    pytest.param("image/gif", "a.gif", id="another"),
    pytest.param("image/gif", "a.png", id="disguised"),
    pytest.param("application/x-dosexec", "a.png", id="executable"),
    pytest.param("application/octet-stream", "a.png", id="unknown"),
    pytest.param("application/x-empty", "a.png", id="empty"),
]

MISMATCHED = [
    pytest.param("image/png", "a.mp4", ".mp4", id="another's"),
    pytest.param("image/png", "a.png.php", ".php", id="final extension does not fit"),
    pytest.param("image/png", "a.php%00", ".php", id="judged decoded"),
    pytest.param("video/mp4", "a.html", ".html", id="html"),
]


@pytest.mark.parametrize(("media_type", "name"), WELL)
@pytest.mark.parametrize("check", [check_head, check_type])
def test_an_allowed_type_under_its_own_extension_is_well(
    check: Check, media_type: str, name: str, rules: Profile
) -> None:
    check(media_type, name, rules)


@pytest.mark.parametrize(("media_type", "name"), NOT_ALLOWED)
@pytest.mark.parametrize("check", [check_head, check_type])
def test_a_type_that_is_not_allowed_is_told_with_those_that_are(
    check: Check, media_type: str, name: str, rules: Profile
) -> None:
    with pytest.raises(TypeNotAllowed, match="which is not allowed") as refused:
        check(media_type, name, rules)
    assert (refused.value.limit, refused.value.value) == (f"image/png, video/*, text/csv, {DOCX}", media_type)


@pytest.mark.parametrize(("media_type", "name", "extension"), MISMATCHED)
@pytest.mark.parametrize("check", [check_head, check_type])
def test_an_extension_of_another_type_is_told_with_the_type(
    check: Check, media_type: str, name: str, extension: str, rules: Profile
) -> None:
    with pytest.raises(TypeMismatch, match=f"{media_type}.*{extension}") as refused:
        check(media_type, name, rules)
    assert (refused.value.limit, refused.value.value) == (extension, media_type)


@pytest.mark.parametrize(("media_type", "name", "extension"), MISMATCHED)
@pytest.mark.parametrize("check", [check_head, check_type])
def test_the_extension_may_be_let_pass(
    check: Check, media_type: str, name: str, extension: str, lenient: Profile
) -> None:
    check(media_type, name, lenient)


@pytest.mark.parametrize("check", [check_head, check_type])
def test_the_type_may_not(check: Check, lenient: Profile) -> None:
    with pytest.raises(TypeNotAllowed):
        check("image/gif", "a.gif", lenient)


@pytest.mark.parametrize(
    ("media_type", "name"),
    [("application/zip", "a.docx"), ("text/plain", "a.csv")],
    ids=["document in a ZIP", "table in plain text"],
)
def test_the_first_bytes_may_be_of_a_wider_type(media_type: str, name: str, rules: Profile) -> None:
    check_head(media_type, name, rules)


@pytest.mark.parametrize("media_type", ["application/zip", "text/plain"])
def test_the_whole_file_may_not(media_type: str, rules: Profile) -> None:
    with pytest.raises(TypeNotAllowed):
        check_type(media_type, "a.docx", rules)


@pytest.mark.parametrize("media_type", ["text/plain", "text/x-java", "text/csv"])
def test_a_text_counts_as_the_allowed_one_that_its_name_says(media_type: str, rules: Profile) -> None:
    check_head(media_type, "a.csv", rules)
    assert check_type(media_type, "a.csv", rules) == "text/csv"


@pytest.mark.parametrize("name", ["a.txt", "a", "a.json", "a.html"])
def test_a_text_of_another_name_does_not(name: str, rules: Profile) -> None:
    with pytest.raises(TypeNotAllowed):
        check_type("text/plain", name, rules)


@pytest.mark.parametrize("media_type", ["text/plain", "application/json", "text/csv", "text/x-c"])
def test_every_text_counts_as_plain(media_type: str, largefiles: Largefiles) -> None:
    largefiles.set(ALLOWED_MIME_TYPES=["text/plain"])
    check_head(media_type, "a.txt", get_profile("default"))
    assert check_type(media_type, "a.txt", get_profile("default")) == "text/plain"


@pytest.mark.parametrize("media_type", ["text/plain", "text/csv", "image/png"])
def test_a_type_that_is_allowed_counts_as_itself(media_type: str, largefiles: Largefiles) -> None:
    largefiles.set(ALLOWED_MIME_TYPES=["*/*"], EXTENSION_MUST_MATCH=False)
    assert check_type(media_type, "a.csv", get_profile("default")) == media_type


def test_an_equivalent_must_go_with_the_name_too(largefiles: Largefiles) -> None:
    largefiles.set(ALLOWED_MIME_TYPES=["text/plain", "application/json"])
    with pytest.raises(TypeMismatch):
        check_type("application/json", "a.html", get_profile("default"))


@pytest.mark.parametrize("name", ["a.zip", "a.xlsx"])
def test_the_extension_must_be_of_an_allowed_type_that_the_file_may_turn_out_to_be(name: str, rules: Profile) -> None:
    with pytest.raises(TypeMismatch):
        check_head("application/zip", name, rules)


@pytest.mark.parametrize(("media_type", "name"), WELL)
def test_a_declaration_of_an_allowed_type_is_well(media_type: str, name: str, rules: Profile) -> None:
    check_declared(media_type, name, rules)


@pytest.mark.parametrize("media_type", ["", "application/octet-stream"], ids=["nothing", "anything"])
def test_a_declaration_may_say_nothing_of_the_type(media_type: str, rules: Profile) -> None:
    check_declared(media_type, "a.png", rules)


@pytest.mark.parametrize(
    ("media_type", "name"),
    [("text/csv", "a.png"), ("image/png", "a.docx"), ("image/png", "a.unheard-of"), ("image/png", "")],
    ids=["one allowed type", "another allowed extension", "an extension of no known type", "no name"],
)
def test_a_declaration_is_not_held_to_be_the_truth(media_type: str, name: str, rules: Profile) -> None:
    check_declared(media_type, name, rules)


@pytest.mark.parametrize(
    ("media_type", "name", "allowed"),
    [
        ("application/x-zip-compressed", "a.zip", "application/zip"),
        ("application/vnd.ms-excel", "a.csv", "text/csv"),
    ],
)
def test_a_browser_may_declare_the_name_that_its_system_has_for_a_type(
    media_type: str, name: str, allowed: str, largefiles: Largefiles
) -> None:
    largefiles.set(ALLOWED_MIME_TYPES=[allowed])
    check_declared(media_type, name, get_profile("default"))


def test_a_spreadsheet_is_declared_for_csv_alone(largefiles: Largefiles) -> None:
    largefiles.set(ALLOWED_MIME_TYPES=["text/csv"])
    with pytest.raises(TypeNotAllowed):
        check_declared("application/vnd.ms-excel", "a.txt", get_profile("default"))


@pytest.mark.parametrize("media_type", ["image/gif", "text/html", "application/x-www-form-urlencoded", "image"])
def test_a_declaration_of_another_type_is_refused(media_type: str, rules: Profile) -> None:
    with pytest.raises(TypeNotAllowed) as refused:
        check_declared(media_type, "a.png", rules)
    assert (refused.value.limit, refused.value.value) == (f"image/png, video/*, text/csv, {DOCX}", media_type)


@pytest.mark.parametrize(
    ("name", "extension"),
    [("a.exe", ".exe"), ("a.png.html", ".html"), ("a.php%00", ".php"), ("a.gif", ".gif")],
    ids=["executable", "final extension", "judged decoded", "of a type that is not allowed"],
)
@pytest.mark.parametrize("media_type", ["", "image/png"], ids=["no type", "allowed type"])
def test_a_declaration_of_an_extension_of_no_allowed_type_is_refused(
    media_type: str, name: str, extension: str, rules: Profile
) -> None:
    with pytest.raises(TypeMismatch) as refused:
        check_declared(media_type, name, rules)
    assert refused.value.limit == extension


def test_a_declared_extension_may_be_let_pass(lenient: Profile) -> None:
    check_declared("image/png", "a.exe", lenient)


FACTS = {"entries": 3, "total_size": 100, "ratio": 2.0}


def refused(facts: object, limits: dict[str, object], largefiles: Largefiles) -> ArchiveRefused | None:
    largefiles.set(ARCHIVE_LIMITS=limits)
    try:
        check_archive("application/zip", {"archive": facts}, get_profile("default"))
    except ArchiveRefused as refusal:
        return refusal
    return None


@pytest.mark.parametrize("facts", [{}, {"duplicates": 2}, {"ratio": 1000.0}], ids=["plain", "duplicates", "small"])
def test_an_archive_within_the_limits_is_well(facts: dict[str, object], largefiles: Largefiles) -> None:
    assert refused(FACTS | facts, {}, largefiles) is None


BEYOND = [
    pytest.param({"entries": 10_001}, {"ENTRIES": 10_001}, 10_000, 10_001, id="members"),
    pytest.param({"total_size": 2**40}, {"TOTAL_SIZE": 2**40}, 10 * 2**30, 2**40, id="size"),
    pytest.param({"total_size": SMALL_ARCHIVE + 1, "ratio": 100.1}, {"RATIO": 100.1}, "100", "100.1", id="ratio"),
    pytest.param({"nested": 1}, {"NESTED": True}, 0, 1, id="nested"),
    pytest.param({"links": 2}, {"LINKS": True}, 0, 2, id="links"),
    pytest.param({"traversal": 1}, {"TRAVERSAL": True}, 0, 1, id="traversal"),
    pytest.param({"encrypted": 1}, {"ENCRYPTED": True}, 0, 1, id="encrypted"),
    pytest.param({"overlapping": 1}, {"OVERLAPPING": True}, 0, 1, id="overlapping"),
    pytest.param({"ambiguous": 1}, {"AMBIGUOUS": True}, 0, 1, id="ambiguous"),
    pytest.param({"complete": False}, {"UNREADABLE": True}, "readable", 3, id="not complete"),
]


@pytest.mark.parametrize(("facts", "limits", "limit", "value"), BEYOND)
def test_an_archive_beyond_a_limit_is_refused_with_the_limit_and_the_value(
    facts: dict[str, object], limits: dict[str, object], limit: object, value: object, largefiles: Largefiles
) -> None:
    refusal = refused(FACTS | facts, {}, largefiles)
    assert refusal is not None
    assert (refusal.code, refusal.limit, refusal.value) == ("archive_refused", limit, value)


@pytest.mark.parametrize(("facts", "limits", "limit", "value"), BEYOND)
def test_each_limit_can_be_raised(
    facts: dict[str, object], limits: dict[str, object], limit: object, value: object, largefiles: Largefiles
) -> None:
    assert refused(FACTS | facts, limits, largefiles) is None


def test_what_was_seen_before_the_end_counts_even_where_the_rest_may_pass(largefiles: Largefiles) -> None:
    assert refused(FACTS | {"complete": False, "traversal": 1}, {"UNREADABLE": True}, largefiles)


@pytest.mark.parametrize("facts", [None, {}, "nonsense", FACTS | {"entries": "3"}])
def test_an_archive_without_facts_passes_only_where_that_is_allowed(facts: object, largefiles: Largefiles) -> None:
    assert refused(facts, {}, largefiles)
    assert refused(facts, {"UNREADABLE": True}, largefiles) is None


@pytest.mark.parametrize("media_type", sorted(ARCHIVE_TYPES))
def test_every_archive_is_judged(media_type: str, rules: Profile) -> None:
    with pytest.raises(ArchiveRefused):
        check_archive(media_type, {}, rules)


@pytest.mark.parametrize("media_type", ["image/png", "application/pdf", "application/octet-stream", "text/plain"])
def test_nothing_else_is(media_type: str, rules: Profile) -> None:
    check_archive(media_type, {}, rules)


@pytest.mark.parametrize("sniff", [lambda: sniff_head(b"a"), lambda: sniff_file(BytesIO(b"a"))], ids=["head", "file"])
def test_unusable_libmagic_is_an_error_of_the_configuration(
    sniff: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(process_id: int) -> None:
        raise sniffing.LibmagicUnusable("install it")

    monkeypatch.setattr(sniffing, "_libmagic", fail)
    with pytest.raises(ConfigurationError, match=r"^install it$") as error:
        sniff()
    assert error.value.code == "libmagic_missing"
