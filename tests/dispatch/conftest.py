from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from celery import Celery, current_app


@pytest.fixture
def celery_app() -> Iterator[Callable[..., Celery]]:
    """Create Celery apps of the host, and restore the current one afterwards."""
    before = current_app._get_current_object()
    yield lambda **configured: Celery("host", set_as_current=True, changes=configured)
    before.set_current()
