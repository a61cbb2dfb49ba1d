"""The upload serializer in a host's own view, behind a parser that is not ours."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile

pytest.importorskip("rest_framework", reason="Django REST framework is not installed")

from rest_framework.decorators import api_view, parser_classes
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.test import APIRequestFactory, force_authenticate

from django_largefiles.api.serializers import UploadSerializer
from django_largefiles.models import FileAsset
from tests.conftest import EXECUTABLE, Largefiles, png

pytestmark = pytest.mark.django_db(transaction=True)


@api_view(["POST"])
@parser_classes([MultiPartParser])
def host_view(request: Request) -> Response:
    serializer = UploadSerializer(data=request.data)
    serializer.is_valid(raise_exception=True)
    return Response({"id": serializer.save(owner=request.user).pk})


@pytest.fixture
def post(owner: User) -> Callable[..., Any]:
    def post(user: User | None = owner, **data: Any) -> Any:
        request = APIRequestFactory().post("/", data, format="multipart")
        if user:
            force_authenticate(request, user)
        return host_view(request)

    return post


def picture(content: bytes = png()) -> SimpleUploadedFile:
    return SimpleUploadedFile("picture.png", content, "image/png")


def test_a_file_behind_another_parser_becomes_an_asset(post: Callable[..., Any], owner: User) -> None:
    answer = post(file=picture())
    asset = FileAsset.objects.get(pk=answer.data["id"])
    assert (asset.owner, asset.original_name, asset.declared_type) == (owner, "picture.png", "image/png")


@pytest.mark.parametrize(
    ("data", "status", "code"),
    [
        ({"file": picture(bytes(1001))}, 413, "too_large"),
        ({"file": picture(EXECUTABLE[:900])}, 415, "type_not_allowed"),
        ({"file": picture(), "sha256": "0" * 64}, 422, "digest_mismatch"),
        ({"file": picture(), "profile": "unknown"}, 400, "unknown_profile"),
    ],
    ids=["size", "type", "digest", "profile"],
)
def test_refusals_have_their_own_status_in_any_view(
    data: dict[str, Any], status: int, code: str, post: Callable[..., Any], largefiles: Largefiles
) -> None:
    largefiles.set(MAX_UPLOAD_SIZE=1000)
    answer = post(**data)
    assert (answer.status_code, answer.data["detail"].code) == (status, code)
    assert not FileAsset.objects.exists()


def test_the_access_policy_is_asked(post: Callable[..., Any]) -> None:
    assert post(user=None, file=picture()).status_code == 403
