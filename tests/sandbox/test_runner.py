from __future__ import annotations

import gzip
import io
import os
import struct
import subprocess
import sys
import tracemalloc
import zlib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
from PIL import Image
from pypdf import PdfWriter

from django_largefiles.extractors.base import Metadata
from django_largefiles.options import ExtractionLimits
from django_largefiles.sandbox import runner
from django_largefiles.sandbox.channel import Channel
from django_largefiles.sandbox.probe import lacking, machine
from django_largefiles.sandbox.runner import ExtractionFailed, ExtractionInterrupted, run
from tests.remote_files import MIB, RemoteFile, chunk, sparse

BUILT_IN = "django_largefiles.extractors"
HELPERS = "tests.sandbox.extractors"


def extract(path: Path, extractor: str, media_type: str, **limits: float) -> Metadata:
    with path.open("rb") as file:
        return run(extractor, file, media_type, ExtractionLimits(**limits)).metadata  # type: ignore[arg-type]


def failure(path: Path, extractor: str, media_type: str, **limits: float) -> str:
    with pytest.raises(ExtractionFailed) as caught:
        extract(path, extractor, media_type, **limits)
    return caught.value.detail


def assert_all_gone(media_type: str) -> None:
    left = [
        process
        for process in psutil.process_iter(["cmdline"])
        if any(media_type in word for word in process.info["cmdline"] or ())
    ]
    _, alive = psutil.wait_procs(left, timeout=5)
    assert alive == []


def test_metadata_comes_back(sample: Path, media_type: str) -> None:
    metadata = extract(sample, f"{HELPERS}.Behaving", media_type)
    assert metadata == Metadata(title="0123456789", attributes={"media_type": media_type})


def test_a_file_without_a_descriptor_is_read_by_the_parent(media_type: str) -> None:
    extraction = run(f"{HELPERS}.Behaving", io.BytesIO(b"0123456789abc"), media_type, ExtractionLimits())
    assert extraction.metadata == Metadata(title="0123456789", attributes={"media_type": media_type})


def test_an_empty_file_without_a_descriptor(media_type: str) -> None:
    assert run(f"{HELPERS}.Behaving", io.BytesIO(), media_type, ExtractionLimits()).metadata.title == ""


@pytest.mark.parametrize(("mode", "buffering"), [("rb", -1), ("rb", 0), ("r+b", -1), ("r+b", 0)])
def test_a_descriptor_through_which_nobody_can_write_is_handed_over(sample: Path, mode: str, buffering: int) -> None:
    with sample.open(mode, buffering) as file:
        descriptor = runner._descriptor(file)
        assert (descriptor is not None) is (mode == "rb")
        if descriptor is not None:
            os.close(descriptor)


def test_the_position_of_the_child_s_descriptor_is_its_own(sample: Path, media_type: str) -> None:
    with sample.open("rb") as file:
        run(f"{HELPERS}.Seeking", file, media_type, ExtractionLimits())
        assert os.lseek(file.fileno(), 0, os.SEEK_CUR) == 0
        assert file.read(1) == b"0"


def test_a_file_that_cannot_be_opened_again_is_read_by_the_parent(
    sample: Path, media_type: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "reopened", lambda descriptor: None)
    assert extract(sample, f"{HELPERS}.Behaving", media_type).title == "0123456789"


def test_no_descriptor_is_left_open(sample: Path, media_type: str) -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    extract(sample, f"{HELPERS}.Behaving", media_type)
    failure(sample, f"{HELPERS}.Mistaken", media_type)
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_of_a_file_that_is_more_than_its_descriptor_the_parent_reads(sample: Path) -> None:
    with gzip.open(sample, "wb") as packed:
        packed.write(b"content")
    with gzip.open(sample) as file:
        assert runner._descriptor(file) is None
        assert run(f"{HELPERS}.Behaving", file, "a/b", ExtractionLimits()).metadata.title == "content"


def test_the_layers_that_held_are_told(sample: Path, media_type: str) -> None:
    with sample.open("rb") as file:
        held = run(f"{HELPERS}.Behaving", file, media_type, ExtractionLimits()).confinement
    assert lacking(held) == machine().lacking


@pytest.mark.parametrize(("extractor", "told"), [("Mistaken", True), ("Killing", True), ("Missing", False)])
def test_a_failure_tells_the_layers_that_held_if_it_came_so_far(
    sample: Path, media_type: str, extractor: str, told: bool
) -> None:
    with sample.open("rb") as file, pytest.raises(ExtractionFailed) as caught:
        run(f"{HELPERS}.{extractor}", file, media_type, ExtractionLimits())
    assert bool(caught.value.confinement) is told


def test_a_file_cannot_change_the_record_of_the_layers(media_type: str) -> None:
    with pytest.raises(ExtractionFailed, match="sent an invalid answer") as caught:
        run(f"{HELPERS}.Boasting", io.BytesIO(), media_type, ExtractionLimits())
    assert lacking(caught.value.confinement) == machine().lacking
    assert "armour" not in caught.value.confinement


@pytest.mark.skipif("landlock" in machine().lacking, reason="this kernel has no Landlock")
def test_threads_that_an_import_started_are_not_passed_over(media_type: str) -> None:
    extraction = run(f"{HELPERS}.Threaded", io.BytesIO(), media_type, ExtractionLimits())
    assert lacking(extraction.confinement) == (*machine().lacking, "landlock")


@pytest.mark.skipif(sys.platform == "darwin", reason="macOS does not limit address spaces")
def test_a_child_holds_no_more_memory_than_its_limit(media_type: str) -> None:
    limits = ExtractionLimits(memory_bytes=256 * MIB)
    peak = run(f"{HELPERS}.Growing", io.BytesIO(), media_type, limits).metadata.attributes["peak"]
    assert isinstance(peak, int)
    assert 64 * MIB < peak <= 256 * MIB


@pytest.mark.parametrize("extractor", ["Printing", "Flooding", "Reading"])
def test_the_parent_holds_little_whatever_a_child_says_or_reads(media_type: str, extractor: str) -> None:
    tracemalloc.start()
    with suppress(ExtractionFailed):
        run(f"{HELPERS}.{extractor}", RemoteFile(32 * MIB, {}), media_type, ExtractionLimits())  # type: ignore[arg-type]
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2 * MIB


def test_position_is_neither_used_nor_moved(sample: Path, media_type: str) -> None:
    with sample.open("rb", buffering=0) as file:
        file.seek(5)
        assert run(f"{HELPERS}.Behaving", file, media_type, ExtractionLimits()).metadata.title == "0123456789"
        assert file.tell() == 5


def test_child_has_nothing_of_the_parent(sample: Path, media_type: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_KEY", "x")
    attributes = dict(extract(sample, f"{HELPERS}.Describing", media_type).attributes)
    environment = attributes.pop("environment")
    assert isinstance(environment, list)
    # The interpreter itself sets this one where there is no locale.
    assert set(environment) <= {"LC_CTYPE", "LD_LIBRARY_PATH", "OMP_NUM_THREADS"}
    assert attributes == {
        "folder": "/",
        # Standard input, output and error, and the channel of the answer.
        "descriptors": [0, 1, 2, 3],
        "leads_its_group": True,
        "django": False,
        "named": False,
    }


def test_library_path_is_passed_on(sample: Path, media_type: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LD_LIBRARY_PATH", "/nowhere")
    environment = extract(sample, f"{HELPERS}.Describing", media_type).attributes["environment"]
    assert isinstance(environment, list)
    assert "LD_LIBRARY_PATH" in environment


@pytest.mark.parametrize(
    ("extractor", "limits", "detail"),
    [
        ("Sleeping", {"wall_seconds": 0.3}, "took longer than 0.3 s"),
        ("Spinning", {"cpu_seconds": 1}, "used more than 1 s of processor time"),
        ("Killing", {}, "killed by signal 9"),
        ("Crashing", {}, "killed by signal 11"),
        ("Exiting", {}, "ended with status 3 and without an answer"),
        ("Flooding", {}, "answered more than 65536 bytes"),
        ("Garbling", {}, "sent an invalid answer: it is not JSON"),
        ("Verbose", {}, "answered more than 65536 bytes"),
        ("Overstating", {}, "sent an invalid answer: title holds NUL or a lone surrogate"),
        ("Mistaken", {}, "TypeError: answered dict, not Metadata"),
        ("Allocating", {}, "MemoryError"),
        ("Reading", {"memory_bytes": 1}, "MemoryError"),
        ("Recursing", {}, "RecursionError: maximum recursion depth exceeded"),
        ("Hoarding", {}, "OSError: [Errno 24] Too many open files"),
        ("Missing", {}, f"AttributeError: module '{HELPERS}' has no attribute 'Missing'"),
    ],
)
def test_misbehaviour_is_a_failure_that_leaves_nothing(
    sample: Path, media_type: str, extractor: str, limits: dict[str, float], detail: str
) -> None:
    assert failure(sample, f"{HELPERS}.{extractor}", media_type, **limits).startswith(detail)
    assert_all_gone(media_type)
    assert extract(sample, f"{HELPERS}.Behaving", media_type).title == "0123456789"


@pytest.mark.parametrize(
    ("extractor", "limits", "interrupted"),
    [
        ("Sleeping", {"wall_seconds": 0.3}, True),
        ("Killing", {}, True),
        ("Crashing", {}, True),
        ("Spinning", {"cpu_seconds": 1}, False),
        ("Exiting", {}, False),
        ("Flooding", {}, False),
        ("Allocating", {}, False),
        ("Mistaken", {}, False),
    ],
)
def test_what_may_not_be_the_file_s_fault_is_an_interruption(
    sample: Path, media_type: str, extractor: str, limits: dict[str, float], interrupted: bool
) -> None:
    with pytest.raises(ExtractionFailed) as caught:
        extract(sample, f"{HELPERS}.{extractor}", media_type, **limits)
    assert isinstance(caught.value, ExtractionInterrupted) is interrupted


def test_printing_does_not_garble_the_answer(sample: Path, media_type: str) -> None:
    assert extract(sample, f"{HELPERS}.Printing", media_type).title == "printed"


def test_a_grandchild_is_killed_where_none_could_be_prevented(
    sample: Path, media_type: str, unconfined: object
) -> None:
    assert extract(sample, f"{HELPERS}.Forking", media_type).title == "forked"
    assert_all_gone(media_type)


def test_a_grandchild_that_holds_the_pipe_does_not_hold_the_run(
    sample: Path, media_type: str, unconfined: object
) -> None:
    assert failure(sample, f"{HELPERS}.Abandoning", media_type, wall_seconds=1) == "took longer than 1 s"
    assert_all_gone(media_type)


def test_read_budget_ends_the_run(tmp_path: Path, media_type: str) -> None:
    detail = failure(sparse(tmp_path / "a", b""), f"{HELPERS}.Reading", media_type, read_bytes=MIB)
    assert detail == "ReadBudgetExceeded: wanted to read more than 1048576 bytes"


def test_child_dies_with_an_interrupted_run(sample: Path, media_type: str, monkeypatch: pytest.MonkeyPatch) -> None:
    running: list[psutil.Process] = []

    class Interrupted(Channel):
        def line(self) -> bytes:
            running.append(psutil.Process(self._process.pid))
            raise KeyboardInterrupt

    monkeypatch.setattr(runner, "Channel", Interrupted)
    with pytest.raises(KeyboardInterrupt):
        extract(sample, f"{HELPERS}.Sleeping", media_type)
    assert not running[0].is_running()


PARENT = """
import io, sys
sys.path[:] = {path!r}
from django_largefiles.options import ExtractionLimits
from django_largefiles.sandbox.runner import run

class Telling(io.BytesIO):
    def read(self, size):
        print("asked", flush=True)
        return super().read(size)

run("tests.sandbox.extractors.Dozing", Telling(b"x"), {media_type!r}, ExtractionLimits())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="PR_SET_PDEATHSIG is Linux's")
def test_child_dies_with_its_parent(media_type: str) -> None:
    script = PARENT.format(path=sys.path, media_type=media_type)
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        # Confined, the child reads, and falls asleep.
        assert parent.stdout.readline() == b"asked\n"
        children = psutil.Process(parent.pid).children()
        parent.kill()
    assert len(children) == 1
    _, alive = psutil.wait_procs(children, timeout=5)
    assert alive == []


def test_child_that_cannot_be_started_is_a_failure(
    sample: Path, media_type: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    assert failure(sample, f"{HELPERS}.Behaving", media_type).startswith("could not start a child process: [Errno 2]")


def test_relative_entries_of_the_path_are_not_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", ["", "relative", "/absolute"])
    assert runner._path() == ["/absolute"]


@pytest.fixture
def forgotten_folders() -> Iterator[None]:
    runner._readable.cache_clear()
    yield
    runner._readable.cache_clear()


@pytest.mark.parametrize(("found", "readable"), [("settings.py", False), ("pypdf-7.1.dist-info", True)])
def test_of_the_path_installed_libraries_are_readable_and_projects_are_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, forgotten_folders: None, found: str, readable: bool
) -> None:
    (tmp_path / found).mkdir()
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    assert any(tmp_path.is_relative_to(folder) for folder in runner._readable()) is readable


def png_header(width: int, height: int) -> bytes:
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))


def image_head(tmp_path: Path, suffix: str) -> bytes:
    Image.new("RGB", (30, 20)).save(tmp_path / f"head.{suffix}")
    return (tmp_path / f"head.{suffix}").read_bytes()


def test_pdf_followed_by_zeros_is_not_searched_for_its_end(tmp_path: Path) -> None:
    writer = PdfWriter()
    writer.add_blank_page(612, 792)
    writer.write(tmp_path / "a.pdf")
    path = sparse(tmp_path / "b.pdf", (tmp_path / "a.pdf").read_bytes())
    detail = failure(path, f"{BUILT_IN}.pdf.PdfExtractor", "application/pdf", read_bytes=MIB)
    assert detail == "ValueError: the last 65536 bytes contain no startxref"


def test_pdf_with_a_bad_startxref_is_not_read_whole(tmp_path: Path) -> None:
    path = sparse(tmp_path / "a.pdf", b"%PDF-1.7\n")
    with path.open("ab") as file:
        file.write(b"\nstartxref\n12345\n%%EOF\n")
    assert failure(path, f"{BUILT_IN}.pdf.PdfExtractor", "application/pdf")


def test_jfif_followed_by_zeros_ends_within_the_budget(tmp_path: Path) -> None:
    path = sparse(tmp_path / "a.jpg", image_head(tmp_path, "jpg")[:20])
    detail = failure(path, f"{BUILT_IN}.image.ImageExtractor", "image/jpeg", read_bytes=2 * MIB)
    assert detail.startswith("ReadBudgetExceeded")


def test_gif_followed_by_zeros_is_described(tmp_path: Path) -> None:
    path = sparse(tmp_path / "a.gif", image_head(tmp_path, "gif")[:-1])
    assert extract(path, f"{BUILT_IN}.image.ImageExtractor", "image/gif").width == 30


def test_webp_followed_by_zeros_is_not_read_whole(tmp_path: Path) -> None:
    path = sparse(tmp_path / "a.webp", image_head(tmp_path, "webp"))
    assert failure(path, f"{BUILT_IN}.image.ImageExtractor", "image/webp").startswith("ReadBudgetExceeded")


def test_png_declaring_two_gigabytes_is_described(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(png_header(30, 20) + struct.pack(">I", 2**31 - 1) + b"IDAT" + bytes(99))
    assert extract(tmp_path / "a.png", f"{BUILT_IN}.image.ImageExtractor", "image/png").width == 30


def test_png_of_900_megapixels_is_refused(tmp_path: Path) -> None:
    pixels = chunk(b"IDAT", zlib.compress(bytes(90_001)))
    (tmp_path / "a.png").write_bytes(png_header(30_000, 30_000) + pixels + chunk(b"IEND", b""))
    detail = failure(tmp_path / "a.png", f"{BUILT_IN}.image.ImageExtractor", "image/png")
    assert detail.startswith("DecompressionBombError")


@pytest.mark.parametrize(
    ("extractor", "media_type"),
    [
        ("image.ImageExtractor", "image/png"),
        ("pdf.PdfExtractor", "application/pdf"),
        ("media.MediaExtractor", "audio/mpeg"),
    ],
)
def test_garbage_is_a_failure(tmp_path: Path, extractor: str, media_type: str) -> None:
    (tmp_path / "a").write_bytes(b"\x89garbage" * 1000)
    assert failure(tmp_path / "a", f"{BUILT_IN}.{extractor}", media_type)


@pytest.mark.parametrize("hostile", ["Report\0<script>alert(1)</script>", "Report\r\n\u202e<script>alert(1)</script>"])
def test_title_arrives_storable(tmp_path: Path, hostile: str) -> None:
    writer = PdfWriter()
    writer.add_blank_page(612, 792)
    writer.add_metadata({"/Title": hostile})
    writer.write(tmp_path / "a.pdf")
    metadata = extract(tmp_path / "a.pdf", f"{BUILT_IN}.pdf.PdfExtractor", "application/pdf")
    assert metadata.title == "Report <script>alert(1)</script>"
