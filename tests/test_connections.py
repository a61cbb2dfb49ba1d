from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace

import pytest
from django.db import connection

from django_largefiles import connections
from django_largefiles.connections import close_connections, release_connections


@dataclass
class Connection:
    vendor: str = "postgresql"
    autocommit: bool = True
    is_closed: bool = False

    def close(self) -> None:
        self.is_closed = True


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> Callable[[Connection], None]:
    """Adds a connection to those of this thread."""
    found = list[Connection]()
    monkeypatch.setattr(connections, "connections", SimpleNamespace(all=lambda initialized_only: found))
    return found.append


@pytest.mark.parametrize(
    ("one", "is_closed"),
    [
        pytest.param(Connection(), True, id="idle"),
        pytest.param(Connection(vendor="mysql"), True, id="another server"),
        pytest.param(Connection(autocommit=False), False, id="in a transaction"),
        pytest.param(Connection(vendor="sqlite"), False, id="SQLite"),
    ],
)
def test_connections_are_released(one: Connection, is_closed: bool, opened: Callable[[Connection], None]) -> None:
    opened(one)
    release_connections()
    assert one.is_closed == is_closed


@pytest.mark.parametrize(
    ("one", "is_closed"),
    [
        pytest.param(Connection(), True, id="idle"),
        pytest.param(Connection(autocommit=False), False, id="in a transaction"),
        pytest.param(Connection(vendor="sqlite"), True, id="SQLite"),
    ],
)
def test_connections_are_closed(one: Connection, is_closed: bool, opened: Callable[[Connection], None]) -> None:
    opened(one)
    close_connections()
    assert one.is_closed == is_closed


@pytest.mark.django_db
def test_a_transaction_goes_on() -> None:
    connection.ensure_connection()
    assert not connection.autocommit
    release_connections()
    assert connection.connection is not None
