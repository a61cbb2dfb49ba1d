from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponseBase
from django.views.decorators.csrf import csrf_exempt
from rest_framework import mixins, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer

from .. import lifecycle
from ..access import access_policy
from ..assets import check_may_download, delete
from ..delivery.bodiless import BodilessResponse
from ..delivery.disposition import asked_disposition
from ..delivery.problems import problem_response
from ..delivery.responses import deliver
from ..doors.body import required_length
from ..exceptions import AssetNotFound, NotPermitted, StateConflict
from ..models import FileAsset
from .base import ApiViewSet
from .filters import AssetFilterBackend
from .negotiation import AnyMediaType
from .pagination import AssetPagination
from .requests import StreamingMultiPartParser
from .serializers import AssetSerializer, StatusSerializer, UploadSerializer


@csrf_exempt
def unknown_asset(request: HttpRequest, path: str, **kwargs: Any) -> HttpResponseBase:
    """Answer at the ``path`` of no asset as for an asset that does not exist, so that clients can read it."""
    return problem_response(AssetNotFound(value=path))


class AssetViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, ApiViewSet):
    """The assets that the access policy lets the user see.

    ``serializer_class`` and ``status_serializer_class`` are for the answers, ``upload_serializer_class`` for the form.
    ``perform_create`` and ``perform_destroy`` may be overridden to do more with an asset than to keep and delete it.
    """

    serializer_class: type[Serializer[Any]] = AssetSerializer
    status_serializer_class: type[Serializer[Any]] = StatusSerializer
    upload_serializer_class: type[Serializer[Any]] = UploadSerializer
    pagination_class = AssetPagination
    filter_backends = (AssetFilterBackend,)
    parser_classes = (StreamingMultiPartParser,)

    def get_serializer_class(self) -> type[Serializer[Any]]:
        return self.status_serializer_class if self.action == "status" else self.serializer_class

    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Upload one file in the multipart field `file`; `profile` and `sha256` must come before it."""
        # REST framework takes a body of unknown length for an empty one.
        required_length(request.META)
        upload = self.upload_serializer_class(data=request.data, context=self.get_serializer_context())
        upload.is_valid(raise_exception=True)
        asset = self.perform_create(upload)
        return Response(
            self.get_serializer(asset).data,
            status=status.HTTP_201_CREATED,
            headers={"Location": self.url_of("detail", asset)},
        )

    def perform_create(self, serializer: Serializer[Any]) -> FileAsset:
        """Keep the file, and return its asset."""
        asset: FileAsset = serializer.save(owner=self.request.user)
        return asset

    def destroy(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Delete the asset and its bytes, also while they arrive."""
        self.perform_destroy(self.get_object())
        return BodilessResponse()

    def perform_destroy(self, asset: FileAsset) -> None:
        delete(self.request.user, asset)

    @action(detail=True)
    def status(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """The fields that change while the asset is processed, for a client that polls."""
        return Response(self.get_serializer(self.get_object()).data)

    @action(detail=True, content_negotiation_class=AnyMediaType)
    def download(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """The bytes, once the asset is ready: all of them, or the ranges that are asked for."""
        asset = self.get_object()
        check_may_download(request.user, asset)
        return deliver(request._request, asset, disposition=asked_disposition(request))

    @action(detail=True, methods=["post"])
    def reprocess(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Verify and describe an asset again that is failed, ready or in quarantine."""
        asset = self.get_object()
        if not access_policy().may_reprocess(request.user, asset):
            raise NotPermitted("processing the file again is not permitted", value=str(asset.pk), on_file=True)
        if not lifecycle.reprocess(asset.pk):
            raise StateConflict(
                f"a file that is {asset.state} cannot be processed again",
                limit=", ".join(lifecycle.REPROCESSABLE),
                value=asset.state,
            )
        return Response(self.get_serializer(self.find_object(asset.pk)).data, status=status.HTTP_202_ACCEPTED)
