from __future__ import annotations

from rest_framework.routers import SimpleRouter

from .views import AssetViewSet

app_name = "largefiles-api"

router = SimpleRouter(use_regex_path=False)
router.register("assets", AssetViewSet, basename="asset")

urlpatterns = router.urls
