from __future__ import annotations

import errno
import os
import resource
import stat
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from fcntl import flock
from pathlib import Path
from unittest.mock import Mock
from uuid import uuid4

import pytest
from django.core.files.storage import FileSystemStorage

from django_largefiles.exceptions import StoreFull, StoreUnavailable, TakenOver, UploadGone
from django_largefiles.stores import fence
from django_largefiles.stores.base import ServedAs, Store
from django_largefiles.stores.filesystem import FilesystemStore, translated_errors
from django_largefiles.testing.stores import StoreContract
from tests.conftest import Largefiles

NAME = "largefiles/ab/cd/abcd"
TOKEN = uuid4()


def put(store: Store) -> None:
    state = store.begin(NAME, None)
    store.append(state, 0, TOKEN).close()
    store.finish(state, TOKEN)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "root"


@pytest.fixture
def store(root: Path) -> Store:
    return FilesystemStore(FileSystemStorage(location=root))


class TestContract(StoreContract):
    pass


@pytest.fixture(params=[0o000, 0o022, 0o777], ids=["umask 000", "umask 022", "umask 777"])
def umask(request: pytest.FixtureRequest) -> Iterator[None]:
    before = os.umask(request.param)
    yield
    os.umask(before)


def test_files_and_folders_are_private_under_any_umask(root: Path, store: Store, umask: None) -> None:
    root.mkdir(mode=0o755)
    root.chmod(0o755)
    put(store)
    modes = {path: stat.S_IMODE(path.stat().st_mode) for path in root.rglob("*")}
    assert {mode for path, mode in modes.items() if path.is_dir()} == {0o700}
    assert {mode for path, mode in modes.items() if path.is_file()} == {0o600}
    assert stat.S_IMODE(root.stat().st_mode) == 0o755


def test_the_root_has_the_mode_of_its_storage(root: Path, umask: None) -> None:
    root.mkdir(mode=0o755)
    root.chmod(0o755)
    put(FilesystemStore(FileSystemStorage(location=root / "private", directory_permissions_mode=0o700)))
    assert stat.S_IMODE((root / "private").stat().st_mode) == 0o700


def test_finishing_moves_the_bytes_without_copying_them(root: Path, store: Store) -> None:
    state = store.begin(NAME, None)
    store.append(state, 0, TOKEN).close()
    inode = (root / ".incoming" / "abcd").stat().st_ino
    store.finish(state, TOKEN)
    assert (root / NAME).stat().st_ino == inode
    assert not list((root / ".incoming").iterdir())


def test_no_other_upload_is_overwritten(store: Store) -> None:
    store.begin(NAME, None)
    with pytest.raises(StoreUnavailable, match="File exists"):
        store.begin(NAME, None)


def test_a_name_that_leaves_the_root_is_refused(store: Store) -> None:
    with pytest.raises(Exception, match="outside of the base path"):
        store.open_ranged("../outside")


def test_an_appender_that_comes_during_a_finish_gets_the_upload(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    early, late = uuid4(), uuid4()
    state = store.begin(NAME, None)
    store.append(state, 0, early).close()

    def finish_first(descriptor: int, kind: int) -> None:
        monkeypatch.undo()
        store.finish(state, early)
        flock(descriptor, kind)

    monkeypatch.setattr(fence, "flock", finish_first)
    appender = store.append(state, 0, late)
    appender.write(b"late")
    appender.close()
    store.finish(state, late)
    with store.open_ranged(NAME) as file:
        assert file.read() == b"late"


def test_an_earlier_appender_does_not_finish(store: Store) -> None:
    state = store.begin(NAME, None)
    store.append(state, 0, TOKEN).close()
    store.append(state, 0, uuid4()).close()
    with pytest.raises(TakenOver):
        store.finish(state, TOKEN)


def test_finishing_what_was_aborted_meanwhile_leaves_nothing(root: Path, store: Store) -> None:
    state = store.begin(NAME, None)
    store.append(state, 0, TOKEN).close()
    store.abort(state)
    with pytest.raises(StoreUnavailable):
        store.finish(state, TOKEN)
    assert not list((root / ".incoming").iterdir())


@pytest.mark.parametrize("durability", ["flush", "fsync"])
def test_fsync_is_called_only_where_it_is_asked_for(
    durability: str, root: Path, store: Store, largefiles: Largefiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    largefiles.set(DURABILITY=durability)
    synced: list[str] = []

    def fsync(descriptor: int) -> None:
        synced.append(os.path.relpath(Path(f"/proc/self/fd/{descriptor}").readlink(), root))

    monkeypatch.setattr(os, "fsync", fsync)
    state = store.begin(NAME, None)
    appender = store.append(state, 0, TOKEN)
    appender.write(b"bytes")
    appender.commit()
    appender.close()
    store.finish(state, TOKEN)
    all_of_them = [".incoming", ".", ".incoming/abcd", "largefiles/ab/cd", "largefiles/ab", "largefiles", "."]
    assert synced == (all_of_them if durability == "fsync" else [])


def test_a_chunk_that_is_written_in_part_is_written_to_its_end(store: Store) -> None:
    class Reluctant:
        def __init__(self) -> None:
            self.data = b""

        def close(self) -> None: ...

        def write(self, chunk: bytes | memoryview) -> int:
            self.data += bytes(chunk[:2])
            return len(chunk[:2])

        def fileno(self) -> int:
            return folder

    folder = os.open("/", os.O_RDONLY)
    appender = store.append(store.begin(NAME, None), 0, TOKEN)
    appender._file.close()  # type: ignore[attr-defined]
    appender._file = Reluctant()  # type: ignore[attr-defined]
    appender.write(b"12345")
    os.close(folder)
    assert appender._file.data == b"12345"  # type: ignore[attr-defined]
    appender.close()


def test_putting_uploads_together_is_left_to_the_intake(store: Store) -> None:
    appender = store.append(store.begin(NAME, None), 0, TOKEN)
    with pytest.raises(NotImplementedError):
        appender.concatenate([])
    appender.close()


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
def test_a_full_disk_is_told_apart(number: int) -> None:
    with pytest.raises(StoreFull), translated_errors():
        raise OSError(number, os.strerror(number))


def test_a_real_size_limit_is_store_full(store: Store) -> None:
    appender = store.append(store.begin(NAME, None), 0, uuid4())
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    try:
        with pytest.raises(StoreFull):
            appender.write(bytes(2000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        appender.close()


def test_the_reserve_is_left_free(store: Store, largefiles: Largefiles) -> None:
    largefiles.set(RESERVED_BYTES=2**62)
    with pytest.raises(StoreFull, match="room for 0 bytes, not for 1"):
        store.check_room(1)
    store.check_room(0)
    with closing(store.append(store.begin(NAME, None), 0, TOKEN)) as appender:
        with pytest.raises(StoreFull):
            appender.write(b"1")
        appender.write(b"")


def test_a_disk_that_does_not_tell_its_size_is_written_to(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    silent = os.statvfs_result([4096, 4096, 0, 0, 0, 0, 0, 0, 0, 255])
    monkeypatch.setattr(os, "statvfs", lambda path: silent)
    store.check_room(1)


def test_the_bytes_of_a_failed_request_are_given_up(root: Path, store: Store) -> None:
    with closing(store.append(store.begin(NAME, None), 0, TOKEN)) as appender:
        appender.write(b"12345")
        appender.roll_back(2)
    assert (root / ".incoming" / "abcd").read_bytes() == b"12"


def test_a_closed_appender_gives_up_nothing(root: Path, store: Store) -> None:
    with closing(store.append(store.begin(NAME, None), 0, TOKEN)) as appender:
        appender.write(b"12345")
    appender.roll_back(2)
    assert (root / ".incoming" / "abcd").read_bytes() == b"12345"


def test_an_earlier_appender_does_not_cut_off_a_later_one_s_bytes(root: Path, store: Store) -> None:
    state = store.begin(NAME, None)
    with closing(store.append(state, 0, TOKEN)) as early, closing(store.append(state, 0, uuid4())) as late:
        late.write(b"12345")
        with pytest.raises(TakenOver):
            early.roll_back(0)
    assert (root / ".incoming" / "abcd").read_bytes() == b"12345"


def test_a_file_that_cannot_be_appended_to_is_closed_again(
    root: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = store.begin(NAME, None)
    (root / ".incoming" / "abcd").write_bytes(b"1")
    monkeypatch.setattr(os, "ftruncate", Mock(side_effect=OSError(errno.EIO, "the disk is broken")))
    with pytest.raises(StoreUnavailable):
        store.append(state, 0, TOKEN)


def test_a_file_that_is_too_short_is_closed_again_and_left_as_it_is(root: Path, store: Store) -> None:
    state = store.begin(NAME, None)
    (root / ".incoming" / "abcd").write_bytes(b"1")
    with pytest.raises(UploadGone, match="1 bytes, not 2"):
        store.append(state, 2, TOKEN)
    assert (root / ".incoming" / "abcd").read_bytes() == b"1"


def test_only_a_file_with_bytes_beyond_the_offset_is_cut(
    root: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    cuts = list[int]()
    monkeypatch.setattr(os, "ftruncate", lambda descriptor, length: cuts.append(length))
    state = store.begin(NAME, None)
    for offset in (0, 5):
        with closing(store.append(state, offset, TOKEN)) as appender:
            appender.write(b"12345")
    assert cuts == []
    store.append(state, 5, TOKEN).close()
    assert cuts == [5]


def _unreadable(store: Store) -> object:
    return store.open_ranged(NAME)


def _unfinishable(store: Store) -> object:
    return store.finish({"name": NAME}, TOKEN)


def _unappendable(store: Store) -> object:
    return store.append({"name": NAME}, 0, TOKEN)


@pytest.mark.parametrize("act", [_unreadable, _unfinishable, _unappendable])
def test_missing_bytes_are_store_unavailable(act: Callable[[Store], object], store: Store) -> None:
    with pytest.raises(StoreUnavailable, match="No such file"):
        act(store)


def test_bytes_stay_where_they_are_finished(store: Store) -> None:
    put(store)
    assert store.destination(NAME) is None
    with pytest.raises(NotImplementedError):
        store.move(NAME, {"name": NAME}, lambda done: None)


def test_a_folder_gives_no_links(store: Store) -> None:
    served_as = ServedAs(media_type="image/png", disposition="attachment", cache_control="no-store")
    assert not store.gives_links
    with pytest.raises(NotImplementedError):
        store.link("one", timedelta(minutes=1), served_as)
