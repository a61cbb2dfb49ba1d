"""The time of the database, for leases and expiries.

Many machines write and compare these columns, and their clocks may differ; there is one database. So every such time
is computed and compared in SQL, and no value of a machine's own clock is ever stored in these columns or compared to
them.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import DateTimeField
from django.db.models.expressions import Combinable
from django.db.models.functions import Now
from django.db.models.sql.compiler import SQLCompiler
from django.utils import timezone


class DatabaseNow(Now):
    """The current time, in the form in which Django stores times in the database.

    Django's ``Now`` is that on PostgreSQL alone: on MySQL it is the time of the server's own time zone, and on SQLite
    it is always UTC, although Django stores other times there if ``USE_TZ`` is false or the database has
    ``TIME_ZONE``.
    """

    def as_sqlite(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **context: Any) -> Any:
        template = f"STRFTIME('%%%%Y-%%%%m-%%%%d %%%%H:%%%%M:%%%%f', 'NOW', '{_offset(connection):+d} seconds')"
        return self.as_sql(compiler, connection, template=template, **context)

    def as_mysql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **context: Any) -> Any:
        template = f"TIMESTAMPADD(SECOND, {_offset(connection):d}, UTC_TIMESTAMP(6))"
        return self.as_sql(compiler, connection, template=template, **context)


def now() -> Combinable:
    """Return the expression for the current time of the database."""
    return DatabaseNow(output_field=DateTimeField())


def after(delay: timedelta) -> Combinable:
    """Return the expression for a time that lies ahead of the database's, or behind it if ``delay`` is negative."""
    return now() + delay


def _offset(connection: BaseDatabaseWrapper) -> int:
    """Return the seconds by which the times that Django stores in this database are ahead of UTC.

    The machine's clock only decides between summer and winter time.
    """
    zone = connection.timezone if settings.USE_TZ else timezone.get_default_timezone()
    offset = datetime.now(UTC).astimezone(zone).utcoffset()
    assert offset is not None
    return round(offset.total_seconds())
