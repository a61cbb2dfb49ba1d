"""The query parameters of the list of assets: filters, and the order."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, cast

from django.core.validators import RegexValidator
from django.db.models import QuerySet
from django.utils import timezone
from rest_framework import serializers
from rest_framework.filters import BaseFilterBackend
from rest_framework.request import Request
from rest_framework.views import APIView

from ..managers import FileAssetQuerySet
from ..options import MAX_PROFILE_NAME
from ..states import State

ORDERINGS: Mapping[str, tuple[str, str]] = {
    "-created_at": ("-created_at", "id"),
    "created_at": ("created_at", "-id"),
}
"""The columns by the value of ``ordering``. Each is the other reversed, so that one index serves both."""

_NAME = r"[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}"
MEDIA_TYPE_PATTERN = rf"^(\*/\*|{_NAME}/(\*|{_NAME}))$"
"""What ``media_types.matching.is_pattern`` accepts, as a regular expression that clients of the API can use."""


class InstantField(serializers.DateTimeField):
    """A time that every database can compare with a column."""

    def to_internal_value(self, value: Any) -> datetime:
        moment: datetime = super().to_internal_value(value)
        try:
            # Databases store it in another zone, where years from 1 to 9999 may not be enough.
            (moment if timezone.is_aware(moment) else timezone.make_aware(moment)).astimezone(UTC)
        except (OverflowError, ValueError):
            self.fail("overflow")
        return moment


class AssetFilterSerializer(serializers.Serializer[Any]):
    """The query parameters of the list of assets."""

    state = serializers.ChoiceField(State.choices, required=False)
    type = serializers.CharField(
        required=False,
        max_length=255,
        validators=[RegexValidator(MEDIA_TYPE_PATTERN)],
        help_text="The detected media type, or a family of types such as `video/*`.",
    )
    profile = serializers.RegexField(r"^[^\x00]+$", required=False, max_length=MAX_PROFILE_NAME, trim_whitespace=False)
    created_after = InstantField(required=False, help_text="Created at this time or later.")
    created_before = InstantField(required=False, help_text="Created before this time.")
    sha256 = serializers.RegexField(
        "^[0-9A-Fa-f]{64}$", required=False, help_text="The digest of the bytes, in hexadecimal."
    )
    ordering = serializers.ChoiceField(list(ORDERINGS), required=False, help_text="Newest first by default.")


CONDITIONS: Mapping[str, Callable[[FileAssetQuerySet, Any], FileAssetQuerySet]] = {
    "state": lambda assets, state: assets.filter(state=state),
    "type": lambda assets, pattern: assets.of_type(pattern),
    "profile": lambda assets, name: assets.filter(profile=name),
    "created_after": lambda assets, moment: assets.filter(created_at__gte=moment),
    "created_before": lambda assets, moment: assets.filter(created_at__lt=moment),
    "sha256": lambda assets, digest: assets.filter(sha256=digest.lower()),
}
"""How a parameter narrows the list."""


class AssetFilterBackend(BaseFilterBackend):
    """Filters and orders a list of assets by the parameters of ``serializer_class``.

    To add a parameter, subclass both: a field there, and its condition in ``conditions``. Raises ``ValidationError``.
    """

    serializer_class: type[serializers.Serializer[Any]] = AssetFilterSerializer
    conditions = CONDITIONS

    def filter_queryset(self, request: Request, queryset: QuerySet[Any, Any], view: APIView) -> QuerySet[Any, Any]:
        said = self.serializer_class(data=request.query_params.dict())
        said.is_valid(raise_exception=True)
        for name in said.validated_data.keys() & self.conditions.keys():
            queryset = self.conditions[name](cast("FileAssetQuerySet", queryset), said.validated_data[name])
        return queryset

    def get_ordering(self, request: Request, queryset: QuerySet[Any], view: APIView) -> tuple[str, ...]:
        """Return the columns to order by, for the pagination, which asks after ``filter_queryset``."""
        return ORDERINGS[request.query_params.get("ordering", "-created_at")]
