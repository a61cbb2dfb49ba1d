from __future__ import annotations

import io
import random
from collections.abc import Iterator

import pytest

from django_largefiles.exceptions import StoreUnavailable
from django_largefiles.media_types.sniffing import sniff_file
from django_largefiles.options import KIB, MIB
from django_largefiles.stores import store_for
from django_largefiles.stores.base import Store
from django_largefiles.stores.s3 import retries
from tests.conftest import png
from tests.s3.faults import Proxy
from tests.s3.servers import S3Bucket
from tests.stores.s3.test_retries import Clock

KEY = "largefiles/ab/cd/abcd"
CONTENT = png() + random.Random(2).randbytes(12 * MIB)


@pytest.fixture
def proxy(bucket: S3Bucket) -> Proxy:
    bucket.client.put_object(Bucket=bucket.name, Key=KEY, Body=CONTENT)
    return Proxy(bucket.endpoint)


@pytest.fixture
def store(proxy: Proxy, bucket: S3Bucket) -> Iterator[Store]:
    with proxy.running() as endpoint:
        yield store_for(bucket.through(endpoint).storage())


def test_a_file_is_read_in_any_order(store: Store) -> None:
    numbers, expected = random.Random(3), io.BytesIO(CONTENT)
    with store.open_ranged(KEY) as file:
        for _ in range(30):
            position, size = (
                numbers.randrange(len(CONTENT) + 10),
                numbers.choice([1, 100, 8 * KIB, 300 * KIB, 3 * MIB]),
            )
            assert file.seek(position) == expected.seek(position) == position
            assert file.read(size) == expected.read(size)
            assert file.tell() == expected.tell()


@pytest.mark.parametrize("size", [1000, 64 * KIB, 512 * KIB, len(CONTENT), -1])
def test_a_file_is_read_from_end_to_end(size: int, store: Store) -> None:
    with store.open_ranged(KEY) as file:
        assert b"".join(iter(lambda: file.read(size), b"")) == CONTENT


def test_reading_on_takes_few_requests(store: Store, proxy: Proxy) -> None:
    with store.open_ranged(KEY) as file:
        while file.read(512 * KIB):
            pass
    assert dict(proxy.asked) == {"HeadObject": 1, "GetObject": 5}


def test_opening_sniffing_and_reading_head_and_tail_take_few_requests(store: Store, proxy: Proxy) -> None:
    with store.open_ranged(KEY) as file:
        assert sniff_file(file) == "image/png"
        file.seek(0)
        assert file.read(16 * KIB) == CONTENT[: 16 * KIB]
        file.seek(-8 * KIB, io.SEEK_END)
        assert file.read() == CONTENT[-8 * KIB :]
        file.seek(100)
        assert file.read(1000) == CONTENT[100:1100]
        file.seek(-20 * KIB, io.SEEK_END)
        assert file.read(10 * KIB) == CONTENT[-20 * KIB : -10 * KIB]
    assert dict(proxy.asked) == {"HeadObject": 1, "GetObject": 3}


def test_going_to_and_fro_takes_no_further_requests(store: Store, proxy: Proxy) -> None:
    with store.open_ranged(KEY) as file:
        for position in [0, 5 * MIB, 9 * MIB] * 20:
            file.seek(position)
            assert file.read(100) == CONTENT[position : position + 100]
    assert proxy.asked["GetObject"] == 3


def test_a_replaced_object_is_noticed(store: Store, bucket: S3Bucket) -> None:
    with store.open_ranged(KEY) as file:
        file.read(10)
        bucket.client.put_object(Bucket=bucket.name, Key=KEY, Body=bytes(len(CONTENT)))
        file.seek(5 * MIB)
        with pytest.raises(StoreUnavailable, match="PreconditionFailed"):
            file.read(10)


def test_a_stream_that_breaks_goes_on(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    broken: list[int] = []

    class Breaking:
        def __init__(self, body: object) -> None:
            self.body = body

        def read(self, size: int) -> bytes:
            if len(broken) < 3:
                broken.append(size)
                raise ConnectionResetError("reset by peer")
            return bytes(self.body.read(size))  # type: ignore[attr-defined]

        def close(self) -> None:
            self.body.close()  # type: ignore[attr-defined]

    with store.open_ranged(KEY) as file:
        begun = file.read(4 * MIB)
        stream = file.raw._stream  # type: ignore[attr-defined]
        opened = stream._opened
        stream._opened, stream._body = lambda done: Breaking(opened(done)), Breaking(stream._body)
        assert begun + file.read() == CONTENT
    assert len(broken) == 3


def test_a_stream_that_cannot_go_on_is_told_and_closed(
    store: Store, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(size: int) -> bytes:
        raise ConnectionResetError("reset by peer")

    monkeypatch.setattr(retries, "time", Clock())
    with store.open_ranged(KEY) as file:
        file.read(4 * MIB)
        monkeypatch.setattr(file.raw._stream._body, "read", fail)  # type: ignore[attr-defined]
        proxy.choose = lambda asked: "500"
        with pytest.raises(StoreUnavailable, match="GetObject"):
            file.read()


@pytest.mark.parametrize("act", [lambda file: file.seek(-1), lambda file: file.seek(0, 7)], ids=["negative", "whence"])
def test_a_wrong_seek_is_refused(act: object, store: Store) -> None:
    with store.open_ranged(KEY) as file, pytest.raises(ValueError, match=r"position|whence"):
        act(file)  # type: ignore[operator]


def test_a_file_is_no_descriptor_and_is_not_written(store: Store) -> None:
    with store.open_ranged(KEY) as file:
        assert (file.readable(), file.seekable(), file.writable()) == (True, True, False)
        with pytest.raises(OSError, match="fileno"):
            file.fileno()


def test_a_server_that_ignores_ranges_is_refused(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    with store.open_ranged(KEY) as file:
        client = file.raw._bucket._client  # type: ignore[attr-defined]
        answer = {"ResponseMetadata": {"HTTPStatusCode": 200}}
        monkeypatch.setattr(client, "get_object", lambda **values: answer)
        with pytest.raises(StoreUnavailable, match="by range"):
            file.read(1)
