"""What a form submits in place of a file that was uploaded before."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth import get_user
from django.http import HttpRequest
from django.test import Client

from ..models import FileAsset
from ..upload_tokens import issue


def upload_token(client: Client | HttpRequest, asset: FileAsset) -> str:
    """Return the token by which a form takes ``asset``, as if the user of ``client`` had uploaded it for the form.

    ``client`` is the test client that sends the form, or a request with ``user`` and ``session``. The form takes the
    asset if its profile is that of the field, and if it is neither attached, receiving nor rejected. Raise
    ``NotPermitted`` for a request that has neither a user nor a session.
    """
    if isinstance(client, HttpRequest):
        return issue(asset, client)
    request = HttpRequest()
    request.session = client.session
    request.user = get_user(request)
    token = issue(asset, request)
    # It is bound to a secret in the session. With sessions in cookies, that makes another key.
    request.session.save()
    client.cookies[settings.SESSION_COOKIE_NAME] = str(request.session.session_key)
    return token
