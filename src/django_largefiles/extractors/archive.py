"""Describe archives: ZIP by its directory, tar by its headers, compressed files by unpacking them piece by piece."""

from __future__ import annotations

import dataclasses
import os
from contextlib import suppress
from typing import BinaryIO

from ..containers import tar, zip_survey
from ..containers.compressed import Unpacked
from ..containers.facts import KEY, ArchiveFacts, Unreadable
from ..media_types.families import COMPRESSIONS, TAR_TYPES
from .base import JSON, Extractor, Metadata

UNPACKED_BYTES = 512 * 1024 * 1024
"""Bytes of a compressed file that are unpacked. The figures of a larger one are lower bounds."""

# An archive inside a compressed file is recognised by its first bytes, because it has no name.
_SIGNATURES = (b"PK\3\4", b"\x1f\x8b", b"BZh", b"\xfd7zXZ\0", b"7z\xbc\xaf'\x1c", b"Rar!", b"\x28\xb5\x2f\xfd")


class ArchiveExtractor(Extractor):
    """Report the figures that ``ARCHIVE_LIMITS`` apply to, in the attribute ``archive``."""

    def extract(self, file: BinaryIO, media_type: str) -> Metadata:
        compression = COMPRESSIONS.get(media_type)
        if compression is not None:
            return _compressed(file, compression)
        if media_type in TAR_TYPES:
            return _metadata("tar", tar.survey(tar.Seeking(file), _size(file)))
        return _metadata("zip", zip_survey.describe(file))


def archive_attributes(facts: ArchiveFacts) -> dict[str, JSON]:
    """Return the attributes by which an extractor reports the figures of an archive to the rules."""
    return {KEY: dataclasses.asdict(facts)}


def _metadata(archive_format: str, facts: ArchiveFacts) -> Metadata:
    return Metadata(attributes={"format": archive_format, **archive_attributes(facts)})


def _size(file: BinaryIO) -> int:
    return file.seek(0, os.SEEK_END)


def _compressed(file: BinaryIO, compression: str) -> Metadata:
    size = _size(file)
    head = _unpacked(file, compression).read(tar.BLOCK)
    unpacked = _unpacked(file, compression)
    if tar.is_header(head):
        facts = tar.survey(unpacked, size)
        # A scanner has to unpack the whole tar before it reads its members.
        with suppress(Unreadable):
            unpacked.skip(UNPACKED_BYTES + 1)
        facts = dataclasses.replace(facts, largest=unpacked.done, methods=(compression,))
        return _metadata(f"tar+{compression}", facts)
    total = unpacked.skip(UNPACKED_BYTES + 1)
    facts = ArchiveFacts(
        entries=1,
        total_size=total,
        ratio=round(total / max(size, 1), 1),
        complete=not unpacked.capped,
        nested=int(head.startswith(_SIGNATURES)),
        largest=total,
        methods=(compression,),
    )
    return _metadata(compression, facts)


def _unpacked(file: BinaryIO, compression: str) -> Unpacked:
    file.seek(0)
    return Unpacked(file, compression, UNPACKED_BYTES)
