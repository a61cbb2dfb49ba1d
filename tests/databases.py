"""Errors of databases, as Django raises them because of those of a driver."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import OperationalError, connection


class PostgreSQLError(Exception):
    def __init__(self, sqlstate: str) -> None:
        super().__init__("message")
        self.sqlstate = sqlstate


class SQLiteError(sqlite3.OperationalError):
    def __init__(self, code: int) -> None:
        super().__init__("message")
        self.sqlite_errorcode = code


def error(cause: Exception | None) -> OperationalError:
    caught = OperationalError("message")
    caught.__cause__ = cause
    return caught


@contextmanager
def failing(caught: OperationalError, *words: str) -> Iterator[None]:
    """Let statements that contain all these words fail."""

    def execute(call: Any, sql: str, *rest: Any) -> Any:
        if all(word in sql for word in words):
            raise caught
        return call(sql, *rest)

    with connection.execute_wrapper(execute):
        yield


def full(*words: str) -> Any:
    """Let statements that contain all these words find no room."""
    return failing(error(SQLiteError(sqlite3.SQLITE_FULL)), *words)
