"""Video in the containers that mutagen does not know, by PyAV (the extra ``video``): headers only, never frames."""

from __future__ import annotations

import importlib
import os
from collections.abc import Mapping
from typing import Any, BinaryIO, ClassVar

from .base import JSON, MAX_TITLE, Metadata, clean_text
from .media import MediaExtractor, positive, sane_duration
from .rationed import RationedFile

PROBED_BYTES = 128 * 1024
"""How far FFmpeg looks into the first packets for what the headers do not tell, such as the rate of frames."""
READ_BYTES = 4 * 1024 * 1024
"""In all, of one file: FFmpeg searches the whole of it for a next packet, and makes do where it ends."""
MAX_SIDE = 1_000_000
"""Pixels."""
MAX_FRAME_RATE = 1000

_OPTIONS = {
    # To find what is missing FFmpeg would decode frames: it may use no decoder. Nor any way to another file.
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

# As Metadata has them, with FFmpeg's names.
_TAGS = {"artist": "artist", "album": "album", "date": "date", "genre": "genre", "tracknumber": "track"}


class VideoExtractor(MediaExtractor):
    """What ``MediaExtractor`` describes, and with PyAV installed the types of ``demuxers`` too.

    MP4 and its kin are not among them: of a long film FFmpeg reads megabytes, where a few of its boxes will do.
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
    """Media type to the one demuxer of FFmpeg that may open it."""

    def __init__(self) -> None:
        # Here and not above, because the system checks import this module into processes that never open a film.
        self._pyav = _imported("av")

    def extract(self, file: BinaryIO, media_type: str) -> Metadata:
        demuxer = self.demuxers.get(media_type)
        if self._pyav is None or demuxer is None:
            return super().extract(file, media_type)
        size = file.seek(0, os.SEEK_END)
        rationed = RationedFile(file, READ_BYTES)
        # An AVI has its frames indexed at the end, in megabytes that FFmpeg reads where it can seek.
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
    """What keeps PyAV from failing at texts that are not UTF-8. Since 19 it is that way, and takes no argument."""
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
    """Or it is the picture on the cover."""
    return not stream.disposition & _ON_THE_COVER


def _size(stream: Any) -> tuple[int, int] | tuple[None, None]:
    size = (getattr(stream, "width", 0), getattr(stream, "height", 0))
    return size if all(0 < side <= MAX_SIDE for side in size) else (None, None)


def _frame_rate(stream: Any) -> float | None:
    rate = float(getattr(stream, "average_rate", None) or 0)
    return round(rate, 3) if 0 < rate <= MAX_FRAME_RATE else None


def _codec(stream: Any) -> str:
    # Of a stream that FFmpeg has no decoder for there is no context.
    context = getattr(stream, "codec_context", None)
    return clean_text(context.codec.canonical_name) if context else ""


def _tags(*tagged: Any) -> dict[str, str]:
    """Of the first of the container and its streams that has a name; names in lower case."""
    found: dict[str, str] = {}
    for part in filter(None, tagged):
        found = {key.lower(): text for key, text in part.metadata.items()} | found
    return found
