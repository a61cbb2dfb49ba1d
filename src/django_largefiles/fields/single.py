"""A field that refers to one asset."""

from __future__ import annotations

from typing import Any, TypeVar

from django.core.exceptions import ValidationError
from django.db import router
from django.db.models import PROTECT, ForeignKey, Model

from ..forms import AssetFormField
from ..lifecycle import obstacle
from ..models import FileAsset
from ..options import DEFAULT_PROFILE
from ..references import attaches, rows_of
from .base import FieldOfAssets, Orphans, is_real
from .saving import attach_when_saved, saving_of

_ST = TypeVar("_ST")
_GT = TypeVar("_GT")
"""What may be assigned, and what is read: mypy's plugin for Django fills them in."""


class AssetField(FieldOfAssets, ForeignKey[_ST, _GT]):
    """A foreign key to ``FileAsset`` that attaches the asset to the row.

    ``profile`` names the profile to which the asset must have been uploaded. ``orphans`` says what becomes of an asset
    when no row refers to it any more: ``"delete"`` or ``"keep"``. With ``shared=True`` several rows may refer to one
    asset. The other options are those of ``ForeignKey``; ``on_delete`` is ``PROTECT`` by default.

    Saving a row raises ``NotAttachable``, and changes nothing, if the asset has not arrived completely, was uploaded
    to another profile, or belongs to another row. ``full_clean`` raises ``ValidationError`` instead.
    """

    path = "django.db.models.ForeignKey"
    form_field = AssetFormField

    def __init__(
        self,
        profile: str = DEFAULT_PROFILE,
        *,
        to: type[Model] | str = FileAsset,
        on_delete: Any = PROTECT,
        orphans: Orphans = "delete",
        shared: bool = False,
        **options: Any,
    ) -> None:
        self.take_options(profile, orphans=orphans, shared=shared)
        super().__init__(to, on_delete, **options)

    def contribute_to_class(self, cls: type[Model], name: str, *args: Any, **kwargs: Any) -> None:
        super().contribute_to_class(cls, name, *args, **kwargs)
        if is_real(cls):
            attach_when_saved(cls)

    def pre_save(self, model_instance: Model, add: bool) -> Any:
        value = super().pre_save(model_instance, add)
        saving = saving_of(model_instance)
        # The database computes the value of an expression; the sweeper finds it.
        if saving and attaches(self) and not hasattr(value, "resolve_expression"):
            saving.take(self, self.target_field.to_python(value))
        return value

    def validate(self, value: Any, model_instance: Model | None) -> None:
        super().validate(value, model_instance)
        if value is None:
            return
        found = obstacle(FileAsset.objects.filter(pk=value).first(), self.terms)
        # A row keeps its asset whatever has changed since, such as the profile of the field, as when it is saved.
        if found and not self._refers(model_instance, value):
            raise ValidationError(self.error_messages[found], code=found)

    def _refers(self, row: Model | None, value: Any) -> bool:
        """Return whether the stored row refers to the asset."""
        stored = rows_of(self.model, router.db_for_read(self.model))
        return row is not None and stored.filter(**{"pk": row.pk, self.attname: value}).exists()
