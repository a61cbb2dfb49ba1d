from __future__ import annotations

from uuid import UUID

from django.http import HttpResponseBase
from rest_framework import mixins, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from .. import lifecycle
from ..access import access_policy
from ..assets import delete, downloadable_asset, visible_asset
from ..delivery.bodiless import BodilessResponse
from ..delivery.disposition import asked_disposition
from ..delivery.responses import deliver
from ..doors.body import required_length
from ..exceptions import NotPermitted, StateConflict
from ..models import FileAsset, FileAssetQuerySet
from .base import ApiViewSet
from .negotiation import AnyMediaType
from .pagination import AssetPagination
from .requests import StreamingMultiPartParser
from .serializers import AssetSerializer, StatusSerializer, UploadSerializer


class AssetViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, ApiViewSet):
    """The assets that the access policy lets the user see."""

    serializer_class = AssetSerializer
    pagination_class = AssetPagination
    parser_classes = (StreamingMultiPartParser,)

    def get_queryset(self) -> FileAssetQuerySet:
        return access_policy().visible(self.request.user, FileAsset.objects.select_related("upload"))

    def get_object(self) -> FileAsset:
        return visible_asset(self.request.user, self.kwargs["pk"])

    def create(self, request: Request) -> Response:
        """Upload one file in the multipart field ``file``; ``profile`` and ``sha256`` must come before it."""
        # REST framework takes a body of unknown length for an empty one.
        required_length(request.META)
        upload = UploadSerializer(data=request.data, context=self.get_serializer_context())
        upload.is_valid(raise_exception=True)
        asset = upload.save(owner=request.user)
        location = self.reverse_action("detail", args=[asset.pk])
        return Response(
            self.get_serializer(asset).data, status=status.HTTP_201_CREATED, headers={"Location": location}
        )

    def destroy(self, request: Request, pk: UUID) -> HttpResponseBase:
        delete(request.user, self.get_object())
        return BodilessResponse()

    @action(detail=True, serializer_class=StatusSerializer)
    def status(self, request: Request, pk: UUID) -> Response:
        """The progress of the asset, for a client that polls."""
        return Response(self.get_serializer(self.get_object()).data)

    @action(detail=True, content_negotiation_class=AnyMediaType)
    def download(self, request: Request, pk: UUID) -> HttpResponseBase:
        """The bytes, once the asset is ready."""
        asset = downloadable_asset(request.user, pk)
        return deliver(request._request, asset, disposition=asked_disposition(request))

    @action(detail=True, methods=["post"])
    def reprocess(self, request: Request, pk: UUID) -> Response:
        """Process a failed or ready asset again, or one in quarantine."""
        asset = self.get_object()
        if not access_policy().may_reprocess(request.user, asset):
            raise NotPermitted("processing the file again is not permitted", value=str(pk))
        if not lifecycle.reprocess(pk):
            raise StateConflict(
                f"a file that is {asset.state} cannot be processed again",
                limit=", ".join(lifecycle.REPROCESSABLE),
                value=asset.state,
            )
        return Response(self.get_serializer(self.get_object()).data, status=status.HTTP_202_ACCEPTED)
