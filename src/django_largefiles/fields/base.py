"""What both fields have in common: their options, and that migrations do not show them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeAlias, get_args

from django.core.checks import CheckMessage, Error
from django.db import router
from django.db.models import Field, Model

from ..conf import get_profile
from ..exceptions import InvalidSetting, UnknownProfile
from ..forms.fields import BaseAssetField
from ..forms.submissions import OBSTACLES
from ..forms.widgets import AssetInput
from ..models import FileAsset
from ..references import AttachingField, Terms

Orphans: TypeAlias = Literal["delete", "keep"]

if TYPE_CHECKING:
    BaseField: TypeAlias = Field[Any, Any]
else:
    BaseField = Field


class FieldOfAssets(AttachingField, BaseField):
    """A relation to ``FileAsset`` whose options do not concern the database.

    Migrations see Django's own field, at ``path``: so they import nothing of this package, and a change of the options
    makes none.
    """

    path: ClassVar[str]
    default_error_messages: ClassVar[dict[str, Any]] = {**OBSTACLES}
    form_field: ClassVar[type[BaseAssetField]]

    def take_options(self, profile: str, *, orphans: Orphans, shared: bool) -> None:
        self.orphans = orphans
        self.terms = Terms(profile=profile, shared=shared, keep=orphans == "keep")

    def formfield(self, **options: Any) -> Any:
        """Return a field for uploads. It has no choices, so that nothing of other users' files is shown.

        With a widget or a class of the host's, it is the field of any relation, which lets its user choose all assets.
        """
        if "form_class" in options or not _shows_uploads(options.get("widget")):
            return super().formfield(**options)
        for name in ("queryset", "using"):
            options.pop(name, None)
        options |= {"form_class": self.form_field, "profile": self.terms.profile, "shared": self.terms.shared}
        return Field.formfield(self, **options)

    def deconstruct(self) -> Any:
        name, _path, args, options = super().deconstruct()
        return name, self.path, args, options

    def clone(self) -> Any:
        _name, _path, args, options = self.deconstruct()
        # Mypy's plugin for Django cannot say what a class that is not named returns.
        made: type[Any] = type(self)
        return made(self.terms.profile, *args, orphans=self.orphans, shared=self.terms.shared, **options)

    def check(self, **options: Any) -> list[CheckMessage]:
        return [*super().check(**options), *self._wrong_options(), *self._wrong_relation()]

    def _wrong_options(self) -> Iterator[CheckMessage]:
        if self.orphans not in get_args(Orphans):
            known = " and ".join(map(repr, get_args(Orphans)))
            yield Error(f"orphans is {self.orphans!r}; known are {known}.", obj=self, id="django_largefiles.E031")
        try:
            get_profile(self.terms.profile)
        except UnknownProfile as error:
            yield Error(
                f"There is no profile {self.terms.profile!r}.",
                hint=f"Add it to LARGEFILES['PROFILES'], or name one of these: {error.limit}.",
                obj=self,
                id="django_largefiles.E030",
            )
        except InvalidSetting:
            # The check of the settings reports it.
            return

    def _wrong_relation(self) -> Iterator[CheckMessage]:
        relation: Any = self.remote_field
        if relation.model is not FileAsset:
            yield Error("The field must refer to FileAsset.", obj=self, id="django_largefiles.E032")
        rows, assets = router.db_for_write(self.model), router.db_for_write(FileAsset)
        if rows != assets:
            yield Error(
                f"The rows are written to the database {rows!r}, and assets to {assets!r}.",
                hint="Route them to the same: a row and the attachment of its asset are saved in one transaction.",
                obj=self,
                id="django_largefiles.E034",
            )


def _shows_uploads(widget: Any) -> bool:
    """Return whether a widget, its class, or ``None`` for the default, is one for uploads."""
    if widget is None:
        return True
    return issubclass(widget if isinstance(widget, type) else type(widget), AssetInput)


def is_real(model: type[Model]) -> bool:
    """Return whether the model has rows of its own: it is neither abstract nor one of a migration."""
    return not model._meta.abstract and model.__module__ != "__fake__"
