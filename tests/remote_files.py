"""Files as large as real ones, of which only the parts that are not zero are in memory."""

from __future__ import annotations

import io
import os
import struct
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

KIB = 1024
MIB = 1024 * KIB
GIB = 1024 * MIB


class RemoteFile(io.RawIOBase):
    """Zeros but for ``parts``, by their offsets. Counts what is read of it, as a store would be asked for it."""

    def __init__(self, size: int, parts: dict[int, bytes]) -> None:
        self._size = size
        self._parts = parts
        self._position = 0
        self.requests = 0
        self.bytes_read = 0

    def seekable(self) -> bool:
        return True

    def readable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        self._position = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._size}[whence] + offset
        return self._position

    def readinto(self, buffer: WriteableBuffer) -> int:
        target = memoryview(buffer).cast("B")
        size = max(0, min(len(target), self._size - self._position))
        target[:size] = self._content(self._position, size)
        self._position += size
        self.requests += 1
        self.bytes_read += size
        return size

    def _content(self, start: int, size: int) -> bytes:
        content = bytearray(size)
        for offset, part in self._parts.items():
            first, last = max(start, offset), min(start + size, offset + len(part))
            if first < last:
                content[first - start : last - start] = part[first - offset : last - offset]
        return bytes(content)


def film(sample: bytes, size: int, table_bytes: int) -> RemoteFile:
    """An MP4 that grew: more data between its first box and the last, which indexes it; tables as of a long film."""
    boxes = dict(_boxes(sample))
    movie = _box(b"moov", _with_long_tables(boxes[b"moov"], table_bytes))
    head = _box(b"ftyp", boxes[b"ftyp"])
    data = struct.pack(">I4sQ", 1, b"mdat", size - len(head) - len(movie))
    return RemoteFile(size, {0: head + data, size - len(movie): movie})


def _boxes(content: bytes) -> list[tuple[bytes, bytes]]:
    found = []
    while content:
        size, kind = struct.unpack_from(">I4s", content)
        found.append((kind, content[8:size]))
        content = content[size:]
    return found


def _box(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I4s", 8 + len(content), kind) + content


def _with_long_tables(content: bytes, size: int) -> bytes:
    changed = []
    for kind, inner in _boxes(content):
        if kind in {b"trak", b"mdia", b"minf", b"stbl"}:
            inner = _with_long_tables(inner, size)
        elif kind == b"stsz":
            inner += bytes(size)
        changed.append(_box(kind, inner))
    return b"".join(changed)


def photograph(size: int) -> RemoteFile:
    """A JPEG as a camera writes it: a thumbnail and the maker's notes, 60 KiB, before the picture."""
    buffer = io.BytesIO()
    exif = Image.Exif()
    exif[0x010F] = "Maker"
    exif.get_ifd(0x8769)[0x927C] = os.urandom(60 * KIB)
    Image.new("RGB", (600, 400)).save(buffer, "JPEG", exif=exif)
    return RemoteFile(size, {0: buffer.getvalue()})


def recording(sample: bytes, size: int) -> RemoteFile:
    """An MP3 that goes on: what ``sample`` sounds like at its start is also heard in the middle and near the end."""
    return RemoteFile(size, {0: sample} | {size * tenths // 10: sample for tenths in (5, 9)})


def book(pages: int, size: int) -> RemoteFile:
    """A PDF whose pages are spread over it evenly, each before the scan that it shows."""
    step, parts, offsets = size // (pages + 4), {0: b"%PDF-1.7\n"}, []
    kids = " ".join(f"{3 + number} 0 R" for number in range(pages))
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Count {pages} /Kids [{kids}] >>".encode(),
        *[b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] >>"] * pages,
    ]
    for number, content in enumerate(objects, start=1):
        offsets.append(number * step)
        parts[number * step] = b"%d 0 obj\n%s\nendobj\n" % (number, content)
    lines = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    table = b"\nxref\n0 %d\n0000000000 65535 f \n%s" % (len(objects) + 1, lines)
    trailer = b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n"
    end = size - len(table) - 100
    parts[end] = table + trailer % (len(objects) + 1, end + 1)
    return RemoteFile(end + len(parts[end]), parts)


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def sparse(path: Path, head: bytes, size: int = 3 * GIB) -> Path:
    with path.open("wb") as file:
        file.write(head)
        file.truncate(size)
    return path
