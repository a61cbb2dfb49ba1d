"""A form that knows its request, and what of it did not arrive."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, TypeAlias

from django import forms
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from ..doors.form_files import RefusedFile
from .fields import BaseAssetField

if TYPE_CHECKING:
    Base: TypeAlias = forms.BaseForm
else:
    Base = object


class AssetFormMixin(Base):
    """For forms with fields of assets: ``FilmForm(request.POST, request.FILES, request=request)``.

    Fields of assets come last, because what follows a refused file does not arrive. Fields that did not arrive are
    marked so. Without ``request``, that of ``LargeFilesMiddleware`` is used.
    """

    def __init__(self, *args: Any, request: HttpRequest | None = None, **options: Any) -> None:
        super().__init__(*args, **options)
        if request is not None:
            for field in self.fields.values():
                if isinstance(field, BaseAssetField):
                    field.request = request

    def order_fields(self, field_order: Iterable[str] | None) -> None:
        super().order_fields(field_order)
        if field_order is None:
            self.fields = dict(sorted(self.fields.items(), key=lambda item: isinstance(item[1], BaseAssetField)))

    def full_clean(self) -> None:
        super().full_clean()
        is_left_empty = self.empty_permitted and not self.has_changed()
        if _has_refused(self.files) and not is_left_empty:
            self._mark_fields_not_received()

    def _mark_fields_not_received(self) -> None:
        for name, field in self.fields.items():
            html_name = self.add_prefix(name)
            omitted = field.widget.value_omitted_from_data(self.data, self.files, html_name)
            if omitted and not field.disabled and not isinstance(field, BaseAssetField):
                self.errors.pop(name, None)
                error = _("This field was not received, because the file before it was refused. Fill it in again.")
                self.add_error(name, ValidationError(error, code="not_received"))


def _has_refused(files: Any) -> bool:
    several = files.getlist if hasattr(files, "getlist") else lambda name: [files[name]]
    return any(isinstance(file, RefusedFile) for name in files for file in several(name))
