"""Rows that refer to assets, over the API: a serializer of models, and the field to which it maps ours."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar, Literal, TypeAlias
from uuid import UUID

from django.contrib.auth.models import AnonymousUser
from django.db import router, transaction
from django.db.models import Model
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from rest_framework import serializers
from rest_framework.relations import ManyRelatedField

from ..assets import check_attachable, check_may_attach, uploaded_asset, visible_asset
from ..exceptions import ConfigurationError, Refusal
from ..models import FileAsset, FileAssetQuerySet
from ..options import DEFAULT_PROFILE
from ..references import AttachingField
from ..words import explain
from .described import register_fields
from .errors import api_refusals
from .serializers import AssetSerializer

register_fields()

Output: TypeAlias = Literal["summary", "id"]


class AssetSummarySerializer(AssetSerializer):
    """What a page needs to show an asset."""

    url = serializers.SerializerMethodField(help_text="Where the file is downloaded, once it is ready.")

    class Meta(AssetSerializer.Meta):
        fields = (
            "id",
            "name",
            "state",
            "reason",
            "words",
            "size",
            "media_type",
            "width",
            "height",
            "duration",
            "url",
        )
        read_only_fields = fields
        ref_name = "FileAssetSummary"

    def get_url(self, asset: FileAsset) -> str:
        request = self.context.get("request")
        url: str = request.build_absolute_uri(asset.url) if request else asset.url
        return url


class AssetRelatedField(serializers.RelatedField[FileAsset, str, Any]):
    """An asset to which a row refers.

    It takes the token of an upload, or the id of an asset that the user of the request may attach: by the default
    access policy, one that is theirs. The asset must have been uploaded to ``profile``, have arrived, and belong to no
    other row unless ``shared``. What the row refers to already is always taken. Anything else raises
    ``ValidationError``, whose code is that of the refusal. ``context["request"]`` is required.

    ``output="id"`` shows the id alone, and ``"summary"`` what ``summary_class`` makes of the asset.
    """

    default_error_messages: ClassVar[dict[str, Any]] = {
        "invalid": _("Expected the token of an upload or the id of a file, but got {input_type}."),
    }
    summary_class: type[serializers.BaseSerializer[FileAsset]] = AssetSummarySerializer

    def __init__(
        self, *, profile: str = DEFAULT_PROFILE, shared: bool = False, output: Output = "summary", **options: Any
    ) -> None:
        self.profile = profile
        self.shared = shared
        self.output = output
        super().__init__(**options)

    def get_queryset(self) -> FileAssetQuerySet:
        """Return none: forms of the browsable API would list the assets of all users."""
        return FileAsset.objects.none()

    def use_pk_only_optimization(self) -> bool:
        return self.output == "id"

    def to_representation(self, asset: Any) -> Any:
        if self.output == "id":
            return str(asset.pk)
        return self.summary_class(asset, context=self.context).data

    def to_internal_value(self, data: Any) -> FileAsset:
        if not isinstance(data, str):
            self.fail("invalid", input_type=type(data).__name__)
        try:
            return self._asset(data, self._request())
        except Refusal as error:
            raise serializers.ValidationError(explain(error), code=error.code) from error

    def _asset(self, text: str, request: HttpRequest) -> FileAsset:
        """Raise ``Refusal``."""
        asset_id = _as_id(text)
        asset = uploaded_asset(text, request) if asset_id is None else self._asset_by_id(asset_id, request)
        if not self._held(asset.pk):
            check_attachable(asset, profile=self.profile, shared=self.shared)
        return asset

    def _asset_by_id(self, asset_id: UUID, request: HttpRequest) -> FileAsset:
        held = self._held(asset_id)
        if held:
            return held
        asset = visible_asset(request.user, asset_id)
        check_may_attach(request.user, asset)
        return asset

    def _held(self, asset_id: UUID) -> FileAsset | None:
        """Return the asset if the row that is updated refers to it already."""
        field: Any = self.parent if isinstance(self.parent, ManyRelatedField) else self
        row = getattr(field.parent, "instance", None)
        if not isinstance(row, Model):
            return None
        value = field.get_attribute(row)
        pks = [] if value is None else [value.pk] if field is self else value.values("pk")
        return FileAsset.objects.filter(pk=asset_id).filter(pk__in=pks).first()

    def _request(self) -> HttpRequest:
        request = self.context.get("request")
        if request is None:
            raise ConfigurationError(
                f"the field {self.field_name!r} cannot tell who may attach a file: give the serializer "
                "context={'request': request}, as the views of REST framework do"
            )
        # REST framework authenticates its own request, and sets the user of Django's.
        user = request.user
        own: HttpRequest = getattr(request, "_request", request)
        # With ``UNAUTHENTICATED_USER`` of ``None`` there is none.
        own.user = user or AnonymousUser()
        return own


class AssetListSerializer(serializers.ListSerializer[Any]):
    """``AssetModelSerializer`` with ``many=True``: ``save`` changes all rows and their assets, or none.

    A ``list_serializer_class`` of a host's inherits from it.
    """

    def save(self, **values: Any) -> Any:
        child: Any = self.child
        with _whole(child.Meta.model):
            return super().save(**values)


class AssetModelSerializer(serializers.ModelSerializer[Any]):
    """A ``ModelSerializer`` whose ``AssetField`` and ``AssetsField`` are ``AssetRelatedField``.

    ``Meta.extra_kwargs`` may set the ``output`` of one. ``save`` changes the row and its assets together or not at
    all, and raises ``ApiRefusal``, which is answered with 409, if an asset was attached to another row meanwhile.
    """

    asset_related_field: type[AssetRelatedField] = AssetRelatedField

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        meta = vars(cls).get("Meta")
        # The framework looks for it there alone.
        if meta and not hasattr(meta, "list_serializer_class"):
            setattr(cls, "Meta", type("Meta", (meta,), {"list_serializer_class": AssetListSerializer}))  # noqa: B010

    def build_relational_field(self, field_name: str, relation_info: Any) -> tuple[type[Any], Any]:
        if not _attaches(relation_info):
            return super().build_relational_field(field_name, relation_info)
        terms = relation_info.model_field.terms
        _class, options = super().build_relational_field(field_name, relation_info)
        options.pop("queryset", None)
        return self.asset_related_field, {**options, "profile": terms.profile, "shared": terms.shared}

    def build_nested_field(self, field_name: str, relation_info: Any, nested_depth: int) -> tuple[type[Any], Any]:
        # With ``Meta.depth``, the framework would show every column of the asset.
        if _attaches(relation_info):
            return self.build_relational_field(field_name, relation_info)
        return super().build_nested_field(field_name, relation_info, nested_depth)

    def save(self, **values: Any) -> Any:
        with _whole(self.Meta.model):
            return super().save(**values)


@contextmanager
def _whole(model: type[Model]) -> Iterator[None]:
    """Save the rows of a model and their assets together or not at all, and raise ``ApiRefusal``."""
    with api_refusals(), transaction.atomic(using=router.db_for_write(model)):
        yield


def _attaches(relation_info: Any) -> bool:
    return isinstance(relation_info.model_field, AttachingField) and not relation_info.reverse


def _as_id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
