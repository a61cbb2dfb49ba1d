"""Whatever becomes of a file on its way, an extractor raises or answers within the bounds."""

from __future__ import annotations

import random
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from django_largefiles.extractors.base import Extractor
from django_largefiles.extractors.image import ImageExtractor
from django_largefiles.extractors.pdf import PdfExtractor
from django_largefiles.extractors.video import VideoExtractor
from django_largefiles.sandbox import child
from django_largefiles.sandbox.answer import parse

SEEDS = 40
BOUNDARIES = (b"\0\0\0\0", b"\0\0\0\1", b"\x7f\xff\xff\xff", b"\xff\xff\xff\xff", b"\x80\0\0\0")


@pytest.fixture
def samples(media: Path, pdf: Path, tmp_path: Path) -> list[Path]:
    """Two folders of samples."""
    frames = [Image.new("RGB", (30, 20), (80 * shade, 0, 0)) for shade in range(3)]
    for name in ("a.jpg", "a.png", "a.gif", "a.webp"):
        frames[0].save(tmp_path / name, save_all=name != "a.jpg", append_images=frames[1:])
    return [media, tmp_path]


def damaged(content: bytes, seed: int) -> bytes:
    """Cut off, with bits turned over, a number at its limit, a piece taken out, or one repeated."""
    chance, result = random.Random(seed), bytearray(content)
    start = chance.randrange(min(len(content), chance.choice((64, 512, len(content)))))
    end = start + chance.randrange(1, 200)
    match seed % 5:
        case 0:
            del result[start:]
        case 1:
            for _ in range(20):
                result[chance.randrange(len(result))] ^= 1 << chance.randrange(8)
        case 2:
            result[start : start + 4] = chance.choice(BOUNDARIES)
        case 3:
            del result[start:end]
        case _:
            result[start:start] = result[start:end] * chance.choice((1, 10, 1000))
    return bytes(result)


@pytest.mark.parametrize(
    ("name", "media_type", "extractor"),
    [
        ("a.jpg", "image/jpeg", ImageExtractor),
        ("a.png", "image/png", ImageExtractor),
        ("a.gif", "image/gif", ImageExtractor),
        ("a.webp", "image/webp", ImageExtractor),
        ("a.pdf", "application/pdf", PdfExtractor),
        ("xing.mp3", "audio/mpeg", VideoExtractor),
        ("tone.flac", "audio/flac", VideoExtractor),
        ("tone.opus", "audio/ogg", VideoExtractor),
        ("tone.wav", "audio/x-wav", VideoExtractor),
        ("tone.m4a", "audio/x-m4a", VideoExtractor),
        ("film.mp4", "video/mp4", VideoExtractor),
        ("film.mkv", "video/x-matroska", VideoExtractor),
        ("film.avi", "video/x-msvideo", VideoExtractor),
        ("film.wmv", "video/x-ms-asf", VideoExtractor),
        ("film.ts", "video/mp2t", VideoExtractor),
    ],
)
def test_a_damaged_file_gives_nothing_out_of_bounds(
    name: str, media_type: str, extractor: type[Extractor], samples: list[Path]
) -> None:
    (path,) = (folder / name for folder in samples if (folder / name).exists())
    content, described = path.read_bytes(), 0
    for seed in range(SEEDS):
        try:
            metadata = extractor().extract(BytesIO(damaged(content, seed)), media_type)
        except Exception:  # noqa: BLE001 - it may raise anything
            continue
        parse(child._encode(child._content(metadata)))
        described += 1
    # Or they were damaged too much to try anything.
    assert described > SEEDS / 20
