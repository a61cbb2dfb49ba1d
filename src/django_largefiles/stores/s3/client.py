"""boto3's client of an ``S3Storage``, as the host has set it up."""

from __future__ import annotations

import copy
from typing import Any

from botocore.config import Config

CONNECT_TIMEOUT_SECONDS = 5
READ_TIMEOUT_SECONDS = 20
"""Of silence. Some answers take longer than that (``CompleteMultipartUpload``), but are not silent meanwhile."""

MAX_CONNECTIONS = 50


def own_client(storage: Any, **changes: Any) -> Any:
    """The storage's client, with its settings and ``changes`` to them, but our time-outs.

    It may be used by many threads.
    """
    return with_our_time_outs(storage, **changes).connection.meta.client


def with_our_time_outs(storage: Any, **changes: Any) -> Any:
    """The same storage and session, with a client of our own."""
    own = copy.copy(storage)
    own.client_config = storage.client_config.merge(
        Config(
            connect_timeout=CONNECT_TIMEOUT_SECONDS,
            read_timeout=READ_TIMEOUT_SECONDS,
            retries={"total_max_attempts": 1},
            max_pool_connections=MAX_CONNECTIONS,
            **changes,
        )
    )
    return own
