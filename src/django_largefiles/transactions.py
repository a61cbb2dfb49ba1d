"""Transactions that are repeated when they conflict with another.

At REPEATABLE READ and SERIALIZABLE a database ends one of two transactions that change the same row, instead of
letting it wait, and MySQL ends one of two that wait for each other. Repeating it is right as long as it has had no
other effect.
"""

from __future__ import annotations

import random
import sqlite3
import time
from collections.abc import Callable
from functools import partial, wraps
from typing import Any, ParamSpec, TypeVar

from django.db import OperationalError, connections, router, transaction
from django.db.models import F, Model, QuerySet

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")

ATTEMPTS = 20
FIRST_PAUSE = 0.005
LONGEST_PAUSE = 0.2
"""Seconds, at most, before the second attempt and before a late one: each pause is a random part of it."""

POSTGRESQL_CONFLICTS = {"40001", "40P01"}
"""SQLSTATE of ``serialization_failure`` and ``deadlock_detected``."""

POSTGRESQL_FULL = "53100"
"""SQLSTATE of ``disk_full``."""

MYSQL_FULL = {1021, 1114}
"""``ER_DISK_FULL`` and ``ER_RECORD_FILE_FULL``."""

SQLITE_FULL = {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR | 19 << 8}
"""``SQLITE_FULL`` and ``SQLITE_IOERR_SHMSIZE``, by which the index of the write-ahead log finds no room."""

MYSQL_CONFLICTS = {1020, 1205, 1213}
"""``ER_CHECKREAD`` (MariaDB's snapshot isolation), ``ER_LOCK_WAIT_TIMEOUT`` and ``ER_LOCK_DEADLOCK``."""


def in_transaction_of(
    model: type[Model],
) -> Callable[[Callable[Parameters, Result]], Callable[Parameters, Result]]:
    """Run the decorated function as ``run_in_transaction`` does, in the database to which ``model`` is written."""

    def decorate(function: Callable[Parameters, Result]) -> Callable[Parameters, Result]:
        @wraps(function)
        def call(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Result:
            return run_in_transaction(partial(function, *args, **kwargs), router.db_for_write(model))

        return call

    return decorate


def is_in_transaction_of(model: type[Model]) -> bool:
    """Return whether this thread is in a transaction of the database to which ``model`` is written."""
    return connections[router.db_for_write(model)].in_atomic_block


def run_in_transaction(work: Callable[[], Result], using: str) -> Result:
    """Return what ``work`` returns, having run it in one transaction, up to ``ATTEMPTS`` times if others conflict.

    ``work`` must change nothing but the database. Raises ``OperationalError`` if the last attempt conflicts too, and
    after the first if it was called in a transaction of the caller's, which only the caller can repeat.
    """

    def attempt() -> Result:
        with transaction.atomic(using=using):
            return work()

    return retry_on_conflict(attempt, using)


def retry_on_conflict(work: Callable[[], Result], using: str) -> Result:
    """Return what ``work`` returns; the same as ``run_in_transaction`` for a single statement or a transaction."""
    if connections[using].get_autocommit():
        for number in range(1, ATTEMPTS):
            try:
                return work()
            except OperationalError as error:
                if not _is_conflict(error):
                    raise
            time.sleep(random.uniform(0, min(LONGEST_PAUSE, FIRST_PAUSE * 2**number)))  # noqa: S311 — no secret
    return work()


def write_before_reading(rows: QuerySet[Any], column: str) -> None:
    """Lock SQLite by writing ``column`` as it is; other databases lock the rows that ``select_for_update`` reads.

    SQLite locks the database at the first write of a transaction. A transaction that has read before fails there if
    another has written since.
    """
    if not connections[rows.db].features.has_select_for_update:
        rows.update(**{column: F(column)})


def is_full(error: BaseException) -> bool:
    """Return whether the database refused a statement because its disk has no room. Then it changed nothing."""
    if not isinstance(error, OperationalError):
        return False
    sqlite = getattr(error.__cause__, "sqlite_errorcode", None)
    return _sqlstate(error) == POSTGRESQL_FULL or _number(error) in MYSQL_FULL or sqlite in SQLITE_FULL


def _is_conflict(error: OperationalError) -> bool:
    return _sqlstate(error) in POSTGRESQL_CONFLICTS or _number(error) in MYSQL_CONFLICTS


def _sqlstate(error: OperationalError) -> str | None:
    return getattr(error.__cause__, "sqlstate", None) or getattr(error.__cause__, "pgcode", None)


def _number(error: OperationalError) -> object:
    """Return the number that MySQL gives an error."""
    cause = error.__cause__
    return cause.args[0] if cause and cause.args else None
