from __future__ import annotations

import pytest

from django_largefiles.progress import hub
from tests.progress.rows import Rows


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Looks follow each other a hundred times as fast."""
    monkeypatch.setattr(hub, "INTERVAL", 0.005)
    monkeypatch.setattr(hub, "SOONEST", 0.001)
    monkeypatch.setattr(hub, "SETTLED_INTERVAL", 0.05)


@pytest.fixture
def rows(quick: None, monkeypatch: pytest.MonkeyPatch) -> Rows:
    """What hubs read in place of the table."""
    rows = Rows()
    monkeypatch.setattr(hub, "read", rows)
    return rows
