"""A client of direct uploads: JSON to the site, bytes to the storage."""

from __future__ import annotations

import json
from typing import Any

import requests
from django.test import Client

COLLECTION = "/api/direct-uploads/"


class DirectClient:
    def __init__(self, client: Client) -> None:
        self.client = client

    def post(self, url: str, said: Any = None) -> Any:
        return self.client.post(url, json.dumps({} if said is None else said), content_type="application/json")

    def create(self, content: bytes, name: str = "picture.png", **said: Any) -> dict[str, Any]:
        answer = self.post(COLLECTION, {"name": name, "size": len(content), **said})
        assert answer.status_code == 201, answer.content
        created: dict[str, Any] = answer.json()
        return created

    def get(self, upload: dict[str, Any]) -> Any:
        return self.client.get(upload["urls"]["self"])

    def sign(self, upload: dict[str, Any], *numbers: int) -> Any:
        return self.post(upload["urls"]["sign"], {"parts": numbers})

    def send(self, upload: dict[str, Any], content: bytes, *numbers: int) -> None:
        """Some of the parts, or all."""
        for part in self.sign(upload, *(numbers or range(1, upload["part_count"] + 1))).json():
            start = (part["number"] - 1) * upload["part_size"]
            put(part["url"], content[start : start + part["size"]])

    def complete(self, upload: dict[str, Any]) -> Any:
        return self.post(upload["urls"]["complete"])

    def delete(self, upload: dict[str, Any]) -> Any:
        return self.client.delete(upload["urls"]["self"])

    def upload(self, content: bytes, **said: Any) -> Any:
        upload = self.create(content, **said)
        self.send(upload, content)
        return self.complete(upload)


def put(url: str, content: bytes) -> None:
    answer = requests.put(url, data=content, timeout=30)
    assert answer.status_code == 200, answer.text
