from __future__ import annotations

from django.apps import apps
from django.urls import URLPattern, path, re_path
from rest_framework.routers import SimpleRouter

from .direct import DirectUploadViewSet
from .views import AssetViewSet, unknown_asset

app_name = "largefiles-api"

router = SimpleRouter(use_regex_path=False)
router.register("assets", AssetViewSet, basename="asset")
router.register("direct-uploads", DirectUploadViewSet, basename="direct-upload")


def schema_routes() -> list[URLPattern]:
    """Return the route of the schema, if drf-spectacular is installed."""
    if not apps.is_installed("drf_spectacular"):
        return []
    # It is an extra.
    from .openapi.views import SchemaView

    return [path("schema/", SchemaView.as_view(), name="schema")]


urlpatterns = [
    *router.urls,
    *schema_routes(),
    # Ids that are none are answered as those that do not exist.
    re_path(r"^(?:assets|direct-uploads)/(?P<path>(?s:.+))/$", unknown_asset),
]
