from __future__ import annotations

import bz2
import gzip
import io
import lzma
from typing import Any

import pytest

from django_largefiles.containers.facts import Unreadable
from django_largefiles.extractors import archive
from django_largefiles.extractors.archive import ArchiveExtractor
from tests.archives import tar_of, zip_of

ZIP = zip_of({"a.txt": "a" * 100, "b.zip": "b"})
TAR = tar_of({"a.txt": "a" * 100, "b.zip": "b"})


def attributes(data: bytes, media_type: str) -> dict[str, Any]:
    return dict(ArchiveExtractor().extract(io.BytesIO(data), media_type).attributes)


@pytest.mark.parametrize(
    ("data", "media_type", "name"),
    [
        (ZIP, "application/zip", "zip"),
        (ZIP, "application/java-archive", "zip"),
        (TAR, "application/x-tar", "tar"),
        (gzip.compress(TAR), "application/gzip", "tar+gzip"),
        (bz2.compress(TAR), "application/x-bzip2", "tar+bzip2"),
        (lzma.compress(TAR), "application/x-xz", "tar+xz"),
    ],
    ids=["zip", "jar", "tar", "tar.gz", "tar.bz2", "tar.xz"],
)
def test_what_an_archive_holds(data: bytes, media_type: str, name: str) -> None:
    assert attributes(data, media_type) == {
        "format": name,
        "archive": {
            "entries": 2,
            "total_size": 101,
            "ratio": round(101 / len(data), 1),
            "complete": True,
            "nested": 1,
            "links": 0,
            "traversal": 0,
            "encrypted": 0,
            "overlapping": 0,
            "duplicates": 0,
            "largest": len(TAR) if "+" in name else 100,
            "methods": {"zip": ("deflate",), "tar": ()}.get(name, (name.partition("+")[2],)),
            "compared": 2 if name == "zip" else 0,
            "ambiguous": 0,
        },
    }


def test_what_follows_a_compressed_tar_is_not_read_as_one() -> None:
    facts = attributes(gzip.compress(TAR) + b"garbage", "application/gzip")["archive"]
    assert (facts["entries"], facts["complete"]) == (2, True)


@pytest.mark.parametrize(
    ("content", "nested"),
    [(b"hello" * 1000, 0), (ZIP, 1), (gzip.compress(b"a"), 1), (b"", 0), (bytes(1024), 0)],
    ids=["text", "zip", "gzip", "nothing", "zeros"],
)
def test_what_a_compressed_file_holds(content: bytes, nested: int) -> None:
    found = attributes(gzip.compress(content), "application/gzip")
    facts = found["archive"]
    assert found["format"] == "gzip"
    assert (facts["entries"], facts["total_size"], facts["complete"], facts["nested"]) == (
        1,
        len(content),
        True,
        nested,
    )


def test_a_compressed_bomb_is_unpacked_up_to_the_cap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "UNPACKED_BYTES", 1_000_000)
    facts = attributes(gzip.compress(bytes(20_000_000)), "application/gzip")["archive"]
    assert (facts["total_size"], facts["complete"]) == (1_000_000, False)
    assert facts["ratio"] > 40


def test_a_compressed_tar_is_read_up_to_the_cap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "UNPACKED_BYTES", 1_000_000)
    data = gzip.compress(tar_of({"a": bytes(900_000), "b": bytes(900_000)}))
    facts = attributes(data, "application/gzip")["archive"]
    assert (facts["entries"], facts["complete"]) == (1, False)


@pytest.mark.parametrize("media_type", ["application/zip", "application/x-tar", "application/gzip"])
def test_what_is_no_archive_is_not_described(media_type: str) -> None:
    with pytest.raises(Unreadable):
        attributes(b"no archive " * 1000, media_type)
