"""How much of a file is read: of a remote one each block is a request."""

from __future__ import annotations

import io
import os
import struct
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from django_largefiles.extractors.base import Extractor, Metadata
from django_largefiles.extractors.image import ImageExtractor
from django_largefiles.extractors.pdf import PdfExtractor
from django_largefiles.extractors.video import VideoExtractor

KIB = 1024
MIB = 1024 * KIB
BLOCK = 16 * KIB


class Blocks(io.RawIOBase):
    """A file that counts the blocks it was read in. A buffer comes between it and the parser, as in the child."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb", buffering=0)
        self.fetched: set[int] = set()

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        return self._file.seek(offset, whence)

    def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]
        position = self._file.tell()
        piece = self._file.read(min(len(buffer), BLOCK - position % BLOCK))
        buffer[: len(piece)] = piece
        self.fetched.add(position // BLOCK)
        return len(piece)

    def close(self) -> None:
        self._file.close()
        super().close()


def box(kind: bytes, *content: bytes) -> bytes:
    joined = b"".join(content)
    return struct.pack(">I4s", 8 + len(joined), kind) + joined


def film_of_2_gib(path: Path, media: Path) -> None:
    """The movie box of a sample, its tables as large as those of a film of hours, behind the frames."""
    sample = (media / "film.mp4").read_bytes()
    movie = sample[sample.index(b"moov") - 4 :]
    movie = movie[: int.from_bytes(movie[:4], "big")]
    frames = 2**31 - 32 - len(movie)
    with path.open("wb") as file:
        file.write(box(b"ftyp", b"isom", bytes(4)) + struct.pack(">I4sQ", 1, b"mdat", frames))
        file.seek(frames - 16, os.SEEK_CUR)
        file.write(with_long_tables(movie))


def with_long_tables(parent: bytes) -> bytes:
    """The box again, each table of samples in it followed by 2 MiB."""
    content, rest = b"", parent[8:]
    while rest:
        size = int.from_bytes(rest[:4], "big")
        child, rest = rest[:size], rest[size:]
        if child[4:8] in {b"trak", b"mdia", b"minf", b"stbl"}:
            child = with_long_tables(child)
        content += child
    if parent[4:8] == b"stbl":
        content += box(b"sdtp", bytes(2 * MIB))
    return box(parent[4:8], content)


def photograph_of_100_mb(path: Path, media: Path) -> None:
    exif = Image.Exif()
    exif[0x010F] = "Acme"
    Image.effect_noise((500, 500), 50).save(path, "JPEG", exif=exif)
    os.truncate(path, 100 * 10**6)


def song_of_200_mb(path: Path, media: Path) -> None:
    frames = (media / "constant.mp3").read_bytes()
    with path.open("wb") as file:
        while file.tell() < 200 * 10**6:
            file.write(frames * 500)


@pytest.mark.parametrize(
    ("make", "media_type", "extractor", "told"),
    [
        pytest.param(film_of_2_gib, "video/mp4", VideoExtractor, {"frame_rate": 5.0}, id="film"),
        pytest.param(photograph_of_100_mb, "image/jpeg", ImageExtractor, {"camera_make": "Acme"}, id="photograph"),
        pytest.param(song_of_200_mb, "audio/mpeg", VideoExtractor, {"codec": "mp3"}, id="song"),
    ],
)
def test_six_blocks_are_enough(
    make: Callable[[Path, Path], None],
    media_type: str,
    extractor: type[Extractor],
    told: dict[str, object],
    media: Path,
    tmp_path: Path,
) -> None:
    make(tmp_path / "a", media)
    metadata, blocks = extracted(tmp_path / "a", media_type, extractor)
    assert told.items() <= metadata.attributes.items()
    assert blocks <= 6


def extracted(path: Path, media_type: str, extractor: type[Extractor]) -> tuple[Metadata, int]:
    """The metadata, and how many blocks were fetched for it."""
    with Blocks(path) as raw:
        file = io.BufferedReader(raw)
        metadata = extractor().extract(file, media_type)
        file.detach()
        return metadata, len(raw.fetched)


def report_of_1000_pages(path: Path) -> None:
    """500 MB: each page lies half a megabyte behind the one before."""
    offsets = []
    with path.open("wb") as file:
        file.write(b"%PDF-1.7\n")
        kids = b" ".join(b"%d 0 R" % number for number in range(3, 1003))
        objects = [b"<</Type /Catalog /Pages 2 0 R>>", b"<</Type /Pages /Count 1000 /Kids [%s]>>" % kids]
        objects += [b"<</Type /Page /Parent 2 0 R /MediaBox [0 0 612 792]>>"] * 1000
        for number, content in enumerate(objects, 1):
            offsets.append(file.tell())
            file.write(b"%d 0 obj\n%s\nendobj\n" % (number, content))
            file.seek(500_000 if number > 2 else 0, os.SEEK_CUR)
        start = file.tell() + 1
        table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
        file.write(b"\nxref\n0 1003\n0000000000 65535 f \n%strailer <</Size 1003 /Root 1 0 R>>\n" % table)
        file.write(b"startxref\n%d\n%%%%EOF\n" % start)


def test_six_blocks_are_enough_for_a_report_of_500_mb(tmp_path: Path) -> None:
    report_of_1000_pages(tmp_path / "a.pdf")
    metadata, blocks = extracted(tmp_path / "a.pdf", "application/pdf", PdfExtractor)
    assert (metadata.page_count, metadata.attributes["page_count_claimed"]) == (1000, True)
    assert metadata.attributes["page_size"] == [612.0, 792.0]
    assert blocks <= 6
