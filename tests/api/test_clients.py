"""Clients that are generated from the description of the API parse its real answers: every state, and refusals."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django.fixtures import Settings

pytest.importorskip("drf_spectacular", reason="drf-spectacular is not installed")
pytest.importorskip("openapi_python_client", reason="openapi-python-client is not installed")

from django_largefiles.models import FileAsset
from django_largefiles.states import Reason, Stage, State
from django_largefiles.testing import make_asset
from django_largefiles.testing.assets import REASONS
from tests.api.direct_client import DirectClient
from tests.conformance import description
from tests.conftest import EXECUTABLE, IMMEDIATE, Largefiles, png
from tests.integration.test_clients import CLIENTS, needs_node
from tests.multipart import END, CountingBody, field, file, post_arguments
from tests.s3.servers import S3Bucket
from tests.snippets.claims import claim

CONFIGURATION = claim("docs/rest-api.rst", "content_type_overrides:")

CONDITIONS: list[dict[str, str]] = [
    {"Range": "bytes=0-3"},
    {"Range": "bytes=99999-"},
    {"If-None-Match": "*"},
    {"If-Match": '"other"'},
]

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.integration]

LIST = "/api/assets/"


def post(client: Client, body: bytes, **environ: Any) -> Any:
    return client.generic("POST", LIST, **{**post_arguments(CountingBody(body)), **environ})


def made(owner: User) -> Iterator[FileAsset]:
    """An asset in every state, for every reason, and at every stage."""
    for state in State:
        for reason in REASONS.get(state, ("",)):
            yield make_asset(state, owner=owner, reason=reason)
    for stage in Stage:
        yield make_asset(State.PROCESSING, owner=owner, stage=stage)


def answers(client: Client, owner: User, largefiles: Largefiles, use_bucket: Callable[[], None]) -> Iterator[Any]:
    assets = list(made(owner))
    for asset in assets:
        yield client.get(f"{LIST}{asset.pk}/")
        yield client.get(f"{LIST}{asset.pk}/status/")
        yield client.get(f"{LIST}{asset.pk}/download/")
    yield client.get(f"{LIST}?page_size=2")
    yield client.get(f"{LIST}?state=lost&page_size=0")
    yield client.get(f"{LIST}?cursor=none")
    yield client.get(LIST, headers={"Accept": "application/xml"})
    yield client.get(f"{LIST}{uuid4()}/")
    ready = f"{LIST}{make_asset(owner=owner).pk}/"
    for headers in CONDITIONS:
        yield client.get(f"{ready}download/", headers=headers)
    yield client.post(f"{ready}reprocess/")
    yield client.post(f"{LIST}{make_asset(State.RECEIVING, owner=owner).pk}/reprocess/")
    yield client.delete(ready)
    yield client.delete(f"{LIST}{make_asset(owner=owner, attachment='attached').pk}/")
    yield Client().delete(f"{LIST}{assets[0].pk}/")
    yield post(client, file(png()) + END)
    yield post(Client(), file(png()) + END)
    yield post(client, END)
    yield post(client, file(EXECUTABLE) + END)
    yield post(client, file(png()) + END, CONTENT_LENGTH="")
    yield post(client, field("sha256", hashlib.sha256().hexdigest()) + file(png()) + END)
    yield post(client, b"{}", CONTENT_TYPE="application/json")
    direct = DirectClient(client)
    yield direct.post("/api/direct-uploads/", {"name": "a.png", "size": 7})
    use_bucket()
    yield direct.post("/api/direct-uploads/", {"name": "a.png"})
    upload = direct.create(png())
    yield direct.post("/api/direct-uploads/", {"name": "a.png", "size": 7})
    yield direct.get(upload)
    yield direct.sign(upload, 1)
    yield direct.sign(upload, 2)
    yield direct.complete(upload)
    direct.send(upload, png())
    yield direct.complete(upload)
    yield direct.get(upload)
    yield direct.delete(upload)
    largefiles.set(MAX_UPLOAD_SIZE=10)
    yield post(client, file(png(padding=100_000)) + END)
    largefiles.set(QUOTA={"UPLOADS": 1})
    yield direct.post("/api/direct-uploads/", {"name": "a.png", "size": 7})


@pytest.fixture
def given(
    client: Client, owner: User, largefiles: Largefiles, settings: Settings, bucket: S3Bucket
) -> Iterator[list[tuple[str, dict[str, Any], Any]]]:
    """Each answer with the template of its path and with its operation."""
    largefiles.set(DISPATCHER=IMMEDIATE)
    client.force_login(owner)

    def use_bucket() -> None:
        settings.STORAGES = {**settings.STORAGES, "default": bucket.setting}

    found = [(*operation_of(answer), answer) for answer in answers(client, owner, largefiles, use_bucket)]
    statuses = [answer.json() for _, operation, answer in found if operation["operationId"] == "assets_status"]
    assert {status["state"] for status in statuses} == set(State.values)
    assert {status["reason"] for status in statuses} == {*Reason.values, ""}
    yield found
    for _, _, answer in found:
        if answer.streaming:
            answer.close()


def operation_of(answer: Any) -> tuple[str, dict[str, Any]]:
    request = answer.wsgi_request
    operation = description().operation(request.method, request.path)
    assert operation
    paths = description().schema["paths"]
    return next(path for path, item in paths.items() if operation in item.values()), operation


def is_json(answer: Any) -> bool:
    return not answer.streaming and answer.headers.get("Content-Type", "").endswith("json")


def without_times(said: Any) -> Any:
    """JSON without times, of which clients may write the zone in another way."""
    if isinstance(said, dict):
        return {name: without_times(value) for name, value in said.items() if not name.endswith("_at")}
    return [without_times(each) for each in said] if isinstance(said, list) else said


@pytest.fixture
def schema(tmp_path: Path) -> Path:
    path = tmp_path / "openapi.json"
    path.write_text(json.dumps(description().schema, default=str))
    return path


def as_json(parsed: Any) -> Any:
    return [each.to_dict() for each in parsed] if isinstance(parsed, list) else parsed.to_dict()


def test_a_client_in_python(
    given: list[tuple[str, dict[str, Any], Any]], schema: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import httpx

    (tmp_path / "config.yaml").write_text(f"{CONFIGURATION.text}\npost_hooks: []\n")
    command = [Path(sys.executable).with_name("openapi-python-client"), "generate", "--path", schema, "--meta", "none"]
    command += ["--output-path", tmp_path / "generated_client", "--config", tmp_path / "config.yaml"]
    done = subprocess.run([*command, "--fail-on-warning"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    monkeypatch.syspath_prepend(tmp_path)
    client = import_module("generated_client").Client(base_url="https://example.org")
    for _, operation, answer in given:
        tag, name = operation["tags"][0].replace("-", "_"), operation["operationId"]
        module = import_module(f"generated_client.api.{tag}.{name}")
        content = answer.getvalue()
        received = httpx.Response(answer.status_code, headers=dict(answer.headers), content=content)
        parsed = module._parse_response(client=client, response=received)
        if is_json(answer):
            assert without_times(as_json(parsed)) == without_times(json.loads(content)), (name, content)
        elif content:
            assert parsed.payload.getvalue() == content
    for name in [name for name in sys.modules if name.startswith("generated_client")]:
        monkeypatch.delitem(sys.modules, name)


@needs_node
def test_a_client_in_typescript(
    given: list[tuple[str, dict[str, Any], Any]], schema: Path, tmp_path: Path
) -> None:  # needs_node
    programs = CLIENTS / "node_modules" / ".bin"
    subprocess.run(
        [programs / "openapi-typescript", schema, "--output", tmp_path / "schema.d.ts"],
        check=True,
        capture_output=True,
    )
    lines = ['import type { paths } from "./schema";']
    for number, (path, _, answer) in enumerate(given):
        if is_json(answer):
            method, status = answer.wsgi_request.method.lower(), answer.status_code
            content = answer["Content-Type"].partition(";")[0]
            kind = f'paths["{path}"]["{method}"]["responses"][{status}]["content"]["{content}"]'
            lines.append(f"export const answer{number}: {kind} = {answer.content.decode()};")
    (tmp_path / "answers.ts").write_text("\n".join(lines))
    command = [programs / "tsc", "--noEmit", "--strict", "--exactOptionalPropertyTypes", tmp_path / "answers.ts"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
