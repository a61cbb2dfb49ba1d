"""The same requests through all that can send a file, with the same answers."""

from __future__ import annotations

import http.client
import re
import shutil
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from example_project.processes import Server, manage
from tests.conftest import png
from tests.delivery.requests9110 import ROWS, Row
from tests.integration import fronts
from tests.integration.conftest import Example, client_of
from tests.multipart_ranges import contents, expected_contents
from tests.snippets.blocks import Block
from tests.snippets.claims import claim

pytestmark = pytest.mark.integration

CONTENT = png(padding=1_000_000)
NGINX = claim("docs/delivery.rst", "location /largefiles-internal/ {")
CADDY = claim("docs/delivery.rst", "handle_response @file {")
APACHE = claim("docs/delivery.rst", "XSendFile on")

OWN = {"connection", "date", "keep-alive", "server", "transfer-encoding", "via"}
"""Headers of a connection and of a server, not of the answer."""

MORE = (
    Row(name="whole", section="", headers={}, status=200),
    Row(name="HEAD", section="", headers={}, method="HEAD", status=200),
    Row(name="gzip", section="", headers={"Accept-Encoding": "gzip"}, status=200),
    Row(name="digest not wanted", section="", headers={"Want-Repr-Digest": "sha-256=0"}, status=200),
    Row(name="digest of the content", section="", headers={"Want-Content-Digest": "sha-256=1"}, status=200),
    Row(name="Origin", section="", headers={"Origin": "https://example.com"}, status=200),
)


@dataclass(frozen=True, kw_only=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def ranges(self) -> list[tuple[str, bytes]]:
        return contents(self.status, self.headers, self.body)

    def without_boundary(self) -> Answer:
        """The same, where a boundary of multipart is always the same."""
        found = re.search(r"boundary=(\S+)", self.headers.get("Content-Type", ""))
        if not found:
            return self
        headers = {**self.headers, "Content-Type": "multipart"}
        return Answer(status=self.status, headers=headers, body=self.body.replace(found[1].encode(), b""))


@dataclass(frozen=True, kw_only=True)
class Site:
    """One file and the ways to it. ``paths`` are its URLs, ``stored`` is its name in the storage."""

    example: Example
    servers: Mapping[str, Server]
    stack: ExitStack
    paths: tuple[str, ...]
    stored: str
    ports: dict[str, int] = field(default_factory=dict)

    def port(self, way: str) -> int:
        """Return the port of a backend or of a web server, which is started when it is first asked for."""
        if way not in self.ports:
            delivery, made, snippet = FRONTS[way]
            folder = self.example.data_dir.with_name(way)
            front = made(folder, self.servers[delivery], self.example.media, snippet.text)
            self.stack.callback(front.kill)
            self.ports[way] = front.start().port
        return self.ports[way]

    def ask(self, way: str, path: str, row: Row, etag: str, date: str) -> Answer:
        return ask(self.port(way), path, row.method, row.filled(etag, date))


def ask(port: int, path: str, method: str = "GET", headers: Mapping[str, str] | None = None) -> Answer:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request(method, path, headers=dict(headers or {}))
        response = connection.getresponse()
        told = [(name.title(), value) for name, value in response.getheaders() if name.lower() not in OWN]
        # A header that a server sends twice is one too many.
        assert len(dict(told)) == len(told)
        return Answer(status=response.status, headers=dict(told), body=response.read())
    finally:
        connection.close()


FRONTS: Mapping[str, tuple[str, Callable[[Path, Server, Path, str], fronts.Front], Block]] = {
    "nginx": ("x-accel", fronts.nginx, NGINX),
    "caddy": ("x-accel", fronts.caddy, CADDY),
    "apache": ("x-sendfile", fronts.apache, APACHE),
}


LINK = """
from django_largefiles.models import FileAsset
print(FileAsset.objects.get().signed_url())
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, migrated: Path) -> Iterator[Site]:
    """One file, and a web server for each way to send it."""
    folder = tmp_path_factory.mktemp("delivery")
    picture = folder / "picture ü.png"
    picture.write_bytes(CONTENT)
    with ExitStack() as stack:
        example = Example(shutil.copytree(migrated, folder / "data"), stack)
        env = {"DJANGO_SETTINGS_MODULE": "tests.integration.delivery_settings"}
        servers = {
            delivery: example.server(env={**env, "EXAMPLE_DELIVERY": delivery})
            for delivery in ("stream", "x-accel", "x-sendfile")
        }
        asset = client_of(servers["stream"]).upload(picture, media_type="image/png").body
        link = manage("shell", "-v0", "-c", LINK, data_dir=example.data_dir, env={**example.env, **env}).strip()
        download = f"/files/assets/{asset['id']}/download/"
        (stored,) = example.column("file")
        paths = (download, f"{download}?disposition=inline", link)
        ports = {"stream": servers["stream"].port}
        yield Site(example=example, servers=servers, stack=stack, paths=paths, stored=stored, ports=ports)


@pytest.fixture
def change_state(site: Site) -> Iterator[Callable[[str], None]]:
    def change(state: str) -> None:
        with closing(sqlite3.connect(site.example.data_dir / "db.sqlite3", timeout=20)) as database, database:
            database.execute("UPDATE django_largefiles_fileasset SET state = ?", [state])

    yield change
    change("ready")


@pytest.fixture(params=FRONTS)
def way(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_each_way_gives_the_same_answers(site: Site, way: str) -> None:
    """Header for header and byte for byte."""
    differences = []
    for path in site.paths:
        head = ask(site.port("stream"), path, "HEAD")
        etag, date = head.headers["Etag"], head.headers["Last-Modified"]
        for row in (*ROWS, *MORE):
            streamed, sent = (site.ask(name, path, row, etag, date) for name in ("stream", way))
            assert streamed.status == row.status
            assert streamed.ranges == expected_contents(row.ranges, CONTENT)
            differences += [row.name] if sent.without_boundary() != streamed.without_boundary() else []
    assert differences == []


def test_nginx_sends_a_static_file_alike(site: Site) -> None:  # needs_nginx
    """As an oracle, with its defaults. The table gives the reason of each difference."""
    path = f"/as-a-static-file/{site.stored}"
    head = ask(site.port("nginx"), path, "HEAD")
    for row in ROWS:
        answer = site.ask("nginx", path, row, head.headers["Etag"], head.headers["Last-Modified"])
        assert (answer.status, row.name) == (row.nginx or row.status, row.name)
        assert answer.ranges == expected_contents(row.nginx_ranges or row.ranges, CONTENT)
        assert bool(row.nginx) == bool(row.reason)


@pytest.mark.parametrize("headers", [{}, {"Range": "bytes=0-9"}, {"X-Accel-Redirect": "1"}], ids=str)
def test_no_client_reaches_the_files(headers: dict[str, str], site: Site, way: str) -> None:
    for path in (
        f"/largefiles-internal/{site.stored}",
        f"//largefiles-internal/{site.stored}",
        f"/files/..%2flargefiles-internal/{site.stored}",
        f"/files/%2e%2e/largefiles-internal/{site.stored}",
        f"/files/../largefiles-internal/{site.stored}",
        f"/{site.stored}",
    ):
        assert ask(site.port(way), path, "GET", headers).status in {400, 403, 404}


def test_only_a_ready_file_is_sent(site: Site, way: str, change_state: Callable[[str], None]) -> None:
    (download, *_) = site.paths
    change_state("rejected")
    for path, headers in ((download, {}), (download, {"Range": "bytes=0-9"}), (site.paths[-1], {})):
        answer = ask(site.port(way), path, "GET", headers)
        assert answer.status in {409, 410}
        assert CONTENT[:4] not in answer.body
