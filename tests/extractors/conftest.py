from __future__ import annotations

import subprocess
from pathlib import Path

import imageio_ffmpeg
import pytest
from PIL import Image
from pypdf import PdfWriter

TONE = ("-map", "0:a", "-metadata", "title=Nocturne", "-metadata", "artist=Ada", "-metadata", "date=2020")
PICTURE = ("-map", "1:v", "-pix_fmt", "yuv420p")
OUTPUTS = {
    "xing.mp3": (*TONE, "-b:a", "64k"),
    "constant.mp3": ("-map", "0:a", "-b:a", "64k", "-write_xing", "0", "-id3v2_version", "0"),
    "tone.wav": TONE,
    "tone.aiff": TONE,
    "tone.flac": TONE,
    "tone.ogg": (*TONE, "-c:a", "libvorbis"),
    "tone.opus": TONE,
    "tone.m4a": TONE,
    "tone.aac": TONE,
    "tone.wma": TONE,
    "film.mp4": ("-map", "0:a", *PICTURE),
    "film.mov": ("-map", "0:a", *PICTURE),
    "film.webm": (*PICTURE, "-c:v", "libvpx"),
    "film.mkv": ("-map", "0:a", *PICTURE, "-metadata", "title=Nocturne", "-metadata", "artist=Ada"),
    "film.avi": ("-map", "0:a", *PICTURE),
    "film.flv": ("-map", "0:a", *PICTURE),
    "film.wmv": ("-map", "0:a", *PICTURE),
    "film.mpg": ("-map", "0:a", *PICTURE, "-r", "25"),
    "film.ts": ("-map", "0:a", *PICTURE, "-r", "25"),
    "tone.mka": ("-map", "0:a"),
    "film.ogv": (*PICTURE, "-c:v", "libtheora"),
    "silent.mp4": PICTURE,
}


@pytest.fixture(scope="session")
def media(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of one-second samples, made by one run of ffmpeg."""
    folder = tmp_path_factory.mktemp("media")
    outputs = [word for name, options in OUTPUTS.items() for word in (*options, str(folder / name))]
    sources = ("-f", "lavfi", "-i", "sine=d=1", "-f", "lavfi", "-i", "testsrc=d=1:s=64x48:r=5")
    subprocess.run([imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", *sources, *outputs], check=True)
    upright = ("-display_rotation", "90", "-i", str(folder / "silent.mp4"), "-c", "copy")
    subprocess.run([imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", *upright, str(folder / "upright.mp4")], check=True)
    covered = (
        "-i",
        str(folder / "tone.mka"),
        "-attach",
        str(folder / "cover.jpg"),
        "-metadata:s:t",
        "mimetype=image/jpeg",
    )
    Image.new("RGB", (600, 600)).save(folder / "cover.jpg")
    subprocess.run(
        [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", *covered, "-c", "copy", str(folder / "covered.mka")],
        check=True,
    )
    return folder


@pytest.fixture
def pdf(tmp_path: Path) -> Path:
    writer = PdfWriter()
    writer.add_blank_page(612, 792)
    writer.add_blank_page(100, 100)
    writer.add_metadata(
        {
            "/Title": "Annual\0 report",
            "/Author": "Ada",
            "/CreationDate": "D:20200102030405Z",
            "/ModDate": "D:20210102030405+02'00'",
        }
    )
    writer.write(tmp_path / "a.pdf")
    return tmp_path / "a.pdf"
