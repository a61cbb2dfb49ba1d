"""Extractors as a host would write them: they know no Django."""

from __future__ import annotations

import os
import time
from typing import BinaryIO

from django_largefiles.extractors.base import Extractor, Metadata


class Describing(Extractor):
    def extract(self, file: BinaryIO, media_type: str) -> Metadata:
        return Metadata(title=media_type, page_count=7, attributes={"first": file.read(4).hex()})


class Failing(Extractor):
    def extract(self, file: BinaryIO, media_type: str) -> Metadata:
        raise ValueError("this file is odd")


class Slow(Extractor):
    def extract(self, file: BinaryIO, media_type: str) -> Metadata:
        time.sleep(2)
        return Metadata(width=1, height=1)


class Moody(Extractor):
    """Takes a hundredth of a second for each pixel of the width of a PNG; does not survive one of height 13."""

    def extract(self, file: BinaryIO, media_type: str) -> Metadata:
        file.seek(16)
        width, height = (int.from_bytes(file.read(4), "big") for _ in range(2))
        time.sleep(width / 100)
        if height == 13:
            os.abort()
        return Metadata(width=width, height=height)
