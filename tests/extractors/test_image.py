from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
from PIL import Image, UnidentifiedImageError
from PIL.GifImagePlugin import GifImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.WebPImagePlugin import WebPImageFile

from django_largefiles.extractors import image as module
from django_largefiles.extractors.base import Metadata
from django_largefiles.extractors.image import ImageExtractor

STILL = {"frames": 1, "animated": False, "has_gps": False}
ORIENTATION, MAKE, MODEL, EXIF, GPS = 0x0112, 0x010F, 0x0110, 0x8769, 0x8825
TAKEN_AT, OFFSET, LATITUDE = 0x9003, 0x9011, 2
# EXIF with a directory of one entry, which follows.
DIRECTORY = b"Exif\0\0II*\0\x08\0\0\0\x01\0"


class TiffExtractor(ImageExtractor):
    formats = {"image/tiff": "TIFF"}


def extract(path: Path, media_type: str, extractor: type[ImageExtractor] = ImageExtractor) -> Metadata:
    with path.open("rb") as file:
        return extractor().extract(file, media_type)


def with_exif(path: Path, tags: dict[int, Any], shot: dict[int, Any] | None = None) -> Path:
    exif = Image.Exif()
    exif.update(tags)
    exif.get_ifd(EXIF).update(shot or {})
    Image.new("RGB", (30, 20)).save(path, exif=exif)
    return path


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png_header(width: int, height: int) -> bytes:
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))


def animation(path: Path, frames: int = 3) -> Path:
    pictures = [Image.new("RGB", (30, 20), (80 * shade, 0, 0)) for shade in range(frames)]
    pictures[0].save(path, save_all=True, append_images=pictures[1:])
    return path


@pytest.mark.parametrize(
    ("name", "media_type", "mode"),
    [
        ("a.jpg", "image/jpeg", "RGB"),
        ("a.png", "image/png", "RGB"),
        ("a.gif", "image/gif", "P"),
        ("a.webp", "image/webp", "RGB"),
    ],
)
def test_still_is_described(tmp_path: Path, name: str, media_type: str, mode: str) -> None:
    Image.new("RGB", (30, 20)).save(tmp_path / name)
    attributes = {"format": media_type.removeprefix("image/").upper(), "mode": mode, **STILL}
    assert extract(tmp_path / name, media_type) == Metadata(width=30, height=20, attributes=attributes)


@pytest.mark.parametrize(
    ("name", "media_type"), [("a.gif", "image/gif"), ("a.png", "image/png"), ("a.webp", "image/webp")]
)
def test_animation_has_frames(tmp_path: Path, name: str, media_type: str) -> None:
    attributes = extract(animation(tmp_path / name), media_type).attributes
    assert (attributes["frames"], attributes["animated"]) == (3, True)


def test_pictures_of_one_jpeg_are_no_animation(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    Image.new("RGB", (30, 20)).save(path, format="MPO", save_all=True, append_images=[Image.new("RGB", (8, 8))])
    attributes = extract(path, "image/jpeg").attributes
    assert (attributes["format"], attributes["frames"], attributes["animated"]) == ("MPO", 2, False)


def test_frames_of_a_large_gif_are_not_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WALKED_GIF_BYTES", animation(tmp_path / "a.gif").stat().st_size - 1)
    attributes = extract(tmp_path / "a.gif", "image/gif").attributes
    assert attributes["animated"] is True
    assert "frames" not in attributes


def test_tiff_is_not_described_unless_opted_in(tmp_path: Path) -> None:
    Image.new("RGB", (30, 20)).save(tmp_path / "a.tif")
    assert extract(tmp_path / "a.tif", "image/tiff") == Metadata()
    opted_in = extract(tmp_path / "a.tif", "image/tiff", TiffExtractor)
    assert (opted_in.width, opted_in.height) == (30, 20)
    assert "frames" not in opted_in.attributes


def test_other_image_type_is_not_described(tmp_path: Path) -> None:
    (tmp_path / "a.svg").write_text("<svg/>")
    assert extract(tmp_path / "a.svg", "image/svg+xml") == Metadata()


def test_only_the_format_of_the_media_type_is_tried(tmp_path: Path) -> None:
    Image.new("RGB", (30, 20)).save(tmp_path / "a.png")
    with pytest.raises(UnidentifiedImageError):
        extract(tmp_path / "a.png", "image/jpeg")


@pytest.mark.parametrize(
    ("orientation", "size"), [(1, (30, 20)), (3, (30, 20)), (6, (20, 30)), (8, (20, 30)), (99, (30, 20))]
)
def test_size_is_that_displayed(tmp_path: Path, orientation: int, size: tuple[int, int]) -> None:
    metadata = extract(with_exif(tmp_path / "a.jpg", {ORIENTATION: orientation}), "image/jpeg")
    assert (metadata.width, metadata.height) == size


@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.webp"])
def test_camera_is_told(tmp_path: Path, name: str) -> None:
    path = with_exif(tmp_path / name, {MAKE: "Acme\0<script>", MODEL: "Snap"}, {TAKEN_AT: "2020:01:02 03:04:05"})
    attributes = extract(path, f"image/{name.removeprefix('a.')}".replace("jpg", "jpeg")).attributes
    assert attributes["camera_make"] == "Acme <script>"
    assert attributes["camera_model"] == "Snap"
    assert attributes["taken_at"] == "2020-01-02T03:04:05"


@pytest.mark.parametrize(
    ("shot", "taken_at"),
    [
        pytest.param({TAKEN_AT: "2020:01:02 03:04:05", OFFSET: "+02:00"}, "2020-01-02T03:04:05+02:00", id="offset"),
        pytest.param({TAKEN_AT: "2020:01:02 03:04:05", OFFSET: "?"}, "2020-01-02T03:04:05", id="bad offset"),
        pytest.param({TAKEN_AT: "0000:00:00 00:00:00"}, None, id="unset clock"),
    ],
)
def test_time_is_iso_8601(tmp_path: Path, shot: dict[int, str], taken_at: str | None) -> None:
    assert extract(with_exif(tmp_path / "a.jpg", {}, shot), "image/jpeg").attributes.get("taken_at") == taken_at


def test_position_is_flagged_and_not_told(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif.get_ifd(GPS)[LATITUDE] = (48.0, 51.0, 29.0)
    Image.new("RGB", (30, 20)).save(tmp_path / "a.jpg", exif=exif)
    attributes = extract(tmp_path / "a.jpg", "image/jpeg").attributes
    assert attributes == {"format": "JPEG", "mode": "RGB", **STILL, "has_gps": True}


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"Exif\0\0garbage", id="no directory"),
        pytest.param(DIRECTORY + struct.pack("<HHI4sI", EXIF, 2, 3, b"ab", 0), id="text for an offset"),
        pytest.param(DIRECTORY + struct.pack("<HHIII", EXIF, 4, 1, 2**31, 0), id="offset beyond"),
    ],
)
def test_broken_exif_leaves_the_rest(tmp_path: Path, content: bytes) -> None:
    Image.new("RGB", (30, 20)).save(tmp_path / "a.jpg", exif=content)
    assert extract(tmp_path / "a.jpg", "image/jpeg").width == 30


def test_directory_that_pillow_cannot_read_leaves_the_rest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(exif: Image.Exif, tag: int) -> None:
        raise ValueError(tag)

    path = with_exif(tmp_path / "a.jpg", {MAKE: "Acme"})
    monkeypatch.setattr(Image.Exif, "get_ifd", fail)
    attributes = extract(path, "image/jpeg").attributes
    assert (attributes["camera_make"], attributes["has_gps"]) == ("Acme", False)


def test_broken_exif_in_text_leaves_the_rest(tmp_path: Path) -> None:
    text = chunk(b"tEXt", b"Raw profile type exif\0\n\n\nnot hexadecimal")
    (tmp_path / "a.png").write_bytes(png_header(30, 20) + text + chunk(b"IDAT", b"") + chunk(b"IEND", b""))
    assert extract(tmp_path / "a.png", "image/png").width == 30


@pytest.mark.parametrize(
    ("size", "error"),
    [((10_000, 10_000), Image.DecompressionBombWarning), ((30_000, 30_000), Image.DecompressionBombError)],
    ids=["100 megapixels", "900 megapixels"],
)
def test_too_many_pixels_are_refused(tmp_path: Path, size: tuple[int, int], error: type[Exception]) -> None:
    (tmp_path / "a.png").write_bytes(png_header(*size) + chunk(b"IDAT", b"") + chunk(b"IEND", b""))
    with pytest.raises(error):
        extract(tmp_path / "a.png", "image/png")


@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.gif", "a.webp"])
def test_pixels_are_not_decoded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    load = Mock()
    Image.new("RGB", (30, 20)).save(tmp_path / name)
    for plugin in (JpegImageFile, PngImageFile, GifImageFile, WebPImageFile):
        monkeypatch.setattr(plugin, "load", load)
    extract(tmp_path / name, f"image/{name.removeprefix('a.')}".replace("jpg", "jpeg"))
    load.assert_not_called()


def test_png_declaring_two_gigabytes_of_pixels_is_described(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(png_header(30, 20) + struct.pack(">I", 2**31 - 1) + b"IDAT not deflated")
    assert extract(tmp_path / "a.png", "image/png").width == 30
