from __future__ import annotations

import base64
import hashlib
import sys
import zlib
from collections.abc import Callable
from dataclasses import replace
from importlib import import_module

import pytest

import django_largefiles
from django_largefiles import digests
from django_largefiles.digests import ResumableDigest, RunningDigest, UnusableState, implementations, parse_sha256
from django_largefiles.digests.implementations import IMPLEMENTATIONS, Implementation

ABC = hashlib.sha256(b"abc").hexdigest()
SAVABLE = [pytest.param((each,), id=each.format) for each in IMPLEMENTATIONS]


def running(data: bytes, *, sha512: bool = False) -> ResumableDigest:
    digest = ResumableDigest(sha512=sha512)
    digest.update(data)
    return digest


def saved(data: bytes, *, sha512: bool = False) -> bytes:
    state = running(data, sha512=sha512).state()
    assert state is not None
    return state


@pytest.fixture(params=[*SAVABLE, pytest.param((), id="hashlib")])
def any_found(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(digests, "IMPLEMENTATIONS", request.param)


@pytest.fixture(params=SAVABLE)
def savable(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Implementation:
    monkeypatch.setattr(digests, "IMPLEMENTATIONS", request.param)
    (implementation,) = request.param
    assert isinstance(implementation, Implementation)
    return implementation


@pytest.mark.usefixtures("any_found")
def test_digest_of_nothing() -> None:
    assert ResumableDigest().sha256() == hashlib.sha256().hexdigest()


@pytest.mark.usefixtures("any_found")
def test_digest_of_pieces() -> None:
    digest = running(b"a")
    digest.update(b"bc")
    assert digest.sha256() == ABC


@pytest.mark.usefixtures("any_found")
def test_asking_for_a_digest_ends_nothing() -> None:
    digest = running(b"ab")
    assert digest.sha256() == digest.sha256() == hashlib.sha256(b"ab").hexdigest()
    digest.update(b"c")
    assert digest.sha256() == ABC


def test_a_digest_that_is_not_saved() -> None:
    digest = RunningDigest()
    for piece in (b"a", b"", b"bc"):
        digest.update(piece)
    assert (digest.sha256(), digest.crc32) == (ABC, zlib.crc32(b"abc"))


@pytest.mark.usefixtures("any_found")
def test_the_crc32_of_pieces() -> None:
    assert ResumableDigest().crc32 == 0
    digest = running(b"1234")
    digest.update(b"56789")
    # The check value of CRC-32/ISO-HDLC, the CRC of ZIP archives.
    assert digest.crc32 == 0xCBF43926


@pytest.mark.usefixtures("savable")
@pytest.mark.parametrize("length", [0, 1, 63, 64, 65, 100_000])
def test_restored_digest_goes_on(length: int) -> None:
    head, tail = b"h" * length, b"tail"
    digest = ResumableDigest.restore(saved(head))
    digest.update(tail)
    assert digest.sha256() == hashlib.sha256(head + tail).hexdigest()
    assert digest.crc32 == zlib.crc32(head + tail)


@pytest.mark.usefixtures("any_found")
def test_sha512_is_made_if_it_is_asked_for() -> None:
    digest = ResumableDigest(sha512=True)
    digest.update(b"a")
    digest.update(b"bc")
    assert (digest.sha256(), digest.sha512()) == (ABC, hashlib.sha512(b"abc").hexdigest())
    assert running(b"abc").sha512() == ""


@pytest.mark.usefixtures("savable")
@pytest.mark.parametrize("length", [0, 127, 128, 129])
def test_restored_sha512_goes_on(length: int) -> None:
    head, tail = b"h" * length, b"tail"
    restored = ResumableDigest.restore(saved(head, sha512=True))
    restored.update(tail)
    assert restored.sha512() == hashlib.sha512(head + tail).hexdigest()
    assert restored.sha256() == hashlib.sha256(head + tail).hexdigest()


@pytest.mark.usefixtures("savable")
@pytest.mark.parametrize(("sha512", "limit"), [(False, 200), (True, 400)])
def test_state_is_small(sha512: bool, limit: int) -> None:
    assert len(saved(b"a" * 100_000, sha512=sha512)) <= limit


@pytest.mark.usefixtures("savable")
def test_damaged_state_of_sha512_is_refused() -> None:
    with pytest.raises(UnusableState):
        ResumableDigest.restore(saved(b"abc") + b"x")


def test_the_state_of_hashlib_is_not_saved(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(digests, "IMPLEMENTATIONS", ())
    assert running(b"abc").state() is None


def test_a_state_is_continued_by_the_implementation_that_saved_it(
    savable: Implementation, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = saved(b"ab")
    another = Implementation(format="another", sha256=NotImplemented, sha512=NotImplemented)
    monkeypatch.setattr(digests, "IMPLEMENTATIONS", (another, savable))
    digest = ResumableDigest.restore(state)
    digest.update(b"c")
    assert digest.sha256() == ABC
    assert (digest.state() or b"").startswith(savable.header)


def test_a_state_of_another_version_is_refused(savable: Implementation, monkeypatch: pytest.MonkeyPatch) -> None:
    state = saved(b"abc")
    monkeypatch.setattr(digests, "IMPLEMENTATIONS", (replace(savable, format="rehashes 99"),))
    with pytest.raises(UnusableState, match="no format that can be read here: rehashes 99"):
        ResumableDigest.restore(state)


@pytest.mark.usefixtures("savable")
def test_a_state_is_refused_where_no_implementation_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    state = saved(b"abc")
    monkeypatch.setattr(digests, "IMPLEMENTATIONS", ())
    with pytest.raises(UnusableState, match="can be read here: none"):
        ResumableDigest.restore(state)


@pytest.mark.parametrize(
    "damaged",
    [
        pytest.param(lambda state, header: b"", id="empty"),
        pytest.param(lambda state, header: state[:-1], id="one byte short"),
        pytest.param(lambda state, header: state[: len(header) + 2], id="head alone"),
    ],
)
def test_a_damaged_state_is_refused(damaged: Callable[[bytes, bytes], bytes], savable: Implementation) -> None:
    with pytest.raises(UnusableState):
        ResumableDigest.restore(damaged(saved(b"abc"), savable.header))


@pytest.mark.parametrize("name", ["rehashes", "zlib_ng.zlib_ng"])
def test_the_package_imports_without(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, name, None)
    # So that the one that is imported now is forgotten in the end.
    monkeypatch.setattr(django_largefiles, "digests", digests)
    for module in (digests, implementations):
        monkeypatch.delitem(sys.modules, module.__name__)
    imported = import_module(digests.__name__)
    assert imported.crc32(b"123456789") == 0xCBF43926
    assert (name in "".join(each.format for each in imported.IMPLEMENTATIONS)) is False


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(ABC, id="hexadecimal"),
        pytest.param(ABC.upper(), id="upper-case"),
        pytest.param(base64.b64encode(bytes.fromhex(ABC)).decode(), id="base64"),
    ],
)
def test_parse_sha256(text: str) -> None:
    assert parse_sha256(text) == ABC


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param(ABC[:-1], id="too-short"),
        pytest.param(ABC + "0", id="too-long"),
        pytest.param(ABC + "\n", id="line-feed"),
        pytest.param("g" * 64, id="not-hexadecimal"),
        pytest.param("\N{FULLWIDTH DIGIT ONE}" * 64, id="digits-of-another-script"),
        pytest.param("A" * 44, id="base64-of-33-bytes"),
        pytest.param("A" * 42 + "==", id="base64-of-31-bytes"),
        pytest.param("-" * 43 + "=", id="base64url"),
        pytest.param("é" * 44, id="not-ascii"),
    ],
)
def test_parse_sha256_refuses(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        parse_sha256(text)
