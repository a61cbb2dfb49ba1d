"""Let go of the assets of rows that are deleted."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import Model
from django.db.models.signals import class_prepared, post_delete, pre_delete

from ..lifecycle import let_go
from ..references import attaches, rows_of
from .base import is_real
from .multiple import AssetsField

_HELD = "django_largefiles_held"


def follow_deletions(sender: type[Model], **_: Any) -> None:
    """Receive ``class_prepared``, of proxies too: a deletion sends its signals with the class of the instance.

    A receiver without a sender would keep Django from deleting the rows of any model in one statement.
    """
    if is_real(sender) and any(_fields(sender)):
        pre_delete.connect(_note_held, sender=sender, dispatch_uid="django_largefiles.fields")
        post_delete.connect(_let_go_held, sender=sender, dispatch_uid="django_largefiles.fields")


class_prepared.connect(follow_deletions, dispatch_uid="django_largefiles.fields")


def _fields(model: type[Model]) -> list[Any]:
    """Return the fields that attach, without those of models that the model inherits from: these are deleted too."""
    assert model._meta.concrete_model
    own = model._meta.concrete_model._meta
    return [field for field in (*own.local_fields, *own.local_many_to_many) if attaches(field)]


def _note_held(sender: type[Model], instance: Model, using: str, origin: Any = None, **_: Any) -> None:
    """Receive ``pre_delete``: a row that is deleted refers to nothing any more."""
    held = list[tuple[UUID, bool]]()
    for field in _fields(sender):
        if isinstance(field, AssetsField):
            found = field.assets_of(instance, using)
        else:
            found = _asset_of(instance, field, using, stored=instance is origin)
        held += [(asset_id, field.terms.keep) for asset_id in found]
    setattr(instance._state, _HELD, held)


def _let_go_held(instance: Model, using: str, **_: Any) -> None:
    """Receive ``post_delete``."""
    for asset_id, keep in vars(instance._state).pop(_HELD):
        let_go(asset_id, keep=keep, using=using)


def _asset_of(instance: Model, field: Any, using: str, *, stored: bool) -> set[UUID]:
    """Return the asset to which the row refers: the instance of the caller may have been changed since it was read."""
    if not stored and field.attname in vars(instance):
        found = [getattr(instance, field.attname)]
    else:
        rows = rows_of(field.model, using).filter(pk=instance.pk)
        found = list(rows.values_list(field.attname, flat=True))
    return {asset_id for asset_id in found if asset_id}
