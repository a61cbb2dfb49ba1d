"""Answers held against the OpenAPI description of the operation that gave them."""

from __future__ import annotations

import json
import re
from functools import cache
from typing import Any

import pytest
from django.core.handlers.wsgi import WSGIRequest
from django.test import Client

OVERRIDES = {"HTTP_X_HTTP_METHOD_OVERRIDE", "HTTP_HOST"}
"""With these, another operation answers, or Django itself."""


class Description:
    """The schema that the package gives of itself."""

    def __init__(self, schema: dict[str, Any]) -> None:
        from jsonschema import Draft202012Validator, FormatChecker

        self.schema = schema
        self._paths = {_regex(path): operations for path, operations in schema["paths"].items()}
        self._new = lambda part: Draft202012Validator(
            {**part, "components": schema["components"]}, format_checker=FormatChecker()
        )

    def operation(self, method: str, path: str) -> dict[str, Any] | None:
        for regex, operations in self._paths.items():
            if regex.fullmatch(path):
                found: dict[str, Any] | None = operations.get(method.lower())
                return found
        return None

    def faults(self, operation: dict[str, Any], answer: Any) -> list[str]:
        """Return how an answer differs from what the operation promises."""
        status = str(answer.status_code)
        if status not in operation["responses"]:
            return [f"{operation['operationId']} does not promise {status}: {_shown(answer)}"]
        promised = operation["responses"][status]
        return [f"{operation['operationId']} {status}: {fault}" for fault in self._faults(promised, answer)]

    def _faults(self, promised: dict[str, Any], answer: Any) -> list[str]:
        missing = [
            f"no {name}"
            for name, header in promised.get("headers", {}).items()
            if header.get("required") and name not in answer
        ]
        if "content" not in promised:
            return missing + ([] if answer.streaming or not answer.content else [f"content {_shown(answer)}"])
        media_type = answer.headers.get("Content-Type", "").partition(";")[0]
        if media_type in promised["content"]:
            part = promised["content"][media_type]["schema"]
        elif "*/*" in promised["content"]:
            part = promised["content"]["*/*"]["schema"]
        else:
            return [*missing, f"the content is {media_type!r}: {_shown(answer)}"]
        if not media_type.endswith("json") or answer.streaming or answer.wsgi_request.method == "HEAD":
            return missing
        said = json.loads(answer.content)
        faults = [f"{error.json_path}: {error.message}" for error in self._new(part).iter_errors(said)]
        if "x-codes" in promised and said["code"] not in promised["x-codes"]:
            faults.append(f"the code {said['code']!r} is none of {promised['x-codes']}")
        return missing + faults


def _regex(path: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\\{\w+\\}", "[0-9a-f-]{36}", re.escape(path)) + ("" if path.endswith("/") else "/?"))


def _shown(answer: Any) -> str:
    return "a stream" if answer.streaming else repr(answer.content[:200])


def description() -> Description:
    from django_largefiles.api.views import AssetViewSet

    return _description(tuple(AssetViewSet.authentication_classes))


@cache
def _description(authentication_classes: tuple[type, ...]) -> Description:
    """The description depends on what tests change."""
    from django_largefiles.api.openapi.views import LargeFilesSchemaGenerator

    return Description(LargeFilesSchemaGenerator().get_schema(public=True))


@pytest.fixture
def _described_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every answer that the test client gets is one that the description promises."""
    pytest.importorskip("jsonschema", reason="jsonschema is not installed")
    pytest.importorskip("drf_spectacular", reason="drf-spectacular is not installed")
    request = Client.request

    def checked_request(client: Client, **environ: Any) -> Any:
        answer: Any = request(client, **environ)
        asked: WSGIRequest = answer.wsgi_request
        operation = None if OVERRIDES & environ.keys() else description().operation(asked.method or "", asked.path)
        faults = description().faults(operation, answer) if operation else []
        if faults:
            pytest.fail("\n".join(faults))
        return answer

    monkeypatch.setattr(Client, "request", checked_request)
