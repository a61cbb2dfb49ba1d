from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.scanners.clamd import Clamd, running


@pytest.fixture(scope="session")
def clamd() -> Iterator[Clamd]:  # needs_clamd
    with running() as clamd:
        yield clamd
