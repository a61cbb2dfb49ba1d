"""Files made to hurt whoever parses them. Gigabytes are holes: they take no room."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from django.utils import timezone
from PIL import Image
from pypdf import PdfWriter
from pypdf.generic import DecodedStreamObject, NameObject

from django_largefiles.models import FileAsset
from django_largefiles.names import storage_key
from django_largefiles.states import State

MIB = 1024 * 1024
GIB = 1024 * MIB


@dataclass(frozen=True, kw_only=True)
class Hostile:
    """``media_type`` is what libmagic says of it: that of the parser that it is meant for."""

    name: str
    media_type: str
    content: Callable[[], bytes]
    size: int = 0
    """Up to which zeros follow the content; 0 for none."""
    tail: bytes = b""
    error: str = ""
    """With which its extraction fails; of those in the first table alone."""

    def write(self, path: Path) -> None:
        with path.open("wb") as file:
            file.write(self.content())
            if self.size:
                file.truncate(self.size)
                file.seek(self.size)
            file.write(self.tail)


def plant(hostile: Hostile) -> FileAsset:
    """An asset as it is when its bytes have arrived, with the digest made on the way, and no worker knows of it."""
    asset = FileAsset(
        original_name=hostile.name, state=State.RECEIVED, sha256="0" * 64, lease_expires_at=timezone.now()
    )
    name = storage_key(asset.pk)
    path = Path(asset.file.storage.path(name))
    path.parent.mkdir(parents=True, exist_ok=True)
    hostile.write(path)
    asset.size = path.stat().st_size
    asset.save()
    # A new row takes no file.
    FileAsset.objects.filter(pk=asset.pk).update(file=name)
    asset.refresh_from_db()
    return asset


def inflating(mebibytes: int) -> bytes:
    """Some hundreds of kilobytes for zlib, which become so many MiB of zeros. The checksum at the end is wrong."""
    packer = zlib.compressobj(9)
    first, further = (packer.compress(bytes(MIB)) + packer.flush(zlib.Z_FULL_FLUSH) for _ in range(2))
    return first + further * (mebibytes - 1) + packer.flush()


def picture(kind: str) -> bytes:
    content = BytesIO()
    Image.new("RGB", (30, 20)).save(content, kind)
    return content.getvalue()


# PNG (ISO/IEC 15948)


def chunk(kind: bytes, content: bytes = b"") -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png_header(width: int, height: int) -> bytes:
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))


def png_of_900_megapixels() -> bytes:
    """109 KB that decode to 2.7 GB."""
    return png_header(30_000, 30_000) + chunk(b"IDAT", inflating(103)) + chunk(b"IEND")


def png_with_text_that_inflates() -> bytes:
    text = b"Comment\0\0" + inflating(200)
    return png_header(30, 20) + chunk(b"zTXt", text) + chunk(b"IDAT", b"x") + chunk(b"IEND")


def png_of_a_million_chunks() -> bytes:
    return png_header(30, 20) + chunk(b"tIME", bytes(7)) * 1_000_000 + chunk(b"IEND")


# JPEG and EXIF (TIFF 6.0, section 2)


def jpeg(exif: bytes = b"") -> bytes:
    content = BytesIO()
    Image.new("RGB", (30, 20)).save(content, "JPEG", exif=exif)
    return content.getvalue()


def jpeg_of_a_million_segments() -> bytes:
    return jpeg()[:20] + b"\xff\xed\x00\x02" * 1_000_000 + jpeg()[20:]


def exif(*entries: tuple[int, int, int, int], following: int = 0) -> bytes:
    """One directory of entries (tag, type, count, value), and where the next one is."""
    packed = b"".join(struct.pack("<HHII", *entry) for entry in entries)
    return b"Exif\0\0II*\0\x08\0\0\0" + struct.pack("<H", len(entries)) + packed + struct.pack("<I", following)


def jpeg_with_exif_in_a_circle() -> bytes:
    """All its directories are the one at offset 8."""
    pointers = [(tag, 4, 1, 8) for tag in (0x8769, 0x8825, 0xA005, 0x014A)]
    return jpeg(exif(*pointers, following=8))


def jpeg_with_exif_that_claims_gigabytes() -> bytes:
    return jpeg(exif((0x010F, 2, 2**32 - 1, 8), (0x0112, 3, 2**31, 8), (0x8769, 4, 2**30, 8)))


def gif_of_two_million_frames() -> bytes:
    frame = b"\x2c\0\0\0\0\1\0\1\0\0\2\2\x44\1\0"
    return picture("GIF")[:-1] + frame * 2_000_000 + b";"


# PDF (ISO 32000-1)


def pdf(*, operators: bytes = b"") -> bytes:
    content, writer = BytesIO(), PdfWriter()
    page = writer.add_blank_page(612, 792)
    if operators:
        stream = DecodedStreamObject()
        stream.set_data(operators)
        page[NameObject("/Contents")] = writer._add_object(stream.flate_encode())
    writer.write(content)
    return content.getvalue()


def pdf_of(*objects: bytes, trailer: bytes = b"") -> bytes:
    """Of objects numbered from 1, the first of which is the catalogue."""
    body, offsets = b"%PDF-1.7\n", []
    for number, content in enumerate(objects, 1):
        offsets.append(len(body))
        body += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    return (
        body
        + b"xref\n0 %d\n0000000000 65535 f \n%s" % (len(objects) + 1, table)
        + b"trailer <</Size %d /Root 1 0 R %s>>\n" % (len(objects) + 1, trailer)
        + b"startxref\n%d\n%%%%EOF\n" % len(body)
    )


CATALOGUE = b"<</Type /Catalog /Pages 2 0 R>>"


def pdf_whose_pages_are_their_own_children() -> bytes:
    return pdf_of(CATALOGUE, b"<</Type /Pages /Count 9 /Kids [2 0 R 2 0 R 2 0 R]>>")


def pdf_whose_tables_are_in_a_circle() -> bytes:
    document = pdf_of(CATALOGUE, b"<</Type /Pages /Count 1 /Kids [3 0 R]>>", b"<</Type /Page /Parent 2 0 R>>")
    return document.replace(b"/Root", b"/Prev %d /Root" % document.index(b"xref\n"))


def pdf_of_objects_that_are_each_other() -> bytes:
    return pdf_of(b"2 0 R", b"1 0 R", trailer=b"/Info 2 0 R")


def pdf_of_nested_arrays() -> bytes:
    return pdf_of(CATALOGUE, b"<</Type /Pages /Count 1 /Kids %s>>" % (b"[" * 200_000 + b"]" * 200_000))


def pdf_whose_table_inflates() -> bytes:
    """A cross-reference stream of 200 KB that inflates to 200 MB."""
    packed = inflating(200)
    stream = b"<</Type /XRef /Size 9 /W [1 4 2] /Root 1 0 R /Filter /FlateDecode /Length %d>>" % len(packed)
    head = b"%PDF-1.7\n"
    return head + b"1 0 obj\n%s\nstream\n%s\nendstream\nendobj\nstartxref\n%d\n%%%%EOF\n" % (stream, packed, len(head))


def pdf_of_a_million_pages() -> bytes:
    kids = b"3 0 R " * 1_000_000
    return pdf_of(CATALOGUE, b"<</Type /Pages /Kids [%s]>>" % kids, b"<</Type /Page /Parent 2 0 R>>")


# MP3 (ISO/IEC 11172-3) with ID3 2.3


def mp3() -> bytes:
    """Two seconds of silence: layer III, 128 kbit/s, 44,100 Hz."""
    return (b"\xff\xfb\x90\x00" + bytes(413)) * 77


def tagged(frames: bytes) -> bytes:
    size = bytes(len(frames) >> shift & 0x7F for shift in (21, 14, 7, 0))
    return b"ID3\x03\0\0" + size + frames + mp3()


def id3_frame(kind: bytes, content: bytes, flags: int = 0) -> bytes:
    return kind + struct.pack(">IH", len(content), flags) + content


def mp3_with_a_title_that_inflates() -> bytes:
    return tagged(id3_frame(b"TIT2", struct.pack(">I", 2**31 - 1) + inflating(600), flags=0x0080))


def mp3_with_60_000_tags() -> bytes:
    """libmagic sees no MP3 behind a larger tag."""
    return tagged(id3_frame(b"TXXX", b"\0a\0b") * 60_000)


# Other sound and film


def flac_of_a_million_blocks() -> bytes:
    information = bytes(10) + b"\x0a\xc4\x42\xf0" + bytes(20)
    return b"fLaC\0\0\0\x22" + information + b"\x01\0\0\0" * 1_000_000


def wave_of_a_million_chunks() -> bytes:
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 2, 44100, 176_400, 4, 16)
    return b"RIFF\xff\xff\xff\x7fWAVE" + form + b"abcd\0\0\0\0" * 1_000_000


def asf_of_a_million_objects() -> bytes:
    head = bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c") + struct.pack("<QL", 2**33, 1_000_000) + b"\1\2"
    return head + (bytes(16) + b"\x18" + bytes(7)) * 1_000_000


def box(kind: bytes, *content: bytes) -> bytes:
    joined = b"".join(content)
    return struct.pack(">I4s", 8 + len(joined), kind) + joined


FILE_TYPE = box(b"ftyp", b"isom", bytes(4), b"isom")


def film_of_boxes_in_boxes() -> bytes:
    nested = b""
    for _ in range(20_000):
        nested = box(b"moov", nested)
    return FILE_TYPE + nested


def film_of_a_million_boxes() -> bytes:
    return FILE_TYPE + box(b"free") * 1_000_000


def film_whose_boxes_claim_everything() -> bytes:
    """Each says that it reaches to the end of the file, or beyond."""
    claims = b"".join(struct.pack(">I4s", 2**32 - 1, kind) for kind in (b"moov", b"trak", b"mdia", b"minf", b"stbl"))
    return FILE_TYPE + claims + struct.pack(">I4sII", 2**32 - 1, b"stts", 0, 2**32 - 1)


EBML = bytes.fromhex("1a45dfa3 93 4282 88") + b"matroska" + bytes.fromhex("4287 81 04 4285 81 02")
SEGMENT = bytes.fromhex("18538067 01ffffffffffffff")


def film_of_tags_in_tags() -> bytes:
    """Matroska tags of unknown size, each in the one before."""
    return EBML + SEGMENT + bytes.fromhex("1254c367 01ffffffffffffff") + bytes.fromhex("67c8 ff 7373 ff") * 300_000


def film_of_a_million_tracks() -> bytes:
    track = bytes.fromhex("ae 87 d7 81 01 83 81 01 00")
    return EBML + SEGMENT + bytes.fromhex("1654ae6b 01ffffffffffffff") + track * 1_000_000


TABLE = [
    Hostile(
        name="PDF and 3 GiB of zeros",
        media_type="application/pdf",
        content=pdf,
        size=3 * GIB,
        error="ValueError: the last 65536 bytes contain no startxref",
    ),
    Hostile(
        name="3 GiB of PDF with a bad startxref",
        media_type="application/pdf",
        content=lambda: b"%PDF-1.7\n",
        size=3 * GIB,
        tail=b"\nstartxref\n12345\n%%EOF\n",
        error="ValueError: the document has no page tree",
    ),
    Hostile(
        name="PDF of 3 million text operators",
        media_type="application/pdf",
        content=lambda: pdf(operators=b"BT (a) Tj ET\n" * 1_000_000),
    ),
    Hostile(
        name="JFIF header and 3 GiB of zeros",
        media_type="image/jpeg",
        content=lambda: jpeg()[:20],
        size=3 * GIB,
        error="ReadBudget",
    ),
    Hostile(
        name="PNG that declares an IDAT of 2 GiB",
        media_type="image/png",
        content=lambda: png_header(30, 20) + struct.pack(">I", 2**31 - 1) + b"IDAT",
        size=3 * GIB,
    ),
    Hostile(name="MP3 and 3 GiB of zeros", media_type="audio/mpeg", content=mp3, size=3 * GIB),
    Hostile(
        name="PNG of 900 megapixels",
        media_type="image/png",
        content=png_of_900_megapixels,
        error="DecompressionBombError: Image size (900000000",
    ),
]
"""The table of the security page, and the pixels."""

FURTHER = [
    Hostile(name="PNG with text that inflates", media_type="image/png", content=png_with_text_that_inflates),
    Hostile(name="PNG of a million chunks", media_type="image/png", content=png_of_a_million_chunks),
    Hostile(name="JPEG of a million segments", media_type="image/jpeg", content=jpeg_of_a_million_segments),
    Hostile(name="EXIF in a circle", media_type="image/jpeg", content=jpeg_with_exif_in_a_circle),
    Hostile(name="EXIF that claims gigabytes", media_type="image/jpeg", content=jpeg_with_exif_that_claims_gigabytes),
    Hostile(name="GIF of two million frames", media_type="image/gif", content=gif_of_two_million_frames),
    Hostile(name="GIF and 3 GiB", media_type="image/gif", content=lambda: picture("GIF")[:-1], size=3 * GIB),
    Hostile(name="WebP and 3 GiB", media_type="image/webp", content=lambda: picture("WEBP"), size=3 * GIB),
    Hostile(
        name="PDF pages in a circle", media_type="application/pdf", content=pdf_whose_pages_are_their_own_children
    ),
    Hostile(name="PDF tables in a circle", media_type="application/pdf", content=pdf_whose_tables_are_in_a_circle),
    Hostile(name="PDF objects in a circle", media_type="application/pdf", content=pdf_of_objects_that_are_each_other),
    Hostile(name="PDF of nested arrays", media_type="application/pdf", content=pdf_of_nested_arrays),
    Hostile(name="PDF table that inflates", media_type="application/pdf", content=pdf_whose_table_inflates),
    Hostile(name="PDF of a million pages", media_type="application/pdf", content=pdf_of_a_million_pages),
    Hostile(name="ID3 title that inflates", media_type="audio/mpeg", content=mp3_with_a_title_that_inflates),
    Hostile(name="ID3 of 60,000 tags", media_type="audio/mpeg", content=mp3_with_60_000_tags),
    Hostile(name="FLAC of a million blocks", media_type="audio/flac", content=flac_of_a_million_blocks),
    Hostile(name="WAVE of a million chunks", media_type="audio/x-wav", content=wave_of_a_million_chunks),
    Hostile(name="ASF of a million objects", media_type="video/x-ms-asf", content=asf_of_a_million_objects),
    Hostile(name="MP4 of boxes in boxes", media_type="video/mp4", content=film_of_boxes_in_boxes),
    Hostile(name="MP4 of a million boxes", media_type="video/mp4", content=film_of_a_million_boxes),
    Hostile(
        name="MP4 whose boxes claim everything", media_type="video/mp4", content=film_whose_boxes_claim_everything
    ),
    Hostile(name="Matroska tags in tags", media_type="video/x-matroska", content=film_of_tags_in_tags),
    Hostile(name="Matroska of a million tracks", media_type="video/x-matroska", content=film_of_a_million_tracks),
    Hostile(name="Matroska and 3 GiB", media_type="video/x-matroska", content=lambda: EBML + SEGMENT, size=3 * GIB),
]
