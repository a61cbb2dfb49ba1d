"""Saving a row together with the attachments of its assets."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import wraps
from itertools import groupby
from operator import attrgetter
from typing import Any
from uuid import UUID

from django.db import connections, router, transaction
from django.db.models import Model

from ..lifecycle import announce, attach, let_go
from ..references import Reference, Terms, attaches, rows_of
from ..states import Attachment
from ..transactions import write_before_reading

_MARK = "attaches_assets"
_SAVING = "django_largefiles_saving"


def attach_when_saved(model: type[Model]) -> None:
    """Have rows of this model, of its proxies and of models that inherit from it, saved with their attachments."""
    if any(hasattr(vars(base).get("save_base"), _MARK) for base in model.__mro__):
        return
    own = vars(model).get("save_base")

    @wraps(model.save_base)
    def save_base(
        self: Model,
        raw: bool = False,
        force_insert: Any = False,
        force_update: bool = False,
        using: str | None = None,
        update_fields: Any = None,
    ) -> None:
        save = own.__get__(self) if own else super(model, self).save_base  # type: ignore[misc]
        using = using or router.db_for_write(type(self), instance=self)
        written = [] if raw else _written(self, update_fields)
        with _attaching(self, written, using):
            save(
                raw=raw,
                force_insert=force_insert,
                force_update=force_update,
                using=using,
                update_fields=update_fields,
            )

    setattr(save_base, _MARK, True)
    model.save_base = save_base  # type: ignore[method-assign]


def saving_of(row: Model) -> Saving | None:
    """Return the attachments of a row that is being saved, if it is."""
    return getattr(row._state, _SAVING, None)


class Saving:
    """The attachments of one row while it is saved.

    The fields call ``take`` with the values that are written, which receivers of ``pre_save`` may have changed.
    """

    def __init__(self, row: Model, fields: Collection[Any], using: str) -> None:
        self._row = row
        self._using = using
        self._stored = _stored(row, fields, using)
        self._taken: dict[Any, UUID | None] = {}

    def take(self, field: Any, asset_id: UUID | None) -> None:
        """Attach the asset that ``field`` is about to refer to. Raise ``NotAttachable``."""
        # An update that matches no row is followed by an insert: the field may be asked twice.
        if asset_id == self._taken.get(field, self._stored.get(field)):
            return
        if asset_id:
            attach(asset_id, self._terms(field, asset_id), self._using)
        self._taken[field] = asset_id

    def settle(self) -> None:
        """Let go of assets to which the row no longer refers, and announce those to which it newly refers."""
        for field, asset_id in self._taken.items():
            before = self._stored.get(field)
            if before:
                let_go(before, keep=field.terms.keep, using=self._using)
            if asset_id:
                _mark_attached(self._row, field)
                announce(asset_id, Reference(model=field.model, pk=self._row.pk, field=field.name), self._using)

    def _terms(self, field: Any, asset_id: UUID) -> Terms:
        """Return the field's terms, except that the row's other fields may hold the asset: two may be exchanged."""
        terms: Terms = field.terms
        return replace(terms, shared=True) if asset_id in self._stored.values() else terms


def _mark_attached(row: Model, field: Any) -> None:
    """Have the asset that the row holds in memory say what the database does, for receivers and the host."""
    asset = field.get_cached_value(row, default=None)
    if asset:
        asset.attachment, asset.expires_at = Attachment.ATTACHED, None


@contextmanager
def _attaching(row: Model, fields: Collection[Any], using: str) -> Iterator[None]:
    if not fields:
        yield
        return
    with transaction.atomic(using=using):
        saving, outer = Saving(row, fields, using), saving_of(row)
        setattr(row._state, _SAVING, saving)
        try:
            yield
        finally:
            # Of a save within a save, by a receiver of a signal.
            setattr(row._state, _SAVING, outer)
        saving.settle()


def _written(row: Model, update_fields: Collection[str] | None) -> list[Any]:
    """Return the fields that attach, among those that are written."""
    fields = [field for field in row._meta.concrete_fields if attaches(field)]
    if update_fields is None:
        return fields
    return [field for field in fields if field.name in update_fields or field.attname in update_fields]


def _stored(row: Model, fields: Collection[Any], using: str) -> dict[Any, UUID | None]:
    """Return the assets to which the row refers in the database, and lock it, if it is there."""
    stored: dict[Any, UUID | None] = {}
    for model, own in groupby(fields, attrgetter("model")):
        stored |= _stored_in(model, row, list(own), using)
    return stored


def _stored_in(model: type[Model], row: Model, fields: list[Any], using: str) -> dict[Any, UUID | None]:
    key = model._meta.pk
    pk = getattr(row, key.attname)
    # Django inserts a new row whose key has a default without trying an update first.
    if pk is None or (row._state.adding and key.has_default()):
        return {}
    rows = rows_of(model, using).filter(pk=pk)
    write_before_reading(rows, fields[0].attname)
    # Django's update of the row takes the same lock, which lets others insert rows that refer to it.
    locked = rows.select_for_update(no_key=connections[using].features.has_select_for_no_key_update)
    for values in locked.values_list(*(field.attname for field in fields)):
        return dict(zip(fields, values, strict=True))
    return {}
