"""How little is read of large files that lie elsewhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from django_largefiles.extractors.base import Metadata
from django_largefiles.options import ExtractionLimits
from django_largefiles.sandbox.runner import run
from tests.remote_files import GIB, KIB, MIB, RemoteFile, book, film, photograph, recording

BUILT_IN = "django_largefiles.extractors"


def describe(file: RemoteFile, extractor: str, media_type: str) -> Metadata:
    return run(f"{BUILT_IN}.{extractor}", file, media_type, ExtractionLimits()).metadata  # type: ignore[arg-type]


def assert_cheap(file: RemoteFile, *, requests: int = 6, bytes_read: int = 128 * KIB) -> None:
    assert (file.requests <= requests, file.bytes_read <= bytes_read) == (True, True), vars(file)


@pytest.mark.parametrize("table_bytes", [10 * KIB, 400 * KIB, 4 * MIB])
def test_a_film_of_two_gigabytes(samples: Path, table_bytes: int) -> None:
    file = film((samples / "a.mp4").read_bytes(), 2 * GIB, table_bytes)
    metadata = describe(file, "media.MediaExtractor", "video/mp4")
    assert (metadata.width, metadata.height, metadata.attributes["audio_channels"]) == (64, 48, 1)
    assert metadata.duration == pytest.approx(1, abs=0.1)
    assert_cheap(file)


def test_a_photograph_of_a_hundred_megabytes() -> None:
    file = photograph(100 * MIB)
    metadata = describe(file, "image.ImageExtractor", "image/jpeg")
    assert (metadata.width, metadata.height, metadata.attributes["camera_make"]) == (600, 400, "Maker")
    assert_cheap(file)


def test_a_recording_of_two_hundred_megabytes(samples: Path) -> None:
    file = recording((samples / "a.mp3").read_bytes(), 200 * MIB)
    metadata = describe(file, "media.MediaExtractor", "audio/mpeg")
    assert metadata.duration == pytest.approx(200 * MIB / 8000, rel=0.01)
    assert_cheap(file)


@pytest.mark.parametrize(("pages", "claimed"), [(200, False), (1000, True)])
def test_a_book_of_five_hundred_megabytes(pages: int, claimed: bool) -> None:
    file = book(pages, 500 * MIB)
    metadata = describe(file, "pdf.PdfExtractor", "application/pdf")
    assert (metadata.page_count, metadata.attributes["page_count_claimed"]) == (pages, claimed)
    assert metadata.attributes["page_size"] == [612, 792]
    assert_cheap(file, requests=250, bytes_read=4 * MIB)
