"""Find assets by their id, as far as the access policy lets a user see them."""

from __future__ import annotations

from uuid import UUID

from django.db import router
from django.db.models import Q
from django.http import HttpRequest
from django.utils.crypto import constant_time_compare

from . import clock, lifecycle, upload_tokens
from .access import User, access_policy
from .exceptions import AssetNotFound, LinkRevoked, NotAttachable, NotPermitted, UploadGone
from .links import Link
from .models import FileAsset, FileAssetQuerySet, Upload
from .references import Terms
from .states import Attachment, State
from .upload_tokens import session_of

EXPIRED = {"expired": Q(expires_at__lt=clock.now())}
"""To annotate uploads with, because the database's clock decides."""

_UPLOAD_EXPIRED = {"upload_expired": Q(upload__expires_at__lt=clock.now())}


def visible_asset(
    user: User, asset_id: UUID, assets: FileAssetQuerySet | None = None, request: HttpRequest | None = None
) -> FileAsset:
    """Return the asset with its upload, if there is one. It is looked for in ``assets``, by default among all.

    With ``request``, an upload is visible to the anonymous user who makes it in the same session, as by ``may_see``.
    Raises ``AssetNotFound`` alike for an asset that does not exist and for one that the user may not know of.
    """
    assets = FileAsset.objects.all() if assets is None else assets
    not_found = AssetNotFound("there is no such file", value=str(asset_id))
    # A session and its user are loaded when they are first used, which shows in ``Vary``. It must not show whether
    # there is an asset that the policy can be asked about.
    user.is_authenticated  # noqa: B018
    session = session_of(user, request) if request else ""
    try:
        asset = assets.select_related("upload").annotate(**_UPLOAD_EXPIRED).get(pk=asset_id)
    except FileAsset.DoesNotExist:
        raise not_found from None
    if not may_see(user, asset, session):
        raise not_found
    return asset


def may_see(user: User, asset: FileAsset, session: str) -> bool:
    """Return whether the access policy lets the user view the asset, or they upload it in ``session``.

    ``session`` is what ``upload_tokens.session_of`` returns.
    """
    asset.is_of_this_session = bool(session) and constant_time_compare(session, asset.session)
    return _is_maker(asset) or access_policy().may_view(user, asset)


def may_append(user: User, asset: FileAsset) -> bool:
    """Return whether the user may continue the upload, which ``may_see`` has been asked about, or get its token.

    Of an upload without an owner that has a session, only that session may.
    """
    is_another_s = asset.session and not asset.is_of_this_session
    return not is_another_s and access_policy().may_append(user, asset)


def uploaded_in(session: str) -> Q:
    """Return the condition that ``may_see`` has for the uploads of a session."""
    return Q(session=session) & (Q(state=State.RECEIVING) | Q(attachment=Attachment.PROVISIONAL))


def _is_maker(asset: FileAsset) -> bool:
    """Return whether the anonymous user of this session uploads the asset, or has uploaded it for a form."""
    return asset.is_of_this_session and (asset.state == State.RECEIVING or asset.attachment == Attachment.PROVISIONAL)


def downloadable_asset(user: User, asset_id: UUID) -> FileAsset:
    """Return the asset. Raises ``AssetNotFound`` and ``NotPermitted``."""
    asset = visible_asset(user, asset_id)
    check_may_download(user, asset)
    return asset


def linked_asset(user: User | None, link: Link) -> FileAsset:
    """Return the asset of a link, which was given to its holder: the access policy is not asked.

    Raise ``NotPermitted`` if the link is for another user, ``AssetNotFound``, and ``LinkRevoked``.
    """
    if link.user_key and not (user and user.is_authenticated and str(user.pk) == link.user_key):
        raise NotPermitted("the link is for a certain user, who must be logged in")
    asset = FileAsset.objects.filter(pk=link.asset_id).first()
    if asset is None:
        raise AssetNotFound(value=str(link.asset_id))
    if asset.link_generation != link.generation:
        raise LinkRevoked(value=str(link.asset_id))
    return asset


def check_may_download(user: User, asset: FileAsset) -> None:
    """Raise ``NotPermitted``."""
    if not access_policy().may_download(user, asset):
        raise NotPermitted("downloading the file is not permitted", value=str(asset.pk), on_file=True)


def arriving(asset: FileAsset) -> Upload | None:
    """Return the upload of an asset whose bytes are still arriving."""
    upload: Upload | None = getattr(asset, "upload", None)
    if upload:
        upload.asset = asset
    return upload if asset.state == State.RECEIVING else None


def check_not_expired(upload: Upload) -> None:
    """Raise ``UploadGone`` if the upload had expired when it was read; it must be annotated with ``EXPIRED``."""
    if upload.expired:
        raise UploadGone("the upload has expired", limit=upload.expires_at.isoformat(), value=str(upload.pk))


def unexpired_asset(user: User, asset_id: UUID, request: HttpRequest | None = None) -> FileAsset:
    """Return the asset. Raises ``AssetNotFound``, and ``UploadGone`` if its upload has expired."""
    asset = visible_asset(user, asset_id, request=request)
    check_upload_not_expired(asset)
    return asset


def check_upload_not_expired(asset: FileAsset) -> None:
    """Raise ``UploadGone`` if the asset, which ``visible_asset`` has returned, had an upload that had expired."""
    upload = arriving(asset)
    if upload:
        upload.expired = asset.upload_expired
        check_not_expired(upload)


def check_may_append(user: User, asset: FileAsset) -> None:
    """Raise ``NotPermitted`` unless the user may continue the upload."""
    if not may_append(user, asset):
        raise NotPermitted("continuing the upload is not permitted", value=str(asset.pk), on_file=True)


def uploaded_asset(token: str, request: HttpRequest) -> FileAsset:
    """Return the asset of an upload token that the user of ``request`` sends back.

    Raise ``UploadTokenRefused``, and ``AssetNotFound`` if the asset was deleted, or has expired.
    """
    asset_id = upload_tokens.read(token, request).asset_id
    asset = FileAsset.objects.filter(pk=asset_id).first()
    if asset is None:
        raise AssetNotFound(value=str(asset_id))
    return asset


def upload_token(user: User, asset: FileAsset, request: HttpRequest) -> str:
    """Return the token by which a form submits an upload of the user's; empty if it is not for a form.

    It is empty for users who may only see the upload, too.
    """
    if asset.attachment != Attachment.PROVISIONAL or not may_append(user, asset):
        return ""
    return upload_tokens.issue(asset, request, user=user)


def check_may_attach(user: User, asset: FileAsset) -> None:
    """Raise ``NotPermitted`` unless a row that the user saves may refer to the asset; an upload token need not."""
    if not access_policy().may_attach(user, asset):
        raise NotPermitted("attaching the file is not permitted", value=str(asset.pk), on_file=True)


def check_attachable(asset: FileAsset, *, profile: str, shared: bool = False) -> None:
    """Raise ``NotAttachable`` unless a row may refer to the asset, as far as can be told before the row is saved.

    The bytes must be complete and not be rejected, the profile be ``profile``, and no other row refer to the asset
    unless it may be ``shared``. ``lifecycle`` enforces this when the row is saved.
    """
    lifecycle.check_attachable(asset, Terms(profile=profile, shared=shared))
    if asset.state == State.REJECTED:
        raise NotAttachable(limit=State.RECEIVED, value=asset.state)


def delete(user: User, asset: FileAsset) -> None:
    """Delete the asset with its bytes, arriving or not. Raises ``NotPermitted``, and ``Attached`` if a row uses it."""
    if not _may_delete(user, asset):
        raise NotPermitted("deleting the file is not permitted", value=str(asset.pk), on_file=True)
    lifecycle.delete(asset.pk, router.db_for_write(FileAsset))


def _may_delete(user: User, asset: FileAsset) -> bool:
    if _is_maker(asset):
        return True
    is_another_s = asset.session and asset.state == State.RECEIVING and not user.is_authenticated
    return not is_another_s and access_policy().may_delete(user, asset)
