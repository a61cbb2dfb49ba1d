"""The door at unusual places of a host, and another view beside it."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.urls import include, path


def other(request: HttpRequest, asset_id: UUID) -> HttpResponse: ...  # type: ignore[empty-body]


urlpatterns = [
    path("files/", include("django_largefiles.urls")),
    path("größe und mehr/", include("django_largefiles.urls", namespace="unusual")),
    path("deeply/nested/", include(([path("files/", include("django_largefiles.urls"))], "nested"))),
    path("uploads/<uuid:asset_id>/", other),
]
