"""The schema of this package alone, at ``schema/``."""

from __future__ import annotations

from typing import Any

from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularAPIView

from ..base import ApiViewSet
from .resumable import add_resumable_uploads


class LargeFilesSchemaGenerator(SchemaGenerator):
    """Leaves out what the site has besides, and adds the resumable door."""

    def _initialise_endpoints(self) -> None:
        super()._initialise_endpoints()  # type: ignore[no-untyped-call]
        self.endpoints = [endpoint for endpoint in self.endpoints or () if issubclass(endpoint[-1].cls, ApiViewSet)]

    def get_schema(self, request: Any = None, public: bool = False) -> dict[str, Any]:
        schema: dict[str, Any] = super().get_schema(request=request, public=public)  # type: ignore[no-untyped-call]
        return add_resumable_uploads(schema, self, request, public)


@extend_schema(exclude=True)
class SchemaView(SpectacularAPIView):
    """OpenAPI of this package's routes, under the site's settings of drf-spectacular."""

    generator_class = LargeFilesSchemaGenerator
