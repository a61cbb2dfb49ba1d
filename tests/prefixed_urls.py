"""Routes whose prefix is an argument of every view."""

from __future__ import annotations

from importlib.util import find_spec

from django.urls import include, path

urlpatterns = [path("<slug:tenant>/files/", include("django_largefiles.urls"))]

urlpatterns += (
    [path("<slug:tenant>/api/", include("django_largefiles.api.urls"))] if find_spec("rest_framework") else []
)
