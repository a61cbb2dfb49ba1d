"""REST framework's authentication classes, as its settings name them, for the resumable door."""

from __future__ import annotations

from collections.abc import Sequence

from django.http import HttpRequest
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import APIException, PermissionDenied
from rest_framework.settings import api_settings

from ..access import User
from ..authentication import Authenticator
from ..exceptions import CsrfFailed, NotAuthenticated, NotPermitted
from .requests import UploadRequest
from .throttling import admit_creation


class FrameworkAuthenticator(Authenticator):
    def authenticate(self, request: HttpRequest) -> User:
        framework_request = _request(request)
        try:
            user: User = framework_request.user
        except PermissionDenied as error:
            # SessionAuthentication raises it if the CSRF token is missing.
            raise CsrfFailed(str(error.detail)) from error
        except APIException as error:
            challenge = self.challenge(request)
            if error.status_code == 401 and challenge:
                raise NotAuthenticated(str(error.detail), challenge=challenge) from error
            raise NotPermitted(str(error.detail)) from error
        return user

    def admit_creation(self, request: HttpRequest, user: User) -> None:
        framework_request = _request(request)
        framework_request.user = user  # type: ignore[assignment]  # of a model of the project's
        admit_creation(framework_request)

    def challenge(self, request: HttpRequest) -> str:
        # As in the framework, the first class determines the challenge.
        for authenticator in _authenticators()[:1]:
            return authenticator.authenticate_header(_request(request)) or ""
        return ""


def _request(request: HttpRequest) -> UploadRequest:
    return UploadRequest(request, authenticators=_authenticators())


def _authenticators() -> list[BaseAuthentication]:
    classes: Sequence[type[BaseAuthentication]] = api_settings.DEFAULT_AUTHENTICATION_CLASSES  # type: ignore[assignment]
    return [make() for make in classes]
