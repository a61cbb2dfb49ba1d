"""Connections to databases, which no request keeps while bytes stream.

A slow client needs its thread or task for minutes. If it kept a connection too, a pool or a server's limit on
connections would be used up by a few of them, and every other request would wait or fail.
"""

from __future__ import annotations

from collections.abc import Iterator

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper


def release_connections() -> None:
    """Close the connections of this thread, or return them to their pool; the next query opens one.

    Connections in a transaction are kept, since closing one ends its transaction. Those to SQLite are kept too: they
    take nothing from other requests, and opening one costs more than a small piece of an upload.
    """
    for connection in _idle():
        if connection.vendor != "sqlite":
            connection.close()


def close_connections() -> None:
    """Do the same for a request that is idle for minutes, and close those to SQLite too, which keep files open."""
    for connection in _idle():
        connection.close()


def _idle() -> Iterator[BaseDatabaseWrapper]:
    # ``autocommit`` is False in a transaction, and if the project manages its transactions itself.
    return (connection for connection in connections.all(initialized_only=True) if connection.autocommit)
