from __future__ import annotations

import pytest

from django_largefiles.stores import store_for
from django_largefiles.stores.base import Store
from tests.s3.servers import S3Bucket
from tests.stores.s3 import test_store as fast

pytestmark = pytest.mark.integration


@pytest.fixture
def bucket(seaweedfs_bucket: S3Bucket) -> S3Bucket:
    return seaweedfs_bucket


@pytest.fixture
def store(bucket: S3Bucket) -> Store:
    return store_for(bucket.storage())


class TestContract(fast.TestContract):
    pass
