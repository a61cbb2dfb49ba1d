from __future__ import annotations

from django.urls import path

from . import views
from .doors.resumable.views import uploads

app_name = "largefiles"

urlpatterns = [
    # Clients follow no redirect with a body, so both spellings are answered.
    path("uploads/", uploads, name="uploads"),
    path("uploads", uploads),
    path("uploads/<uuid:asset_id>/", uploads, name="upload"),
    path("uploads/<uuid:asset_id>", uploads),
    path("assets/<uuid:asset_id>/download/", views.download, name="download"),
]
