from __future__ import annotations

import pytest

from django_largefiles.stores import store_for
from django_largefiles.stores.base import Store
from django_largefiles.stores.s3 import plan
from django_largefiles.testing.stores import StoreContract
from tests.s3.servers import S3Bucket


@pytest.fixture
def store(bucket: S3Bucket) -> Store:
    return store_for(bucket.storage())


class TestContract(StoreContract):
    large = 2 * plan.PART + 100_000
