from __future__ import annotations

from django.urls import path

from . import views

app_name = "largefiles"

urlpatterns = [
    path("assets/<uuid:asset_id>/download/", views.download, name="download"),
]
