"""What distinguishes one upload protocol from another, for the views."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from ...exceptions import LargeFilesError, MethodNotAllowed
from .exchange import Exchange

Verb: TypeAlias = Callable[[Exchange], HttpResponseBase]


def _nothing(_: object) -> dict[str, Any]:
    return {}


@dataclass(frozen=True, kw_only=True)
class Protocol:
    """An upload protocol: its verbs by HTTP method, and the headers of its answers.

    The verbs raise ``Refusal`` and ``StoreError``.
    """

    collection: Mapping[str, Verb]
    resource: Mapping[str, Verb]
    options_headers: Callable[[HttpRequest], Mapping[str, str]]
    refusal_headers: Callable[[LargeFilesError], Mapping[str, str]]
    problem_members: Callable[[LargeFilesError], Mapping[str, Any]] = _nothing
    check_request: Callable[[Exchange], object] = _nothing
    headers: Mapping[str, str] = field(default_factory=dict)

    def answer(self, exchange: Exchange) -> HttpResponseBase:
        """Answer a request. Raise ``MethodNotAllowed`` and what its verb raises."""
        self.check_request(exchange)
        response = self._verb(exchange)(exchange)
        for name, value in self.headers.items():
            response[name] = value
        return response

    def _verb(self, exchange: Exchange) -> Verb:
        verbs = self.collection if exchange.asset_id is None else self.resource
        if exchange.method not in verbs:
            raise MethodNotAllowed(limit=", ".join(["OPTIONS", *verbs]), value=exchange.method)
        return verbs[exchange.method]
