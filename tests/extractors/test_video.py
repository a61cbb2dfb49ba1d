from __future__ import annotations

import shutil
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

pytest.importorskip("av", reason="PyAV is not installed")

from django_largefiles.extractors import video as module
from django_largefiles.extractors.base import Metadata
from django_largefiles.extractors.media import MediaExtractor
from django_largefiles.extractors.video import VideoExtractor

GIB = 1024**3
SOUND = {"audio_sample_rate": 44100, "audio_channels": 1}


def extract(path: Path, media_type: str) -> Metadata:
    with path.open("rb") as file:
        return VideoExtractor().extract(file, media_type)


@pytest.mark.parametrize(
    ("name", "media_type", "frame_rate", "codecs"),
    [
        ("film.mkv", "video/x-matroska", 5, ("h264", "vorbis")),
        ("film.avi", "video/x-msvideo", 5, ("mpeg4", "mp3")),
        ("film.wmv", "video/x-ms-asf", 5, ("msmpeg4v3", "wmav2")),
        ("film.mpg", "video/mpeg", 25, ("mpeg1video", "mp2")),
        ("film.ts", "video/mp2t", 25, ("mpeg2video", "mp2")),
        ("film.webm", "video/webm", 5, ("vp8", None)),
        ("film.ogv", "video/ogg", None, ("theora", None)),
    ],
)
def test_film_is_described(
    media: Path, name: str, media_type: str, frame_rate: int | None, codecs: tuple[str, str | None]
) -> None:
    metadata = extract(media / name, media_type)
    attributes = dict(metadata.attributes)
    assert (metadata.width, metadata.height) == (64, 48)
    assert metadata.duration == pytest.approx(1, abs=0.25)
    assert attributes.pop("frame_rate", None) == frame_rate
    assert (attributes.pop("video_codec"), attributes.pop("audio_codec", None)) == codecs
    assert {key: attributes.get(key) for key in SOUND} == (SOUND if codecs[1] else dict.fromkeys(SOUND))


def test_tags_are_told(media: Path) -> None:
    metadata = extract(media / "film.mkv", "video/x-matroska")
    assert (metadata.title, metadata.attributes["artist"]) == ("Nocturne", "Ada")


def test_tag_that_is_not_utf_8_is_told_as_far_as_it_is(media: Path, tmp_path: Path) -> None:
    content = (media / "film.mkv").read_bytes()
    (tmp_path / "a.mkv").write_bytes(content.replace(b"Nocturne", b"Noct\xffrne"))
    assert extract(tmp_path / "a.mkv", "video/x-matroska").title in {"Noct\ufffdrne", "Noct rne"}


@pytest.mark.parametrize(("version", "arguments"), [("18.1.0", {"metadata_errors": "replace"}), ("19.0.2", {})])
def test_pyav_is_told_what_its_version_understands(version: str, arguments: dict[str, str]) -> None:
    assert module._texts(version) == arguments


def test_size_that_only_decoding_would_tell_is_left_out(media: Path) -> None:
    metadata = extract(media / "film.flv", "video/x-flv")
    assert (metadata.width, metadata.attributes["video_codec"]) == (None, "flv1")
    assert metadata.duration == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize("name", ["tone.mka", "covered.mka"])
def test_sound_alone_has_no_picture(media: Path, name: str) -> None:
    metadata = extract(media / name, "video/x-matroska")
    assert (metadata.width, metadata.attributes["audio_codec"]) == (None, "vorbis")
    assert "video_codec" not in metadata.attributes


def test_types_of_others_are_described_as_ever(media: Path) -> None:
    with (media / "film.mp4").open("rb") as file:
        assert VideoExtractor().extract(file, "video/mp4") == MediaExtractor().extract(file, "video/mp4")


def test_without_pyav_they_are_all_that_is_described(media: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "av", None)
    assert extract(media / "film.mkv", "video/x-matroska") == Metadata()
    assert extract(media / "film.mp4", "video/mp4").width == 64


@pytest.mark.parametrize(
    ("name", "media_type", "tells"),
    [
        ("film.mkv", "video/x-matroska", True),
        ("film.webm", "video/webm", True),
        ("film.avi", "video/x-msvideo", True),
        ("film.wmv", "video/x-ms-asf", False),
        ("film.mpg", "video/mpeg", False),
        ("film.ts", "video/mp2t", False),
        ("film.ogv", "video/ogg", False),
    ],
)
def test_appended_zeros_do_not_lengthen_a_film(
    media: Path, tmp_path: Path, name: str, media_type: str, tells: bool
) -> None:
    shutil.copyfile(media / name, tmp_path / name)
    with (tmp_path / name).open("r+b") as file:
        file.truncate(3 * GIB)
    metadata = extract(tmp_path / name, media_type)
    assert metadata.width == 64
    assert metadata.duration == (pytest.approx(1, abs=0.25) if tells else None)


def test_no_decoder_is_opened(media: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Matroska does not tell the format of the pixels: FFmpeg decodes a frame to find it, if it may."""
    formats: list[object] = []
    monkeypatch.setattr(
        module, "_describe", lambda container, size: formats.append(container.streams.video[0].pix_fmt)
    )
    extract(media / "film.mkv", "video/x-matroska")
    monkeypatch.setattr(module, "_OPTIONS", {})
    extract(media / "film.mkv", "video/x-matroska")
    assert formats == [None, "yuv420p"]


def test_no_other_file_is_opened(media: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a format that may name others, such as a playlist, if a subclass lets it in."""
    monkeypatch.chdir(media)
    monkeypatch.setattr(VideoExtractor, "demuxers", {"video/x-playlist": "concat"})
    (tmp_path / "list").write_text("ffconcat version 1.0\nfile film.mkv\n")
    with pytest.raises(ValueError, match="Invalid argument"):
        extract(tmp_path / "list", "video/x-playlist")
    monkeypatch.setitem(module._OPTIONS, "protocol_whitelist", "file")
    assert extract(tmp_path / "list", "video/x-playlist").width == 64


@pytest.mark.parametrize("side", [0, -1, 10**7])
def test_insane_size_is_left_out(side: int) -> None:
    assert module._size(SimpleNamespace(width=64, height=side)) == (None, None)


@pytest.mark.parametrize("rate", [None, 0, -25, 90_000])
def test_insane_frame_rate_is_left_out(rate: int | None) -> None:
    assert module._frame_rate(SimpleNamespace(average_rate=rate)) is None


def test_codec_without_a_decoder_is_unknown() -> None:
    assert module._codec(SimpleNamespace(codec_context=None)) == ""
