"""Fields that drf-spectacular does not map as they are."""

from __future__ import annotations

from typing import Any

from drf_spectacular.extensions import OpenApiSerializerFieldExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.settings import spectacular_settings
from drf_spectacular.utils import Direction

from ...states import Reason, ScanVerdict, Stage, State

COMPONENTS = {
    State: "FileAssetState",
    Reason: "FileAssetReason",
    Stage: "FileAssetStage",
    ScanVerdict: "FileAssetScanVerdict",
}
"""Named here, because the names that drf-spectacular gives to enumerations change with those of the host."""


class CodeFieldExtension(OpenApiSerializerFieldExtension):  # type: ignore[no-untyped-call]
    target_class = "django_largefiles.api.serializers.CodeField"

    def get_name(self) -> str:
        return COMPONENTS[self.target.codes]

    def map_serializer_field(self, auto_schema: AutoSchema, direction: Direction) -> dict[str, Any]:
        # A code may be empty in one field and not in another; empty is one of the codes all the same.
        return {"type": "string", "enum": [*self.target.codes.values, *([""] if self.target.allow_blank else [])]}


class NewAttachmentExtension(OpenApiSerializerFieldExtension):  # type: ignore[no-untyped-call]
    target_class = "django_largefiles.api.direct.NewAttachmentField"

    def get_name(self) -> str:
        return "FileAssetNewAttachment"

    def map_serializer_field(self, auto_schema: AutoSchema, direction: Direction) -> dict[str, Any]:
        return {"type": "string", "enum": list(self.target.choices)}


class FormFileExtension(OpenApiSerializerFieldExtension):  # type: ignore[no-untyped-call]
    """Binary, with any ``COMPONENT_SPLIT_REQUEST``: no answer has such a field."""

    target_class = "django_largefiles.api.serializers.FormFileField"

    def map_serializer_field(self, auto_schema: AutoSchema, direction: Direction) -> dict[str, Any]:
        return {"type": "string", "format": "binary"}


class HeadExtension(OpenApiSerializerFieldExtension):  # type: ignore[no-untyped-call]
    target_class = "django_largefiles.api.direct.HeadField"

    def map_serializer_field(self, auto_schema: AutoSchema, direction: Direction) -> dict[str, Any]:
        return {"type": "string", "format": "byte"}


class AssetRelatedFieldExtension(OpenApiSerializerFieldExtension):  # type: ignore[no-untyped-call]
    """Requests and answers have something different in it; one component for both has either."""

    target_class = "django_largefiles.api.relations.AssetRelatedField"
    match_subclasses = True

    def map_serializer_field(self, auto_schema: AutoSchema, direction: Direction) -> dict[str, Any]:
        submitted = {"type": "string"}
        shown = self._shown(auto_schema)
        if spectacular_settings.COMPONENT_SPLIT_REQUEST:
            return submitted if direction == "request" else shown
        return {"oneOf": [shown, submitted]}

    def _shown(self, auto_schema: AutoSchema) -> dict[str, Any]:
        if self.target.output == "id":
            return {"type": "string", "format": "uuid"}
        summary: dict[str, Any] = auto_schema.resolve_serializer(self.target.summary_class, "response").ref
        return summary
