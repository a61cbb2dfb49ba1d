"""What it takes to detect and describe large objects, through the real reader and the real sandbox."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import cast

import pytest

from django_largefiles.extractors.base import Metadata
from django_largefiles.media_types.sniffing import sniff_file
from django_largefiles.options import ExtractionLimits
from django_largefiles.sandbox.runner import run
from django_largefiles.stores.s3.bucket import Bucket, Stat
from django_largefiles.stores.s3.reader import open_object
from tests.remote_files import GIB, KIB, MIB, RemoteFile, book, film, photograph, recording


class Pretended:
    """A bucket with one object, which counts what it is asked for."""

    def __init__(self, content: RemoteFile) -> None:
        self._content = content
        self.requests = 0
        self.bytes_read = 0

    def stat(self, key: str) -> Stat:
        self.requests += 1
        return Stat(size=self._content.seek(0, 2), etag='"1"')

    def read(self, key: str, start: int, length: int, *, etag: str) -> bytes:
        self.requests += 1
        self.bytes_read += length
        self._content.seek(start)
        return self._content.read(length)


def described(bucket: Pretended, media_type: str, extractor: str) -> Metadata:
    with open_object(cast("Bucket", bucket), "key") as file:
        assert sniff_file(file) == media_type
        extraction = run(f"django_largefiles.extractors.{extractor}", file, media_type, ExtractionLimits())
    return extraction.metadata


@pytest.mark.parametrize(
    ("make", "media_type", "extractor", "width"),
    [
        pytest.param(
            lambda mp4, mp3: film(mp4, 2 * GIB, 400 * KIB), "video/mp4", "video.VideoExtractor", 64, id="film"
        ),
        pytest.param(
            lambda mp4, mp3: photograph(100 * MIB), "image/jpeg", "image.ImageExtractor", 600, id="photograph"
        ),
        pytest.param(
            lambda mp4, mp3: recording(mp3, 200 * MIB), "audio/mpeg", "media.MediaExtractor", None, id="recording"
        ),
    ],
)
def test_headers_of_large_objects_cost_little(
    make: Callable[[bytes, bytes], RemoteFile],
    media_type: str,
    extractor: str,
    width: int | None,
    samples: Path,
) -> None:
    bucket = Pretended(make((samples / "a.mp4").read_bytes(), (samples / "a.mp3").read_bytes()))
    metadata = described(bucket, media_type, extractor)
    assert metadata.width == width
    assert (bucket.requests <= 6, bucket.bytes_read <= 128 * KIB) == (True, True), vars(bucket)


def test_a_book_of_a_thousand_pages_costs_little() -> None:
    bucket = Pretended(book(1000, 500 * MIB))
    assert described(bucket, "application/pdf", "pdf.PdfExtractor").page_count == 1000
    assert bucket.bytes_read <= 4 * MIB
