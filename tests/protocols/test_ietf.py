from __future__ import annotations

import time

import pytest

from django_largefiles.exceptions import (
    InconsistentLength,
    LargeFilesError,
    MalformedHeader,
    MissingHeader,
    OffsetMismatch,
    TooLarge,
    TypeNotAllowed,
    UnsupportedContentType,
)
from django_largefiles.protocols.ietf import (
    CONTENT_TYPE,
    announced_length,
    check_complete,
    check_content_type,
    format_complete,
    format_limit,
    is_ietf,
    parse_complete,
    parse_length,
    parse_offset,
    problem_members,
    refusal_headers,
    required_complete,
    required_offset,
)

INTEGERS = [
    pytest.param("0", 0, id="zero"),
    pytest.param("-0", 0, id="negative-zero-is-zero"),
    pytest.param("25000000", 25000000, id="plain"),
    pytest.param("007", 7, id="leading-zeros"),
    pytest.param("999999999999999", 10**15 - 1, id="largest"),
    pytest.param(" 5  ", 5, id="spaces-around"),
    pytest.param("5;a", 5, id="parameter-without-value"),
    pytest.param('5;a=1; b="x;y\\"z";c=?0;d=:YQ==:;*e=tok/en:1;f=-1.5;g=@-1;h=%"%c3%a9"', 5, id="all-parameters"),
]

NO_OFFSETS = [
    pytest.param(None, id="absent"),
    pytest.param("", id="empty"),
    pytest.param("-1", id="negative"),
    pytest.param("+1", id="plus"),
    pytest.param("1e9", id="exponent"),
    pytest.param("1.0", id="decimal"),
    pytest.param("1.", id="point"),
    pytest.param("1000000000000000", id="sixteen-digits"),
    pytest.param("9" * 5000, id="thousands-of-digits"),
    pytest.param("?1", id="boolean"),
    pytest.param('"1"', id="string"),
    pytest.param("one", id="token"),
    pytest.param(":MQ==:", id="byte-sequence"),
    pytest.param("@1", id="date"),
    pytest.param('%"1"', id="display-string"),
    pytest.param("(1)", id="inner-list"),
    pytest.param("1, 1", id="repeated"),
    pytest.param("1,1", id="repeated-without-space"),
    pytest.param("1 1", id="two"),
    pytest.param("\t1", id="tab"),
    pytest.param("1\n", id="line-feed"),
    pytest.param("\x001", id="nul"),
    pytest.param("\N{ARABIC-INDIC DIGIT ONE}", id="digit-of-another-script"),
    pytest.param("1;", id="parameter-without-name"),
    pytest.param("1;A=1", id="parameter-in-upper-case"),
    pytest.param("1;a=", id="parameter-without-its-value"),
    pytest.param("1 ;a=1", id="space-before-a-parameter"),
    pytest.param('1;a="x', id="string-left-open"),
    pytest.param("1;a=\xe9", id="parameter-not-ascii"),
]


@pytest.mark.parametrize(("header", "offset"), INTEGERS)
def test_parse_offset(header: str, offset: int) -> None:
    assert parse_offset(header) == offset


@pytest.mark.parametrize("header", NO_OFFSETS)
def test_parse_offset_ignores(header: str | None) -> None:
    assert parse_offset(header) is None


@pytest.mark.parametrize(("header", "length"), INTEGERS)
def test_parse_length(header: str, length: int) -> None:
    assert parse_length(header) == length


@pytest.mark.parametrize("header", NO_OFFSETS)
def test_parse_length_ignores(header: str | None) -> None:
    assert parse_length(header) is None


@pytest.mark.parametrize(
    ("header", "complete"),
    [
        pytest.param("?1", True, id="true"),
        pytest.param("?0", False, id="false"),
        pytest.param(" ?1 ", True, id="spaces-around"),
        pytest.param("?0;a=?1", False, id="parameter"),
    ],
)
def test_parse_complete(header: str, complete: bool) -> None:
    assert parse_complete(header) is complete


NO_BOOLEANS = [
    pytest.param(None, id="absent"),
    pytest.param("", id="empty"),
    pytest.param("?", id="mark-alone"),
    pytest.param("?2", id="two"),
    pytest.param("?10", id="two-digits"),
    pytest.param("1", id="integer"),
    pytest.param("true", id="token"),
    pytest.param('"?1"', id="string"),
    pytest.param("?1, ?1", id="repeated"),
    pytest.param("?0,?1", id="contradiction"),
    pytest.param("?T", id="letter"),
    pytest.param("?1\n", id="line-feed"),
    pytest.param("?\N{FULLWIDTH DIGIT ONE}", id="digit-of-another-script"),
]


@pytest.mark.parametrize("header", NO_BOOLEANS)
def test_parse_complete_ignores(header: str | None) -> None:
    assert parse_complete(header) is None


def test_required_offset() -> None:
    assert required_offset("0") == 0


@pytest.mark.parametrize("header", NO_OFFSETS)
def test_required_offset_is_missing(header: str | None) -> None:
    with pytest.raises(MissingHeader) as caught:
        required_offset(header)
    assert caught.value.status == 400


@pytest.mark.parametrize("complete", [True, False])
def test_required_complete(complete: bool) -> None:
    assert required_complete(format_complete(complete)) is complete


@pytest.mark.parametrize("header", NO_BOOLEANS)
def test_required_complete_is_missing(header: str | None) -> None:
    with pytest.raises(MissingHeader) as caught:
        required_complete(header)
    assert caught.value.status == 400


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({"Upload-Complete": "?1"}, id="complete"),
        pytest.param({"Upload-Complete": "?0"}, id="incomplete"),
        pytest.param({"Content-Type": CONTENT_TYPE}, id="content-type"),
        pytest.param({"Content-Type": "Application/Partial-Upload ;x=y"}, id="content-type-in-any-form"),
        pytest.param({"Upload-Draft-Interop-Version": "8"}, id="interop-version"),
        pytest.param({"Upload-Draft-Interop-Version": "3"}, id="interop-version-of-another-draft"),
        pytest.param({"Upload-Complete": "yes", "Content-Type": CONTENT_TYPE}, id="append-without-completeness"),
    ],
)
def test_is_ietf(headers: dict[str, str]) -> None:
    assert is_ietf(headers)


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({}, id="nothing"),
        pytest.param({"Upload-Complete": "yes"}, id="field-to-be-ignored"),
        pytest.param({"Upload-Offset": "5"}, id="offset"),
        pytest.param({"Content-Type": "application/offset+octet-stream"}, id="content-type-of-tus"),
        pytest.param({"Upload-Complete": "?1", "Tus-Resumable": "1.0.0"}, id="tus"),
        pytest.param({"Content-Type": CONTENT_TYPE, "Tus-Resumable": "0.1"}, id="tus-of-another-version"),
    ],
)
def test_is_not_ietf(headers: dict[str, str]) -> None:
    assert not is_ietf(headers)


@pytest.mark.parametrize("header", ["application/partial-upload", "APPLICATION/PARTIAL-UPLOAD", f"{CONTENT_TYPE};a=b"])
def test_content_type(header: str) -> None:
    check_content_type(header)


@pytest.mark.parametrize(
    "header",
    [
        pytest.param(None, id="absent"),
        pytest.param("", id="empty"),
        pytest.param("application/octet-stream", id="another"),
        pytest.param("application/partial-uploads", id="longer"),
        pytest.param(f"{CONTENT_TYPE}, {CONTENT_TYPE}", id="repeated"),
    ],
)
def test_other_content_types(header: str | None) -> None:
    with pytest.raises(UnsupportedContentType) as caught:
        check_content_type(header)
    assert (caught.value.status, caught.value.limit, caught.value.value) == (415, CONTENT_TYPE, header)


@pytest.mark.parametrize(
    ("offset", "complete", "content_length", "upload_length", "known", "length"),
    [
        pytest.param(0, False, 10, None, None, None, id="unknown"),
        pytest.param(0, True, None, None, None, None, id="complete-but-no-content-length"),
        pytest.param(0, True, 10, None, None, 10, id="complete-and-content-length"),
        pytest.param(70, True, 30, None, None, 100, id="complete-from-an-offset"),
        pytest.param(70, True, 0, None, None, 70, id="complete-without-content"),
        pytest.param(0, True, 0, None, None, 0, id="empty-upload"),
        pytest.param(0, False, 10, 100, None, 100, id="upload-length"),
        pytest.param(0, True, 100, 100, None, 100, id="both-agree"),
        pytest.param(70, True, 30, 100, 100, 100, id="all-agree"),
        pytest.param(70, False, 10, None, 100, 100, id="known"),
        pytest.param(70, False, 90, None, 100, 100, id="too-much-content-is-for-the-writer-to-refuse"),
        pytest.param(70, False, 0, 70, None, 70, id="all-bytes-are-there"),
    ],
)
def test_announced_length(
    offset: int,
    complete: bool,
    content_length: int | None,
    upload_length: int | None,
    known: int | None,
    length: int | None,
) -> None:
    announced = announced_length(
        offset=offset, complete=complete, content_length=content_length, upload_length=upload_length, known=known
    )
    assert announced == length


@pytest.mark.parametrize(
    ("offset", "complete", "content_length", "upload_length", "known"),
    [
        pytest.param(0, True, 10, 11, None, id="within-a-request"),
        pytest.param(0, True, 0, 11, None, id="within-a-request-without-content"),
        pytest.param(70, True, 29, None, 100, id="content-too-short"),
        pytest.param(70, True, 31, None, 100, id="content-too-long"),
        pytest.param(70, False, 10, 101, 100, id="between-requests"),
        pytest.param(0, False, 10, 1, 0, id="known-to-be-empty"),
        pytest.param(70, True, 30, 101, 102, id="three-lengths"),
        pytest.param(70, False, 0, 69, None, id="less-than-is-there"),
    ],
)
def test_announced_length_refuses(
    offset: int, complete: bool, content_length: int | None, upload_length: int | None, known: int | None
) -> None:
    with pytest.raises(InconsistentLength) as caught:
        announced_length(
            offset=offset, complete=complete, content_length=content_length, upload_length=upload_length, known=known
        )
    assert caught.value.status == 400


@pytest.mark.parametrize("length", [pytest.param(5, id="reached"), pytest.param(None, id="unknown")])
def test_complete(length: int | None) -> None:
    check_complete(offset=5, length=length)


@pytest.mark.parametrize("length", [pytest.param(6, id="too-few"), pytest.param(4, id="too-many")])
def test_not_complete(length: int) -> None:
    with pytest.raises(InconsistentLength) as caught:
        check_complete(offset=5, length=length)
    assert (caught.value.limit, caught.value.value) == (length, 5)


def test_an_empty_length_is_known() -> None:
    with pytest.raises(InconsistentLength):
        check_complete(offset=5, length=0)


@pytest.mark.parametrize(("complete", "header"), [(True, "?1"), (False, "?0")])
def test_format_complete(complete: bool, header: str) -> None:
    assert format_complete(complete) == header


@pytest.mark.parametrize(
    ("limits", "header"),
    [
        pytest.param({}, "min-size=0", id="none"),
        pytest.param({"max_size": 1234567890}, "max-size=1234567890", id="one"),
        pytest.param({"max_size": 0}, "max-size=0", id="zero-is-a-limit"),
        pytest.param(
            {"max_age": 3600, "min_append_size": 5, "max_append_size": 9, "min_size": 1, "max_size": 10},
            "max-size=10, min-size=1, max-append-size=9, min-append-size=5, max-age=3600",
            id="all",
        ),
        pytest.param({"max_age": -5}, "max-age=0", id="expired"),
        pytest.param({"max_size": 2**63 - 1}, "max-size=999999999999999", id="more-than-can-be-written"),
    ],
)
def test_format_limit(limits: dict[str, int], header: str) -> None:
    assert format_limit(**limits) == header


def test_problem_of_an_offset() -> None:
    assert problem_members(OffsetMismatch(limit=12500000, value=25000000)) == {
        "type": "https://iana.org/assignments/http-problem-types#mismatching-upload-offset",
        "title": "Mismatching Upload Offset",
        "expected-offset": 12500000,
        "provided-offset": 25000000,
    }


def test_problem_of_a_length() -> None:
    assert problem_members(InconsistentLength("x")) == {
        "type": "https://iana.org/assignments/http-problem-types#inconsistent-upload-length",
        "title": "Inconsistent Upload Length Values",
    }


def test_other_problems_have_no_members_of_the_protocol() -> None:
    assert problem_members(MalformedHeader("x")) == {}


@pytest.mark.parametrize(
    ("error", "headers"),
    [
        pytest.param(InconsistentLength("x"), {}, id="any"),
        pytest.param(OffsetMismatch(limit=0, value=5), {"Upload-Offset": "0"}, id="offset"),
        pytest.param(UnsupportedContentType("x"), {"Accept-Patch": "application/partial-upload"}, id="content-type"),
        pytest.param(TooLarge("x", limit=5), {"Upload-Limit": "max-size=5"}, id="limit"),
        pytest.param(TooLarge("x", limit=5, declared=True), {}, id="a length of its own is no limit"),
        pytest.param(TypeNotAllowed("x"), {"Upload-Complete": "?1"}, id="content-is-refused-for-good"),
    ],
)
def test_refusal_headers(error: LargeFilesError, headers: dict[str, str]) -> None:
    assert refusal_headers(error) == {"Upload-Complete": "?0"} | headers


def test_a_megabyte_of_header_costs_little() -> None:
    started = time.process_time()
    assert parse_offset("1" + ";a=1" * 250_000) is None
    assert time.process_time() - started < 1
