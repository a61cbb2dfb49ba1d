"""Describe images with Pillow: read headers only, never decode pixels."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import BinaryIO, ClassVar

from PIL import ExifTags, Image

# Pillow imports its plugins when it opens the first file. In the child, the limits are in force by then, and imports
# may fail.
from PIL import MpoImagePlugin, TiffImagePlugin, WebPImagePlugin  # noqa: F401  # isort: skip

from .base import JSON, Extractor, Metadata, clean_text

Image.preinit()

WALKED_GIF_BYTES = 4 * 1024 * 1024
"""Counting the frames of a GIF means reading all of it. For a larger one, only whether it is animated is reported."""

_SIDEWAYS = {5, 6, 7, 8}


class ImageExtractor(Extractor):
    formats: ClassVar[Mapping[str, str]] = {
        "image/jpeg": "JPEG",
        "image/png": "PNG",
        "image/gif": "GIF",
        "image/webp": "WEBP",
    }
    """The Pillow format that may open each media type. Other types are not described.

    TIFF is left out because its parser has the longest history of vulnerabilities. To include it, add
    ``"image/tiff": "TIFF"`` in a subclass.
    """

    def extract(self, file: BinaryIO, media_type: str) -> Metadata:
        pillow_format = self.formats.get(media_type)
        if pillow_format is None:
            return Metadata()
        source, whole = _bounded(file, pillow_format)
        with _bombs_are_errors(), Image.open(source, formats=[pillow_format]) as image:
            exif = _exif(image)
            width, height = _displayed_size(image, exif)
            return Metadata(
                width=width,
                height=height,
                attributes={
                    "format": image.format or pillow_format,
                    "mode": image.mode,
                    **_frames(image, seen_whole=whole),
                    **_camera(exif),
                },
            )


def _bounded(file: BinaryIO, pillow_format: str) -> tuple[BinaryIO, bool]:
    """Return the part of the file that Pillow may read, and whether it is the whole file."""
    if pillow_format != "GIF":
        return file, True
    file.seek(0)
    head = file.read(WALKED_GIF_BYTES)
    return io.BytesIO(head), not file.read(1)


@contextmanager
def _bombs_are_errors() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        yield


def _exif(image: Image.Image) -> Image.Exif:
    with suppress(Exception):
        # Pillow's getexif() for PNG decodes all pixels to find a chunk that may follow them.
        return Image.Image.getexif(image)
    return Image.Exif()


def _displayed_size(image: Image.Image, exif: Image.Exif) -> tuple[int, int]:
    width, height = image.size
    return (height, width) if exif.get(ExifTags.Base.Orientation) in _SIDEWAYS else (width, height)


def _frames(image: Image.Image, *, seen_whole: bool) -> dict[str, JSON]:
    if image.format == "TIFF":
        # Counting follows a chain of offsets through the whole file.
        return {}
    frames = int(getattr(image, "n_frames", 1))
    # The frames of a multi-picture JPEG are not an animation.
    animated: dict[str, JSON] = {"animated": frames > 1 and image.format != "MPO"}
    return {"frames": frames, **animated} if seen_whole else animated


def _camera(exif: Image.Exif) -> dict[str, JSON]:
    """Return the EXIF data about the photograph. Report only whether there is a GPS position, never the position."""
    found: dict[str, JSON] = {
        "taken_at": _taken_at(_directory(exif, ExifTags.IFD.Exif)),
        "camera_make": clean_text(exif.get(ExifTags.Base.Make)),
        "camera_model": clean_text(exif.get(ExifTags.Base.Model)),
    }
    has_gps = bool(_directory(exif, ExifTags.IFD.GPSInfo))
    return {**{key: value for key, value in found.items() if value}, "has_gps": has_gps}


def _directory(exif: Image.Exif, tag: int) -> Mapping[int, object]:
    with suppress(Exception):
        return exif.get_ifd(tag)
    return {}


def _taken_at(exif: Mapping[int, object]) -> str:
    """Return the time in ISO 8601, with the offset from UTC if the camera wrote it (EXIF 2.31), or ``""``."""
    moment = clean_text(exif.get(ExifTags.Base.DateTimeOriginal))
    offset = clean_text(exif.get(ExifTags.Base.OffsetTimeOriginal))
    for text, pattern in ((moment + offset, "%Y:%m:%d %H:%M:%S%z"), (moment, "%Y:%m:%d %H:%M:%S")):
        with suppress(ValueError):
            return datetime.strptime(text, pattern).isoformat()  # noqa: DTZ007 - a camera's clock has no zone
    return ""
