"""Extractors as a host would write them: they know no Django."""

from __future__ import annotations

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
