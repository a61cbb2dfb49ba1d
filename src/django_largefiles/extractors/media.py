"""Describe audio and video with mutagen: duration, audio stream, a few tags, and the picture of MP4 and QuickTime."""

from __future__ import annotations

import dataclasses
import io
import os
from collections.abc import Iterable
from contextlib import suppress
from typing import Any, BinaryIO

import mutagen
from mutagen.aac import AAC, AACInfo
from mutagen.aiff import AIFF, AIFFInfo
from mutagen.asf import ASF
from mutagen.easymp4 import EasyMP4
from mutagen.flac import FLAC
from mutagen.mp3 import EasyMP3, MPEGInfo
from mutagen.oggflac import OggFLAC
from mutagen.oggopus import OggOpus
from mutagen.oggspeex import OggSpeex
from mutagen.oggtheora import OggTheora, OggTheoraInfo
from mutagen.oggvorbis import OggVorbis
from mutagen.wave import WAVE, WaveStreamInfo

from ..containers.isobmff import Box
from ..media_types.families import MOVIE_TYPES
from .base import JSON, MAX_TITLE, Extractor, Metadata, clean_text
from .movie import picture, read_movie
from .rationed import RationedFile

READ_BYTES = 16 * 1024 * 1024
"""Bytes that mutagen may read of one file: the largest cover picture of a FLAC, and the other blocks."""

MAX_DURATION = 100 * 365.25 * 24 * 3600

GUESSED_FILE_BYTES = 1024 * 1024
"""Bytes. If mutagen estimated the duration of a larger MP3 from its size, audio frames must also occur later in it."""

MAX_INFLATION = 4
"""A duration at a constant bit rate may imply at most this many times the file's size."""

MAX_NUMBER = 2**31 - 1

WAVE_PCM = 1

_FORMATS = (EasyMP3, EasyMP4, FLAC, OggVorbis, OggOpus, OggFLAC, OggSpeex, OggTheora, WAVE, AIFF, ASF)
# mutagen recognises these by the file's name, which it does not get here.
_FORMAT_OF_TYPE: dict[str, Any] = {"audio/mpeg": EasyMP3, "audio/aac": AAC, "audio/x-hx-aac-adts": AAC}

_CONSTANT_RATE = (MPEGInfo, WaveStreamInfo, AIFFInfo)
_CODECS: dict[type, str] = {
    FLAC: "flac",
    OggVorbis: "vorbis",
    OggOpus: "opus",
    OggFLAC: "flac",
    OggSpeex: "speex",
    AAC: "aac",
}

# The name in Vorbis comments and mutagen's "easy" tags, in ID3 (of WAVE and AIFF), and in ASF.
_TAGS = {
    "title": ("title", "TIT2", "Title"),
    "artist": ("artist", "TPE1", "Author"),
    "album": ("album", "TALB", "WM/AlbumTitle"),
    "date": ("date", "TDRC", "WM/Year"),
    "genre": ("genre", "TCON", "WM/Genre"),
    "tracknumber": ("tracknumber", "TRCK", "WM/TrackNumber"),
}


class MediaExtractor(Extractor):
    """Describe the formats that mutagen knows. For others, such as Matroska and AVI, see ``video``."""

    def extract(self, file: BinaryIO, media_type: str) -> Metadata:
        if media_type in MOVIE_TYPES:
            return _describe_movie(file, media_type)
        parsed = _open(file, media_type)
        return Metadata() if parsed is None else _describe(parsed, file, media_type)


def _describe_movie(file: BinaryIO, media_type: str) -> Metadata:
    movie = read_movie(file)
    if movie is None:
        raise ValueError("no movie box")
    shown = picture(movie)
    if shown is None:
        return _describe(_open_movie(movie), file, media_type)
    try:
        heard = _describe(_open_movie(movie), file, media_type)
    except mutagen.MutagenError:
        # The picture can still be reported.
        heard = Metadata()
    seen = {"video_codec": shown.codec, "frame_rate": shown.frame_rate}
    return dataclasses.replace(
        heard,
        width=shown.width,
        height=shown.height,
        attributes={**{key: value for key, value in seen.items() if value}, **heard.attributes},
    )


def _open_movie(movie: Box) -> Any:
    """Have mutagen parse the movie box alone: in the whole file it would seek from table to table."""
    return EasyMP4(io.BytesIO(Box(kind=b"ftyp", content=b"isom").encoded() + movie.encoded()))  # type: ignore[no-untyped-call]


def _describe(parsed: Any, file: BinaryIO, media_type: str) -> Metadata:
    tags = _tags(parsed.tags)
    return Metadata(
        duration=_duration(parsed.info, file),
        title=clean_text(tags.pop("title", ""), MAX_TITLE),
        attributes={**_stream(parsed, media_type), **tags},
    )


def _open(file: BinaryIO, media_type: str) -> Any:
    """Return the parsed file, or ``None`` if mutagen does not know its format."""
    parsed = mutagen.File(RationedFile(file, READ_BYTES), options=_FORMATS)
    if parsed is None and media_type in _FORMAT_OF_TYPE:
        return _FORMAT_OF_TYPE[media_type](RationedFile(file, READ_BYTES))
    return parsed


def _duration(info: Any, file: BinaryIO) -> float | None:
    """Return the duration in seconds, or ``None`` if the file is too small for it."""
    size = file.seek(0, os.SEEK_END)
    duration = sane_duration(info.length, size)
    if duration is None:
        return None
    if isinstance(info, _CONSTANT_RATE) and duration * info.bitrate / 8 > MAX_INFLATION * size:
        return None
    if size > GUESSED_FILE_BYTES and not _plays_to_the_end(info, file, size):
        return None
    return duration


def sane_duration(seconds: float, size: int) -> float | None:
    """Return ``seconds``, or ``None`` if a file of ``size`` bytes cannot last that long."""
    # No codec uses less than one byte per second. The comparison also excludes NaN, infinity and negative values.
    return round(float(seconds), 3) if 0 < seconds <= min(MAX_DURATION, size) else None


def _plays_to_the_end(info: Any, file: BinaryIO, size: int) -> bool:
    """Return whether audio continues to the end: mutagen may have estimated the duration from appended garbage."""
    if isinstance(info, AACInfo):
        return False
    if not isinstance(info, MPEGInfo) or info.length * info.bitrate / 8 < size / 2:
        return True
    try:
        return all(MPEGInfo(file, offset=size * tenths // 10) for tenths in (5, 9))
    except mutagen.MutagenError:
        return False


def _stream(parsed: Any, media_type: str) -> dict[str, JSON]:
    """Return the attributes of the audio stream. In a video, their names begin with ``audio_``."""
    info = parsed.info
    if isinstance(info, OggTheoraInfo):
        # This object describes the picture.
        return {}
    found = {
        "bitrate": positive(info, "bitrate"),
        "sample_rate": positive(info, "sample_rate"),
        "channels": positive(info, "channels"),
        "codec": _codec(parsed),
    }
    prefix = "audio_" if media_type.startswith("video/") else ""
    return {prefix + key: value for key, value in found.items() if value}


def positive(described: Any, name: str) -> int | None:
    value = getattr(described, name, 0) or 0
    return int(value) if 0 < value <= MAX_NUMBER else None


def _codec(parsed: Any) -> str:
    info = parsed.info
    if isinstance(info, MPEGInfo):
        return f"mp{info.layer}"
    if isinstance(info, WaveStreamInfo):
        return "pcm" if info.audio_format == WAVE_PCM else ""
    return _CODECS.get(type(parsed)) or clean_text(getattr(info, "codec", "") or getattr(info, "codec_type", ""))


def _tags(tags: Any) -> dict[str, JSON]:
    if tags is None:
        return {}
    found = {key: _first_text(tags, names) for key, names in _TAGS.items()}
    return {key: text for key, text in found.items() if text}


def _first_text(tags: Any, names: Iterable[str]) -> str:
    for name in names:
        with suppress(Exception):
            value = tags[name]
            value = getattr(value, "text", value)
            return clean_text(str(value[0] if isinstance(value, list) else value))
    return ""
