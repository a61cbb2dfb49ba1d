from __future__ import annotations

from django.urls import path

from . import views
from .doors.resumable.views import unknown_upload, uploads

app_name = "largefiles"

urlpatterns = [
    # Clients follow no redirect with a body, so both spellings are answered.
    path("uploads/", uploads, name="uploads"),
    path("uploads", uploads),
    # Clients take the last segment of Location for the id, so it has no trailing slash.
    path("uploads/<uuid:asset_id>", uploads, name="upload"),
    path("uploads/<uuid:asset_id>/", uploads),
    path("uploads/<path:path>", unknown_upload),
    path("assets/<uuid:asset_id>/download/", views.download, name="download"),
    path("links/<str:token>/", views.link, name="link"),
    path("events/", views.events, name="events"),
]
