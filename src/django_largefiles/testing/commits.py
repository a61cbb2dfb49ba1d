"""Callbacks of ``transaction.on_commit`` in tests whose transaction is rolled back."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.transaction import Atomic, get_connection

logger = logging.getLogger(__name__)


@contextmanager
def commits() -> Iterator[None]:
    """Call the callbacks of ``on_commit`` during the block, whenever their transaction would have been committed.

    ``TestCase``, and ``django_db`` of pytest-django, run each test in a transaction that is never committed, so that
    Django does not call them. A block of ``atomic`` in the test is then one in that transaction. When the outermost of
    these ends without an error, it would have been committed outside of a test. In tests with real transactions Django
    calls the callbacks itself.
    """
    earlier = {each.alias: len(each.run_on_commit) for each in connections.all(initialized_only=True)}
    leave, register = Atomic.__exit__, BaseDatabaseWrapper.on_commit

    def leave_and_call(atomic: Atomic, *error: Any) -> None:
        leave(atomic, *error)
        connection = get_connection(atomic.using)
        _call(connection, earlier.get(connection.alias, 0))

    def register_and_call(connection: BaseDatabaseWrapper, callback: Callable[[], Any], robust: bool = False) -> None:
        register(connection, callback, robust)
        _call(connection, earlier.get(connection.alias, 0))

    with (
        patch.object(Atomic, "__exit__", leave_and_call),
        patch.object(BaseDatabaseWrapper, "on_commit", register_and_call),
    ):
        yield


def _call(connection: BaseDatabaseWrapper, first: int) -> None:
    """Call the callbacks from the ``first`` on, if only the test's own transaction is open."""
    if connection.needs_rollback or not _is_only_the_test_s(connection):
        return
    due: list[Any] = connection.run_on_commit[first:]
    del connection.run_on_commit[first:]
    for _, callback, robust in due:
        try:
            callback()
        except Exception:
            if not robust:
                raise
            logger.exception("A callback of on_commit() failed.")


def _is_only_the_test_s(connection: BaseDatabaseWrapper) -> bool:
    # Django tells durable blocks by the same attribute whether they are in a block of the test's or of the project's.
    blocks: list[Any] = connection.atomic_blocks
    return bool(blocks) and blocks[-1]._from_testcase
