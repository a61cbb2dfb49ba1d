from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from django_largefiles.stores.s3.inspection import Inspection
from tests.s3.servers import S3Bucket
from tests.stores.s3.test_checks import probed, set_up

pytestmark = pytest.mark.integration


@pytest.fixture
def bucket(seaweedfs_bucket: S3Bucket) -> Iterator[S3Bucket]:
    """With its rules; they do not outlive the test."""
    set_up(seaweedfs_bucket)
    seaweedfs_bucket.client.put_object(Bucket=seaweedfs_bucket.name, Key="one", Body=b"secret")
    yield seaweedfs_bucket
    seaweedfs_bucket.client.delete_bucket_cors(Bucket=seaweedfs_bucket.name)
    seaweedfs_bucket.client.delete_bucket_lifecycle(Bucket=seaweedfs_bucket.name)


def test_a_bucket_that_is_closed_and_set_up(bucket: S3Bucket) -> None:
    assert probed(bucket) == []


@pytest.mark.parametrize(("action", "resource"), [("s3:GetObject", "/*"), ("s3:ListBucket", "")], ids=["read", "list"])
def test_a_bucket_whose_objects_everybody_may(bucket: S3Bucket, action: str, resource: str) -> None:
    statement = {
        "Effect": "Allow",
        "Principal": "*",
        "Action": action,
        "Resource": f"arn:aws:s3:::{bucket.name}{resource}",
    }
    policy = {"Version": "2012-10-17", "Statement": [statement]}
    bucket.client.put_bucket_policy(Bucket=bucket.name, Policy=json.dumps(policy))
    assert Inspection(bucket.storage()).is_open_to_all()
    assert probed(bucket) == ["E021"]
    bucket.client.delete_bucket_policy(Bucket=bucket.name)
