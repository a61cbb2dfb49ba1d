from __future__ import annotations

from rest_framework.routers import SimpleRouter

from .direct import DirectUploadViewSet
from .views import AssetViewSet

app_name = "largefiles-api"

router = SimpleRouter(use_regex_path=False)
router.register("assets", AssetViewSet, basename="asset")
router.register("direct-uploads", DirectUploadViewSet, basename="direct-upload")

urlpatterns = router.urls
