"""Every test of the door runs over each kind of storage: what it promises does not depend on it."""

from __future__ import annotations

import pytest
from pytest_django.fixtures import Settings

from tests.conftest import Largefiles
from tests.s3.servers import S3Bucket

KINDS = ["filesystem", "moto", pytest.param("seaweedfs", marks=pytest.mark.integration)]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    metafunc.parametrize("storage", KINDS, indirect=True)


@pytest.fixture(autouse=True)
def storage(request: pytest.FixtureRequest, largefiles: Largefiles, settings: Settings) -> None:
    if request.param == "filesystem":
        return
    bucket: S3Bucket = request.getfixturevalue("bucket" if request.param == "moto" else "seaweedfs_bucket")
    settings.STORAGES = {**settings.STORAGES, "default": bucket.setting}
