"""The boto3 client of an ``S3Storage``, with the settings of the project and time-outs of its own."""

from __future__ import annotations

import copy
from typing import Any

from botocore.config import Config

CONNECT_TIMEOUT_SECONDS = 5
READ_TIMEOUT_SECONDS = 20
"""Seconds without a byte. Some answers take longer (``CompleteMultipartUpload``), but send bytes meanwhile."""

MAX_CONNECTIONS = 50


def own_client(storage: Any, **changes: Any) -> Any:
    """Return a client with the settings of the storage, the time-outs above, and ``changes``. It is thread-safe."""
    return with_our_time_outs(storage, **changes).connection.meta.client


def with_our_time_outs(storage: Any, **changes: Any) -> Any:
    """Return a copy of the storage, with the same session and a client of its own."""
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
