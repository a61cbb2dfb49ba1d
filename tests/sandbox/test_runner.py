from __future__ import annotations

import struct
import subprocess
import sys
import uuid
import zlib
from pathlib import Path

import psutil
import pytest
from PIL import Image
from pypdf import PdfWriter

from django_largefiles.extractors.base import Metadata
from django_largefiles.options import ExtractionLimits
from django_largefiles.sandbox import runner
from django_largefiles.sandbox.runner import ExtractionFailed, ExtractionInterrupted, run

MIB = 1024 * 1024
GIB = 1024 * MIB
BUILT_IN = "django_largefiles.extractors"
HELPERS = "tests.sandbox.extractors"


@pytest.fixture
def sample(tmp_path: Path) -> Path:
    (tmp_path / "sample").write_bytes(b"0123456789abc")
    return tmp_path / "sample"


@pytest.fixture
def media_type() -> str:
    """One that no other process has on its command line."""
    return f"test/{uuid.uuid4()}"


def extract(path: Path, extractor: str, media_type: str, **limits: float) -> Metadata:
    with path.open("rb") as file:
        return run(extractor, file, media_type, ExtractionLimits(**limits))  # type: ignore[arg-type]


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


def sparse(path: Path, head: bytes, size: int = 3 * GIB) -> Path:
    with path.open("wb") as file:
        file.write(head)
        file.truncate(size)
    return path


def test_metadata_comes_back(sample: Path, media_type: str) -> None:
    metadata = extract(sample, f"{HELPERS}.Behaving", media_type)
    assert metadata == Metadata(title="0123456789", attributes={"media_type": media_type})


def test_position_is_neither_used_nor_moved(sample: Path, media_type: str) -> None:
    with sample.open("rb", buffering=0) as file:
        file.seek(5)
        assert run(f"{HELPERS}.Behaving", file, media_type, ExtractionLimits()).title == "0123456789"
        assert file.tell() == 5


def test_child_has_nothing_of_the_parent(sample: Path, media_type: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_KEY", "x")
    attributes = dict(extract(sample, f"{HELPERS}.Describing", media_type).attributes)
    environment = attributes.pop("environment")
    assert isinstance(environment, list)
    # The interpreter itself sets this one where there is no locale.
    assert set(environment) <= {"LC_CTYPE", "LD_LIBRARY_PATH"}
    assert attributes == {
        "folder": "/",
        # Standard input, output and error, and the channel of the answer.
        "descriptors": 4,
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
        ("Garbling", {}, "answered nonsense: it is not JSON"),
        ("Verbose", {}, "answered more than 65536 bytes"),
        ("Overstating", {}, "answered nonsense: title holds NUL or a lone surrogate"),
        ("Mistaken", {}, "TypeError: answered dict, not Metadata"),
        ("Allocating", {}, "MemoryError"),
        ("Reading", {"memory_bytes": 1}, "MemoryError"),
        ("Recursing", {}, "RecursionError: maximum recursion depth exceeded"),
        ("Abandoning", {"wall_seconds": 0.5}, "took longer than 0.5 s"),
        ("Writing", {}, "OSError: [Errno 27] File too large"),
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


def test_grandchild_is_killed(sample: Path, media_type: str) -> None:
    assert extract(sample, f"{HELPERS}.Forking", media_type).title == "forked"
    assert_all_gone(media_type)


def test_read_budget_ends_the_run(tmp_path: Path, media_type: str) -> None:
    detail = failure(sparse(tmp_path / "a", b""), f"{HELPERS}.Reading", media_type, read_bytes=MIB)
    assert detail == "ReadBudgetExceeded: wanted to read more than 1048576 bytes"


def test_child_dies_with_an_interrupted_run(sample: Path, media_type: str, monkeypatch: pytest.MonkeyPatch) -> None:
    running: list[psutil.Process] = []

    def interrupt(process: subprocess.Popen[bytes], wall_seconds: float) -> bytes:
        running.append(psutil.Process(process.pid))
        raise KeyboardInterrupt

    monkeypatch.setattr(runner, "_read_answer", interrupt)
    with pytest.raises(KeyboardInterrupt):
        extract(sample, f"{HELPERS}.Sleeping", media_type)
    assert not running[0].is_running()


PARENT = """
import sys
sys.path[:] = {path!r}
from django_largefiles.options import ExtractionLimits
from django_largefiles.sandbox.runner import run
with open({file!r}, "rb") as file:
    run("tests.sandbox.extractors.Sleeping", file, {media_type!r}, ExtractionLimits())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="PR_SET_PDEATHSIG is Linux's")
def test_child_dies_with_its_parent(sample: Path, media_type: str) -> None:
    script = PARENT.format(path=sys.path, file=str(sample), media_type=media_type)
    with subprocess.Popen([sys.executable, "-c", script], stderr=subprocess.DEVNULL) as parent:
        children: list[psutil.Process] = []
        # Asleep, the child has long asked to die with its parent.
        while not children or children[0].status() != psutil.STATUS_SLEEPING or not imported(children[0]):
            assert parent.poll() is None
            children = psutil.Process(parent.pid).children()
        parent.kill()
    _, alive = psutil.wait_procs(children, timeout=5)
    assert alive == []


def imported(process: psutil.Process) -> bool:
    return any("_ctypes" in mapping.path for mapping in process.memory_maps())


def test_child_that_cannot_be_started_is_a_failure(
    sample: Path, media_type: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    assert failure(sample, f"{HELPERS}.Behaving", media_type).startswith("could not start a child process: [Errno 2]")


def test_relative_entries_of_the_path_are_not_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", ["", "relative", "/absolute"])
    assert runner._spec("a.B", "test/x", ExtractionLimits()).path == ["/absolute"]


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


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
    assert detail.startswith("ValueError: there is no end of a PDF")


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
