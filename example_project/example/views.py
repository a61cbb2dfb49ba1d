from __future__ import annotations

from uuid import UUID

from django.contrib.auth.views import redirect_to_login
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_POST

from django_largefiles.access import access_policy
from django_largefiles.conf import DEFAULT_PROFILE, get_profile
from django_largefiles.decorators import UploadedAsset, receive_files
from django_largefiles.models import FileAsset, FileAssetQuerySet
from django_largefiles.states import SETTLED
from django_largefiles.stores import configured_store

PAGE_SIZE = 20
ANYTHING = "*/*"
NO_ASSET = UUID(int=0)


@require_GET
def index(request: HttpRequest) -> HttpResponse:
    if not access_policy().may_upload(request.user, DEFAULT_PROFILE):
        return redirect_to_login(request.get_full_path())
    assets = Paginator(_visible(request).order_by("-created_at", "id"), PAGE_SIZE)
    profile = get_profile(DEFAULT_PROFILE)
    context = {
        "placeholder": NO_ASSET,
        "direct": configured_store().direct is not None,
        "page": assets.get_page(request.GET.get("page")),
        "max_size": profile.max_upload_size,
        "types": () if ANYTHING in profile.allowed_mime_types else profile.allowed_mime_types,
    }
    return render(request, "example/index.html", context)


@require_POST
@receive_files(profile="default")
def upload(request: HttpRequest) -> HttpResponse:
    """Receive the form without JavaScript. The bytes are stored before this view runs."""
    file = request.FILES.get("file")
    if not isinstance(file, UploadedAsset):
        # The form was sent without a file.
        return redirect("index")
    return redirect("asset", file.accept().pk)


@require_GET
def asset(request: HttpRequest, asset_id: UUID) -> HttpResponse:
    found = get_object_or_404(_visible(request), pk=asset_id)
    context = {"asset": found, "settled": found.state in SETTLED, "metadata": _metadata(found)}
    return render(request, "example/asset.html", context)


def _visible(request: HttpRequest) -> FileAssetQuerySet:
    return access_policy().visible(request.user, FileAsset.objects.all())


def _metadata(asset: FileAsset) -> dict[str, object]:
    """Return what the extractors found, the most important first."""
    columns = {
        "title": asset.title,
        "width": asset.width,
        "height": asset.height,
        "duration": asset.duration,
        "pages": asset.page_count,
    }
    known: dict[str, object] = {name: value for name, value in columns.items() if value not in (None, "")}
    return {**known, **asset.extra_attributes}
