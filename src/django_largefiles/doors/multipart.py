"""Forms parsed as they arrive: fields go into memory, files to the intake."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from html import unescape
from typing import Any, TypeAlias

from django.core.exceptions import SuspiciousOperation
from django.core.files.uploadhandler import FileUploadHandler, StopFutureHandlers, StopUpload
from django.http import HttpRequest, QueryDict
from django.http.multipartparser import MultiPartParser, MultiPartParserError
from django.utils.datastructures import MultiValueDict

from ..access import User
from ..conf import get_profile, largefiles_settings
from ..delivery.problems import full_database_told
from ..exceptions import IncompleteBody, MalformedRequest, Refusal, StoreError, TooLarge, TooManyFiles
from ..intake.creation import Declaration, authorize, begin
from ..intake.writing import UploadWriter
from ..names import sanitize
from ..options import KIB, MIB
from .body import Body, required_length
from .chunks import Reader
from .form_files import RefusedFile, UploadedAsset

FORM_OVERHEAD = 64 * KIB
"""Bytes that a form may need besides its files: boundaries, part headers, other fields."""


FIELDS_BEFORE_FILES = MIB
"""Bytes that are read of a form that is too large for its files, to show it with the fields before the first."""

Admit: TypeAlias = Callable[[str, Mapping[str, str]], str | None]
"""Takes the name of a file's field, and the fields that came before it. Returns the name of the file's profile, or
``None`` to leave the file to other handlers. Raises refusals of the whole form."""


class StreamingUploadHandler(FileUploadHandler):
    """Passes the files of one request to the intake as they arrive.

    When a file is refused, ``refused`` is set and parsing stops. ``max_files`` limits the files and their size
    together; without it, only the size of each is limited.
    """

    def __init__(self, request: HttpRequest, *, user: User, admit: Admit, max_files: int | None = 1) -> None:
        super().__init__(request)
        self.chunk_size = largefiles_settings.chunk_size
        self.fields: Mapping[str, str] = {}
        self.refused: RefusedFile | None = None
        self._user = user
        self._admit = admit
        self._declared_length = required_length(request.META)
        self._max_files = max_files
        self._files = 0
        self._writer: UploadWriter | None = None

    @property
    def has_begun(self) -> bool:
        """Whether the parser has come to a file."""
        return self._files > 0

    def check_length(self, largest: int) -> None:
        """Raise ``TooLarge`` if the body must hold more than files of ``largest`` bytes each."""
        if self._max_files is None:
            return
        length, limit = self._declared_length, self._max_files * largest
        if length > limit + FORM_OVERHEAD:
            raise TooLarge(f"a body of {length} bytes is more than the {limit} allowed", limit=largest, value=length)

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        super().new_file(*args, **kwargs)
        self._files += 1
        profile_name = self._admit(self.field_name or "", self.fields)
        if profile_name is None:
            return
        with self._stopping_at_refusals():
            self._begin(profile_name)
        raise StopFutureHandlers

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes | None:
        if self._writer is None:
            return raw_data
        with self._stopping_at_refusals():
            self._writer.write(raw_data)
        return None

    def file_complete(self, file_size: int) -> UploadedAsset | None:
        if self._writer is None:
            return None
        with self._stopping_at_refusals():
            self._writer.judge()
        writer, self._writer = self._writer, None
        return UploadedAsset(writer, reception=self, **self._described())

    def upload_interrupted(self) -> None:
        if self._writer:
            raise IncompleteBody("the body ended inside a file, without its closing boundary")

    def abort(self) -> None:
        """Discard the file that was arriving when the request failed."""
        if self._writer:
            self._writer.abort()

    def _begin(self, profile_name: str) -> None:
        if self._max_files is not None and self._files > self._max_files:
            raise TooManyFiles(limit=self._max_files, value=self._files)
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

    @contextmanager
    def _stopping_at_refusals(self) -> Iterator[None]:
        try:
            with full_database_told():
                yield
        except (Refusal, StoreError) as error:
            self.refused = RefusedFile(error, **self._described())
            raise StopUpload(connection_reset=True) from error

    def _described(self) -> dict[str, str]:
        return {
            "name": self.file_name or "",
            "field_name": self.field_name or "",
            "content_type": self.content_type or "",
        }


class StreamingParser(MultiPartParser):
    """Django's parser over a ``Body``, which shows the handler the fields that it has parsed."""

    def __init__(
        self,
        meta: Mapping[str, Any],
        body: _UntilFirstFile,
        handler: StreamingUploadHandler,
        encoding: str | None,
        others: Iterable[FileUploadHandler],
    ) -> None:
        super().__init__(meta, body, [handler, *others], encoding)  # type: ignore[arg-type]
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

    def _close_files(self) -> None:
        """Do nothing where parsing stops: files that came before a refused one are closed with the request."""


def parse_form(
    meta: Mapping[str, Any], stream: Reader, handler: StreamingUploadHandler, encoding: str | None
) -> tuple[QueryDict, MultiValueDict[str, Any]]:
    """Return the fields and the files of a form, as Django's parser does.

    Raise ``Refusal`` and ``StoreError``; then no file of the form is kept.
    """
    handler.check_length(largest_upload())
    with malformed_told():
        fields, files = parse_until_refused(meta, stream, handler, encoding)
    if handler.refused:
        close(files)
        raise handler.refused.error
    return fields, files


def parse_until_refused(
    meta: Mapping[str, Any],
    stream: Reader,
    handler: StreamingUploadHandler,
    encoding: str | None,
    others: Iterable[FileUploadHandler] = (),
) -> tuple[QueryDict, MultiValueDict[str, Any]]:
    """Return the fields and the files of a form as far as the first file that is refused: a ``RefusedFile``.

    ``others`` are the handlers of files that ``handler`` leaves to them. Raise refusals of the whole form,
    ``BodyFault`` and what Django's parser raises.
    """
    body = _UntilFirstFile(Body(stream, meta), handler)
    try:
        fields, files = StreamingParser(meta, body, handler, encoding, others).parse()
    finally:
        handler.abort()
    if handler.refused:
        files.appendlist(handler.refused.field_name, handler.refused)
    return fields, files


@contextmanager
def malformed_told() -> Iterator[None]:
    """Raise ``MalformedRequest`` for the errors of Django's parser."""
    try:
        yield
    except (MultiPartParserError, SuspiciousOperation) as error:
        # Django's own limits on the number and size of fields and files raise suspicious operations.
        raise MalformedRequest(str(error)) from error


def close(files: MultiValueDict[str, Any]) -> None:
    """Discard the files of a form."""
    for _, several in files.lists():
        for file in several:
            file.close()


def largest_upload() -> int:
    """Return the largest file, in bytes, that any profile allows. More is refused before the profile is known."""
    return max(get_profile(name).max_upload_size for name in largefiles_settings.profiles)


class _UntilFirstFile:
    """A body that may be too large for any file. Then it is read as far as its first file, which is refused."""

    def __init__(self, body: Body, handler: StreamingUploadHandler) -> None:
        self._body = body
        self._handler = handler

    def read(self, size: int, /) -> bytes:
        """Raise ``TooLarge`` if no file has come within ``FIELDS_BEFORE_FILES``, and ``BodyFault``."""
        if self._body.received > FIELDS_BEFORE_FILES and not self._handler.has_begun:
            self._handler.check_length(largest_upload())
        return self._body.chunk(size)
