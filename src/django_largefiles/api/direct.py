"""Uploads whose bytes go directly to the storage, arranged in JSON."""

from __future__ import annotations

from base64 import b64decode, b64encode
from typing import Any

from django.http import HttpResponseBase
from django.utils import timezone
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from ..assets import check_upload_not_expired, upload_token
from ..conf import largefiles_settings
from ..delivery.bodiless import BodilessResponse
from ..doors import direct
from ..doors.direct import Arranged
from ..intake.creation import Declaration
from ..intake.direct import SIGNED_AT_ONCE
from ..media_types.sniffing import HEAD_LENGTH
from ..models import FileAsset
from ..options import DEFAULT_PROFILE
from ..states import Attachment, Reason, State
from ..upload_tokens import check_can_hold
from .base import ApiViewSet
from .requests import SmallJSONParser
from .serializers import AssetSerializer, CodeField, MomentField


class HeadField(serializers.Field[bytes, str, str, Any]):
    """The first 2 KiB of a file, or all of a smaller one, in Base64."""

    default_error_messages = {"invalid": "The first bytes of the file must be Base64."}

    def to_internal_value(self, data: str) -> bytes:
        try:
            return b64decode(data, validate=True)[:HEAD_LENGTH]
        except (TypeError, ValueError):
            self.fail("invalid")

    def to_representation(self, value: bytes) -> str:
        return b64encode(value).decode()


class NewAttachmentField(serializers.ChoiceField):
    """The attachment of an asset that is to be created."""


class DeclarationSerializer(serializers.Serializer[Any]):
    """What a client declares of a file before it sends it. ``size`` is in bytes."""

    name = serializers.CharField()
    size = serializers.IntegerField(min_value=0)
    profile = serializers.CharField(default=DEFAULT_PROFILE)
    media_type = serializers.CharField(default="", allow_blank=True)
    sha256 = serializers.CharField(default="", allow_blank=True)
    attachment = NewAttachmentField(
        [Attachment.STANDALONE.value, Attachment.PROVISIONAL.value],
        default=Attachment.STANDALONE.value,
        help_text="Provisional if a form is to be saved with the file.",
    )
    head = HeadField(default=b"", help_text="The first 2 KiB in Base64, for an early verdict on the type.")

    def declaration(self, request: Request) -> Declaration:
        said = dict(self.validated_data, attachment=Attachment(self.validated_data["attachment"]))
        if said["attachment"] == Attachment.PROVISIONAL:
            check_can_hold(request.user, request._request)
        return Declaration(length=said.pop("size"), owner=request.user, request=request._request, **said)


class NumbersSerializer(serializers.Serializer[Any]):
    parts = serializers.ListField(child=serializers.IntegerField(), allow_empty=False, max_length=SIGNED_AT_ONCE)


class StoredPartSerializer(serializers.Serializer[Any]):
    number = serializers.IntegerField()
    size = serializers.IntegerField()


class SignedPartSerializer(StoredPartSerializer):
    url = serializers.URLField()
    headers = serializers.DictField(child=serializers.CharField(), help_text="To be sent with the part.")
    expires_at = MomentField()


class NextStepsSerializer(serializers.Serializer[Any]):
    """The URLs of the next requests."""

    self = serializers.URLField()
    sign = serializers.URLField()
    complete = serializers.URLField()

    def to_representation(self, arranged: Arranged) -> dict[str, str]:
        return dict(self.context["view"].urls_of(arranged.asset))


class ArrangedSerializer(serializers.Serializer[Any]):
    """A direct upload. Once it is complete there is nothing to be sent: ``part_size`` and its like are ``null``."""

    id = serializers.UUIDField(source="asset.pk", read_only=True)
    state = CodeField(State, source="asset.state")
    reason = CodeField(Reason, source="asset.reason", allow_blank=True)
    size = serializers.IntegerField(source="asset.size", read_only=True)
    part_size = serializers.IntegerField(source="plan.part_size", read_only=True, allow_null=True)
    part_count = serializers.IntegerField(source="plan.part_count", read_only=True, allow_null=True)
    parts = StoredPartSerializer(many=True, read_only=True, help_text="Those that the storage has.")
    expires_at = MomentField(source="upload.expires_at", read_only=True, allow_null=True)
    token = serializers.SerializerMethodField(
        help_text="What a form submits in place of a provisional file, or empty."
    )
    urls = NextStepsSerializer(source="*", read_only=True)

    def get_token(self, arranged: Arranged) -> str:
        request: Request = self.context["request"]
        return upload_token(request.user, arranged.asset, request._request)


class DirectUploadViewSet(ApiViewSet):
    """Uploads whose bytes go directly to the storage, in parts, to signed URLs.

    ``serializer_class`` is of an upload, ``asset_serializer_class`` of the asset that ``complete`` answers with, and
    ``declaration_serializer_class`` of what a client declares.
    """

    serializer_class: type[serializers.Serializer[Any]] = ArrangedSerializer
    asset_serializer_class: type[serializers.Serializer[Any]] = AssetSerializer
    declaration_serializer_class: type[DeclarationSerializer] = DeclarationSerializer
    parser_classes = (SmallJSONParser,)

    def get_object(self) -> FileAsset:
        """Return the asset as all actions of one do. Raise ``UploadGone``, too, if its upload has expired."""
        asset = super().get_object()
        check_upload_not_expired(asset)
        return asset

    def get_serializer_class(self) -> type[serializers.Serializer[Any]]:
        return self.asset_serializer_class if self.action == "complete" else self.serializer_class

    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Declare a file, and get the plan by which to cut it into parts."""
        said = self.declaration_serializer_class(data=request.data, context=self.get_serializer_context())
        said.is_valid(raise_exception=True)
        arranged = direct.create(said.declaration(request))
        return Response(
            self.get_serializer(arranged).data,
            status=status.HTTP_201_CREATED,
            headers={"Location": self.urls_of(arranged.asset)["self"]},
        )

    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """The parts that the storage has, for a client that goes on with the upload."""
        return Response(self.get_serializer(direct.look_up(self.get_object())).data)

    def destroy(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Abort the upload, and remove its parts."""
        direct.abort(request.user, self.get_object())
        return BodilessResponse()

    @action(detail=True, methods=["post"])
    def sign(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Get URLs for sending these parts, 100 at most; they expire."""
        wanted = NumbersSerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        expires_at = timezone.now() + largefiles_settings.part_url_expires_after
        signed = direct.sign(request.user, self.get_object(), wanted.validated_data["parts"])
        answer = [{**vars(part), "expires_at": expires_at} for part in signed]
        return Response(SignedPartSerializer(answer, many=True).data)

    @action(detail=True, methods=["post"])
    def complete(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Make the file of its parts, once all are sent, and get the asset. May be repeated."""
        asset = direct.complete(request.user, self.get_object())
        # An immediate dispatcher has processed it already.
        return Response(self.get_serializer(self.find_object(asset.pk)).data)

    def urls_of(self, asset: FileAsset) -> dict[str, str]:
        """Return the URLs of the next steps."""
        own = {"self": "detail", "sign": "sign", "complete": "complete"}
        return {name: self.url_of(action, asset) for name, action in own.items()}
