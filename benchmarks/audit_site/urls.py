from __future__ import annotations

from django.conf import settings
from django.urls import path

from . import views

half = settings.LARGEST // 2

urlpatterns = [
    path("", views.ready),
    path("django/", views.save, {"limit": settings.LARGEST}),
    path("django/small/", views.save, {"limit": half}),
    path("django/digest/", views.save_and_digest, {"limit": settings.LARGEST}),
    path("largefiles/", views.accept),
    path("largefiles/small/", views.accept_small),
]
