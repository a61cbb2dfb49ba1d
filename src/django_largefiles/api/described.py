"""The views' attribute ``schema``, from which OpenAPI is made."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from rest_framework.schemas.inspectors import DefaultSchema


class OperationSchema(DefaultSchema):
    """What ``DEFAULT_SCHEMA_CLASS`` names, and, if drf-spectacular is installed, with the operations of this package.

    A view has another schema of its own by setting ``schema``, and drf-spectacular's ``extend_schema`` precedes it.
    """

    def __get__(self, instance: Any, owner: Any) -> Any:
        inspector = super().__get__(instance, owner)
        if instance in self.instance_schemas or not apps.is_installed("drf_spectacular"):
            return inspector
        # drf-spectacular is an extra.
        from .openapi.schema import described

        inspector = described(type(inspector))()
        inspector.view = instance
        return inspector


def register_fields() -> None:
    """Tell drf-spectacular, if it is installed, of the fields that views of the host use too."""
    if apps.is_installed("drf_spectacular"):
        from .openapi import fields  # noqa: F401 - registers what it defines
