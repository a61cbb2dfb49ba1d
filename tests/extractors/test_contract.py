"""Our own extractors keep the contract that we ask of others."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from PIL import Image

from django_largefiles.testing.extractors import ExtractorContract, Sample

BUILT_IN = "django_largefiles.extractors"

MEDIA = {
    "xing.mp3": "audio/mpeg",
    "tone.flac": "audio/flac",
    "tone.ogg": "audio/ogg",
    "tone.wav": "audio/x-wav",
    "film.mp4": "video/mp4",
}


class TestImageExtractor(ExtractorContract):
    @pytest.fixture
    def extractor(self) -> str:
        return f"{BUILT_IN}.image.ImageExtractor"

    @pytest.fixture(params=["jpeg", "png", "gif", "webp"])
    def sample(self, request: pytest.FixtureRequest) -> Sample:
        buffer = io.BytesIO()
        Image.effect_noise((64, 48), 50).save(buffer, request.param)
        return Sample(content=buffer.getvalue(), media_type=f"image/{request.param}")


class TestPdfExtractor(ExtractorContract):
    @pytest.fixture
    def extractor(self) -> str:
        return f"{BUILT_IN}.pdf.PdfExtractor"

    @pytest.fixture
    def sample(self, pdf: Path) -> Sample:
        return Sample(content=pdf.read_bytes(), media_type="application/pdf")


class TestMediaExtractor(ExtractorContract):
    @pytest.fixture
    def extractor(self) -> str:
        return f"{BUILT_IN}.media.MediaExtractor"

    @pytest.fixture(params=MEDIA)
    def sample(self, request: pytest.FixtureRequest, media: Path) -> Sample:
        return Sample(content=(media / request.param).read_bytes(), media_type=MEDIA[request.param])
