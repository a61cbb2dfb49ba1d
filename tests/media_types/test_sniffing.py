from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import imageio_ffmpeg
import pytest

from django_largefiles.media_types import sniffing
from django_largefiles.media_types.matching import extension_fits, matches, possible_types
from django_largefiles.media_types.sniffing import HEAD_LENGTH, LibmagicUnusable, sniff_file, sniff_head
from django_largefiles.names import extension
from tests.archives import DOCX, docx, ooxml
from tests.media_types.test_table import id3

PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\1\0\0\0\1\x08\2\0\0\0"
PDF = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"
ELF = b"\x7fELF\2\1\1" + bytes(9) + b"\2\0\x3e\0\1\0\0\0" + bytes(100)
PE = (
    b"MZ"
    + bytes(58)
    + b"\x80\0\0\0"
    + bytes(64)
    + b"PE\0\0\x64\x86\1\0"
    + bytes(12)
    + b"\xf0\0\x22\0\x0b\2"
    + bytes(300)
)
KIB = 1024
MIB = 1024 * KIB


@pytest.fixture
def fresh_libmagic() -> Iterator[None]:
    load = sniffing._libmagic
    load.cache_clear()
    yield
    load.cache_clear()


class Unreadable(Exception):
    pass


@pytest.fixture
def answering(fresh_libmagic: None, monkeypatch: pytest.MonkeyPatch) -> Callable[[str | None], None]:
    """Makes libmagic give a certain answer, or fail where it is ``None``."""

    def give(answer: str | None) -> None:
        def from_buffer(data: bytes) -> str:
            if answer is None:
                raise Unreadable
            return answer

        libmagic = sniffing._Libmagic(detector=SimpleNamespace(from_buffer=from_buffer), error=Unreadable)
        monkeypatch.setattr(sniffing, "_libmagic", lambda _: libmagic)

    return give


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        pytest.param(PNG, "image/png", id="png"),
        pytest.param(PDF, "application/pdf", id="pdf"),
        pytest.param(b"hello, world\n", "text/plain", id="text"),
        pytest.param("é".encode() * HEAD_LENGTH, "text/plain", id="utf-8"),
        pytest.param(("a" + "é" * HEAD_LENGTH).encode()[:HEAD_LENGTH], "text/plain", id="utf-8-cut-in-a-character"),
        pytest.param(b"<svg xmlns='http://www.w3.org/2000/svg'/>", "image/svg+xml", id="svg"),
        pytest.param(bytes(HEAD_LENGTH), "application/octet-stream", id="zeros"),
        pytest.param(b"", "application/x-empty", id="empty"),
    ],
)
def test_sniff_head(data: bytes, expected: str) -> None:
    assert sniff_head(data) == expected


@pytest.mark.parametrize("data", [ELF, PE], ids=["elf", "pe"])
@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.pdf", "a.mp4", "a.bin"])
def test_an_executable_fits_no_other_extension(data: bytes, name: str) -> None:
    assert not extension_fits(extension(name), sniff_head(data))


def test_of_a_head_libmagic_sees_no_more_than_it_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []

    def from_buffer(data: bytes) -> str:
        seen.append(len(data))
        return "text/plain"

    libmagic = sniffing._Libmagic(detector=SimpleNamespace(from_buffer=from_buffer), error=Unreadable)
    monkeypatch.setattr(sniffing, "_libmagic", lambda _: libmagic)
    # libmagic takes most of a second for these.
    sniff_head(b"\n" * 1024 * KIB)
    assert seen == [HEAD_LENGTH]


def test_the_head_of_a_padded_document_may_become_one() -> None:
    data = docx(padding=3 * HEAD_LENGTH)
    assert DOCX in possible_types(sniff_head(data[:HEAD_LENGTH]))
    assert sniff_file(io.BytesIO(data)) == DOCX


class Dribble(io.BytesIO):
    """A remote file: no descriptor, and fewer bytes at a time than asked for."""

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self.taken = 0
        self.requests = 0

    def read(self, size: int | None = -1) -> bytes:
        piece = super().read(min(size or 0, 100_000))
        self.taken += len(piece)
        self.requests += 1
        return piece


@pytest.fixture(params=["descriptor", "memory", "dribble", "no-fileno"])
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[bytes], Any]]:
    files: list[Any] = []

    def open_(data: bytes) -> Any:
        path = tmp_path / "file"
        path.write_bytes(data)
        file: Any = path.open("rb") if request.param == "descriptor" else io.BytesIO(data)
        if request.param == "dribble":
            file = Dribble(data)
        files.append(file)
        if request.param == "no-fileno":
            return SimpleNamespace(read=file.read, seek=file.seek, tell=file.tell)
        return file

    yield open_
    for file in files:
        file.close()


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        pytest.param(PNG, "image/png", id="png"),
        pytest.param(b"", "application/x-empty", id="empty"),
        pytest.param(docx(padding=20_000), DOCX, id="padded-docx"),
        pytest.param(bytes(0x8001) + b"CD001\1\0" + bytes(4000), "application/x-iso9660-image", id="iso"),
    ],
)
def test_sniff_file(opened: Callable[[bytes], Any], data: bytes, expected: str) -> None:
    assert sniff_file(opened(data)) == expected


def test_sniff_file_leaves_the_position(opened: Callable[[bytes], Any]) -> None:
    file = opened(PNG + bytes(100))
    file.seek(5)
    assert sniff_file(file) == "image/png"
    assert file.tell() == 5
    assert file.read(3) == PNG[5:8]


def test_sniff_file_leaves_the_position_of_a_buffered_file(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(PNG + bytes(20_000))
    with path.open("rb") as file:
        file.read(5)
        assert sniff_file(file) == "image/png"
        assert file.read(3) == PNG[5:8]


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (PDF, "application/pdf"),
        (PNG, "image/png"),
        (b"\xff\xd8\xff\xe0\0\x10JFIF\0", "image/jpeg"),
        (b"\0\0\0\x18ftypisom\0\0\2\0isommp42", "video/mp4"),
        (b"\0\0\0\x14ftypzzzz\0\0\2\0mp42", "video/mp4"),
        (b"\xff\xfb\x90\x64" + bytes(413), "audio/mpeg"),
    ],
    ids=["pdf", "png", "jpeg", "mp4", "mp4 of an unknown brand", "mp3"],
)
def test_one_short_read_tells_what_a_remote_file_is(head: bytes, expected: str) -> None:
    file = Dribble(head + bytes(3 * MIB))
    assert sniff_file(file) == expected
    assert (file.taken, file.requests) == (16 * KIB, 1)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (bytes(0x8001) + b"CD001\1\0" + bytes(3 * MIB), "application/x-iso9660-image"),
        (b"a text\n" * MIB, "text/plain"),
        (b"<!--" + b"x" * 100_000 + b"--><svg>" + b" " * 3 * MIB, "image/svg+xml"),
    ],
    ids=["iso", "text", "svg"],
)
def test_of_a_remote_file_that_may_be_several_things_more_is_read(data: bytes, expected: str) -> None:
    file = Dribble(data)
    assert sniff_file(file) == expected
    assert MIB <= file.taken <= MIB + 32 * KIB


def test_of_a_remote_mp3_with_a_large_picture_the_first_frame_is_read() -> None:
    file = Dribble(id3(500_000) + b"\xff\xfb\x90\x64" + bytes(3 * MIB))
    assert sniff_file(file) == "audio/mpeg"
    assert (file.taken, file.requests) == (20 * KIB, 2)


def test_of_a_remote_office_file_the_ends_are_read() -> None:
    members = {f"part-{number}": "x" * 100_000 for number in range(30)}
    file = Dribble(ooxml(f"{DOCX}.main+xml", parts=members, padding=1))
    assert sniff_file(file) == DOCX
    assert file.taken < 64 * KIB
    # Of the directory, the content types and the relationships.
    assert file.requests <= 8


@pytest.mark.skipif(not Path("/proc/self/io").exists(), reason="counts reads by /proc")
@pytest.mark.parametrize("head", [b"\0", PDF, PNG, b"PK\3\4", b"\0\0\0\x18ftypisom", b"ID3\3\0\0\0", ELF, b"a text\n"])
def test_sniff_file_reads_little_of_two_gibibytes(head: bytes, tmp_path: Path) -> None:
    with (tmp_path / "sparse").open("w+b") as file:
        file.write(head)
        file.truncate(2 * 1024 * MIB)
        sniff_head(b"load the database first")
        before = bytes_read()
        sniff_file(file)
        assert bytes_read() - before < 16 * MIB


def bytes_read() -> int:
    counters = Path("/proc/self/io").read_text().splitlines()
    return int(dict(line.split(": ") for line in counters)["rchar"])


@pytest.mark.parametrize(
    ("name", "codecs"),
    [
        *((name, "-an -c:v mpeg4") for name in ("a.mp4", "a.mov", "a.mkv", "a.avi", "a.m4v", "a.wmv", "a.mpg")),
        *((name, "-an -c:v libvpx") for name in ("a.webm",)),
        *((name, "-an -c:v h263 -s 176x144") for name in ("a.3gp", "a.3g2")),
        *((name, "-an") for name in ("a.flv", "a.ogv", "a.gif", "a.apng")),
        *((name, "-vn") for name in ("a.mp3", "a.m4a", "a.ogg", "a.opus", "a.flac", "a.wav", "a.aac", "a.aiff")),
        *((name, "-vn") for name in ("a.wma", "a.mka", "a.oga", "a.m4b")),
        ("b.mp4", "-vn"),
        ("b.webm", "-vn"),
        ("android.mp4", "-an -c:v mpeg4 -brand 3gp5"),
        ("sony.mp4", "-an -c:v mpeg4 -brand MSNV"),
        ("fragmented.mp4", "-an -c:v mpeg4 -movflags frag_keyframe+empty_moov"),
        ("fast.mov", "-an -c:v mpeg4 -movflags +faststart"),
    ],
)
def test_media_fit_their_own_extension(name: str, codecs: str, tmp_path: Path) -> None:
    path = tmp_path / name
    sources = "-f lavfi -i testsrc=d=0.2:s=64x64:r=25 -f lavfi -i sine=d=0.2:r=48000"
    command = [
        imageio_ffmpeg.get_ffmpeg_exe(),
        "-v",
        "error",
        *sources.split(),
        *codecs.split(),
        "-shortest",
        str(path),
    ]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
    with path.open("rb") as file:
        media_type = sniff_file(file)
        head_type = sniff_head(file.read(HEAD_LENGTH))
    assert matches(media_type, ["image/*", "audio/*", "video/*"])
    assert extension_fits(extension(name), media_type)
    assert media_type in possible_types(head_type)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        pytest.param("video/MP2T", "video/mp2t", id="upper-case"),
        pytest.param("inode/x-empty", "application/x-empty", id="empty"),
        pytest.param("image/x+y.z-1", "image/x+y.z-1", id="punctuation"),
        pytest.param("cannot open (No such file)", "application/octet-stream", id="message"),
        pytest.param("image/pngimage/png", "application/octet-stream", id="two-run-together"),
        pytest.param(None, "application/octet-stream", id="error"),
    ],
)
def test_odd_answers(answering: Callable[[str | None], None], answer: str | None, expected: str) -> None:
    answering(answer)
    assert sniff_head(b"a") == expected


def test_position_is_restored_after_an_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def from_descriptor(descriptor: int) -> str:
        os.lseek(descriptor, 3, os.SEEK_SET)
        raise Unreadable

    libmagic = sniffing._Libmagic(detector=SimpleNamespace(from_descriptor=from_descriptor), error=Unreadable)
    monkeypatch.setattr(sniffing, "_libmagic", lambda _: libmagic)
    (tmp_path / "file").write_bytes(PNG)
    with (tmp_path / "file").open("rb") as file:
        file.seek(5)
        assert sniff_file(file) == "application/octet-stream"
        assert file.tell() == os.lseek(file.fileno(), 0, os.SEEK_CUR) == 5


@pytest.mark.usefixtures("fresh_libmagic")
def test_missing_libmagic_is_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "magic", None)
    with pytest.raises(LibmagicUnusable, match=r"django-largefiles\[libmagic\].*apt install libmagic1.*brew install"):
        sniff_head(b"a")


@pytest.mark.usefixtures("fresh_libmagic")
def test_another_package_called_magic_is_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "magic", SimpleNamespace(open=print))
    with pytest.raises(LibmagicUnusable, match="no attribute 'Magic'"):
        sniff_head(b"a")


@pytest.fixture
def imports(fresh_libmagic: None, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names that are imported, in their order; nothing really is."""
    order: list[str] = []

    def import_module(name: str) -> Any:
        order.append(name)
        if name == "pylibmagic":
            raise ImportError
        detector = SimpleNamespace(from_buffer=lambda _: "a/b")
        return SimpleNamespace(Magic=lambda **_: detector, MagicException=Unreadable)

    monkeypatch.setattr(sniffing, "importlib", SimpleNamespace(import_module=import_module))
    return order


def test_bundled_library_is_tried_first(imports: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "magic", raising=False)
    assert sniff_head(b"a") == "a/b"
    assert imports == ["pylibmagic", "magic"]


def test_bundled_library_is_left_alone_once_another_is_loaded(
    imports: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "magic", SimpleNamespace())
    assert sniff_head(b"a") == "a/b"
    assert imports == ["magic"]


def test_libmagic_is_loaded_once(imports: list[str]) -> None:
    sniff_head(b"a")
    first = list(imports)
    sniff_head(b"b")
    assert imports == first


@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")
def test_a_forked_worker_does_not_wait_for_its_parents_lock(monkeypatch: pytest.MonkeyPatch) -> None:
    load, used = sniffing._libmagic, []

    def recording(process_id: int) -> sniffing._Libmagic:
        used.append(load(process_id))
        return used[-1]

    monkeypatch.setattr(sniffing, "_libmagic", recording)
    sniff_head(b"a")
    with used[0].detector.lock:
        child = os.fork()
        if not child:  # pragma: no cover
            signal.alarm(20)
            os._exit(0 if sniff_head(PNG) == "image/png" else 1)
        assert os.waitpid(child, 0)[1] == 0
