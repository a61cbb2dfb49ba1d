from __future__ import annotations

from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest
from rest_framework import serializers
from rest_framework.request import Request

from ..doors.ingest import copy
from ..doors.multipart import UploadedAsset
from ..exceptions import MalformedRequest
from ..extractors.base import METADATA_COLUMNS
from ..intake.creation import Declaration, begin
from ..models import FileAsset
from ..options import DEFAULT_PROFILE
from .errors import api_refusals


class AssetSerializer(serializers.ModelSerializer[FileAsset]):
    name = serializers.CharField(source="original_name", read_only=True)
    received = serializers.IntegerField(read_only=True, help_text="Bytes that have arrived.")

    class Meta:
        model = FileAsset
        fields: tuple[str, ...] = (
            "id",
            "name",
            "profile",
            "state",
            "reason",
            "detail",
            "received",
            "size",
            "stage",
            "stage_done",
            "declared_type",
            "media_type",
            "sha256",
            *METADATA_COLUMNS,
            "extra_attributes",
            "extraction_error",
            "scan_verdict",
            "created_at",
            "updated_at",
            "processed_at",
        )
        read_only_fields: tuple[str, ...] = fields


class StatusSerializer(AssetSerializer):
    """The fields that change while an asset is processed."""

    class Meta(AssetSerializer.Meta):
        fields = (
            "id",
            "state",
            "reason",
            "detail",
            "received",
            "size",
            "stage",
            "stage_done",
            "media_type",
            "sha256",
            "extraction_error",
            "scan_verdict",
            "processed_at",
        )
        read_only_fields = fields


class UploadSerializer(serializers.Serializer[FileAsset]):
    """A file of a form, parsed by ``StreamingMultiPartParser`` or another parser. ``save(owner=…)`` returns the asset.

    Refusals are raised as ``ApiRefusal``, which every view of the framework answers with their own status.
    """

    profile = serializers.CharField(default=DEFAULT_PROFILE)
    sha256 = serializers.CharField(default="", allow_blank=True)
    file = serializers.FileField(allow_empty_file=True)

    def create(self, validated_data: dict[str, Any]) -> FileAsset:
        file: UploadedFile[bytes] = validated_data.pop("file")
        with api_refusals():
            if isinstance(file, UploadedAsset):
                return _accept(file, validated_data["profile"], validated_data["sha256"])
            declaration = Declaration(
                name=file.name or "",
                length=file.size,
                media_type=file.content_type or "",
                request=self._request(),
                **validated_data,
            )
            return copy(file, begin(declaration))

    def _request(self) -> HttpRequest | None:
        """Return the request, if the view has passed its own on."""
        request: Request | None = self.context.get("request")
        return request._request if request else None


def _accept(file: UploadedAsset, profile: str, sha256: str) -> FileAsset:
    if profile != file.profile:
        raise MalformedRequest("the field 'profile' must come before the file", limit=file.profile, value=profile)
    return file.accept(sha256=sha256)
