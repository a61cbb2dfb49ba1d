"""The form fields of one asset and of several."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError
from django.db import router
from django.forms.boundfield import BoundField
from django.http import HttpRequest

from ..doors.current import current_request
from ..exceptions import ConfigurationError
from ..models import FileAsset
from ..options import DEFAULT_PROFILE
from ..references import AttachingField, Terms, rows_of
from .submissions import OBSTACLES, Submitter
from .values import Shown, Submission, assets_of
from .widgets import AssetInput, AssetsInput

NO_REQUEST = (
    "a form field of assets accepts the uploads of the user of a request, and knows of no request: have the form "
    "inherit django_largefiles.forms.AssetFormMixin, and pass it request=request; or have the ModelAdmin inherit "
    "django_largefiles.admin.AssetAdminMixin; or add django_largefiles.middleware.LargeFilesMiddleware to MIDDLEWARE"
)


class AssetBoundField(BoundField):
    """A field in its form. It shows what was submitted: files of a form that is not valid are not asked for again."""

    field: BaseAssetField

    @cached_property
    def initial(self) -> tuple[FileAsset, ...]:
        """The assets to which the row refers."""
        value: Any = super().initial
        row = getattr(self.form, "instance", None)
        if row is not None and self.name in row._state.fields_cache:
            # Read together with the row, as by ``select_related``.
            asset = row._state.fields_cache[self.name]
            value = asset if asset and asset.pk == value else value
        return assets_of(value)

    def value(self) -> Shown:
        uploaded = () if self.field.disabled else self.field.uploaded
        stored = self._stored()
        return Shown(
            request=self.field.submitting_request(),
            initial=self.initial if stored is None else _those(stored, (*self.initial, *uploaded)),
            uploaded=tuple(asset for asset in uploaded if asset.pk not in (stored or ())),
        )

    def _stored(self) -> set[Any] | None:
        """Return the keys of the assets to which the row refers now, if the form may have been saved.

        ``None`` if it has not, or if the field is none of the model's.
        """
        row = getattr(self.form, "instance", None)
        if row is None or row._state.adding or not self.form.is_bound or self.form.errors:
            return None
        fields = (*row._meta.fields, *row._meta.many_to_many)
        if not any(field.name == self.name and isinstance(field, AttachingField) for field in fields):
            return None
        rows = rows_of(type(row), router.db_for_read(type(row), instance=row))
        return set(rows.filter(pk=row.pk).values_list(self.name, flat=True))


def _those(keys: Collection[Any], assets: Iterable[FileAsset]) -> tuple[FileAsset, ...]:
    return tuple(asset for asset in assets if asset.pk in keys)


class BaseAssetField(forms.FileField):
    """What the fields of one asset and of several have in common.

    ``profile`` is that of the files that are uploaded here, and ``shared`` lets a row refer to an asset to which
    another refers. ``request`` is set by ``AssetFormMixin`` and ``AssetAdminMixin``.
    """

    bound_field_class = AssetBoundField
    default_error_messages: ClassVar[dict[str, Any]] = {**OBSTACLES}
    request: HttpRequest | None = None
    uploaded: tuple[FileAsset, ...] = ()
    """What the form has submitted and the field has accepted. Form fields belong to one form."""

    def __init__(self, *, profile: str = DEFAULT_PROFILE, shared: bool = False, **options: Any) -> None:
        self.terms = Terms(profile=profile, shared=shared)
        super().__init__(allow_empty_file=True, **options)
        if isinstance(self.widget, AssetInput):
            self.widget.profile = profile

    def submitting_request(self) -> HttpRequest:
        """Return the request whose user submits the form. Raise ``ConfigurationError`` if there is none."""
        request = self.request or current_request()
        if request is None:
            raise ConfigurationError(NO_REQUEST)
        return request

    def has_changed(self, initial: Any, data: Any) -> bool:
        return not self.disabled and data is not None

    def submitter(self) -> Submitter:
        return Submitter(request=self.submitting_request(), terms=self.terms, error_messages=self.error_messages)


class AssetFormField(BaseAssetField):
    """One asset: uploaded before the form is submitted, or with it.

    The cleaned value is the asset, ``None`` for none. If nothing is submitted, it is the initial one.
    """

    widget = AssetInput

    def clean(self, data: Submission | None, initial: Any = None) -> FileAsset | None:
        current = assets_of(initial)
        asset = next(iter(current), None) if data is None or self.disabled else self._asset(data, current)
        self.validate(asset)
        self.run_validators(asset)
        return asset

    def _asset(self, data: Submission, current: tuple[FileAsset, ...]) -> FileAsset | None:
        if data.files and data.removed:
            raise ValidationError(self.error_messages["contradiction"], code="contradiction")
        if data.removed:
            return None
        submitter = self.submitter()
        asset = submitter.take(data.files[-1]) if data.files else submitter.redeem(data.tokens[-1], current)
        self.uploaded = () if asset in current else (asset,)
        return asset


class AssetsFormField(BaseAssetField):
    """Several assets. What is submitted is added to the initial ones, from which others may be removed.

    The cleaned value is a list of assets.
    """

    widget = AssetsInput

    def clean(self, data: Submission | None, initial: Any = None) -> list[FileAsset]:
        current = assets_of(initial)
        assets = list(current) if data is None or self.disabled else self._assets(data, current)
        self.validate(assets)
        self.run_validators(assets)
        return assets

    def _assets(self, data: Submission, current: tuple[FileAsset, ...]) -> list[FileAsset]:
        submitter, errors, added = self.submitter(), list[ValidationError](), dict[FileAsset, None]()
        for token in data.tokens:
            with _collected(errors):
                added[submitter.redeem(token, current)] = None
        for file in data.files:
            with _collected(errors, file.name):
                added[submitter.take(file)] = None
        left = [asset for asset in {**dict.fromkeys(current), **added} if str(asset.pk) not in data.removed]
        self.uploaded = tuple(asset for asset in left if asset not in current)
        if errors:
            raise ValidationError(errors)
        return left


@contextmanager
def _collected(errors: list[ValidationError], name: str = "") -> Iterator[None]:
    """Collect an error, with the name of the file, so that the other files are kept."""
    try:
        yield
    except ValidationError as error:
        message = error.messages[0]
        errors.append(ValidationError(f"{name}: {message}" if name else message, code=error.code))
