"""Uploads whose bytes go directly to the storage, arranged in JSON."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpResponseBase
from django.utils import timezone
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from ..assets import visible_asset
from ..conf import largefiles_settings
from ..delivery.bodiless import BodilessResponse
from ..doors import direct
from ..doors.direct import Arranged
from ..intake.creation import Declaration
from ..intake.direct import SIGNED_AT_ONCE
from ..models import FileAsset
from ..options import DEFAULT_PROFILE
from .base import ApiViewSet
from .requests import SmallJSONParser
from .serializers import AssetSerializer


class DeclarationSerializer(serializers.Serializer[Any]):
    """What a client declares of a file before it sends it. ``size`` is in bytes."""

    name = serializers.CharField()
    size = serializers.IntegerField(min_value=0)
    profile = serializers.CharField(default=DEFAULT_PROFILE)
    media_type = serializers.CharField(default="", allow_blank=True)
    sha256 = serializers.CharField(default="", allow_blank=True)

    def declaration(self, request: Request) -> Declaration:
        said = dict(self.validated_data)
        return Declaration(length=said.pop("size"), owner=request.user, request=request._request, **said)


class NumbersSerializer(serializers.Serializer[Any]):
    parts = serializers.ListField(child=serializers.IntegerField(), allow_empty=False, max_length=SIGNED_AT_ONCE)


class StoredPartSerializer(serializers.Serializer[Any]):
    number = serializers.IntegerField()
    size = serializers.IntegerField()


class SignedPartSerializer(StoredPartSerializer):
    url = serializers.URLField()
    headers = serializers.DictField(child=serializers.CharField(), help_text="To be sent with the part.")
    expires_at = serializers.DateTimeField()


class ArrangedSerializer(serializers.Serializer[Any]):
    """A direct upload. Once it is complete there is nothing to be sent: ``part_size`` and its like are ``null``."""

    id = serializers.UUIDField(source="asset.pk")
    state = serializers.CharField(source="asset.state")
    reason = serializers.CharField(source="asset.reason")
    size = serializers.IntegerField(source="asset.size")
    part_size = serializers.IntegerField(source="plan.part_size", default=None)
    part_count = serializers.IntegerField(source="plan.part_count", default=None)
    parts = StoredPartSerializer(many=True, help_text="Those that the storage has.")
    expires_at = serializers.DateTimeField(source="upload.expires_at", default=None)
    urls = serializers.SerializerMethodField()

    def get_urls(self, arranged: Arranged) -> dict[str, str]:
        return dict(self.context["view"].urls_of(arranged.asset))


class DirectUploadViewSet(ApiViewSet):
    """Uploads whose bytes go directly to the storage, in parts, to signed URLs."""

    serializer_class = ArrangedSerializer
    parser_classes = (SmallJSONParser,)

    def create(self, request: Request) -> Response:
        """Declare a file, and get the plan by which to cut it into parts."""
        said = DeclarationSerializer(data=request.data)
        said.is_valid(raise_exception=True)
        arranged = direct.create(said.declaration(request))
        return Response(
            self.get_serializer(arranged).data,
            status=status.HTTP_201_CREATED,
            headers={"Location": self.urls_of(arranged.asset)["self"]},
        )

    def retrieve(self, request: Request, pk: UUID) -> Response:
        """The parts that the storage has, for a client that goes on with the upload."""
        return Response(self.get_serializer(direct.look_up(request.user, pk)).data)

    def destroy(self, request: Request, pk: UUID) -> HttpResponseBase:
        """Abort the upload."""
        direct.abort(request.user, pk)
        return BodilessResponse()

    @action(detail=True, methods=["post"])
    def sign(self, request: Request, pk: UUID) -> Response:
        """Get URLs for sending these parts; they expire."""
        wanted = NumbersSerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        expires_at = timezone.now() + largefiles_settings.part_url_expires_after
        signed = direct.sign(request.user, pk, wanted.validated_data["parts"])
        answer = [{**vars(part), "expires_at": expires_at} for part in signed]
        return Response(SignedPartSerializer(answer, many=True).data)

    @action(detail=True, methods=["post"], serializer_class=AssetSerializer)
    def complete(self, request: Request, pk: UUID) -> Response:
        """Make the file of its parts, once all are sent, and get the asset. May be repeated."""
        direct.complete(request.user, pk)
        # An immediate dispatcher has processed it already.
        return Response(self.get_serializer(visible_asset(request.user, pk)).data)

    def urls_of(self, asset: FileAsset) -> dict[str, str]:
        """Return the URLs of the next steps."""
        own = {"self": "detail", "sign": "sign", "complete": "complete"}
        return {name: self.reverse_action(action, args=[asset.pk]) for name, action in own.items()}
