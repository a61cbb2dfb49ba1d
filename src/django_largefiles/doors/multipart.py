"""Forms parsed as they arrive: fields go into memory, files to the intake."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from html import unescape
from io import UnsupportedOperation
from typing import Any, TypeAlias

from asgiref.sync import sync_to_async
from django.core.exceptions import SuspiciousOperation
from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler
from django.http import HttpRequest, QueryDict
from django.http.multipartparser import MultiPartParser, MultiPartParserError
from django.utils.datastructures import MultiValueDict

from ..access import User
from ..conf import get_profile, largefiles_settings
from ..exceptions import IncompleteBody, MalformedRequest, TooLarge, TooManyFiles
from ..intake.creation import Declaration, authorize, begin
from ..intake.writing import UploadWriter
from ..models import FileAsset
from ..names import sanitize
from ..options import KIB
from .body import Body, required_length
from .chunks import Reader

FORM_OVERHEAD = 64 * KIB
"""Bytes that a form may need besides its files: boundaries, part headers, other fields."""


class UploadedAsset(UploadedFile):  # type: ignore[type-arg]  # generic in the stubs only
    """A file in ``request.FILES`` whose bytes are in the store. Unless ``accept`` is called, it is discarded with the
    request. The bytes can be read from the asset once they are verified.
    """

    def __init__(self, writer: UploadWriter, *, name: str, field_name: str, content_type: str) -> None:
        super().__init__(file=None, name=name, content_type=content_type, size=writer.received)
        self.field_name = field_name
        self._writer = writer

    @property
    def profile(self) -> str:
        """The name of the profile whose rules were applied."""
        return self._writer.profile

    def accept(self, *, sha256: str = "") -> FileAsset:
        """Keep the file, and return its asset. ``sha256`` is a digest that came in the form after the file.

        Raise ``MalformedRequest``, ``DigestMismatch`` and ``StoreError``.
        """
        if sha256:
            self._writer.expect(sha256)
        asset = self._writer.finish()
        # An immediate dispatcher has processed it already.
        asset.refresh_from_db()
        return asset

    async def aaccept(self, *, sha256: str = "") -> FileAsset:
        """Do what ``accept`` does, in a thread, for an asynchronous view."""
        return await sync_to_async(self.accept)(sha256=sha256)

    def read(self, *args: object) -> bytes:
        raise UnsupportedOperation("the bytes are in the store: call accept() to get the asset")

    chunks = open = read  # type: ignore[assignment]

    def close(self) -> None:
        self._writer.abort()


Admit: TypeAlias = Callable[[Mapping[str, str]], str]
"""Takes the fields that came before a file, and returns the name of its profile, or raises a refusal."""


class StreamingUploadHandler(FileUploadHandler):
    """Passes the files of one request to the intake as they arrive."""

    def __init__(self, request: HttpRequest, *, user: User, admit: Admit, max_files: int = 1) -> None:
        super().__init__(request)
        self.chunk_size = largefiles_settings.chunk_size
        self.fields: Mapping[str, str] = {}
        self._user = user
        self._admit = admit
        self._declared_length = required_length(request.META)
        self._max_files = max_files
        self._files = 0
        self._writer: UploadWriter | None = None

    def check_length(self, largest: int) -> None:
        """Raise ``TooLarge`` if the body must hold more than files of ``largest`` bytes each."""
        length, limit = self._declared_length, self._max_files * largest
        if length > limit + FORM_OVERHEAD:
            raise TooLarge(f"a body of {length} bytes is more than the {limit} allowed", limit=limit, value=length)

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        super().new_file(*args, **kwargs)
        self._files += 1
        if self._files > self._max_files:
            raise TooManyFiles(limit=self._max_files, value=self._files)
        profile_name = self._admit(self.fields)
        authorize(self._user, profile_name)
        self.check_length(get_profile(profile_name).max_upload_size)
        self._writer = begin(
            Declaration(
                name=self.file_name or "",
                owner=self._user,
                profile=profile_name,
                media_type=self.content_type or "",
                sha256=self.fields.get("sha256", ""),
                at_most=self._declared_length,
                request=self.request,
            )
        )

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        assert self._writer
        self._writer.write(raw_data)

    def file_complete(self, file_size: int) -> UploadedAsset:
        assert self._writer
        self._writer.judge()
        writer, self._writer = self._writer, None
        return UploadedAsset(
            writer,
            name=self.file_name or "",
            field_name=self.field_name or "",
            content_type=self.content_type or "",
        )

    def upload_interrupted(self) -> None:
        raise IncompleteBody("the body ended inside a file, without its closing boundary")

    def abort(self) -> None:
        """Discard the file that was arriving when the request failed."""
        if self._writer:
            self._writer.abort()


class StreamingParser(MultiPartParser):
    """Django's parser over a ``Body``, which shows the handler the fields that it has parsed."""

    def __init__(
        self, meta: Mapping[str, Any], stream: Reader, handler: StreamingUploadHandler, encoding: str | None
    ) -> None:
        super().__init__(meta, Body(stream, meta), [handler], encoding)  # type: ignore[arg-type]
        self._handler = handler
        self._fields: QueryDict = QueryDict()

    def sanitize_file_name(self, file_name: str) -> str:
        # Django's own returns nothing for names such as "..", and the parser then skips the file silently.
        return sanitize(unescape(file_name))

    @property
    def _post(self) -> QueryDict:
        return self._fields

    @_post.setter
    def _post(self, fields: QueryDict) -> None:
        # Django's parser creates this dictionary when it starts, and fills it as it goes.
        self._fields = fields
        self._handler.fields = fields


def parse_form(
    meta: Mapping[str, Any], stream: Reader, handler: StreamingUploadHandler, encoding: str | None
) -> tuple[QueryDict, MultiValueDict[str, Any]]:
    """Return the fields and the files of a form, as Django's parser does.

    Raise ``Refusal`` and ``StoreError``; then no file of the form is kept.
    """
    try:
        handler.check_length(largest_upload())
        return StreamingParser(meta, stream, handler, encoding).parse()
    except (MultiPartParserError, SuspiciousOperation) as error:
        # Django's own limits on the number and size of fields and files raise suspicious operations.
        raise MalformedRequest(str(error)) from error
    finally:
        handler.abort()


def largest_upload() -> int:
    """Return the largest file, in bytes, that any profile allows. More is refused before the profile is known."""
    return max(get_profile(name).max_upload_size for name in largefiles_settings.profiles)
