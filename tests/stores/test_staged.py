from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import InMemoryStorage, Storage

from django_largefiles.exceptions import InvalidSetting, StoreUnavailable
from django_largefiles.stores.base import Store, StoreState
from django_largefiles.stores.staged import StagedStore
from django_largefiles.testing.stores import ArrivingUpload, StoreContract
from tests.conftest import Largefiles
from tests.storages import BreakingStorage, RemoteStorage, RenamingStorage, UnrelatedStorage

KEY = "largefiles/ab/cd/abcd"


@pytest.fixture(autouse=True)
def staging(largefiles: Largefiles, tmp_path: Path) -> Path:
    directory = tmp_path / "staging"
    largefiles.set(STAGING_DIRECTORY=directory)
    return directory


class TestContractInMemory(StoreContract):
    @pytest.fixture
    def store(self) -> Store:
        return StagedStore(InMemoryStorage())


@pytest.mark.parametrize("kind", [RemoteStorage, RenamingStorage, UnrelatedStorage])
class TestContractWithAwkwardStorages(StoreContract):
    @pytest.fixture
    def store(self, kind: type[RemoteStorage], tmp_path: Path) -> Store:
        return StagedStore(kind(str(tmp_path / "remote")))


@pytest.fixture(scope="session")
def sftp_port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    pytest.importorskip("asyncssh", reason="asyncssh is not installed")
    from tests.sftp import sftp_server

    with sftp_server(tmp_path_factory.mktemp("sftp")) as port:
        yield port


@pytest.fixture
def sftp(sftp_port: int, tmp_path: Path) -> Iterator[Storage]:
    backend = pytest.importorskip("storages.backends.sftpstorage", reason="django-storages[sftp] is not installed")
    known_hosts = tmp_path / "known_hosts"
    known_hosts.touch()
    params = {"port": sftp_port, "username": "anyone", "password": "", "allow_agent": False, "look_for_keys": False}
    with backend.SFTPStorage(host="127.0.0.1", params=params, known_host_file=str(known_hosts)) as storage:
        yield storage


class TestContractOverSftp(StoreContract):
    @pytest.fixture
    def store(self, sftp: Storage) -> Store:
        return StagedStore(sftp)
