"""The base class of the API's view sets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.db.transaction import non_atomic_requests
from django.http import HttpRequest, HttpResponseBase
from rest_framework.exceptions import APIException, NotAuthenticated
from rest_framework.filters import BaseFilterBackend
from rest_framework.generics import GenericAPIView
from rest_framework.pagination import BasePagination
from rest_framework.request import Request
from rest_framework.settings import api_settings
from rest_framework.throttling import BaseThrottle
from rest_framework.viewsets import ViewSetMixin

from ..assets import visible_asset
from ..delivery.problems import full_database, problem_response
from ..doors.claims import streams_body
from ..exceptions import NotPermitted, Refusal, StoreError
from ..models import FileAsset, FileAssetQuerySet
from ..transport.lingering import linger
from .described import OperationSchema
from .errors import ApiRefusal, as_framework_error, framework_problem
from .requests import UploadRequest


class ApiView(GenericAPIView[FileAsset]):
    """Reads no body before the user is authenticated, and answers every error as problem details."""

    def initialize_request(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Request:
        return UploadRequest(
            request,
            parsers=self.get_parsers(),
            authenticators=self.get_authenticators(),
            negotiator=self.get_content_negotiator(),
            parser_context=self.get_parser_context(request),
        )

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        linger(request.META, response)
        return super().finalize_response(request, response, *args, **kwargs)

    def handle_exception(self, exc: Exception) -> HttpResponseBase:  # type: ignore[override]
        exc = exc.error if isinstance(exc, ApiRefusal) else as_framework_error(full_database(exc))
        if isinstance(exc, NotPermitted) and not self.request.user.is_authenticated:
            exc = NotAuthenticated()
        if isinstance(exc, Refusal | StoreError):
            return problem_response(exc)
        response = super().handle_exception(exc)
        return framework_problem(exc, response) if isinstance(exc, APIException) else response


class ApiViewSet(ViewSetMixin, ApiView):
    """The base of this package's view sets.

    A ``ScopedRateThrottle`` throttles each action by the rate of the scope ``largefiles-<action>``, if there is one.
    """

    lookup_value_converter = "uuid"
    throttle_scope: str | None = None
    filter_backends: Sequence[type[BaseFilterBackend]] = ()
    pagination_class: type[BasePagination] | None = None
    schema = OperationSchema()
    _asks_of_one = False

    @classmethod
    def as_view(cls, *args: Any, **kwargs: Any) -> Any:
        # No transaction may be held while bytes stream or the storage is asked, even with ATOMIC_REQUESTS.
        return streams_body(non_atomic_requests(super().as_view(*args, **kwargs)))

    def get_queryset(self) -> FileAssetQuerySet:
        """Return the assets that the view set has, as far as the access policy lets the user see them."""
        assets = FileAsset.objects.select_related("upload")
        return assets if self._asks_of_one else assets.visible_to(self.request.user)

    def get_object(self) -> FileAsset:
        """Return the asset that the URL names, as all actions of one do.

        It must be in ``get_queryset``, and the access policy and the permission classes must allow it. Raise
        ``AssetNotFound`` and ``PermissionDenied``.
        """
        asset = self.find_object(self.kwargs[self.lookup_url_kwarg or self.lookup_field])
        self.check_object_permissions(self.request, asset)
        return asset

    def find_object(self, asset_id: UUID) -> FileAsset:
        """Return the asset without asking the permission classes, which an action does once, before it changes it."""
        # The policy is asked about the asset itself: of its owner it needs no query for the user's permissions.
        self._asks_of_one = True
        try:
            assets = self.get_queryset()
        finally:
            self._asks_of_one = False
        return visible_asset(self.request.user, asset_id, assets, self.request._request)

    def url_of(self, action: str, asset: FileAsset) -> str:
        """Return the absolute URL of an action of one asset, under the same prefix as that of the request."""
        kwargs = {name: value for name, value in self.kwargs.items() if name != self.settings.FORMAT_SUFFIX_KWARG}
        kwargs[self.lookup_url_kwarg or self.lookup_field] = asset.pk
        url: str = self.reverse_action(action, kwargs=kwargs)
        return url

    def get_throttles(self) -> list[BaseThrottle]:
        scope = f"largefiles-{self.action}"
        # The framework fails for a scope that has no rate.
        if self.throttle_scope is None and scope in api_settings.DEFAULT_THROTTLE_RATES:
            self.throttle_scope = scope
        return super().get_throttles()
