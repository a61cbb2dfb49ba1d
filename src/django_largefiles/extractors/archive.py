"""Archives: what a directory says of its members. ZIP by the directory, tar by its headers, others by unpacking them
in pieces that nobody keeps."""

from __future__ import annotations

import dataclasses
import os
from typing import BinaryIO

from ..containers import tar, zip as zipped
from ..containers.compressed import CODECS, Unpacked
from ..containers.facts import KEY, ArchiveFacts
from .base import JSON, Extractor, Metadata

UNPACKED_BYTES = 512 * 1024 * 1024
"""Of a compressed file at most so much is unpacked; of one that holds more the figures are the least it holds."""

TAR_TYPES = frozenset({"application/x-tar", "application/x-gtar", "application/x-ustar"})

# Of what is packed a second time, alone in a compressed file and so without a name.
_SIGNATURES = (b"PK\3\4", b"\x1f\x8b", b"BZh", b"\xfd7zXZ\0", b"7z\xbc\xaf'\x1c", b"Rar!", b"\x28\xb5\x2f\xfd")


class ArchiveExtractor(Extractor):
    """Its answer under ``archive`` is what ``ARCHIVE_LIMITS`` are compared with."""

    def extract(self, file: BinaryIO, media_type: str) -> Metadata:
        if media_type in CODECS:
            return _compressed(file, media_type)
        if media_type in TAR_TYPES:
            return _metadata("tar", tar.survey(tar.Seeking(file), _size(file)))
        return _metadata("zip", zipped.describe(file))


def archive_attributes(facts: ArchiveFacts) -> dict[str, JSON]:
    """The attributes by which an extractor tells the facts to the policy."""
    return {KEY: dataclasses.asdict(facts)}


def _metadata(archive_format: str, facts: ArchiveFacts) -> Metadata:
    return Metadata(attributes={"format": archive_format, **archive_attributes(facts)})


def _size(file: BinaryIO) -> int:
    return file.seek(0, os.SEEK_END)


def _compressed(file: BinaryIO, media_type: str) -> Metadata:
    size, name = _size(file), media_type.rpartition("/")[2].removeprefix("x-")
    head = _unpacked(file, media_type).read(tar.BLOCK)
    unpacked = _unpacked(file, media_type)
    if tar.is_header(head):
        facts = tar.survey(unpacked, size)
        return _metadata(f"tar+{name}", facts)
    total = unpacked.skip(UNPACKED_BYTES + 1)
    facts = ArchiveFacts(
        entries=1,
        total_size=total,
        ratio=round(total / max(size, 1), 1),
        complete=not unpacked.capped,
        nested=int(head.startswith(_SIGNATURES)),
    )
    return _metadata(name, facts)


def _unpacked(file: BinaryIO, media_type: str) -> Unpacked:
    file.seek(0)
    return Unpacked(file, media_type, UNPACKED_BYTES)
