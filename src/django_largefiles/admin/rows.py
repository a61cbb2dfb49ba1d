"""The admin of a host's rows that refer to assets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from django import forms
from django.contrib import admin
from django.forms.formsets import TOTAL_FORM_COUNT
from django.http import HttpRequest

from ..doors.form_files import refused_file
from ..fields.base import FieldOfAssets
from ..forms import AssetFormMixin

if TYPE_CHECKING:
    AdminBase: TypeAlias = admin.ModelAdmin[Any]
else:
    AdminBase = object


class AssetAdminForm(AssetFormMixin, forms.ModelForm):  # type: ignore[type-arg]  # generic in the stubs only
    """The form of a ``ModelAdmin`` or an inline with fields of assets."""


class AssetAdminMixin(AdminBase):
    """For each ``ModelAdmin`` and each inline whose model has an ``AssetField`` or an ``AssetsField``.

    ::

        class FilmAdmin(AssetAdminMixin, admin.ModelAdmin): ...

    The fields upload resumably, and accept what the user of the request has uploaded. A ``form`` of your own inherits
    from ``AssetFormMixin``.
    """

    form = AssetAdminForm

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **options: Any) -> Any:
        chosen = (*self.raw_id_fields, *self.autocomplete_fields)
        if not isinstance(db_field, FieldOfAssets) or db_field.name in chosen:
            return super().formfield_for_dbfield(db_field, request, **options)
        # Not as for other relations, whose widgets offer to add and to change the related row.
        field = db_field.formfield(**options)
        # The class of the form, and its fields, are made for this request.
        field.request = request
        return field

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Fields of assets come last unless ``fields`` says otherwise: what follows a refused file does not arrive."""
        names = super().get_fields(request, obj)
        return names if self.fields else sorted(names, key=self._asset_fields().__contains__)

    def get_queryset(self, request: HttpRequest) -> Any:
        rows = super().get_queryset(request)
        if not hasattr(self, "parent_model"):
            return rows
        # An inline: one query for the assets of all rows that it shows.
        return rows.select_related(*(name for name, field in self._asset_fields().items() if field.many_to_one))

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """Leave files out: the query of a URL could name those of other users."""
        initial: dict[str, Any] = super().get_changeform_initial_data(request)
        return {name: value for name, value in initial.items() if name not in self._asset_fields()}

    def get_formset_kwargs(self, request: HttpRequest, obj: Any, inline: Any, prefix: str) -> dict[str, Any]:
        options: dict[str, Any] = super().get_formset_kwargs(request, obj, inline, prefix)
        if refused_file(request) and f"{prefix}-{TOTAL_FORM_COUNT}" not in request.POST:
            # The inline did not arrive: it is shown as it is stored.
            for name in ("data", "files", "save_as_new"):
                options.pop(name)
        return options

    def _asset_fields(self) -> dict[str, Any]:
        options = self.model._meta
        fields = (*options.fields, *options.many_to_many)
        return {field.name: field for field in fields if isinstance(field, FieldOfAssets)}
