from __future__ import annotations

from datetime import datetime
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.db import models
from django.http import HttpRequest
from django.utils.timezone import is_naive, make_aware
from rest_framework import serializers
from rest_framework.request import Request

from ..doors.form_files import UploadedAsset
from ..doors.ingest import copy
from ..exceptions import MalformedRequest
from ..extractors.base import METADATA_COLUMNS
from ..intake.creation import Declaration, begin
from ..models import FileAsset
from ..options import DEFAULT_PROFILE
from ..progress.status import STATUS_FIELDS, Status
from ..states import Reason, ScanVerdict, Stage, State
from ..words import explain_rejection
from .errors import api_refusals


class CodeField(serializers.ChoiceField):
    """One of the codes of an enumeration, read only. With ``allow_blank`` it may be empty."""

    def __init__(self, codes: type[models.TextChoices], **options: Any) -> None:
        super().__init__(choices=codes.choices, read_only=True, **options)
        self.codes = codes


class MomentField(serializers.DateTimeField):
    """A time with its offset from UTC, which the framework leaves out without ``USE_TZ``."""

    def enforce_timezone(self, value: datetime) -> datetime:
        if is_naive(value):
            return make_aware(value)
        moment: datetime = super().enforce_timezone(value)
        return moment


class AssetSerializer(serializers.ModelSerializer[FileAsset]):
    serializer_field_mapping = {
        **serializers.ModelSerializer.serializer_field_mapping,
        models.DateTimeField: MomentField,
    }

    name = serializers.CharField(source="original_name", read_only=True)
    state = CodeField(State)
    reason = CodeField(Reason, allow_blank=True)
    stage = CodeField(Stage, allow_blank=True)
    scan_verdict = CodeField(ScanVerdict, allow_blank=True)
    received = serializers.IntegerField(read_only=True, min_value=0, help_text="Bytes that have arrived.")
    extra_attributes = serializers.DictField(read_only=True, help_text="Metadata that has no field of its own.")
    words = serializers.SerializerMethodField(help_text="The reason, for the person who uploaded the file.")

    class Meta:
        model = FileAsset
        fields: tuple[str, ...] = (
            "id",
            "name",
            "profile",
            "state",
            "reason",
            "detail",
            "words",
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

    def get_words(self, asset: FileAsset) -> str:
        return explain_rejection(asset)


class StatusSerializer(AssetSerializer):
    """The fields that change while an asset is processed, as events have them."""

    class Meta(AssetSerializer.Meta):
        fields = STATUS_FIELDS
        read_only_fields = fields

    def to_representation(self, instance: FileAsset) -> dict[str, Any]:
        return Status.of(instance).as_json()


class FormFileField(serializers.FileField):
    """A file of a form."""


class UploadSerializer(serializers.Serializer[FileAsset]):
    """A file of a form. ``profile`` and ``sha256`` must come before it."""

    # It may have been parsed by ``StreamingMultiPartParser`` or another parser. ``save(owner=…)`` returns the asset.
    # Refusals are raised as ``ApiRefusal``, which every view of the framework answers with their own status.

    profile = serializers.CharField(default=DEFAULT_PROFILE)
    sha256 = serializers.CharField(default="", allow_blank=True)
    file = FormFileField(allow_empty_file=True)

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
