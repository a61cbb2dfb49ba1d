"""The example's pages, and those of ``docs/front-ends.rst``."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.loader import render_to_string
from django.urls import path
from example.forms import FilmForm
from example.urls import urlpatterns as of_the_example

PAGE = '<!doctype html><html lang="en"><meta charset="utf-8"><title>Add a film</title>{}'

names: dict[str, Any] = {"__name__": "example.host", "__package__": "example"}
exec((settings.BASE_DIR / "views.py").read_text(), names)


def add_by(request: HttpRequest, library: str) -> HttpResponse:
    form = FilmForm(request.POST or None, request=request)
    if form.is_valid():
        return redirect(form.save())
    response = HttpResponse(PAGE.format(render_to_string(f"add-by-{library}.html", {"form": form}, request)))
    policy = settings.BASE_DIR / f"{library}.policy"
    if policy.exists():
        response["Content-Security-Policy"] = policy.read_text()
    return response


urlpatterns = [
    path("add-by-<library>/", add_by),
    path("add/", names["add"], name="add"),
    path("state/<int:pk>/", names["state"], name="state"),
    *of_the_example,
]
