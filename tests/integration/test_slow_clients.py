"""Clients that send and read slowly do not keep connections to the database from other requests."""

from __future__ import annotations

from contextlib import ExitStack
from hashlib import sha256
from pathlib import Path

import pytest

pytest.importorskip("psycopg_pool", reason="psycopg's pool is not installed")

from django_largefiles.options import KIB, MIB
from tests.conftest import png
from tests.integration import postgresql
from tests.integration.conftest import ANYTHING, Example, client_of
from tests.integration.postgresql import needs_postgresql
from tests.integration.slow import SlowDownload, SlowUpload

pytestmark = [pytest.mark.integration, needs_postgresql]

IMMEDIATE = {**ANYTHING, "DJANGO_SETTINGS_MODULE": "tests.integration.immediate_settings"}
POOL = 10
CLIENTS = 30
LENGTH = 2 * MIB
STEPS = 8
DOWNLOAD_LENGTH = 12 * MIB


@pytest.fixture
def large_picture(tmp_path: Path) -> Path:
    path = tmp_path / "large.png"
    path.write_bytes(png(padding=DOWNLOAD_LENGTH))
    return path


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        pytest.param("gunicorn", ["--threads", "64"], id="gunicorn"),
        pytest.param("uvicorn", [], id="uvicorn"),
    ],
)
def test_slow_uploads_and_downloads_share_few_connections(
    kind: str, options: list[str], example: Example, large_picture: Path
) -> None:
    with postgresql.database(example.data_dir) as database, ExitStack() as stack:
        env = {**IMMEDIATE, **database, "EXAMPLE_DATABASE_POOL": str(POOL)}
        server = example.server(kind=kind, options=options, env=env)
        client = client_of(server)
        asset_id = client.upload(large_picture, media_type="image/png").body["id"]

        downloads = [stack.enter_context(SlowDownload(server, asset_id)) for _ in range(CLIENTS)]
        uploads = [stack.enter_context(SlowUpload(server, LENGTH)) for _ in range(CLIENTS)]
        for _ in range(STEPS):
            for upload, download in zip(uploads, downloads, strict=True):
                upload.send(LENGTH // STEPS)
                assert download.read(64 * KIB) == 64 * KIB
            assert client.get("/api/assets/").status == 200

        assert [upload.finish().status for upload in uploads] == [204] * CLIENTS
        digest = sha256(large_picture.read_bytes()).hexdigest()
        assert [download.finish() for download in downloads] == [digest] * CLIENTS


def test_two_hundred_uploads_under_asgi_share_a_pool(example: Example) -> None:
    """Each request has a thread of its own there, so that all of them could connect at once."""
    with postgresql.database(example.data_dir) as database, ExitStack() as stack:
        env = {**ANYTHING, **database, "EXAMPLE_DATABASE_POOL": "20"}
        server = example.server(kind="uvicorn", env=env)
        uploads = [stack.enter_context(SlowUpload(server, 128 * KIB)) for _ in range(200)]
        for upload in uploads:
            upload.send(128 * KIB - 1)
        for upload in uploads:
            upload.send(1)
        assert [upload.finish().status for upload in uploads] == [204] * len(uploads)
