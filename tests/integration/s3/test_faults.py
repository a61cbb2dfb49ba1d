"""The same trouble, before a server that checks what it is sent."""

from __future__ import annotations

import pytest

from tests.s3.servers import S3Bucket
from tests.stores.s3.test_faults import *  # noqa: F403

pytestmark = [pytest.mark.integration, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def silence() -> float:
    return 2.0


@pytest.fixture
def bucket(seaweedfs_bucket: S3Bucket) -> S3Bucket:
    return seaweedfs_bucket
