from __future__ import annotations

from django.contrib import admin
from django.contrib.auth.views import LoginView, LogoutView
from django.urls import include, path

from . import views

urlpatterns = [
    path("", views.index, name="index"),
    path("upload/", views.upload, name="upload"),
    path("assets/<uuid:asset_id>/", views.asset, name="asset"),
    path("films/", views.films, name="films"),
    path("films/add/", views.edit_film, name="add-film"),
    path("films/<int:pk>/", views.film, name="film"),
    path("films/<int:pk>/edit/", views.edit_film, name="edit-film"),
    path("films/<int:pk>/delete/", views.delete_film, name="delete-film"),
    path("files/", include("django_largefiles.urls")),
    path("api/", include("django_largefiles.api.urls")),
    path("accounts/login/", LoginView.as_view(), name="login"),
    path("accounts/logout/", LogoutView.as_view(), name="logout"),
    path("admin/", admin.site.urls),
]
