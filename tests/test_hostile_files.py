"""Hostile files, through the real pipeline and the real child process."""

from __future__ import annotations

import os
import resource
import sys
from collections.abc import Callable
from io import BytesIO

import pytest
from django.test import Client
from mutagen.id3 import ID3, TIT2, TPE1
from PIL import ExifTags, Image
from pypdf import PdfWriter

from django_largefiles.models import FileAsset
from django_largefiles.pipeline.processing import process
from django_largefiles.states import State
from example_project.memory import MemoryWatch
from tests import hostile
from tests.conftest import Largefiles
from tests.hostile import FURTHER, MIB, TABLE, Hostile, plant

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(sys.platform != "linux", reason="the limit on memory and /proc are Linux's"),
]

CPU_SECONDS = 2
MEMORY = 512 * MIB
# Less than the defaults, so that all of them together take half a minute.
LIMITS = {"CPU_SECONDS": CPU_SECONDS, "READ_BYTES": 4 * MIB}


@pytest.fixture
def children(monkeypatch: pytest.MonkeyPatch) -> list[resource.struct_rusage]:
    """What each child process has used, once it is reaped."""
    used: list[resource.struct_rusage] = []

    def waitpid(pid: int, options: int) -> tuple[int, int]:
        reaped, status, usage = os.wait4(pid, options)
        used.extend([usage] if reaped else [])
        return reaped, status

    monkeypatch.setattr(os, "waitpid", waitpid)
    return used


def processed(asset: FileAsset) -> FileAsset:
    process(asset.pk)
    asset.refresh_from_db()
    return asset


@pytest.mark.parametrize("file", TABLE + FURTHER, ids=lambda file: file.name)
def test_a_hostile_file_stays_within_the_limits(
    file: Hostile, received: FileAsset, children: list[resource.struct_rusage], largefiles: Largefiles
) -> None:
    largefiles.set(EXTRACTION=LIMITS)
    asset = plant(file)
    with MemoryWatch(os.getpid()) as worker:
        assert processed(asset).state == State.READY
    assert asset.media_type == file.media_type
    # At the limit the kernel ends it within a second.
    assert [child.ru_utime + child.ru_stime < CPU_SECONDS + 1.5 for child in children] == [True]
    assert 0 < worker.short_lived < MEMORY
    assert worker.rise < 64 * MIB
    if file in TABLE:
        asset.refresh_from_db()
        check_error(asset.extraction_error, file.error)
    # The worker lives, and does the next task.
    assert (processed(received).state, received.width) == (State.READY, 3)


def check_error(recorded: str, expected: str) -> None:
    assert recorded.startswith(expected) if expected else not recorded


def test_a_duration_that_was_guessed_from_appended_zeros_is_not_told(largefiles: Largefiles) -> None:
    (mp3,) = (file for file in TABLE if file.name.startswith("MP3"))
    asset = processed(plant(mp3))
    assert (asset.duration, asset.extra_attributes["codec"]) == (None, "mp3")


def test_pixels_are_capped_before_any_is_decoded(largefiles: Largefiles) -> None:
    """ASVS 5.2.6: 30,000 by 30,000 in 109 KB, which would be 2.7 GB."""
    largefiles.set(ON_EXTRACTION_FAILURE="reject", EXTRACTION={"MEMORY_BYTES": 256 * MIB})
    (png,) = (file for file in TABLE if "megapixels" in file.name)
    asset = plant(png)
    assert asset.size and asset.size < 200_000
    assert processed(asset).state == State.REJECTED
    assert "DecompressionBombError" in asset.detail


MARKUP = "<script>alert(1)</script>"


def marked_picture(title: str) -> bytes:
    exif, content = Image.Exif(), BytesIO()
    exif[ExifTags.Base.Make] = title
    Image.new("RGB", (3, 2)).save(content, "JPEG", exif=exif)
    return content.getvalue()


def marked_song(title: str) -> bytes:
    tags, content = ID3(), BytesIO(hostile.mp3())
    tags.add(TIT2(encoding=1, text=[title]))
    tags.add(TPE1(encoding=1, text=[title]))
    tags.save(content)
    return content.getvalue()


def marked_report(title: str) -> bytes:
    writer, content = PdfWriter(), BytesIO()
    writer.add_blank_page(612, 792)
    writer.add_metadata({"/Title": title, "/Author": title})
    writer.write(content)
    return content.getvalue()


@pytest.mark.parametrize(
    ("media_type", "make"),
    [("image/jpeg", marked_picture), ("audio/mpeg", marked_song), ("application/pdf", marked_report)],
    ids=["EXIF", "ID3", "PDF"],
)
def test_markup_and_nul_in_metadata_are_bounded_and_escaped(
    media_type: str, make: Callable[[str], bytes], admin_client: Client
) -> None:
    text = MARKUP + "\0\N{RIGHT-TO-LEFT OVERRIDE}" + "x" * 5000
    asset = processed(plant(Hostile(name="a", media_type=media_type, content=lambda: make(text))))
    assert (asset.media_type, asset.extraction_error) == (media_type, "")
    described = [asset.title, *asset.extra_attributes.values()]
    texts = [value for value in described if isinstance(value, str) and "script" in value]
    assert texts
    # Of a text with NUL mutagen makes two.
    assert all(value.startswith(MARKUP) and value.isprintable() and len(value) <= 1000 for value in texts)
    assert len(asset.title) <= 255
    page = admin_client.get(f"/admin/django_largefiles/fileasset/{asset.pk}/change/").content.decode()
    assert MARKUP not in page
    assert "&lt;script&gt;" in page
