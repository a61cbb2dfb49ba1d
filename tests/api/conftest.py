from __future__ import annotations

import pytest

from tests.conformance import _described_answers as _described_answers


@pytest.fixture(autouse=True)
def _conformance(_described_answers: None) -> None:
    """The API keeps what its description promises, in every test."""
