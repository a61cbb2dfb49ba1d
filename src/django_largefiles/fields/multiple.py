"""A field that refers to several assets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias
from uuid import UUID

from django.core.checks import CheckMessage, Error
from django.db.models import ManyToManyField, Model
from django.db.models.signals import m2m_changed, pre_save

from ..forms import AssetsFormField
from ..lifecycle import announce, attach, let_go
from ..models import FileAsset
from ..options import DEFAULT_PROFILE
from ..references import Reference, rows_of
from .base import FieldOfAssets, Orphans, is_real

Links: TypeAlias = "set[tuple[Any, UUID]]"

_RAW, _CLEARED = "django_largefiles_raw", "django_largefiles_cleared"


if TYPE_CHECKING:
    ManyToMany: TypeAlias = ManyToManyField[FileAsset, Any]
else:
    ManyToMany = ManyToManyField


class AssetsField(FieldOfAssets, ManyToMany):
    """A many-to-many relation to ``FileAsset`` that attaches the assets to the row.

    The options are those of :class:`AssetField`, except for ``on_delete``, and those of ``ManyToManyField``, except
    for ``through``. Adding an asset raises ``NotAttachable`` and changes nothing if it cannot be attached.
    """

    path = "django.db.models.ManyToManyField"
    form_field = AssetsFormField

    def __init__(
        self,
        profile: str = DEFAULT_PROFILE,
        *,
        to: type[FileAsset] | str = FileAsset,
        orphans: Orphans = "delete",
        shared: bool = False,
        **options: Any,
    ) -> None:
        self.take_options(profile, orphans=orphans, shared=shared)
        super().__init__(to, **options)

    def contribute_to_class(self, cls: type[Model], name: str, *args: Any, **options: Any) -> None:
        super().contribute_to_class(cls, name, *args, **options)
        if is_real(cls) and self._has_own_table():
            m2m_changed.connect(self._follow, sender=self.remote_field.through, weak=False)
            pre_save.connect(_note_raw, sender=cls, dispatch_uid="django_largefiles.fields.raw")

    def check(self, **options: Any) -> list[CheckMessage]:
        if self._has_own_table():
            return super().check(**options)
        return [
            Error(
                "The field has a table of the project's in between, whose rows are saved without it.",
                hint="Remove through, or use a model with an AssetField in place of this field.",
                obj=self,
                id="django_largefiles.E033",
            )
        ]

    def _has_own_table(self) -> bool:
        """Return whether Django has made the table in between. ``through`` may be the name of a model."""
        return bool(getattr(getattr(self.remote_field.through, "_meta", None), "auto_created", False))

    def assets_of(self, row: Model, using: str) -> set[UUID]:
        """Return the assets to which the stored row refers."""
        return {asset_id for _, asset_id in self._links(using, **{self.m2m_field_name(): row.pk})}

    def _follow(
        self, action: str, instance: Model, reverse: bool, pk_set: set[Any] | None, using: str, **_: Any
    ) -> None:
        """Receive ``m2m_changed``. ``reverse`` tells that rows were added to an asset, or taken from it."""
        if getattr(instance._state, _RAW, False):
            return
        if action == "pre_clear":
            name = self.m2m_reverse_field_name() if reverse else self.m2m_field_name()
            setattr(instance._state, _CLEARED, self._links(using, **{name: instance.pk}))
        elif action == "post_clear":
            self._let_go(vars(instance._state).pop(_CLEARED), using)
        else:
            other = pk_set or set()
            links = {(pk, instance.pk) for pk in other} if reverse else {(instance.pk, pk) for pk in other}
            _ACTIONS[action](self, links, using)

    def _attach(self, links: Links, using: str) -> None:
        for _, asset_id in links:
            attach(asset_id, self.terms, using)

    def _announce(self, links: Links, using: str) -> None:
        for pk, asset_id in links:
            announce(asset_id, Reference(model=self.model, pk=pk, field=self.name), using)

    def _let_go(self, links: Links, using: str) -> None:
        for asset_id in {asset_id for _, asset_id in links}:
            let_go(asset_id, keep=self.terms.keep, using=using)

    def _links(self, using: str, **condition: Any) -> Links:
        """Return pairs of the key of a row and that of an asset."""
        source, target = self.m2m_field_name(), self.m2m_reverse_field_name()
        through: Any = self.remote_field.through
        stored = rows_of(through, using).filter(**condition)
        return set(stored.values_list(source, target))


_ACTIONS = {
    "pre_add": AssetsField._attach,
    "post_add": AssetsField._announce,
    "pre_remove": lambda *_: None,
    "post_remove": AssetsField._let_go,
}


def _note_raw(instance: Model, raw: bool, **_: Any) -> None:
    """Receive ``pre_save``: ``loaddata`` adds assets to a row before it has loaded them."""
    if raw:
        setattr(instance._state, _RAW, True)
