"""Clients as their users install them, against each kind of server: what they send arrives, whatever comes between."""

from __future__ import annotations

import json
import random
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from typing import TypeAlias
from urllib.parse import urlsplit

import pytest

from django_largefiles.options import GIB, MIB
from django_largefiles.protocols.digests import wanted_digest
from example_project.processes import Server
from tests.integration.conftest import ANYTHING, Example
from tests.integration.network import Network
from tests.integration.resumable import COLLECTION

pytestmark = pytest.mark.integration

CLIENTS = Path(__file__).resolve().parent / "clients"
SETTINGS = {"DJANGO_SETTINGS_MODULE": "tests.integration.immediate_settings"}
PATH = COLLECTION.removeprefix("/")
TUS = "Tus-Resumable: 1.0.0"
PATCH = ("--request", "PATCH", "--data-binary", "@-")
CURL_LOST_THE_CONNECTION = {52, 55, 56}


def why_no_node() -> str:  # needs_node
    for program in ("node", "npm"):
        if not shutil.which(program):
            return f"{program} is not installed"
    if not (CLIENTS / "node_modules").is_dir():
        return "tus-js-client and Uppy are not installed: run npm ci in tests/integration/clients"
    return ""


needs_node = pytest.mark.skipif(bool(why_no_node()), reason=why_no_node() or "it is there")
needs_curl = pytest.mark.skipif(not shutil.which("curl"), reason="curl is not installed")


@dataclass(frozen=True, kw_only=True)
class Site:
    """``part`` is how much of a file goes into one request that is to be interrupted, ``None`` for all of it.

    Under ASGI a request counts when it is whole, so that an upload goes on at its last one.
    """

    server: Server
    part: int | None

    @property
    def endpoint(self) -> str:
        return self.server.url + PATH

    def download(self, url: str) -> bytes:
        content: bytes = self._request(url, "GET").read()
        return content

    def concatenated(self, url: str) -> int:
        """How many partial uploads this one was made of."""
        parts: str = self._request(url, "HEAD").headers["Upload-Concat"]
        return len(parts.removeprefix("final;").split())

    def _request(self, url: str, method: str) -> HTTPResponse:
        """Straight to the server, whatever network the client has come by."""
        path = urlsplit(url).path.lstrip("/")
        connection = HTTPConnection(self.server.host, self.server.port, timeout=60)
        connection.request(method, f"/{path}", headers={"Tus-Resumable": "1.0.0", "Connection": "close"})
        response = connection.getresponse()
        assert response.status == 200
        return response


@pytest.fixture(scope="module", params=["gunicorn", "uvicorn"])
def site(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, migrated: Path) -> Iterator[Site]:
    data_dir = shutil.copytree(migrated, tmp_path_factory.mktemp(request.param) / "data")
    with ExitStack() as stack:
        server = Example(data_dir, stack).server(kind=request.param, env={**ANYTHING, **SETTINGS})
        yield Site(server=server, part=None if request.param == "gunicorn" else 2 * MIB)
    shutil.rmtree(data_dir)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("file") / "data.bin"
    path.write_bytes(random.Random(8).randbytes(8 * MIB + 1))
    return path


def run(script: str, **options: object) -> subprocess.CompletedProcess[str]:
    """One of ``clients/``, with ``options`` that are said there."""
    program = "node" if script.endswith(".mjs") else sys.executable
    command = [program, str(CLIENTS / script), json.dumps(options)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def with_script(script: str, endpoint: str, file: Path, chunk_size: int | None, **options: object) -> str:
    done = run(script, endpoint=endpoint, path=str(file), chunkSize=chunk_size, **options)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def curl(*arguments: str, headers: Sequence[str], body: bytes = b"") -> dict[str, str]:  # needs_curl
    """The fields of the answer, by their names in lower case; empty where the connection was lost."""
    lines = [argument for header in headers for argument in ("--header", header)]
    command = ["curl", "--silent", "--fail", "--dump-header", "-", "--output", "/dev/null", *lines, *arguments]
    done = subprocess.run(command, input=body, capture_output=True, timeout=60, check=False)
    assert done.returncode in {0, *CURL_LOST_THE_CONNECTION}, done.stdout
    fields = [line.partition(":") for line in done.stdout.decode().splitlines()]
    return {name.lower(): value.strip() for name, _, value in fields}


def with_curl_by_tus(endpoint: str, file: Path, chunk_size: int | None, *more: str) -> str:  # needs_curl
    content = file.read_bytes()
    created = curl("--request", "POST", endpoint, headers=[TUS, f"Upload-Length: {len(content)}"])
    append_by_tus(created["location"], content, chunk_size, *more)
    return created["location"]


def append_by_tus(url: str, content: bytes, chunk_size: int | None, *more: str) -> None:  # needs_curl
    while (offset := offset_of(url, TUS)) < len(content):
        headers = [TUS, "Content-Type: application/offset+octet-stream", f"Upload-Offset: {offset}", *more]
        curl(*PATCH, url, headers=headers, body=content[offset:][:chunk_size])


def with_curl_of_unknown_length(endpoint: str, file: Path, chunk_size: int | None) -> str:  # needs_curl
    return with_curl_by_tus(endpoint, file, chunk_size, "Transfer-Encoding: chunked")


def with_curl_by_the_draft(endpoint: str, file: Path, chunk_size: int | None) -> str:  # needs_curl
    content = file.read_bytes()
    headers = ["Upload-Complete: ?0", f"Upload-Length: {len(content)}"]
    url = curl("--request", "POST", endpoint, headers=headers)["location"]
    while (offset := offset_of(url)) < len(content):
        chunk = content[offset:][:chunk_size]
        complete = f"Upload-Complete: ?{int(offset + len(chunk) == len(content))}"
        headers = ["Content-Type: application/partial-upload", f"Upload-Offset: {offset}", complete]
        curl(*PATCH, url, headers=headers, body=chunk)
    return url


def offset_of(url: str, *headers: str) -> int:  # needs_curl
    return int(curl("--head", url, headers=headers)["upload-offset"])


Client: TypeAlias = Callable[[str, Path, int | None], str]
"""Sends a file to an endpoint, in one request or in chunks, and gives the URL of the upload."""

clients = pytest.mark.parametrize(
    "client",
    [
        pytest.param(partial(with_script, "tus.mjs"), id="tus-js-client", marks=needs_node),
        pytest.param(partial(with_script, "uppy.mjs"), id="Uppy", marks=needs_node),
        pytest.param(partial(with_script, "tuspy.py"), id="tuspy"),
        pytest.param(with_curl_by_tus, id="curl by tus", marks=needs_curl),
        pytest.param(with_curl_of_unknown_length, id="curl by tus, without Content-Length", marks=needs_curl),
        pytest.param(with_curl_by_the_draft, id="curl by the draft", marks=needs_curl),
    ],
)


@pytest.mark.parametrize("chunk_size", [None, 2 * MIB], ids=["whole", "chunked"])
@clients
def test_a_file_arrives(client: Client, chunk_size: int | None, site: Site, file: Path) -> None:
    assert site.download(client(site.endpoint, file, chunk_size)) == file.read_bytes()


@clients
def test_an_upload_goes_on_after_the_network_was_lost(client: Client, site: Site, file: Path) -> None:
    with Network(site.server, lose_after=5 * MIB) as network:
        url = client(network.url + PATH, file, site.part)
    assert network.lost.is_set()
    assert network.carried < 11 * MIB
    assert site.download(url) == file.read_bytes()


@pytest.mark.parametrize("script", [pytest.param("tus.mjs", id="tus-js-client", marks=needs_node), "tuspy.py"])
def test_an_upload_goes_on_after_the_client_was_killed(script: str, site: Site, file: Path, tmp_path: Path) -> None:
    urls = str(tmp_path / "urls")
    with Network(site.server, lose_after=GIB) as network:
        endpoint = network.url + PATH
        killed = run(script, endpoint=endpoint, path=str(file), chunkSize=2 * MIB, urls=urls, dieAfter=2)
        assert killed.returncode == -signal.SIGKILL
        url = with_script(script, endpoint, file, 2 * MIB, urls=urls)
    assert network.carried < 11 * MIB
    assert site.download(url) == file.read_bytes()


def test_tuspy_sends_a_checksum_with_each_chunk(site: Site, file: Path) -> None:
    url = with_script("tuspy.py", site.endpoint, file, 2 * MIB, checksum=True)
    assert site.download(url) == file.read_bytes()


@needs_node
@pytest.mark.parametrize("lose_after", [GIB, 5 * MIB], ids=["undisturbed", "network lost"])
def test_tus_js_client_sends_parts_in_parallel(lose_after: int, site: Site, file: Path) -> None:
    with Network(site.server, lose_after=lose_after) as network:
        url = with_script("tus.mjs", network.url + PATH, file, site.part, parallelUploads=3)
    assert site.concatenated(url) == 3
    assert site.download(url) == file.read_bytes()


@needs_curl
def test_curl_sends_parts_in_parallel(site: Site, file: Path) -> None:
    content = file.read_bytes()
    halves = [content[: 4 * MIB], content[4 * MIB :]]

    def send(half: bytes) -> str:
        headers = [TUS, "Upload-Concat: partial", f"Upload-Length: {len(half)}"]
        url = curl("--request", "POST", site.endpoint, headers=headers)["location"]
        append_by_tus(url, half, None)
        return url

    with ThreadPoolExecutor() as pool:
        urls = " ".join(pool.map(send, halves))
    final = curl("--request", "POST", site.endpoint, headers=[TUS, f"Upload-Concat: final;{urls}"])
    assert site.concatenated(final["location"]) == 2
    assert site.download(final["location"]) == content


@needs_curl
def test_curl_sends_a_file_in_one_request_by_the_draft(site: Site, file: Path) -> None:
    headers = ["Upload-Complete: ?1", "Content-Type: application/octet-stream"]
    answer = curl("--request", "POST", "--data-binary", f"@{file}", site.endpoint, headers=headers)
    assert answer["upload-complete"] == "?1"
    assert answer["repr-digest"] == wanted_digest({"sha256": sha256(file.read_bytes()).hexdigest()}, None)
    assert site.download(answer["location"]) == file.read_bytes()
