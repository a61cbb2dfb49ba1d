"""The check of answers finds those that differ from their description."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest

pytest.importorskip("jsonschema", reason="jsonschema is not installed")
pytest.importorskip("drf_spectacular", reason="drf-spectacular is not installed")

from django.http import HttpResponse, StreamingHttpResponse
from django.test import Client

from django_largefiles.delivery.problems import problem_response
from django_largefiles.exceptions import AssetNotFound, NotReady
from tests.conformance import Description, _described_answers as _described_answers

THING = {"$ref": "#/components/schemas/Thing"}
OPERATION: dict[str, Any] = {
    "operationId": "things_retrieve",
    "responses": {
        "200": {
            "content": {"application/json": {"schema": THING}},
            "headers": {"ETag": {"required": True}, "Age": {}},
        },
        "204": {},
        "206": {"content": {"*/*": {"schema": {"type": "string"}}}},
        "404": {"content": {"application/problem+json": {"schema": {}}}, "x-codes": ["not_found"]},
    },
}
COMPONENTS = {"schemas": {"Thing": {"type": "object", "required": ["id"], "properties": {"id": {"format": "uuid"}}}}}
DESCRIPTION = Description({"paths": {"/things/{id}/": {"get": OPERATION}}, "components": COMPONENTS})

UUID = "feabff1d-71d6-449d-adb5-722fd0c395e5"


def answer(content: Any = "", *, method: str = "GET", **options: Any) -> Any:
    body = content if isinstance(content, str) else json.dumps(content)
    response: Any = HttpResponse(body, **options)
    response.wsgi_request = SimpleNamespace(method=method)
    return response


def asked(response: Any) -> Any:
    response.wsgi_request = SimpleNamespace(method="GET")
    return response


def as_json(content: Any, **headers: str) -> Any:
    return answer(content, content_type="application/json", headers={"ETag": "1", **headers})


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        (as_json({"id": UUID}), None),
        (as_json({}), "'id' is a required property"),
        (as_json({"id": "one"}), "is not a 'uuid'"),
        (answer({"id": UUID}, content_type="application/json"), "no ETag"),
        (answer("<p>", content_type="text/html", headers={"ETag": "1"}), "the content is 'text/html'"),
        (answer("", content_type="application/json", headers={"ETag": "1"}, method="HEAD"), None),
        (answer(status=204), None),
        (answer("something", status=204), "content b'something'"),
        (answer("bytes", status=206, content_type="image/png"), None),
        (asked(StreamingHttpResponse([b"bytes"], status=206)), None),
        (answer(status=201), "does not promise 201"),
        (asked(StreamingHttpResponse([b"bytes"], status=203)), "does not promise 203: a stream"),
        (asked(problem_response(AssetNotFound())), None),
        (asked(problem_response(NotReady())), "does not promise 409"),
        (answer({"code": "gone"}, status=404, content_type="application/problem+json"), "the code 'gone' is none of"),
    ],
)
def test_an_answer_is_held_against_its_operation(given: Any, fault: str | None) -> None:
    found = DESCRIPTION.faults(OPERATION, given)
    assert (len(found) == 1 and fault in found[0]) if fault else found == []


@pytest.mark.parametrize(
    ("method", "path", "found"),
    [("GET", f"/things/{UUID}/", OPERATION), ("POST", f"/things/{UUID}/", None), ("GET", "/others/", None)],
)
def test_an_operation_is_found_by_method_and_path(method: str, path: str, found: Any) -> None:
    assert DESCRIPTION.operation(method, path) == found


@pytest.mark.usefixtures("_described_answers")
@pytest.mark.django_db
def test_the_client_fails_for_an_answer_that_is_not_promised(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.conformance.Description.faults", lambda *_: ["it lies"])
    with pytest.raises(pytest.fail.Exception, match="it lies"):
        Client().get("/api/assets/")
    assert Client().get("/nowhere/").status_code == 404
