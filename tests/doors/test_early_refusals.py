"""Every door lets a client that it refuses read the answer: it drops the rest of the body before the server closes."""

from __future__ import annotations

import socket
from io import BytesIO

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from tests.doors.resumable.tus_client import COLLECTION, needs_framework

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("urlconf", "url"),
    [
        pytest.param("tests.urls", COLLECTION, id="resumable"),
        pytest.param("tests.doors.views", "/accept/", id="form"),
        pytest.param("tests.urls", "/api/assets/", id="api", marks=needs_framework),
    ],
)
def test_a_refusal_drops_the_rest_of_the_body(urlconf: str, url: str, client: Client, settings: Settings) -> None:
    settings.ROOT_URLCONF = urlconf
    body = BytesIO(bytes(1000))
    ours, theirs = socket.socketpair()
    with ours, theirs:
        environ = {
            "gunicorn.socket": ours,
            "wsgi.input": body,
            "CONTENT_LENGTH": "1000",
            "CONTENT_TYPE": "text/plain",
            "HTTP_TUS_RESUMABLE": "1.0.0",
        }
        answer = client.generic("POST", url, **environ)  # type: ignore[arg-type]
    assert (400 <= answer.status_code < 500, body.tell()) == (True, 1000)
