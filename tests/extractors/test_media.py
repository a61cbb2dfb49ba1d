from __future__ import annotations

import io
import math
import shutil
import struct
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import mutagen
import pytest
from mutagen.easyid3 import EasyID3
from mutagen.id3 import ID3, TIT2, TPE1

from django_largefiles.extractors import media as module
from django_largefiles.extractors.base import Metadata
from django_largefiles.extractors.media import MediaExtractor

TAGS = {"artist": "Ada", "date": "2020"}
MIB = 1024 * 1024


def extract(path: Path, media_type: str) -> Metadata:
    with path.open("rb") as file:
        return MediaExtractor().extract(file, media_type)


def followed_by_zeros(source: Path, target: Path, size: int = 3 * 1024 * MIB) -> Path:
    shutil.copyfile(source, target)
    with target.open("r+b") as file:
        file.truncate(size)
    return target


@pytest.mark.parametrize(
    ("name", "media_type", "codec", "sample_rate", "tags"),
    [
        ("xing.mp3", "audio/mpeg", "mp3", 44100, TAGS),
        ("constant.mp3", "audio/mpeg", "mp3", 44100, {}),
        ("tone.wav", "audio/x-wav", "pcm", 44100, {}),
        ("tone.aiff", "audio/x-aiff", None, 44100, {}),
        ("tone.flac", "audio/flac", "flac", 44100, TAGS),
        ("tone.ogg", "audio/ogg", "vorbis", 44100, TAGS),
        ("tone.opus", "audio/ogg", "opus", None, TAGS),
        ("tone.m4a", "audio/x-m4a", "mp4a.40.2", 44100, TAGS),
        ("tone.aac", "audio/x-hx-aac-adts", "aac", 44100, {}),
        ("tone.wma", "audio/x-ms-wma", "Windows Media Audio 9 Standard", 44100, TAGS),
    ],
)
def test_audio_is_described(
    media: Path, name: str, media_type: str, codec: str | None, sample_rate: int | None, tags: dict[str, str]
) -> None:
    metadata = extract(media / name, media_type)
    attributes = dict(metadata.attributes)
    assert metadata.duration == pytest.approx(1, abs=0.1)
    assert metadata.title == ("Nocturne" if tags else "")
    assert isinstance(attributes.pop("bitrate"), int)
    known = {"codec": codec, "sample_rate": sample_rate, "channels": 1, **tags}
    assert attributes == {key: value for key, value in known.items() if value}


@pytest.mark.parametrize(
    ("name", "media_type", "size", "sounds"),
    [
        ("film.mp4", "video/mp4", (64, 48), True),
        ("film.mov", "video/quicktime", (64, 48), True),
        ("silent.mp4", "video/mp4", (64, 48), False),
        ("upright.mp4", "video/mp4", (48, 64), False),
        ("film.ogv", "video/ogg", (None, None), False),
    ],
)
def test_video_is_described(
    media: Path, name: str, media_type: str, size: tuple[int | None, int | None], sounds: bool
) -> None:
    metadata = extract(media / name, media_type)
    assert (metadata.width, metadata.height) == size
    assert metadata.duration == pytest.approx(1, abs=0.1)
    assert metadata.attributes.get("audio_channels") == (1 if sounds else None)
    assert metadata.attributes.get("frame_rate") == (5 if size[0] else None)
    assert metadata.attributes.get("video_codec") == ("h264" if size[0] else None)
    assert "channels" not in metadata.attributes


def test_unknown_format_is_not_described(media: Path) -> None:
    assert extract(media / "film.webm", "video/webm") == Metadata()


def test_film_that_mutagen_cannot_read_has_its_picture(media: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: object, **kwargs: object) -> None:
        raise mutagen.MutagenError("odd")

    monkeypatch.setattr(module, "EasyMP4", fail)
    attributes = {"video_codec": "h264", "frame_rate": 5.0}
    assert extract(media / "film.mp4", "video/mp4") == Metadata(width=64, height=48, attributes=attributes)
    with pytest.raises(mutagen.MutagenError, match="odd"):
        extract(media / "tone.m4a", "audio/x-m4a")


def test_film_without_a_movie_box_is_an_error(media: Path, tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes((media / "film.mp4").read_bytes().replace(b"moov", b"free"))
    with pytest.raises(ValueError, match="no movie box"):
        extract(tmp_path / "a.mp4", "video/mp4")


@pytest.mark.parametrize(
    ("name", "media_type"), [("constant.mp3", "audio/mpeg"), ("tone.aac", "audio/aac")], ids=["MP3", "AAC"]
)
def test_duration_guessed_from_appended_zeros_is_left_out(
    media: Path, tmp_path: Path, name: str, media_type: str
) -> None:
    metadata = extract(followed_by_zeros(media / name, tmp_path / name), media_type)
    assert metadata.duration is None
    assert metadata.attributes["sample_rate"] == 44100


def test_duration_that_the_header_tells_stays(media: Path, tmp_path: Path) -> None:
    metadata = extract(followed_by_zeros(media / "xing.mp3", tmp_path / "a.mp3"), "audio/mpeg")
    assert metadata.duration == pytest.approx(1, abs=0.1)


def test_duration_guessed_from_a_long_file_stays(media: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "GUESSED_FILE_BYTES", 10_000)
    frames = (media / "constant.mp3").read_bytes()
    (tmp_path / "a.mp3").write_bytes(frames * 10)
    assert extract(tmp_path / "a.mp3", "audio/mpeg").duration == pytest.approx(10, abs=1)


def test_duration_of_a_long_file_of_another_format_stays(media: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "GUESSED_FILE_BYTES", 10_000)
    assert extract(media / "tone.flac", "audio/flac").duration == 1


@pytest.mark.parametrize("claimed", [200_000, 2**32 - 2**16], ids=["fifty times", "absurd"])
def test_duration_that_the_file_cannot_hold_is_left_out(media: Path, tmp_path: Path, claimed: int) -> None:
    wave = bytearray((media / "tone.wav").read_bytes()[:4000])
    start = wave.index(b"data") + 4
    wave[start : start + 4] = struct.pack("<I", claimed)
    wave[4:8] = struct.pack("<I", 2**32 - 2**15)
    (tmp_path / "a.wav").write_bytes(wave)
    metadata = extract(tmp_path / "a.wav", "audio/x-wav")
    assert metadata.attributes["codec"] == "pcm"
    assert metadata.duration is None


@pytest.mark.parametrize("length", [math.nan, math.inf, -1, 0, 1001, 1e300])
def test_insane_duration_is_left_out(length: float) -> None:
    assert module._duration(SimpleNamespace(length=length), io.BytesIO(bytes(1000))) is None


def test_century_is_the_longest_duration(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_DURATION", 500)
    assert module._duration(SimpleNamespace(length=501), io.BytesIO(bytes(1000))) is None


@pytest.mark.parametrize("bitrate", [0, -1, 2**31])
def test_insane_number_is_left_out(bitrate: int) -> None:
    parsed: Any = SimpleNamespace(info=SimpleNamespace(bitrate=bitrate, channels=2))
    assert module._stream(parsed, "audio/x") == {"channels": 2}


def test_compressed_wave_is_not_called_pcm(media: Path) -> None:
    wave = bytearray((media / "tone.wav").read_bytes())
    format_tag = wave.index(b"fmt ") + 8
    wave[format_tag : format_tag + 2] = struct.pack("<H", 6)
    parsed = module._open(io.BytesIO(wave), "audio/x-wav")
    assert "codec" not in module._stream(parsed, "audio/x-wav")


def test_tags_are_data(media: Path, tmp_path: Path) -> None:
    shutil.copyfile(media / "constant.mp3", tmp_path / "a.mp3")
    tags = EasyID3()
    tags["title"] = "<script>\x01alert(1)"
    tags["artist"] = ["Ada", "Grace"]
    tags["album"] = "x" * 5000
    tags["tracknumber"] = "3/7"
    tags.save(tmp_path / "a.mp3")
    metadata = extract(tmp_path / "a.mp3", "audio/mpeg")
    assert metadata.title == "<script> alert(1)"
    tags_found = {key: metadata.attributes[key] for key in ("artist", "album", "tracknumber")}
    assert tags_found == {"artist": "Ada", "album": "x" * 1000, "tracknumber": "3/7"}


def test_tags_of_wave_are_id3(media: Path, tmp_path: Path) -> None:
    shutil.copyfile(media / "tone.wav", tmp_path / "a.wav")
    wave = mutagen.File(tmp_path / "a.wav")
    wave.add_tags()
    wave.tags.add(TIT2(encoding=3, text=["Nocturne"]))
    wave.tags.add(TPE1(encoding=3, text=["Ada"]))
    wave.save()
    metadata = extract(tmp_path / "a.wav", "audio/x-wav")
    assert (metadata.title, metadata.attributes["artist"]) == ("Nocturne", "Ada")
    assert isinstance(wave.tags, ID3)


def test_only_known_tags_are_taken(media: Path, tmp_path: Path) -> None:
    shutil.copyfile(media / "tone.flac", tmp_path / "a.flac")
    flac = mutagen.File(tmp_path / "a.flac")
    flac["lyrics"] = "la la"
    flac.save()
    assert "lyrics" not in extract(tmp_path / "a.flac", "audio/flac").attributes
