from __future__ import annotations

from datetime import timedelta

import pytest
from storages.backends.s3 import S3Storage

from django_largefiles.exceptions import StoreUnavailable
from django_largefiles.stores.s3.bucket import bucket_of
from django_largefiles.stores.s3.signing import Signer
from tests.s3.servers import S3Bucket


def test_without_credentials_nothing_is_signed(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    signer = Signer(S3Storage(bucket_name="b", region_name="eu-central-1"))
    with pytest.raises(StoreUnavailable, match="NoCredentialsError"):
        signer.part("key", "upload", 1, 1, timedelta(minutes=1))


def test_what_signs_is_made_once(bucket: S3Bucket) -> None:
    """A store is made for each request."""
    storage = bucket.storage()
    assert bucket_of(storage).signer is bucket_of(storage).signer
