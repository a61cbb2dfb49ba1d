"""The extractor that the documentation shows."""

import struct
from typing import BinaryIO

from django_largefiles.extractors.base import Extractor, Metadata


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
