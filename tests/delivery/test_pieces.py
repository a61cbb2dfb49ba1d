from __future__ import annotations

import asyncio
from io import BytesIO

from django_largefiles.delivery.pieces import AsyncFilePieces, FilePieces
from django_largefiles.protocols.ranges import ByteRange
from tests.conftest import Largefiles


def test_under_asgi_a_file_is_closed_before_it_was_read() -> None:
    file = BytesIO(b"content")
    AsyncFilePieces(FilePieces(file, [ByteRange(start=0, stop=7)])).close()
    assert file.closed


def test_under_asgi_a_file_is_closed_after_the_piece_that_is_being_read(largefiles: Largefiles) -> None:
    largefiles.set(CHUNK_SIZE=1)
    file = BytesIO(b"content")

    async def read_one() -> bytes:
        pieces = AsyncFilePieces(FilePieces(file, [ByteRange(start=0, stop=7)]))
        piece = await anext(pieces)
        pieces.close()
        return piece

    assert asyncio.run(read_one()) == b"c"
    assert file.closed
