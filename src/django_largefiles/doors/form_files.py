"""The files in ``request.FILES`` of a form that was parsed as it arrived: accepted ones and a refused one."""

from __future__ import annotations

from io import UnsupportedOperation
from typing import Any, NoReturn, Protocol

from asgiref.sync import sync_to_async
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest
from django.utils.datastructures import MultiValueDict

from ..exceptions import Refusal, StoreError
from ..intake.writing import UploadWriter
from ..models import FileAsset
from ..states import Attachment
from ..transactions import is_in_transaction_of
from ..words import explain


class Reception(Protocol):
    """The reception of a form, by which its files know of each other."""

    refused: RefusedFile | None


class UploadedAsset(UploadedFile):  # type: ignore[type-arg]  # generic in the stubs only
    """A file in ``request.FILES`` whose bytes are in the store. Unless ``accept`` is called, it is discarded with the
    request. The bytes can be read from the asset once they are verified.
    """

    def __init__(
        self, writer: UploadWriter, *, name: str, field_name: str, content_type: str, reception: Reception
    ) -> None:
        super().__init__(file=None, name=name, content_type=content_type, size=writer.received)
        self.field_name = field_name
        self._writer = writer
        self._reception = reception
        self._asset: FileAsset | None = None
        # As in a view with ATOMIC_REQUESTS that is exempt from the CSRF check, and so the first to read its form.
        self._may_be_rolled_back = is_in_transaction_of(FileAsset)

    @property
    def profile(self) -> str:
        """The name of the profile whose rules were applied."""
        return self._writer.profile

    def accept(self, *, sha256: str = "", attachment: Attachment = Attachment.STANDALONE) -> FileAsset:
        """Keep the file, and return its asset. Later calls return it again.

        ``sha256`` is a digest that came in the form after the file. A file with the ``attachment`` ``PROVISIONAL``
        expires unless a row is saved with it. Raise ``MalformedRequest``, ``DigestMismatch``, ``StoreError``, and,
        unless the file is provisional, the refusal of another file of the form: all of them are kept, or none.
        """
        if self._asset is None:
            if self._reception.refused and attachment != Attachment.PROVISIONAL:
                raise self._reception.refused.error
            if sha256:
                self._writer.expect(sha256)
            # As in a view that saves its form in ``transaction.atomic``.
            self._may_be_rolled_back |= is_in_transaction_of(FileAsset)
            self._asset = self._writer.finish(attachment)
            # An immediate dispatcher has processed it already.
            self._asset.refresh_from_db()
        return self._asset

    async def aaccept(self, *, sha256: str = "", attachment: Attachment = Attachment.STANDALONE) -> FileAsset:
        """Do what ``accept`` does, in a thread, for an asynchronous view."""
        return await sync_to_async(self.accept)(sha256=sha256, attachment=attachment)

    def read(self, *args: object) -> bytes:
        raise UnsupportedOperation("the bytes are in the store: call accept() to get the asset")

    chunks = open = read  # type: ignore[assignment]

    def close(self) -> None:
        self._writer.abort()
        if self._may_be_rolled_back:
            self._writer.discard_if_rolled_back()


class RefusedFile(UploadedFile):  # type: ignore[type-arg]
    """The file in ``request.FILES`` that was refused. The form was read no further: what follows it did not arrive.

    Form fields show why it was refused, also Django's ``FileField``; all else that is done with it raises ``error``.
    """

    def __init__(self, error: Refusal | StoreError, *, name: str, field_name: str, content_type: str) -> None:
        super().__init__(file=None, name=name, content_type=content_type)
        self.field_name = field_name
        self.error = error

    @property
    def size(self) -> int:
        """Raises ``ValidationError``: Django's ``FileField`` asks for the size of each file that it validates."""
        raise self.validation_error()

    @size.setter
    def size(self, value: int | None) -> None:
        """Do nothing: the size of the file is not known."""

    def validation_error(self) -> ValidationError:
        """Return the refusal as the error of a form field."""
        return ValidationError(explain(self.error), code=self.error.code)

    def accept(self, **options: Any) -> NoReturn:
        """Raise ``error``."""
        raise self.error

    async def aaccept(self, **options: Any) -> NoReturn:
        """Raise ``error``."""
        raise self.error

    def read(self, *args: object) -> NoReturn:
        raise self.error

    chunks = open = read  # type: ignore[assignment]

    def close(self) -> None:
        """Do nothing: no byte of the file is kept."""


def refused_file(request: HttpRequest) -> RefusedFile | None:
    """Return the refused file of a request whose form has been parsed, if there is one."""
    files: MultiValueDict[str, Any] = getattr(request, "_files", None) or MultiValueDict()
    several = (file for _, several in files.lists() for file in several)
    return next((file for file in several if isinstance(file, RefusedFile)), None)
