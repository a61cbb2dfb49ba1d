"""Making assets of what a form submits. All that is wrong with it is a ``ValidationError`` in words for people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from ..assets import uploaded_asset
from ..doors.form_files import RefusedFile, UploadedAsset
from ..doors.ingest import copy
from ..exceptions import Refusal, StoreError
from ..intake.creation import Declaration, begin
from ..lifecycle import Obstacle, obstacle
from ..models import FileAsset, Upload
from ..outbox.removals import remove_if_rolled_back
from ..references import Terms
from ..states import Attachment, State
from ..transactions import is_in_transaction_of
from ..words import explain, explain_rejection

OBSTACLES: Mapping[str, Any] = {
    Obstacle.MISSING: _("This file does not exist any more."),
    Obstacle.RECEIVING: _("This file has not arrived completely."),
    Obstacle.PROFILE: _("This file was uploaded for another purpose."),
    Obstacle.ATTACHED: _("This file is already in use."),
}
"""Why a row may not refer to an asset, in words for people."""

_ASSET = "largefiles_asset"
"""An attribute of a file that came with the form: a form that is cleaned twice makes one asset of it."""


@dataclass(frozen=True, kw_only=True)
class Submitter:
    """The user and the session of ``request``, submitting files for a field.

    Both methods raise ``ValidationError``.
    """

    request: HttpRequest
    terms: Terms
    error_messages: Mapping[str, Any]

    def redeem(self, token: str, initial: tuple[FileAsset, ...] = ()) -> FileAsset:
        """Return the asset of a token. One of ``initial`` is returned as it is: the form was submitted twice."""
        with _refusals_told():
            asset = uploaded_asset(token, self.request)
        if asset not in initial:
            self._check(asset)
        return asset

    def take(self, file: Any) -> FileAsset:
        """Make a provisional asset of a file that came with the form."""
        if isinstance(file, RefusedFile):
            raise file.validation_error()
        if isinstance(file, UploadedAsset) and file.profile != self.terms.profile:
            raise self._error(Obstacle.PROFILE)
        with _refusals_told():
            asset = _accepted(file) if isinstance(file, UploadedAsset) else self._copied(file)
        self._check(asset)
        return asset

    def _check(self, asset: FileAsset) -> None:
        if asset.state == State.REJECTED:
            raise ValidationError(explain_rejection(asset), code=asset.reason)
        found = obstacle(asset, self.terms)
        if found:
            raise self._error(found)

    def _error(self, found: Obstacle) -> ValidationError:
        return ValidationError(self.error_messages[found], code=found)

    def _copied(self, file: UploadedFile[bytes]) -> FileAsset:
        """Return the asset of a file that Django has received."""
        asset: FileAsset | None = getattr(file, _ASSET, None)
        if asset is None:
            declaration = Declaration(
                name=file.name or "",
                owner=self.request.user,
                profile=self.terms.profile,
                length=file.size,
                media_type=file.content_type or "",
                attachment=Attachment.PROVISIONAL,
                request=self.request,
            )
            writer = begin(declaration)
            file.seek(0)
            asset = copy(file, writer)
            setattr(file, _ASSET, asset)
            if is_in_transaction_of(FileAsset):
                _removed_if_rolled_back(file, writer.upload)
        return asset


def _removed_if_rolled_back(file: UploadedFile[bytes], upload: Upload) -> None:
    """Remove the bytes with the request, if the transaction fails in which the form is cleaned, as in the admin."""
    close = file.close

    def close_and_look() -> None:
        close()
        remove_if_rolled_back(upload)

    # Django closes the files of a request when its response has been sent.
    file.close = close_and_look  # type: ignore[method-assign]


def _accepted(file: UploadedAsset) -> FileAsset:
    return file.accept(attachment=Attachment.PROVISIONAL)


@contextmanager
def _refusals_told() -> Iterator[None]:
    try:
        yield
    except (Refusal, StoreError) as error:
        raise ValidationError(explain(error), code=error.code) from error
