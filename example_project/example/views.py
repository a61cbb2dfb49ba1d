from __future__ import annotations

from uuid import UUID

from django.contrib.auth.views import redirect_to_login
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_POST

from django_largefiles.access import access_policy
from django_largefiles.conf import DEFAULT_PROFILE, get_profile
from django_largefiles.decorators import UploadedAsset, receive_files
from django_largefiles.models import FileAsset
from django_largefiles.states import SETTLED
from django_largefiles.words import allowed_names

from .facts import facts_of
from .forms import FilmForm
from .models import Film

PAGE_SIZE = 20


@require_GET
def index(request: HttpRequest) -> HttpResponse:
    if not access_policy().may_upload(request.user, DEFAULT_PROFILE):
        return redirect_to_login(request.get_full_path())
    assets = Paginator(FileAsset.objects.visible_to(request.user).order_by("-created_at", "id"), PAGE_SIZE)
    profile = get_profile(DEFAULT_PROFILE)
    context = {
        "page": assets.get_page(request.GET.get("page")),
        "max_size": profile.max_upload_size,
        "allowed": allowed_names(", ".join(profile.allowed_mime_types)),
    }
    return render(request, "example/index.html", context)


@require_POST
@receive_files(profile="default", max_files=20)
def upload(request: HttpRequest) -> HttpResponse:
    """Receive the form without JavaScript. The bytes are stored before this view runs."""
    files = [file for file in request.FILES.getlist("file") if isinstance(file, UploadedAsset)]
    accepted = [file.accept() for file in files]
    return redirect("asset", accepted[0].pk) if len(accepted) == 1 else redirect("index")


@require_GET
def asset(request: HttpRequest, asset_id: UUID) -> HttpResponse:
    found = get_object_or_404(FileAsset.objects.visible_to(request.user), pk=asset_id)
    context = {
        "asset": found,
        "settled": found.state in SETTLED,
        "kind": found.media_type.partition("/")[0],
        "facts": list(facts_of(found)),
    }
    return render(request, "example/asset.html", context)


@require_GET
def films(request: HttpRequest) -> HttpResponse:
    page = Paginator(_films(request).order_by("-created_at", "id"), PAGE_SIZE).get_page(request.GET.get("page"))
    return render(request, "example/films.html", {"page": page})


@require_GET
def film(request: HttpRequest, pk: int) -> HttpResponse:
    found = get_object_or_404(_films(request), pk=pk)
    return render(request, "example/film.html", {"film": found, "facts": list(facts_of(found.video))})


@receive_files(profile="films", max_files=20)
def edit_film(request: HttpRequest, pk: int | None = None) -> HttpResponse:
    if not access_policy().may_upload(request.user, "films"):
        return redirect_to_login(request.get_full_path())
    found = get_object_or_404(_films(request), pk=pk) if pk else None
    form = FilmForm(request.POST or None, request.FILES or None, instance=found, request=request)
    if form.is_valid():
        return redirect(form.save())
    return render(request, "example/film_form.html", {"form": form, "film": found})


@require_POST
def delete_film(request: HttpRequest, pk: int) -> HttpResponse:
    get_object_or_404(_films(request), pk=pk).delete()
    return redirect("films")


def _films(request: HttpRequest) -> QuerySet[Film]:
    """Return the films of which the user may see the file."""
    return Film.objects.filter(video__in=FileAsset.objects.visible_to(request.user)).select_related("video")
