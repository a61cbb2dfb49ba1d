"""Describe video in containers that mutagen does not know, with PyAV (the extra ``video``). Never decode frames."""

from __future__ import annotations

import importlib
import os
from collections.abc import Mapping
from typing import Any, BinaryIO, ClassVar

from .base import JSON, MAX_TITLE, Metadata, clean_text
from .media import MediaExtractor, positive, sane_duration
from .rationed import RationedFile

PROBED_BYTES = 128 * 1024
"""Bytes of the first packets in which FFmpeg looks for values that the headers lack, such as the frame rate."""
READ_BYTES = 4 * 1024 * 1024
"""Bytes read of one file in all. FFmpeg would search the whole file for a next packet, but accepts that it ends."""
MAX_SIDE = 1_000_000
"""Pixels."""
MAX_FRAME_RATE = 1000

_OPTIONS = {
    # FFmpeg would decode frames to find missing values: allow no decoder, and no access to other files.
    "codec_whitelist": "none",
    "protocol_whitelist": "none",
    "probesize": str(PROBED_BYTES),
    "max_streams": "64",
    "threads": "1",
}
_READ_SIZE = 64 * 1024
# FFmpeg's AV_TIME_BASE and AV_DISPOSITION_ATTACHED_PIC.
_UNITS_PER_SECOND = 1_000_000
_ON_THE_COVER = 1 << 10

# The name of each attribute, with FFmpeg's name of the tag.
_TAGS = {"artist": "artist", "album": "album", "date": "date", "genre": "genre", "tracknumber": "track"}


class VideoExtractor(MediaExtractor):
    """Describe the types of ``MediaExtractor`` and, if PyAV is installed, those of ``demuxers``.

    MP4 and related formats are not among the latter: FFmpeg reads megabytes of a long film, of which a few boxes are
    enough.
    """

    optional_modules: ClassVar[Mapping[str, str]] = {"av": "django-largefiles[video]"}

    demuxers: ClassVar[Mapping[str, str]] = {
        "video/x-matroska": "matroska",
        "video/webm": "matroska",
        "video/x-msvideo": "avi",
        "video/x-flv": "flv",
        "video/x-ms-asf": "asf",
        "video/ogg": "ogg",
        "video/mpeg": "mpeg",
        "video/mp2t": "mpegts",
    }
    """The FFmpeg demuxer that may open each media type."""

    def __init__(self) -> None:
        # Not at the top of the module, because the system checks import it into processes that never open a film.
        self._pyav = _imported("av")

    def extract(self, file: BinaryIO, media_type: str) -> Metadata:
        demuxer = self.demuxers.get(media_type)
        if self._pyav is None or demuxer is None:
            return super().extract(file, media_type)
        size = file.seek(0, os.SEEK_END)
        rationed = RationedFile(file, READ_BYTES)
        # An AVI has an index of its frames at the end: megabytes, which FFmpeg reads if it can seek.
        source = _Unseekable(rationed) if demuxer == "avi" else rationed
        with self._pyav.open(
            source,
            mode="r",
            format=demuxer,
            container_options=_OPTIONS,
            buffer_size=_READ_SIZE,
            **_texts(self._pyav.__version__),
        ) as container:
            return _describe(container, size)


def _imported(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


def _texts(version: str) -> dict[str, str]:
    """Return the argument that lets PyAV 18 accept texts that are not UTF-8. PyAV 19 needs and takes none."""
    return {"metadata_errors": "replace"} if version.startswith("18.") else {}


class _Unseekable:
    def __init__(self, file: RationedFile) -> None:
        self.read = file.read


def _describe(container: Any, size: int) -> Metadata:
    shown = next(filter(_is_film, container.streams.video), None)
    heard = next(iter(container.streams.audio), None)
    width, height = _size(shown)
    tags = _tags(container, shown, heard)
    attributes: dict[str, JSON] = {
        "video_codec": _codec(shown),
        "frame_rate": _frame_rate(shown),
        "audio_codec": _codec(heard),
        "audio_bitrate": positive(heard, "bit_rate"),
        "audio_sample_rate": positive(heard, "sample_rate"),
        "audio_channels": positive(heard, "channels"),
        **{key: clean_text(tags.get(name)) for key, name in _TAGS.items()},
    }
    return Metadata(
        width=width,
        height=height,
        duration=sane_duration((container.duration or 0) / _UNITS_PER_SECOND, size),
        title=clean_text(tags.get("title"), MAX_TITLE),
        attributes={key: value for key, value in attributes.items() if value},
    )


def _is_film(stream: Any) -> bool:
    """Return False for a cover picture, which is a video stream too."""
    return not stream.disposition & _ON_THE_COVER


def _size(stream: Any) -> tuple[int, int] | tuple[None, None]:
    size = (getattr(stream, "width", 0), getattr(stream, "height", 0))
    return size if all(0 < side <= MAX_SIDE for side in size) else (None, None)


def _frame_rate(stream: Any) -> float | None:
    rate = float(getattr(stream, "average_rate", None) or 0)
    return round(rate, 3) if 0 < rate <= MAX_FRAME_RATE else None


def _codec(stream: Any) -> str:
    # A stream for which FFmpeg has no decoder has no context.
    context = getattr(stream, "codec_context", None)
    return clean_text(context.codec.canonical_name) if context else ""


def _tags(*tagged: Any) -> dict[str, str]:
    """Return the tags by lower-case name. The container and streams that come first take precedence."""
    found: dict[str, str] = {}
    for part in filter(None, tagged):
        found = {key.lower(): text for key, text in part.metadata.items()} | found
    return found
