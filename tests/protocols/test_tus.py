"""The numbers of rows are those of the checklist that the door is held to (tus 1.0.0)."""

from __future__ import annotations

import base64
import contextlib
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone

import pytest

from django_largefiles.exceptions import (
    ChecksumMismatch,
    FinalUpload,
    InconsistentLength,
    LargeFilesError,
    MalformedHeader,
    MissingHeader,
    OffsetMismatch,
    TooLarge,
    UnsupportedChecksum,
    UnsupportedContentType,
    UnsupportedVersion,
)
from django_largefiles.protocols.checksums import CHECKSUM_ALGORITHMS, Checksum, new_hasher, verify
from django_largefiles.protocols.tus import (
    CONTENT_TYPE,
    EXTENSIONS,
    MAX_CONCAT,
    MAX_INTEGER,
    MAX_METADATA,
    MAX_PARTIALS,
    Final,
    Partial,
    announces_checksum,
    check_content_type,
    check_final_length,
    check_version,
    http_date,
    late_length,
    metadata_text,
    method_override,
    options_headers,
    parse_checksum,
    parse_concat,
    parse_length,
    parse_metadata,
    parse_offset,
    refusal_headers,
)

HUGE = "9" * 5000
MEGABYTE = 10**6

NO_INTEGERS = [
    pytest.param("", id="empty"),
    pytest.param("-1", id="negative"),
    pytest.param("-0", id="negative-zero"),
    pytest.param("+1", id="plus"),
    pytest.param("1e9", id="exponent"),
    pytest.param("1.0", id="decimal"),
    pytest.param("1_000", id="underscore"),
    pytest.param("0x10", id="hexadecimal"),
    pytest.param(" 1", id="leading-space"),
    pytest.param("1 ", id="trailing-space"),
    pytest.param("1\n", id="line-feed"),
    pytest.param("1\r\nX-Injected: 1", id="header-injection"),
    pytest.param("\x001", id="nul"),
    pytest.param("1, 1", id="repeated"),
    pytest.param("1,1", id="repeated-without-space"),
    pytest.param("\N{ARABIC-INDIC DIGIT ONE}", id="digit-of-another-script"),
    pytest.param("\N{SUPERSCRIPT TWO}", id="superscript"),
    pytest.param("1;a=b", id="parameter"),
    pytest.param("one", id="word"),
]

INTEGERS = [
    pytest.param("0", 0, id="zero"),
    pytest.param("70", 70, id="small"),
    pytest.param("0070", 70, id="leading-zeros"),
    pytest.param("0" * 5000 + "7", 7, id="thousands-of-leading-zeros"),
    pytest.param(str(5 * 1024**4), 5 * 1024**4, id="five-tebibytes"),
    pytest.param(str(2**63 - 1), 2**63 - 1, id="largest"),
]

TOO_LARGE = [
    pytest.param(str(2**63), id="one-more-than-the-largest"),
    pytest.param("1" + "0" * 19, id="one-digit-more"),
    pytest.param(HUGE, id="thousands-of-digits"),
]


def pair(key: str, value: bytes) -> str:
    return f"{key} {base64.b64encode(value).decode()}"


def base64_of(data: bytes, algorithm: str) -> str:
    hasher = new_hasher(algorithm)
    hasher.update(data)
    return base64.b64encode(hasher.digest()).decode()


@pytest.mark.parametrize(("header", "offset"), INTEGERS)
def test_row_2_parse_offset(header: str, offset: int) -> None:
    assert parse_offset(header) == offset


@pytest.mark.parametrize("header", [*NO_INTEGERS, *TOO_LARGE])
def test_row_2_parse_offset_refuses(header: str) -> None:
    with pytest.raises(MalformedHeader):
        parse_offset(header)


def test_parse_offset_needs_a_header() -> None:
    with pytest.raises(MissingHeader):
        parse_offset(None)


@pytest.mark.parametrize(("header", "length"), INTEGERS)
def test_row_25_parse_length(header: str, length: int) -> None:
    assert parse_length(header, None) == length


def test_row_25_length_may_come_later() -> None:
    assert parse_length(None, "1") is None


@pytest.mark.parametrize("header", NO_INTEGERS)
def test_row_2_parse_length_refuses(header: str) -> None:
    with pytest.raises(MalformedHeader):
        parse_length(header, None)


@pytest.mark.parametrize("header", TOO_LARGE)
def test_row_28_no_maximum_is_above_the_largest_integer(header: str) -> None:
    with pytest.raises(TooLarge) as caught:
        parse_length(header, None)
    assert (caught.value.status, caught.value.limit) == (413, MAX_INTEGER)


def test_row_25_a_creation_needs_a_length() -> None:
    with pytest.raises(MissingHeader):
        parse_length(None, None)


def test_row_25_a_length_is_not_deferred() -> None:
    with pytest.raises(MalformedHeader, match="exclude"):
        parse_length("5", "1")


NOT_ONE = [
    pytest.param("", id="empty"),
    pytest.param("0", id="zero"),
    pytest.param("2", id="two"),
    pytest.param("01", id="leading-zero"),
    pytest.param(" 1", id="leading-space"),
    pytest.param("1, 1", id="repeated"),
    pytest.param("true", id="word"),
]


@pytest.mark.parametrize("defer", NOT_ONE)
def test_row_39_defer_is_one(defer: str) -> None:
    with pytest.raises(MalformedHeader, match="must be 1"):
        parse_length(None, defer)


@pytest.mark.parametrize("defer", NOT_ONE)
def test_row_39_defer_is_one_beside_a_length(defer: str) -> None:
    with pytest.raises(MalformedHeader, match="must be 1"):
        parse_length("5", defer)


@pytest.mark.parametrize(
    ("header", "known", "offset", "length"),
    [
        pytest.param(None, None, 5, None, id="still-deferred"),
        pytest.param(None, 9, 5, 9, id="known"),
        pytest.param("9", None, 5, 9, id="told-now"),
        pytest.param("5", None, 5, 5, id="all-bytes-are-there"),
        pytest.param("0", None, 0, 0, id="of-an-empty-upload"),
        pytest.param("9", 9, 5, 9, id="repeated"),
    ],
)
def test_row_40_late_length(header: str | None, known: int | None, offset: int, length: int | None) -> None:
    assert late_length(header, known=known, offset=offset) == length


@pytest.mark.parametrize("header", [pytest.param("8", id="shorter"), pytest.param("10", id="longer")])
def test_row_41_a_length_does_not_change(header: str) -> None:
    with pytest.raises(InconsistentLength) as caught:
        late_length(header, known=9, offset=5)
    assert (caught.value.limit, caught.value.value) == (9, int(header))


def test_a_known_length_of_zero_does_not_change() -> None:
    with pytest.raises(InconsistentLength):
        late_length("1", known=0, offset=0)


def test_a_late_length_holds_the_bytes_that_are_there() -> None:
    with pytest.raises(InconsistentLength, match="5 bytes have arrived"):
        late_length("4", known=None, offset=5)


@pytest.mark.parametrize("header", NO_INTEGERS)
def test_late_length_refuses(header: str) -> None:
    with pytest.raises(MalformedHeader):
        late_length(header, known=None, offset=0)


@pytest.mark.parametrize("header", TOO_LARGE)
def test_late_length_refuses_too_large(header: str) -> None:
    with pytest.raises(TooLarge):
        late_length(header, known=None, offset=0)


def test_row_64_a_final_upload_has_no_length() -> None:
    with pytest.raises(InconsistentLength) as caught:
        check_final_length("11", None)
    assert caught.value.status == 400


@pytest.mark.parametrize("defer", [pytest.param(None, id="nothing"), pytest.param("1", id="deferred")])
def test_row_64_a_final_upload_says_nothing_of_its_length(defer: str | None) -> None:
    check_final_length(None, defer)


@pytest.mark.parametrize("defer", NOT_ONE)
def test_row_39_defer_is_one_for_a_final_upload_too(defer: str) -> None:
    with pytest.raises(MalformedHeader):
        check_final_length(None, defer)


@pytest.mark.parametrize("header", ["1.0.0"])
def test_row_4_version(header: str) -> None:
    check_version(header)


@pytest.mark.parametrize(
    "header",
    [
        pytest.param(None, id="absent"),
        pytest.param("", id="empty"),
        pytest.param("0.2.2", id="older"),
        pytest.param("1.0.1", id="newer"),
        pytest.param("1.0", id="shorter"),
        pytest.param("1.0.0\n", id="line-feed"),
        pytest.param("1.0.0, 1.0.0", id="repeated"),
        pytest.param("1.0.0,0.2.2", id="list"),
    ],
)
def test_row_5_other_versions(header: str | None) -> None:
    with pytest.raises(UnsupportedVersion) as caught:
        check_version(header)
    assert (caught.value.status, caught.value.limit, caught.value.value) == (412, "1.0.0", header)


@pytest.mark.parametrize(
    ("method", "header", "counts"),
    [
        pytest.param("POST", None, "POST", id="absent"),
        pytest.param("GET", None, "GET", id="absent-from-get"),
        pytest.param("POST", "PATCH", "PATCH", id="patch"),
        pytest.param("POST", "DELETE", "DELETE", id="delete"),
        pytest.param("POST", "HEAD", "HEAD", id="head"),
        pytest.param("POST", "OPTIONS", "OPTIONS", id="options"),
        pytest.param("POST", "POST", "POST", id="the-same"),
        pytest.param("PATCH", "PATCH", "PATCH", id="the-same-of-another"),
    ],
)
def test_row_7_method_override(method: str, header: str | None, counts: str) -> None:
    assert method_override(method, header) == counts


@pytest.mark.parametrize(
    ("method", "header"),
    [
        pytest.param("GET", "DELETE", id="from-a-safe-method"),
        pytest.param("HEAD", "PATCH", id="from-head"),
        pytest.param("DELETE", "POST", id="from-delete"),
        pytest.param("POST", "GET", id="not-of-this-protocol"),
        pytest.param("POST", "PUT", id="put"),
        pytest.param("POST", "TRACE", id="trace"),
        pytest.param("POST", "patch", id="lower-case"),
        pytest.param("POST", "", id="empty"),
        pytest.param("POST", "PATCH, DELETE", id="repeated"),
        pytest.param("POST", "PATCH\n", id="line-feed"),
    ],
)
def test_row_7_method_override_refuses(method: str, header: str) -> None:
    with pytest.raises(MalformedHeader):
        method_override(method, header)


@pytest.mark.parametrize(
    "header",
    [
        pytest.param("application/offset+octet-stream", id="plain"),
        pytest.param("Application/Offset+Octet-Stream", id="any-case"),
        pytest.param("application/offset+octet-stream ; charset=UTF-8", id="parameter"),
    ],
)
def test_row_14_content_type(header: str) -> None:
    check_content_type(header)


@pytest.mark.parametrize(
    "header",
    [
        pytest.param(None, id="absent"),
        pytest.param("", id="empty"),
        pytest.param("application/octet-stream", id="near"),
        pytest.param("application/offset+octet-stream2", id="longer"),
        pytest.param("application/partial-upload", id="the-drafts"),
        pytest.param("multipart/form-data; boundary=application/offset+octet-stream", id="form"),
        pytest.param("application/offset+octet-stream, application/offset+octet-stream", id="repeated"),
    ],
)
def test_row_14_other_content_types(header: str | None) -> None:
    with pytest.raises(UnsupportedContentType) as caught:
        check_content_type(header)
    assert (caught.value.status, caught.value.limit, caught.value.value) == (415, CONTENT_TYPE, header)


@pytest.mark.parametrize(
    ("header", "metadata"),
    [
        pytest.param(None, {}, id="absent"),
        pytest.param("", {}, id="empty"),
        pytest.param(pair("filename", b"a.png"), {"filename": b"a.png"}, id="one"),
        pytest.param(
            f"{pair('filename', b'world_domination_plan.pdf')},is_confidential",
            {"filename": b"world_domination_plan.pdf", "is_confidential": b""},
            id="value-and-space-left-out",
        ),
        pytest.param("a ,b ", {"a": b"", "b": b""}, id="empty-values"),
        pytest.param(f"{pair('a', b'1')} , \t{pair('b', b'2')}", {"a": b"1", "b": b"2"}, id="white-space-at-comma"),
        pytest.param("a YQ==,A Yg==", {"a": b"a", "A": b"b"}, id="case-counts"),
        pytest.param(pair("x", bytes(range(256))), {"x": bytes(range(256))}, id="any-bytes"),
        pytest.param("a-b_c.d/e=f;g YQ==", {"a-b_c.d/e=f;g": b"a"}, id="punctuation-in-the-key"),
        pytest.param("gr\xc3\xb6\xc3\x9fe NQ==", {"gr\xc3\xb6\xc3\x9fe": b"5"}, id="utf-8-as-a-server-decodes-it"),
    ],
)
def test_row_30_metadata(header: str | None, metadata: dict[str, bytes]) -> None:
    assert parse_metadata(header) == metadata


@pytest.mark.parametrize(
    "header",
    [
        pytest.param(" ", id="space"),
        pytest.param(",", id="comma"),
        pytest.param("a YQ==,", id="trailing-comma"),
        pytest.param(",a YQ==", id="leading-comma"),
        pytest.param("a YQ==,,b Yg==", id="two-commas"),
        pytest.param(" , YQ==", id="empty-key"),
        pytest.param("a YQ==,a Yg==", id="key-twice"),
        pytest.param("a,a", id="key-twice-without-values"),
        pytest.param("a YQ==, a YQ==", id="repeated-header"),
        pytest.param("my key YQ==", id="space-in-the-key"),
        pytest.param("a  YQ==", id="two-spaces"),
        pytest.param("a\tYQ==", id="tab-for-a-space"),
        pytest.param("a YQ== Yg==", id="two-values"),
        pytest.param("a YQ", id="no-padding"),
        pytest.param("a YQ=", id="half-the-padding"),
        pytest.param("a YQ===", id="too-much-padding"),
        pytest.param("a =YQ=", id="padding-in-front"),
        pytest.param("a YQ==YQ==", id="bytes-after-the-padding"),
        pytest.param("a Y", id="a-single-character"),
        pytest.param("a -_-_", id="url-safe-alphabet"),
        pytest.param("a Y!Q=", id="outside-the-alphabet"),
        pytest.param("a YQ==\n", id="line-feed-after-the-value"),
        pytest.param("a YQ\r\n==", id="line-feed-in-the-value"),
        pytest.param("a \xe9", id="value-not-ascii"),
        pytest.param("a\r\nX-Injected: YQ==", id="header-injection"),
        pytest.param("a\x00 YQ==", id="nul-in-the-key"),
        pytest.param("a\x7f YQ==", id="delete-in-the-key"),
        pytest.param("\N{SNOWMAN} YQ==", id="beyond-latin-1"),
    ],
)
def test_row_30_metadata_refuses(header: str) -> None:
    with pytest.raises(MalformedHeader):
        parse_metadata(header)


def test_metadata_up_to_the_limit() -> None:
    header = "a" * MAX_METADATA
    assert parse_metadata(header) == {header: b""}


def test_metadata_above_the_limit() -> None:
    with pytest.raises(MalformedHeader) as caught:
        parse_metadata("a" * (MAX_METADATA + 1))
    assert (caught.value.limit, caught.value.value) == (MAX_METADATA, MAX_METADATA + 1)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        pytest.param(b"a.png", "a.png", id="ascii"),
        pytest.param("größe.png".encode(), "größe.png", id="utf-8"),
        pytest.param(b"", "", id="empty"),
        pytest.param(b"a\r\nb\x00", "a\r\nb\x00", id="control-characters-are-left-to-the-caller"),
    ],
)
def test_row_32_metadata_text(value: bytes, text: str) -> None:
    assert metadata_text({"filename": value}, "filename") == text


def test_metadata_text_of_an_absent_key() -> None:
    assert metadata_text({}, "filename") == ""


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(b"\xff", id="no-utf-8"),
        pytest.param(b"\xc0\x80", id="overlong"),
        pytest.param(b"\xed\xa0\x80", id="surrogate"),
        pytest.param(b"caf\xe9", id="latin-1"),
    ],
)
def test_row_32_metadata_text_refuses(value: bytes) -> None:
    with pytest.raises(MalformedHeader):
        metadata_text({"filename": value}, "filename")


@pytest.mark.parametrize(
    ("algorithm", "digest"),
    [
        pytest.param("sha1", "f7c3bc1d808e04732adf679965ccc34ca7ae3441", id="sha1"),
        pytest.param("sha256", "15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225", id="sha256"),
        pytest.param(
            "sha512",
            "d9e6762dd1c8eaf6d61b3c6192fc408d4d6d5f1176d0c29169bc24e71c3f274a"
            "d27fcd5811b313d681f7e55ec02d73d499c95455b6b5bb503acf574fba8ffe85",
            id="sha512",
        ),
        pytest.param("md5", "25f9e794323b453885f5181f1b624d0b", id="md5"),
        pytest.param("crc32", "cbf43926", id="crc32-big-endian"),
    ],
)
def test_hashers(algorithm: str, digest: str) -> None:
    hasher = new_hasher(algorithm)
    hasher.update(b"12345")
    hasher.update(b"6789")
    assert hasher.digest().hex() == digest
    assert hasher.digest_size * 2 == len(digest)


def test_row_51_sha1_is_there() -> None:
    assert CHECKSUM_ALGORITHMS[0] == "sha1"


@pytest.mark.parametrize("algorithm", CHECKSUM_ALGORITHMS)
def test_row_50_names_are_ascii_in_lower_case(algorithm: str) -> None:
    assert algorithm.isascii() and algorithm == algorithm.lower()


@pytest.mark.parametrize("algorithm", CHECKSUM_ALGORITHMS)
def test_row_52_checksum(algorithm: str) -> None:
    encoded = base64_of(b"hello world", algorithm)
    expected = Checksum(algorithm=algorithm, digest=base64.b64decode(encoded))
    assert parse_checksum(f"{algorithm} {encoded}") == expected


def test_checksum_may_be_absent() -> None:
    assert parse_checksum(None) is None


@pytest.mark.parametrize(
    "header",
    [
        pytest.param("", id="empty"),
        pytest.param(" ", id="space"),
        pytest.param("sha1", id="algorithm-alone"),
        pytest.param("sha1 ", id="no-digest"),
        pytest.param(" Kq5sNclPz7QV2+lfQIuc6R7oRu0=", id="digest-alone"),
        pytest.param("sha1  Kq5sNclPz7QV2+lfQIuc6R7oRu0=", id="two-spaces"),
        pytest.param("sha1 Kq5sNclPz7QV2+lfQIuc6R7oRu0", id="no-padding"),
        pytest.param("sha1 Kq5sNclPz7QV2+lfQIuc6R7oRu0=\n", id="line-feed"),
        pytest.param("sha1 Kq5sNclPz7QV2+lfQIuc6R7oRu0=, sha1 Kq5sNclPz7QV2+lfQIuc6R7oRu0=", id="repeated"),
        pytest.param("sha1 \xe9", id="not-ascii"),
    ],
)
def test_row_52_checksum_refuses(header: str) -> None:
    with pytest.raises(MalformedHeader):
        parse_checksum(header)


@pytest.mark.parametrize(
    "header",
    [
        pytest.param("sha1 2aae6c35c94fcfb415dbe95f408b9ce91ee846ed", id="hexadecimal"),
        pytest.param("sha1 AAAA", id="too-short"),
        pytest.param("crc32 AAAAAAA=", id="too-long"),
    ],
)
def test_row_52_a_digest_of_another_length_is_that_of_no_bytes(header: str) -> None:
    with pytest.raises(ChecksumMismatch):
        parse_checksum(header)


@pytest.mark.parametrize(
    "header",
    [
        pytest.param("sha3 AAAA", id="unknown"),
        pytest.param("SHA1 Kq5sNclPz7QV2+lfQIuc6R7oRu0=", id="upper-case"),
        pytest.param("sha-256 AAAA", id="the-name-in-digest-fields"),
        pytest.param("sha1:Kq5sNclPz7QV2+lfQIuc6R7oRu0= x", id="colon"),
    ],
)
def test_row_54_unsupported_checksum(header: str) -> None:
    with pytest.raises(UnsupportedChecksum) as caught:
        parse_checksum(header)
    assert (caught.value.status, caught.value.limit) == (400, "sha1,sha256,sha512,md5,crc32")


def test_row_54_good_checksum() -> None:
    checksum = parse_checksum("sha1 Kq5sNclPz7QV2+lfQIuc6R7oRu0=")
    assert checksum is not None
    hasher = new_hasher("sha1")
    hasher.update(b"hello world")
    verify(checksum, hasher)


@pytest.mark.parametrize("algorithm", CHECKSUM_ALGORITHMS)
def test_row_54_checksum_mismatch(algorithm: str) -> None:
    checksum = parse_checksum(f"{algorithm} {base64_of(b'hello world', algorithm)}")
    assert checksum is not None
    hasher = new_hasher(algorithm)
    hasher.update(b"hello worle")
    with pytest.raises(ChecksumMismatch) as caught:
        verify(checksum, hasher)
    assert (caught.value.status, caught.value.phrase) == (460, "Checksum Mismatch")


@pytest.mark.parametrize(
    ("trailer", "announced"),
    [
        pytest.param(None, False, id="absent"),
        pytest.param("", False, id="empty"),
        pytest.param("Upload-Checksum", True, id="alone"),
        pytest.param("upload-checksum", True, id="any-case"),
        pytest.param("Expires ,\tUpload-Checksum", True, id="among-others"),
        pytest.param("Expires", False, id="others"),
        pytest.param("X-Upload-Checksum", False, id="part-of-a-name"),
    ],
)
def test_row_56_trailer(trailer: str | None, announced: bool) -> None:
    assert announces_checksum(trailer) is announced


def test_row_61_no_concatenation() -> None:
    assert parse_concat(None) is None


def test_row_61_partial() -> None:
    assert parse_concat("partial") == Partial()


@pytest.mark.parametrize(
    ("header", "urls"),
    [
        pytest.param("final;/files/a /files/b", ("/files/a", "/files/b"), id="relative"),
        pytest.param("final;https://x.org/f/a", ("https://x.org/f/a",), id="absolute"),
        pytest.param("final;/f/b /f/a /f/b", ("/f/b", "/f/a", "/f/b"), id="order-and-repetition-kept"),
        pytest.param("final; /f/a  /f/b ", ("/f/a", "/f/b"), id="more-spaces"),
        pytest.param("final;/f/%C3%A9?x=1&y=2", ("/f/%C3%A9?x=1&y=2",), id="escapes-and-query"),
        pytest.param("final;../../etc/passwd", ("../../etc/passwd",), id="any-url-is-left-to-the-caller"),
    ],
)
def test_row_62_final(header: str, urls: tuple[str, ...]) -> None:
    assert parse_concat(header) == Final(urls=urls)


@pytest.mark.parametrize(
    "header",
    [
        pytest.param("", id="empty"),
        pytest.param("Partial", id="capital"),
        pytest.param("partial ", id="trailing-space"),
        pytest.param("partial;", id="partial-with-semicolon"),
        pytest.param("partial, partial", id="repeated-partial"),
        pytest.param("final", id="final-alone"),
        pytest.param("final;", id="no-url"),
        pytest.param("final;  ", id="spaces-for-urls"),
        pytest.param("final /f/a", id="no-semicolon"),
        pytest.param("Final;/f/a", id="final-with-capital"),
        pytest.param("final;/f/a,final;/f/b", id="repeated-final"),
        pytest.param("final;/f/a, final;/f/b", id="repeated-final-with-space"),
        pytest.param("final;/f/a\t/f/b", id="tab-between-urls"),
        pytest.param("final;/f/a\r\nX-Injected: 1", id="header-injection"),
        pytest.param("final;/f/a\x00", id="nul"),
        pytest.param("final;/f/\xe9", id="not-ascii"),
        pytest.param("final;/f/<a>", id="no-character-of-urls"),
        pytest.param("final;/f\\a", id="backslash"),
        pytest.param("whole", id="unknown"),
    ],
)
def test_row_61_concat_refuses(header: str) -> None:
    with pytest.raises(MalformedHeader):
        parse_concat(header)


def test_partials_up_to_the_limit() -> None:
    final = parse_concat("final;" + " ".join(["/f/a"] * MAX_PARTIALS))
    assert isinstance(final, Final) and len(final.urls) == MAX_PARTIALS


def test_partials_above_the_limit() -> None:
    with pytest.raises(MalformedHeader) as caught:
        parse_concat("final;" + " ".join(["/f/a"] * (MAX_PARTIALS + 1)))
    assert (caught.value.limit, caught.value.value) == (MAX_PARTIALS, MAX_PARTIALS + 1)


def test_concat_up_to_the_limit() -> None:
    assert parse_concat("final;/".ljust(MAX_CONCAT, "a")) is not None


def test_concat_above_the_limit() -> None:
    with pytest.raises(MalformedHeader) as caught:
        parse_concat("final;/".ljust(MAX_CONCAT + 1, "a"))
    assert (caught.value.limit, caught.value.value) == (MAX_CONCAT, MAX_CONCAT + 1)


@pytest.mark.parametrize(
    ("moment", "date"),
    [
        pytest.param(datetime(2014, 6, 25, 16, tzinfo=UTC), "Wed, 25 Jun 2014 16:00:00 GMT", id="utc"),
        pytest.param(
            datetime(2014, 6, 25, 23, 30, tzinfo=timezone(timedelta(hours=7, minutes=30))),
            "Wed, 25 Jun 2014 16:00:00 GMT",
            id="another-zone",
        ),
        pytest.param(
            datetime(2014, 6, 25, 16, 0, 0, 999999, tzinfo=UTC), "Wed, 25 Jun 2014 16:00:00 GMT", id="microseconds"
        ),
        pytest.param(datetime(2014, 6, 5, tzinfo=UTC), "Thu, 05 Jun 2014 00:00:00 GMT", id="two-digits"),
    ],
)
def test_row_46_http_date(moment: datetime, date: str) -> None:
    assert http_date(moment) == date


def test_row_46_http_date_needs_a_time_zone() -> None:
    with pytest.raises(ValueError, match="time zone"):
        http_date(datetime(2014, 6, 25, 16))  # noqa: DTZ001 (the case)


def test_row_21_options() -> None:
    assert options_headers(1073741824) == {
        "Tus-Resumable": "1.0.0",
        "Tus-Version": "1.0.0",
        "Tus-Extension": (
            "creation,creation-with-upload,creation-defer-length,expiration,checksum,checksum-trailer,"
            "termination,concatenation,concatenation-unfinished"
        ),
        "Tus-Max-Size": "1073741824",
        "Tus-Checksum-Algorithm": "sha1,sha256,sha512,md5,crc32",
    }


def test_row_2_no_limit_no_maximum() -> None:
    assert "Tus-Max-Size" not in options_headers(None)


def test_row_2_a_maximum_of_zero_is_one() -> None:
    assert options_headers(0)["Tus-Max-Size"] == "0"


def test_row_6_no_extensions_no_header() -> None:
    assert "Tus-Extension" not in options_headers(None, [])


def test_row_6_extensions_that_this_server_has() -> None:
    extensions = [name for name in EXTENSIONS if name != "checksum-trailer"]
    assert "checksum-trailer" not in options_headers(None, extensions)["Tus-Extension"].split(",")


@pytest.mark.parametrize(
    ("error", "headers"),
    [
        pytest.param(MalformedHeader("x"), {}, id="row-4-any"),
        pytest.param(UnsupportedVersion("x"), {"Tus-Version": "1.0.0"}, id="row-5-version"),
        pytest.param(OffsetMismatch(limit=70, value=71), {"Upload-Offset": "70"}, id="row-15-offset"),
        pytest.param(OffsetMismatch(limit=0, value=71), {"Upload-Offset": "0"}, id="row-15-offset-of-zero"),
    ],
)
def test_refusal_headers(error: LargeFilesError, headers: dict[str, str]) -> None:
    assert refusal_headers(error) == {"Tus-Resumable": "1.0.0"} | headers


def test_row_68_status_of_bytes_for_a_final_upload() -> None:
    assert FinalUpload("x").status == 403


@pytest.mark.parametrize(
    ("parse", "header"),
    [
        pytest.param(parse_offset, "9" * MEGABYTE, id="offset"),
        pytest.param(parse_offset, "0" * MEGABYTE + "x", id="offset-with-zeros"),
        pytest.param(parse_metadata, "a," * MEGABYTE, id="metadata"),
        pytest.param(parse_checksum, "sha1 " + "A" * MEGABYTE, id="checksum"),
        pytest.param(parse_concat, "final;" + "/ " * MEGABYTE, id="concat"),
        pytest.param(announces_checksum, ", " * MEGABYTE, id="trailer"),
    ],
)
def test_a_megabyte_of_header_costs_little(parse: Callable[[str], object], header: str) -> None:
    started = time.process_time()
    with contextlib.suppress(LargeFilesError):
        parse(header)
    assert time.process_time() - started < 1
