from __future__ import annotations

import base64
import hashlib
import sys
import zlib

import pytest

from django_largefiles import digests
from django_largefiles.digests import ResumableDigest, RunningDigest, UnusableState, parse_sha256

ABC = hashlib.sha256(b"abc").hexdigest()


def running(data: bytes) -> ResumableDigest:
    digest = ResumableDigest()
    digest.update(data)
    return digest


def saved(data: bytes) -> bytes:
    state = running(data).state()
    assert state is not None
    return state


@pytest.fixture(params=["rehashes", "hashlib"])
def either(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "hashlib":
        monkeypatch.setattr(digests, "rehashes", None)
    else:
        pytest.importorskip("rehashes")


@pytest.fixture
def without_rehashes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(digests, "rehashes", None)


@pytest.fixture
def with_rehashes() -> None:
    pytest.importorskip("rehashes")


@pytest.mark.usefixtures("either")
def test_digest_of_nothing() -> None:
    assert ResumableDigest().sha256() == hashlib.sha256().hexdigest()


@pytest.mark.usefixtures("either")
def test_digest_of_pieces() -> None:
    digest = running(b"a")
    digest.update(b"bc")
    assert digest.sha256() == ABC


@pytest.mark.usefixtures("either")
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


@pytest.mark.usefixtures("either")
def test_the_crc32_of_pieces() -> None:
    assert ResumableDigest().crc32 == 0
    digest = running(b"1234")
    digest.update(b"56789")
    # The check value of CRC-32/ISO-HDLC, the CRC of ZIP archives.
    assert digest.crc32 == 0xCBF43926


@pytest.mark.usefixtures("with_rehashes")
@pytest.mark.parametrize("length", [0, 1, 63, 64, 65, 100_000])
def test_restored_digest_goes_on(length: int) -> None:
    head, tail = b"h" * length, b"tail"
    digest = ResumableDigest.restore(saved(head))
    digest.update(tail)
    assert digest.sha256() == hashlib.sha256(head + tail).hexdigest()
    assert digest.crc32 == zlib.crc32(head + tail)


@pytest.mark.usefixtures("either")
def test_sha512_is_made_if_it_is_asked_for() -> None:
    digest = ResumableDigest(sha512=True)
    digest.update(b"a")
    digest.update(b"bc")
    assert (digest.sha256(), digest.sha512()) == (ABC, hashlib.sha512(b"abc").hexdigest())
    assert running(b"abc").sha512() == ""


@pytest.mark.usefixtures("with_rehashes")
@pytest.mark.parametrize("length", [0, 127, 128, 129])
def test_restored_sha512_goes_on(length: int) -> None:
    head, tail = b"h" * length, b"tail"
    digest = ResumableDigest(sha512=True)
    digest.update(head)
    state = digest.state()
    assert state is not None
    restored = ResumableDigest.restore(state)
    restored.update(tail)
    assert restored.sha512() == hashlib.sha512(head + tail).hexdigest()
    assert restored.sha256() == hashlib.sha256(head + tail).hexdigest()


@pytest.mark.usefixtures("with_rehashes")
@pytest.mark.parametrize(("sha512", "limit"), [(False, 256), (True, 512)])
def test_state_is_small(sha512: bool, limit: int) -> None:
    digest = ResumableDigest(sha512=sha512)
    digest.update(b"a" * 100_000)
    assert len(digest.state() or b"") < limit


@pytest.mark.usefixtures("with_rehashes")
def test_damaged_state_of_sha512_is_refused() -> None:
    with pytest.raises(UnusableState):
        ResumableDigest.restore(saved(b"abc") + b"x")


@pytest.mark.usefixtures("without_rehashes")
def test_no_state_without_rehashes() -> None:
    assert running(b"abc").state() is None


@pytest.mark.usefixtures("with_rehashes")
def test_state_of_another_version_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    state = saved(b"abc")
    monkeypatch.setattr(digests, "_HEADER", b"rehashes 99\n")
    with pytest.raises(UnusableState, match="not of the format 'rehashes 99'"):
        ResumableDigest.restore(state)


@pytest.mark.usefixtures("with_rehashes")
def test_state_is_refused_without_rehashes(monkeypatch: pytest.MonkeyPatch) -> None:
    state = saved(b"abc")
    monkeypatch.setattr(digests, "rehashes", None)
    with pytest.raises(UnusableState, match="not installed"):
        ResumableDigest.restore(state)


@pytest.mark.usefixtures("with_rehashes")
@pytest.mark.parametrize(
    "cut",
    [slice(0, 0), slice(0, -1), slice(0, len(digests._HEADER) + 2)],
    ids=["empty", "one-byte-short", "head-alone"],
)
def test_damaged_state_is_refused(cut: slice) -> None:
    with pytest.raises(UnusableState):
        ResumableDigest.restore(saved(b"abc")[cut])


def test_module_imports_without_rehashes_and_zlib_ng(monkeypatch: pytest.MonkeyPatch) -> None:
    name = "django_largefiles.digests"
    monkeypatch.setitem(sys.modules, "rehashes", None)
    monkeypatch.setitem(sys.modules, "zlib_ng.zlib_ng", None)
    monkeypatch.delitem(sys.modules, name)
    module = __import__(name, fromlist=["ResumableDigest"])
    assert module is not digests
    assert module.ResumableDigest().state() is None
    assert module.crc32 is zlib.crc32


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
