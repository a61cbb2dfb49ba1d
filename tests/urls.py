from __future__ import annotations

from importlib.util import find_spec

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("admin/", admin.site.urls),
    path("files/", include("django_largefiles.urls")),
]

urlpatterns += [path("api/", include("django_largefiles.api.urls"))] if find_spec("rest_framework") else []
