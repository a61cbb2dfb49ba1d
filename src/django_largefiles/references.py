"""The rows of the host project that refer to assets."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Self
from uuid import UUID

from django.apps import apps
from django.core.exceptions import FieldDoesNotExist
from django.db import router
from django.db.models import (
    DO_NOTHING,
    Exists,
    ForeignKey,
    ForeignObjectRel,
    ManyToManyRel,
    ManyToOneRel,
    Model,
    OuterRef,
    Q,
    QuerySet,
)

from .models import FileAsset, Upload

NEVER = Q(pk__in=[])


@dataclass(frozen=True, kw_only=True)
class Terms:
    """What a model field asks of an asset, and what becomes of the asset afterwards."""

    profile: str
    shared: bool = False
    """Whether several rows may refer to one asset."""
    keep: bool = False
    """Whether an asset to which no row refers any more is kept."""


class AttachingField:
    """The base of the model fields that attach assets, by which they are told from any other foreign key."""

    terms: Terms


def attaches(field: Any) -> bool:
    """Return whether a field of a model attaches assets."""
    return isinstance(field, AttachingField) and not is_copy(field)


def is_copy(field: Any) -> bool:
    """Return whether a foreign key only tells what another has referred to, as in a table of former versions of rows.

    Neither Django nor the database minds what becomes of the asset. django-simple-history makes such fields.
    """
    return field.many_to_one and field.remote_field.on_delete is DO_NOTHING and not field.db_constraint


@dataclass(frozen=True, kw_only=True)
class Reference:
    """One row that refers to an asset, by the name of one of its fields."""

    model: type[Model]
    pk: Any
    field: str

    def as_json(self) -> dict[str, str]:
        # A composite key is a tuple, which its field reads from JSON.
        pk = json.dumps([str(part) for part in self.pk]) if isinstance(self.pk, tuple) else str(self.pk)
        return {"model": self.model._meta.label, "pk": pk, "field": self.field}

    @classmethod
    def from_json(cls, value: dict[str, str]) -> Self | None:
        """Return ``None`` if the host has removed the model or the field since."""
        try:
            model = apps.get_model(value["model"])
            model._meta.get_field(value["field"])
        except (LookupError, FieldDoesNotExist):
            return None
        return cls(model=model, pk=model._meta.pk.to_python(value["pk"]), field=value["field"])

    def row(self, asset_id: UUID, using: str) -> Any:
        """Return the row, or ``None`` if it does not refer to the asset any more."""
        return rows_of(self.model, using).filter(**{"pk": self.pk, self.field: asset_id}).first()


def rows_of(model: type[Model], using: str) -> QuerySet[Any]:
    """Return all rows: a manager of the host's may leave some out."""
    return QuerySet(model=model, using=using)


def is_referenced(using: str) -> Q:
    """Return the condition: a row refers to the asset, by a field of ours or by any other foreign key."""
    relations = (relation for relation in _relations(using) if isinstance(relation, ManyToOneRel))
    keys = (relation.field for relation in relations if relation.related_model is not Upload)
    return _any_of(key for key in keys if not is_copy(key))


def is_attached_by_field(using: str) -> Q:
    """Return the condition: a row refers to the asset by a field that attaches."""
    return _any_of(map(_foreign_key, attaching_fields(using)))


def references(asset_id: UUID, using: str) -> Iterator[tuple[Reference, Terms]]:
    """Yield each row that refers to the asset by a field that attaches, and the terms of the field."""
    for field in attaching_fields(using):
        for pk in rows_of(field.model, using).filter(**{field.name: asset_id}).values_list("pk", flat=True):
            yield Reference(model=field.model, pk=pk, field=field.name), field.terms


def attaching_fields(using: str) -> Iterator[Any]:
    """Yield the foreign keys and many-to-many fields that attach assets: each is an ``AttachingField`` too."""
    for relation in _relations(using):
        if isinstance(relation, ManyToOneRel | ManyToManyRel) and attaches(relation.field):
            yield relation.field


def _foreign_key(field: Any) -> Any:
    """Return the key to assets, which a many-to-many field has in its table in between."""
    through = field.remote_field.through if field.many_to_many else None
    return through._meta.get_field(field.m2m_reverse_field_name()) if through else field


def _relations(using: str) -> Iterator[ForeignObjectRel]:
    """Yield the relations to assets, also those without a reverse accessor, of the tables in this database."""
    relations = FileAsset._meta.get_fields(include_hidden=True)
    for relation in (relation for relation in relations if isinstance(relation, ForeignObjectRel)):
        model: Any = relation.related_model
        if not model._meta.swapped and router.allow_migrate_model(using, model):
            yield relation


def _any_of(keys: Iterable[ForeignKey[Any, Any]]) -> Q:
    condition = NEVER
    for key in keys:
        condition |= Q(Exists(QuerySet(model=key.model).filter(**{key.attname: OuterRef("pk")})))
    return condition
