from __future__ import annotations

import hashlib
import sys
from ctypes import CDLL
from types import ModuleType, SimpleNamespace

import pytest

from django_largefiles.digests import implementations, openssl
from django_largefiles.digests.openssl import Sha256, Sha512

pytestmark = pytest.mark.skipif(not Sha256.works(), reason="Python is linked to no OpenSSL that can be called")


@pytest.mark.parametrize("kind", [Sha256, Sha512])
@pytest.mark.parametrize("length", [0, 1, 63, 64, 65, 127, 128, 129, 1_000_000])
def test_a_digest_goes_on_from_its_state(kind: type[Sha256 | Sha512], length: int) -> None:
    first = kind()
    first.update(b"h" * length)
    second = kind.deserialize(first.serialize())
    second.update(b"\0tail")
    assert first.finalize() == hashlib.new(kind.name, b"h" * length).hexdigest()
    assert second.finalize() == hashlib.new(kind.name, b"h" * length + b"\0tail").hexdigest()


@pytest.mark.parametrize(
    ("state", "fault"),
    [
        pytest.param(bytes(111), "has 112 bytes, not 111", id="short"),
        pytest.param(bytes(113), "has 112 bytes, not 113", id="long"),
        # OpenSSL would copy the next bytes to behind the structure.
        pytest.param(bytes(104) + openssl._END.pack(64, 32), "does not end with 64 and 32", id="a full block"),
        pytest.param(bytes(104) + openssl._END.pack(0, 28), "does not end with 0 and 28", id="another digest"),
    ],
)
def test_what_is_no_state_is_refused(state: bytes, fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        Sha256.deserialize(state)


@pytest.mark.parametrize("library", [None, ModuleType("_hashlib")], ids=["without OpenSSL", "linked statically"])
def test_without_its_functions_it_is_not_used(library: ModuleType | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "_hashlib", library)
    assert openssl._library() is None
    monkeypatch.setattr(openssl._Hash, "library", None)
    assert "openssl" not in "".join(each.format for each in implementations.found())


def test_a_structure_that_is_another_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Sha256, "state_bytes", 104)
    assert not Sha256.works()


def test_functions_that_return_something_else_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    library = Sha256.library
    assert isinstance(library, CDLL)
    ignored = SimpleNamespace(
        SHA256_Init=library.SHA256_Init, SHA256_Update=lambda *arguments: None, SHA256_Final=library.SHA256_Final
    )
    monkeypatch.setattr(openssl._Hash, "library", ignored)
    assert not Sha256.works()
