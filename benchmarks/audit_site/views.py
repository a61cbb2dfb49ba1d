"""The same upload, received as in Django's documentation and by ``receive_files``."""

from __future__ import annotations

import hashlib
from uuid import UUID

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse, JsonResponse

from django_largefiles.access import AccessPolicy, User
from django_largefiles.decorators import receive_files
from django_largefiles.dispatch.base import Dispatcher
from django_largefiles.media_types.sniffing import HEAD_LENGTH, sniff_head
from django_largefiles.models import FileAsset, FileAssetQuerySet

from .models import Document


class Anyone(AccessPolicy):
    def may_upload(self, user: User, profile: str) -> bool:
        return True

    def may_view(self, user: User, asset: FileAsset) -> bool:
        return True

    def visible(self, user: User, assets: FileAssetQuerySet) -> FileAssetQuerySet:
        return assets


class NoWorker(Dispatcher):
    """Do nothing: the audit measures only the request."""

    def dispatch(self, asset_id: UUID) -> None:
        pass


def ready(request: HttpRequest) -> HttpResponse:
    return HttpResponse()


def save(request: HttpRequest, limit: int) -> HttpResponse:
    file = request.FILES["file"]
    return _refusal(file, limit) or JsonResponse({"size": Document.objects.create(file=file).file.size})


def save_and_digest(request: HttpRequest, limit: int) -> HttpResponse:
    """Save the file and compute its SHA-256, as ``receive_files`` does on the way."""
    file = request.FILES["file"]
    refusal = _refusal(file, limit)
    if refusal:
        return refusal
    document = Document.objects.create(file=file)
    with document.file.open("rb") as stored:
        sha256 = hashlib.file_digest(stored, "sha256").hexdigest()
    return JsonResponse({"size": document.file.size, "sha256": sha256})


def _refusal(file: UploadedFile, limit: int) -> HttpResponse | None:
    """Check size and type as a careful view does. The whole body has been received by then."""
    if (file.size or 0) > limit:
        return JsonResponse({"code": "too_large"}, status=413)
    head = file.read(HEAD_LENGTH)
    file.seek(0)
    if sniff_head(head) not in settings.ALLOWED_TYPES:
        return JsonResponse({"code": "type_not_allowed"}, status=415)
    return None


@receive_files()
def accept(request: HttpRequest) -> HttpResponse:
    asset = request.FILES["file"].accept()
    return JsonResponse({"size": asset.size, "sha256": asset.sha256})


@receive_files(profile="small")
def accept_small(request: HttpRequest) -> HttpResponse:
    return JsonResponse({"size": request.FILES["file"].accept().size})
