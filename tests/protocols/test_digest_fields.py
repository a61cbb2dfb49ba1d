from __future__ import annotations

import base64
import contextlib
import hashlib
import time

import pytest

from django_largefiles.exceptions import MalformedHeader
from django_largefiles.protocols.digests import (
    DIGEST_SIZES,
    declared_digests,
    parse_digests,
    parse_preferences,
    wanted_digest,
)
from django_largefiles.protocols.structured_fields import MAX_LENGTH

DATA = b'{"hello": "world"}\n'
"""The content of most examples in RFC 9530."""

SHA256 = "RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg="
SHA512 = base64.b64encode(hashlib.sha512(DATA).digest()).decode()

BOTH = {"sha-256": hashlib.sha256(DATA).digest(), "sha-512": hashlib.sha512(DATA).digest()}
ONE = {"sha-256": BOTH["sha-256"]}
FIELD = f"sha-256=:{SHA256}:"


@pytest.mark.parametrize(
    ("header", "digests"),
    [
        pytest.param(None, {}, id="absent"),
        pytest.param("", {}, id="empty"),
        pytest.param("  ", {}, id="spaces"),
        pytest.param(FIELD, ONE, id="one"),
        pytest.param(f" {FIELD} ", ONE, id="spaces-around"),
        pytest.param(f"{FIELD} \t", ONE, id="tab-at-the-end"),
        pytest.param(f"{FIELD},sha-512=:{SHA512}:", BOTH, id="two"),
        pytest.param(f"sha-512=:{SHA512}:\t , \t{FIELD}", BOTH, id="white-space-at-the-comma"),
        pytest.param(f"{FIELD};a=1; b", ONE, id="parameters"),
        pytest.param(f"sha-256=:{SHA256.rstrip('=')}:", ONE, id="padding-left-out"),
        pytest.param(f"sha-256=:{base64.b64encode(bytes(32)).decode()}:, {FIELD}", ONE, id="the-last-of-two-counts"),
        pytest.param(f"sha-256=5, {FIELD}", ONE, id="the-last-of-two-counts-whatever-the-first"),
        pytest.param(f"md5=:AAAA:, sha=:AAAA:, {FIELD}", ONE, id="deprecated-algorithms-ignored"),
        pytest.param("unixsum=:AAAA:", {}, id="nothing-but-deprecated"),
        pytest.param(f"id-sha-256=:AAAA:, {FIELD}, sha-2567=:AAAA:", ONE, id="names-around-ours"),
        pytest.param(
            f'*x.y_z=1, a, b;c=2, d=(1 2.5;e "f"  g );h=?1, i=(), j="sha-256=:A:", k=@1, l=%"%c3%a9", m=-1.2, {FIELD}',
            ONE,
            id="other-members-of-any-type-ignored",
        ),
    ],
)
def test_parse_digests(header: str | None, digests: dict[str, bytes]) -> None:
    assert parse_digests(header) == digests


@pytest.mark.parametrize(
    "header",
    [
        pytest.param(",", id="comma"),
        pytest.param(f"{FIELD},", id="trailing-comma"),
        pytest.param(f",{FIELD}", id="leading-comma"),
        pytest.param(f"{FIELD} {FIELD}", id="no-comma"),
        pytest.param(f"\t{FIELD}", id="tab-in-front"),
        pytest.param(f"{FIELD}\n", id="line-feed"),
        pytest.param(f"{FIELD}\r\nX-Injected: 1", id="header-injection"),
        pytest.param("sha-256", id="no-value"),
        pytest.param("sha-256;a=1", id="parameter-for-a-value"),
        pytest.param("sha-256=", id="empty-value"),
        pytest.param("sha-256=::", id="no-bytes"),
        pytest.param(f"sha-256={SHA256}", id="no-colons"),
        pytest.param(f"sha-256={SHA256.replace('=', '').replace('/', '').replace('+', '')}", id="token"),
        pytest.param(f'sha-256="{SHA256}"', id="string"),
        pytest.param("sha-256=5", id="integer"),
        pytest.param(f"sha-256=(:{SHA256}:)", id="inner-list"),
        pytest.param(f"sha-256 =:{SHA256}:", id="space-before-the-sign"),
        pytest.param(f"sha-256= :{SHA256}:", id="space-after-the-sign"),
        pytest.param(f"SHA-256=:{SHA256}:", id="upper-case"),
        pytest.param(f"sha-256=:{SHA256}", id="left-open"),
        pytest.param("sha-256=:AAAA:", id="too-short"),
        pytest.param(f"sha-256=:{SHA512}:", id="too-long"),
        pytest.param(f"sha-512=:{SHA256}:", id="of-another-algorithm"),
        pytest.param(f"sha-256=:{SHA256[:-4]}A=g=:", id="padding-inside"),
        pytest.param(f"sha-256=:{SHA256[0]}={SHA256[1:]}:", id="padding-after-the-first-character"),
        pytest.param(f"sha-256=:{SHA256[:-4]}-_-_:", id="url-safe-alphabet"),
        pytest.param("sha-256=:AAAAA:", id="a-character-too-much"),
        pytest.param(f"sha-256=:{SHA256[:-1]}\xe9:", id="not-ascii"),
        pytest.param(f"md5=, {FIELD}", id="malformed-member-of-an-unknown-algorithm"),
        pytest.param(f"a=(1,2), {FIELD}", id="malformed-inner-list"),
        pytest.param(f"a=(1 2, {FIELD}", id="inner-list-left-open"),
        pytest.param(f'a=(1"b"), {FIELD}', id="inner-list-without-spaces"),
    ],
)
def test_parse_digests_refuses(header: str) -> None:
    with pytest.raises(MalformedHeader):
        parse_digests(header)


def test_a_refusal_says_the_size_of_the_digest() -> None:
    with pytest.raises(MalformedHeader) as caught:
        parse_digests("sha-512=:AAAA:")
    assert (caught.value.status, caught.value.limit) == (400, 64)


@pytest.mark.parametrize(
    ("header", "preferences"),
    [
        pytest.param(None, {}, id="absent"),
        pytest.param("", {}, id="empty"),
        pytest.param("sha-256=10", {"sha-256": 10}, id="most-wanted"),
        pytest.param("sha-512=3, sha-256=10, unixsum=0", {"sha-512": 3, "sha-256": 10}, id="unknown-ignored"),
        pytest.param("sha-256=0", {"sha-256": 0}, id="not-acceptable"),
        pytest.param("sha-256=1;a=2", {"sha-256": 1}, id="parameter"),
        pytest.param("sha-256=1, sha-256=2", {"sha-256": 2}, id="the-last-of-two-counts"),
        pytest.param("md5=99, sha=abc", {}, id="unknown-of-any-value"),
    ],
)
def test_parse_preferences(header: str | None, preferences: dict[str, int]) -> None:
    assert parse_preferences(header) == preferences


@pytest.mark.parametrize(
    "header",
    [
        pytest.param("sha-256", id="no-value"),
        pytest.param("sha-256=11", id="above-ten"),
        pytest.param("sha-256=999999999999999", id="far-above"),
        pytest.param("sha-256=9999999999999999", id="no-integer-of-structured-fields"),
        pytest.param("sha-256=-1", id="negative"),
        pytest.param("sha-256=1.0", id="decimal"),
        pytest.param("sha-256=?1", id="boolean"),
        pytest.param('sha-256="1"', id="string"),
        pytest.param("sha-256=(1)", id="inner-list"),
        pytest.param("sha-256;q=1", id="parameter-for-a-value"),
        pytest.param("sha-256=1,", id="trailing-comma"),
    ],
)
def test_parse_preferences_refuses(header: str) -> None:
    with pytest.raises(MalformedHeader):
        parse_preferences(header)


BOTH = {"sha256": hashlib.sha256(DATA).hexdigest(), "sha512": hashlib.sha512(DATA).hexdigest()}


@pytest.mark.parametrize("header", [None, "", "md5=1", "sha-256=3, sha-512=3", "sha-256=11", "nonsense="])
def test_unless_another_is_wanted_it_is_sha_256(header: str | None) -> None:
    assert wanted_digest(BOTH, header) == FIELD


@pytest.mark.parametrize("header", ["sha-512=1", "sha-512=2, sha-256=1", "sha-256=0"])
def test_the_digest_that_is_wanted_most(header: str) -> None:
    assert parse_digests(wanted_digest(BOTH, header)) == {"sha-512": hashlib.sha512(DATA).digest()}


@pytest.mark.parametrize("header", [None, "sha-512=10", "sha-512=10, sha-256=1"])
def test_a_digest_that_was_not_made_is_not_answered(header: str | None) -> None:
    assert parse_digests(wanted_digest({**BOTH, "sha512": ""}, header)) == ONE


@pytest.mark.parametrize("header", ["sha-256=0, sha-512=0", "sha-512=0, sha-256=0, md5=1"])
def test_where_none_is_acceptable_none_is_answered(header: str) -> None:
    assert wanted_digest(BOTH, header) == ""


def test_where_none_was_made_none_is_answered() -> None:
    assert wanted_digest({"sha256": "", "sha512": ""}, "sha-256=10") == ""


def test_declared_digests_are_those_that_prove_something() -> None:
    assert declared_digests(f"{FIELD}, md5=:AAAA:") == {"sha256": BOTH["sha256"]}


@pytest.mark.parametrize("algorithm", DIGEST_SIZES)
def test_sizes(algorithm: str) -> None:
    assert hashlib.new(algorithm.replace("-", "")).digest_size == DIGEST_SIZES[algorithm]


def test_a_megabyte_of_header_is_refused_at_once() -> None:
    started = time.process_time()
    with pytest.raises(MalformedHeader) as caught:
        parse_digests(f"{FIELD}," * 20_000 + FIELD)
    assert caught.value.limit == MAX_LENGTH
    assert time.process_time() - started < 1


@pytest.mark.parametrize(
    "header",
    [
        pytest.param("a, " * 2700 + "a", id="members"),
        pytest.param("a=(" + "1 " * 4000, id="inner-list"),
        pytest.param("a" + ";b=1" * 2000, id="parameters"),
        pytest.param(" " * MAX_LENGTH, id="spaces"),
    ],
)
def test_the_longest_header_costs_little(header: str) -> None:
    started = time.process_time()
    with contextlib.suppress(MalformedHeader):
        parse_digests(header)
    assert time.process_time() - started < 0.5


def test_a_field_that_cannot_be_encoded_is_malformed() -> None:
    with pytest.raises(MalformedHeader):
        parse_digests("a=\udc80")
