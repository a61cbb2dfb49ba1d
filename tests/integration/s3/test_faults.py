"""The same trouble, before a server that checks what it is sent.

Of the faults only those reach it that come after it has done its work: the other ones are the proxy's alone.
"""

from __future__ import annotations

import pytest

from tests.doors.resumable.tus_client import Tus
from tests.s3.faults import Proxy
from tests.s3.servers import S3Bucket
from tests.stores.s3.test_faults import (
    check_that_a_client_hears_nothing,
    proxy,
    test_a_request_that_is_refused_loses_nothing,
    test_an_expired_upload_leaves_nothing,
    test_every_twentieth_request_fails,
    tus,
)

__all__ = [
    "proxy",
    "test_a_request_that_is_refused_loses_nothing",
    "test_an_expired_upload_leaves_nothing",
    "test_every_twentieth_request_fails",
    "tus",
]

pytestmark = [pytest.mark.integration, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def silence() -> float:
    return 2.0


@pytest.fixture
def bucket(seaweedfs_bucket: S3Bucket) -> S3Bucket:
    return seaweedfs_bucket


def test_a_client_hears_nothing_of_answers_that_are_lost(tus: Tus, proxy: Proxy, bucket: S3Bucket) -> None:
    check_that_a_client_hears_nothing("lost", tus, proxy, bucket)
