from __future__ import annotations

import os
from pathlib import Path

from django.http import FileResponse, HttpRequest
from django.urls import include, path


def plain(request: HttpRequest) -> FileResponse:
    return FileResponse(Path(os.environ["PLAIN_FILE"]).open("rb"))


urlpatterns = [path("", include("example.urls")), path("plain", plain)]
