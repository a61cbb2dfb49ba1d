"""The files that the demonstration uploads, created for each run, and the expected results."""

from __future__ import annotations

import hashlib
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import imageio_ffmpeg
from PIL import ExifTags, Image
from pypdf import PdfWriter

MIB = 1024 * 1024
LARGE = 2 * 1024 * MIB
RANDOM_BLOCKS = 64
BOX_HEADER = 16


@dataclass(frozen=True, kw_only=True)
class Sample:
    """``media_type`` is the declared type, and the expected one unless the file is refused with the code ``refusal``.

    ``metadata`` has the expected columns, ``attributes`` the keys expected in ``extra_attributes``.
    """

    path: Path
    media_type: str
    metadata: dict[str, object]
    attributes: tuple[str, ...] = ()
    refusal: str = ""

    @property
    def size(self) -> int:
        return self.path.stat().st_size

    def sha256(self) -> str:
        with self.path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()


def make_small(folder: Path) -> Iterator[Sample]:
    for make in SMALL:
        yield make(folder)


def photograph(folder: Path) -> Sample:
    path = folder / "photograph.jpg"
    shade = Image.linear_gradient("L").resize((4000, 3000))
    grain = Image.effect_noise((4000, 3000), 40)
    Image.merge("RGB", (shade, grain, shade.rotate(180))).save(path, quality=85, exif=_exif())
    return Sample(
        path=path,
        media_type="image/jpeg",
        # EXIF asks for a quarter turn: width and height are swapped.
        metadata={"width": 3000, "height": 4000},
        attributes=("camera_make", "camera_model", "taken_at", "has_gps"),
    )


def _exif() -> Image.Exif:
    exif = Image.Exif()
    exif[ExifTags.Base.Make] = "Example"
    exif[ExifTags.Base.Model] = "Camera One"
    exif[ExifTags.Base.Orientation] = 6
    exif[ExifTags.Base.DateTime] = "2026:05:04 10:20:30"
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.DateTimeOriginal] = "2026:05:04 10:20:30"
    exif.get_ifd(ExifTags.IFD.GPSInfo).update(
        {
            ExifTags.GPS.GPSLatitudeRef: "N",
            ExifTags.GPS.GPSLatitude: (48.0, 51.0, 30.0),
            ExifTags.GPS.GPSLongitudeRef: "E",
            ExifTags.GPS.GPSLongitude: (2.0, 17.0, 40.0),
        }
    )
    return exif


def report(folder: Path) -> Sample:
    path = folder / "report.pdf"
    writer = PdfWriter()
    for _ in range(7):
        writer.add_blank_page(width=595, height=842)
    writer.add_metadata({"/Title": "Report of the year", "/Author": "A. Author"})
    writer.write(path)
    return Sample(
        path=path,
        media_type="application/pdf",
        metadata={"page_count": 7, "title": "Report of the year"},
        attributes=("author",),
    )


def song(folder: Path) -> Sample:
    path = folder / "song.mp3"
    _ffmpeg(
        *("-f", "lavfi", "-i", "sine=frequency=440:duration=5", "-c:a", "libmp3lame", "-b:a", "128k"),
        *("-metadata", "title=Concert pitch", "-metadata", "artist=A. Fork", str(path)),
    )
    return Sample(
        path=path,
        media_type="audio/mpeg",
        metadata={"duration": 5, "title": "Concert pitch"},
        attributes=("artist",),
    )


def clip(folder: Path) -> Sample:
    path = folder / "clip.mp4"
    _ffmpeg(
        *("-f", "lavfi", "-i", "testsrc2=size=640x360:rate=25:duration=3"),
        *("-f", "lavfi", "-i", "sine=duration=3", "-c:v", "libx264", "-pix_fmt", "yuv420p", "-c:a", "aac"),
        *("-movflags", "+faststart", "-metadata", "title=Test card", str(path)),
    )
    return Sample(path=path, media_type="video/mp4", metadata={"width": 640, "height": 360, "duration": 3})


def executable(folder: Path) -> Sample:
    path = folder / "photo.png"
    shutil.copyfile(Path(sys.executable).resolve(), path)
    return Sample(path=path, media_type="image/png", metadata={}, refusal="type_not_allowed")


def film(folder: Path) -> Sample:
    """Extend the clip by a ``free`` box (ISO/IEC 14496-12, 8.1.2) to exactly 2 GiB."""
    short = clip(folder)
    path = short.path.rename(folder / "film.mp4")
    beginning = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(beginning)
        file.write((1).to_bytes(4, "big") + b"free" + (LARGE - beginning).to_bytes(8, "big"))
        for offset in random.sample(range(beginning + BOX_HEADER, LARGE - MIB), RANDOM_BLOCKS):
            file.seek(offset)
            file.write(os.urandom(MIB))
        file.truncate(LARGE)
    return Sample(path=path, media_type=short.media_type, metadata=short.metadata)


SMALL: list[Callable[[Path], Sample]] = [photograph, report, song, clip, executable]


def _ffmpeg(*arguments: str) -> None:
    subprocess.run(
        [imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-hide_banner", "-loglevel", "error", "-y", *arguments],
        stdin=subprocess.DEVNULL,
        check=True,
    )
