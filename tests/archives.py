"""Archives and office files, honest and hostile, made in memory."""

from __future__ import annotations

import io
import stat
import struct
import tarfile
import warnings
import zipfile
import zlib
from collections.abc import Iterable, Mapping

OOXML = "application/vnd.openxmlformats-officedocument."
ODF = "application/vnd.oasis.opendocument."
DOCX, XLSX, PPTX = (
    f"{OOXML}{kind}" for kind in ("wordprocessingml.document", "spreadsheetml.sheet", "presentationml.presentation")
)
VBA = "application/vnd.ms-office.vbaProject"

Members = Mapping[str, str | bytes] | Iterable[tuple[str, str | bytes]]

CORE = """<cp:coreProperties xmlns:cp="urn:cp" xmlns:dc="urn:dc" xmlns:dcterms="urn:dcterms">
<dc:title>Annual report</dc:title><dc:creator>Ada</dc:creator><cp:lastModifiedBy>Bob</cp:lastModifiedBy>
<dcterms:created>2020-01-02T03:04:05Z</dcterms:created><dcterms:modified>2021-01-02T03:04:05Z</dcterms:modified>
</cp:coreProperties>"""
APP = (
    '<Properties xmlns="urn:app"><Application>Writer</Application><AppVersion>16.0</AppVersion>'
    "<Pages>12</Pages></Properties>"
)
WORKBOOK = '<workbook xmlns="urn:x"><sheets><sheet name="a"/><sheet name="b"/></sheets></workbook>'
PRESENTATION = '<p:deck xmlns:p="urn:p"><p:sldIdLst><p:sldId/><p:sldId/><p:sldId/></p:sldIdLst></p:deck>'

META = """<office:document-meta xmlns:office="urn:o" xmlns:meta="urn:m" xmlns:dc="urn:dc"><office:meta>
<dc:title>Annual report</dc:title><meta:initial-creator>Ada</meta:initial-creator><dc:creator>Bob</dc:creator>
<meta:creation-date>2020-01-02T03:04:05</meta:creation-date><dc:date>2021-01-02T03:04:05</dc:date>
<meta:generator>LibreOffice</meta:generator>
<meta:document-statistic meta:page-count="12" meta:table-count="2"/></office:meta></office:document-meta>"""
SLIDES = '<office:body xmlns:office="urn:o" xmlns:draw="urn:d"><draw:page/><draw:page/><draw:page/></office:body>'
MANIFEST = '<manifest:manifest xmlns:manifest="urn:m"><manifest:file-entry/></manifest:manifest>'
ENCRYPTED_MANIFEST = MANIFEST.replace("<manifest:file-entry/>", "<manifest:encryption-data/>")


def zip_of(members: Members, *, packed: int = zipfile.ZIP_DEFLATED, comment: bytes = b"") -> bytes:
    buffer = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(buffer, "w", packed) as archive:
        warnings.filterwarnings("ignore", message="Duplicate name")
        archive.comment = comment
        for name, content in members.items() if isinstance(members, Mapping) else members:
            archive.writestr(zipfile.ZipInfo(name), content, packed)
    return buffer.getvalue()


def content_types(*kinds: str) -> str:
    parts = "".join(f'<Override PartName="/part{n}" ContentType="{kind}"/>' for n, kind in enumerate(kinds))
    return f'<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">{parts}</Types>'


def ooxml(*kinds: str, parts: Members | None = None, padding: int = 0) -> bytes:
    """A package whose parts have these content types; ``padding`` makes the first member longer, but not packed."""
    return zip_of(
        {
            "[Content_Types].xml": content_types(*kinds) + " " * padding,
            "_rels/.rels": "<Relationships/>",
            "docProps/core.xml": CORE,
            "docProps/app.xml": APP,
            **dict(parts or {"word/document.xml": "<document/>"}),
        },
        packed=zipfile.ZIP_STORED if padding else zipfile.ZIP_DEFLATED,
    )


def docx(**options: int) -> bytes:
    return ooxml(f"{DOCX}.main+xml", **options)


def xlsx() -> bytes:
    return ooxml(f"{XLSX}.main+xml", parts={"xl/workbook.xml": WORKBOOK})


def pptx() -> bytes:
    return ooxml(f"{PPTX}.main+xml", parts={"ppt/presentation.xml": PRESENTATION})


def relationships(**targets: str) -> str:
    """Relationships by the last segment of their type, in the namespace of Microsoft's own."""
    kinds = "http://schemas.microsoft.com/office/2006/relationships"
    lines = "".join(f'<Relationship Id="{kind}" Type="{kinds}/{kind}" Target="{to}"/>' for kind, to in targets.items())
    return (
        f'<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">{lines}</Relationships>'
    )


def docm() -> bytes:
    parts = {"word/document.xml": "<document/>", "word/vbaProject.bin": b"\xd0\xcf\x11\xe0"}
    return ooxml("application/vnd.ms-word.document.macroEnabled.main+xml", VBA, parts=parts)


def odf(kind: str, members: Members | None = None) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("mimetype", f"{ODF}{kind}")
        for name, content in dict(members or {}).items():
            archive.writestr(name, content, zipfile.ZIP_DEFLATED)
        for name, content in {"meta.xml": META, "content.xml": SLIDES, "META-INF/manifest.xml": MANIFEST}.items():
            if name not in dict(members or {}):
                archive.writestr(name, content, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def zip_link(name: str, target: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        link = zipfile.ZipInfo(name)
        link.create_system, link.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, target)
    return buffer.getvalue()


def encrypted_zip() -> bytes:
    """An archive whose one member says that it is encrypted."""
    data = bytearray(zip_of({"a.txt": "hello"}))
    data[6] |= 1
    data[data.index(b"PK\1\2") + 8] |= 1
    return bytes(data)


def overlapping_zip(count: int = 50, kernel: int = 10_000_000) -> bytes:
    """A bomb after David Fifield's: all entries of the directory lead to the same few bytes."""
    single = zip_of({"a": bytes(kernel)})
    start = single.index(b"PK\1\2")
    entry = single[start : single.index(b"PK\5\6")]
    directory = b"".join(entry[:46] + bytes([97 + number % 26]) + entry[47:] for number in range(count))
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, count, count, len(directory), start, 0)
    return single[:start] + directory + end


def tar_of(
    members: Members, *, tar_format: int = tarfile.PAX_FORMAT, links: Mapping[str, str] | None = None, mode: str = "w"
) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode, format=tar_format) as archive:  # type: ignore[call-overload]
        for name, content in members.items() if isinstance(members, Mapping) else members:
            data = content.encode() if isinstance(content, str) else content
            header = tarfile.TarInfo(name)
            header.size = len(data)
            archive.addfile(header, io.BytesIO(data))
        for name, target in (links or {}).items():
            header = tarfile.TarInfo(name)
            header.type, header.linkname = tarfile.SYMTYPE, target
            archive.addfile(header)
    return buffer.getvalue()


def local_member(name: str, content: bytes, *, flags: int = 0) -> bytes:
    """A stored member as its local header tells it."""
    sizes = struct.pack("<3L2H", zlib.crc32(content), len(content), len(content), len(name), 0)
    return struct.pack("<4s5H", b"PK\3\4", 20, flags, 0, 0, 33) + sizes + name.encode() + content


def moved(data: bytes, inserted: bytes, *, at: int) -> bytes:
    """An archive with bytes inserted at a position, and all offsets in its directory corrected."""
    start, end = data.index(b"PK\1\2"), data.index(b"PK\5\6")
    changed, entry = bytearray(data), start
    while entry < end:
        offset, lengths = struct.unpack_from("<L", data, entry + 42)[0], struct.unpack_from("<3H", data, entry + 28)
        struct.pack_into("<L", changed, entry + 42, offset + len(inserted) * (offset >= at))
        entry += 46 + sum(lengths)
    struct.pack_into("<L", changed, end + 16, start + len(inserted))
    return bytes(changed[:at] + inserted + changed[at:])


STORED = zip_of({"a.txt": "a", "b.txt": "b"}, packed=zipfile.ZIP_STORED)
SECOND = STORED.index(b"PK\3\4", 1)
DIRECTORY = STORED.index(b"PK\1\2")
HIDDEN = local_member("c.txt", b"c")

TWO_READINGS = {
    "another name in the header": STORED.replace(b"a.txt", b"c.txt", 1),
    "a member in front": moved(STORED, HIDDEN, at=0),
    "a member in between": moved(STORED, HIDDEN, at=SECOND),
    "a member behind": moved(STORED, HIDDEN, at=DIRECTORY),
    "members and an empty directory": HIDDEN + struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 0, 0, 0, len(HIDDEN), 0),
    "a gap": moved(STORED, b"x" * 100, at=SECOND),
    "encrypted in the header": STORED[:6] + b"\1" + STORED[7:],
    "encrypted in the directory": STORED[: DIRECTORY + 8] + b"\1" + STORED[DIRECTORY + 9 :],
    "another method in the header": STORED[:8] + b"\x08" + STORED[9:],
    "another size in the header": STORED[:22] + b"\0" + STORED[23:],
}
"""ZIP archives in whose members programs disagree."""

TWO_ENDS = tar_of({"a.txt": "a"})[: 2 * tarfile.BLOCKSIZE] + bytes(tarfile.BLOCKSIZE) + tar_of({"c.txt": "c"})
"""A tar with one block of zeros in front of its second member."""


def streamed_zip(members: Members, *, packed: int = zipfile.ZIP_DEFLATED, zip64: bool = False) -> bytes:
    """Written to a pipe: the sizes follow each member."""

    class Pipe(io.BytesIO):
        def tell(self) -> int:
            raise io.UnsupportedOperation

    pipe = Pipe()
    with zipfile.ZipFile(pipe, "w", packed) as archive:
        for name, content in members.items() if isinstance(members, Mapping) else members:
            with archive.open(zipfile.ZipInfo(name), "w", force_zip64=zip64) as member:
                member.write(content.encode() if isinstance(content, str) else content)
    return pipe.getvalue()
