"""The same tests again, over a real S3 server."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.s3.servers import S3Bucket, find_weed, seaweedfs


@pytest.fixture(scope="session")
def seaweedfs_endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    if find_weed() is None:  # needs_seaweedfs
        pytest.skip("SeaweedFS is not installed")
    with seaweedfs(tmp_path_factory.mktemp("seaweedfs")) as endpoint:
        yield endpoint


@pytest.fixture
def bucket(seaweedfs_endpoint: str) -> S3Bucket:
    return S3Bucket.made(seaweedfs_endpoint)
