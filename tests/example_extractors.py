"""Extractors as a host would write them: they know no Django."""

from __future__ import annotations

import struct
import time
from typing import BinaryIO

from django_largefiles.extractors.base import Extractor, Metadata


class Describing(Extractor):
    def extract(self, file: BinaryIO, media_type: str) -> Metadata:
        return Metadata(title=media_type, page_count=7, attributes={"first": file.read(4).hex()})


class SqliteExtractor(Extractor):
    """SQLite databases: the figures of the header (https://www.sqlite.org/fileformat2.html, 1.3)."""

    def extract(self, file: BinaryIO, media_type: str) -> Metadata:
        header = file.read(100)
        if len(header) < 100 or not header.startswith(b"SQLite format 3\0"):
            raise ValueError("not a database of SQLite 3")
        page_size, pages, version = struct.unpack_from(">H10xI", header, 16) + struct.unpack_from(">I", header, 60)
        return Metadata(
            page_count=pages,
            attributes={"page_size": 65536 if page_size == 1 else page_size, "user_version": version},
        )


class Failing(Extractor):
    def extract(self, file: BinaryIO, media_type: str) -> Metadata:
        raise ValueError("this file is odd")


class Slow(Extractor):
    def extract(self, file: BinaryIO, media_type: str) -> Metadata:
        time.sleep(2)
        return Metadata(width=1, height=1)
