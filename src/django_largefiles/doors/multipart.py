"""A form taken apart as it arrives: its fields into memory, its files into the intake."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from html import unescape
from io import UnsupportedOperation
from typing import Any, Protocol, TypeAlias

from django.core.exceptions import SuspiciousOperation
from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler
from django.http import HttpRequest, QueryDict, UnreadablePostError
from django.http.multipartparser import MultiPartParser, MultiPartParserError
from django.utils.datastructures import MultiValueDict

from ..access import User
from ..conf import get_profile, largefiles_settings
from ..exceptions import IncompleteBody, LengthRequired, MalformedRequest, TooLarge, TooManyFiles
from ..intake.creation import Declaration, authorize, begin
from ..intake.writing import FIRST_READ, UploadWriter
from ..models import FileAsset
from ..names import sanitize
from ..options import KIB
from .silence import limit_silence

FORM_OVERHEAD = 64 * KIB
"""Bytes that a form may need besides its files: boundaries, part headers, other fields."""


class UploadedAsset(UploadedFile):  # type: ignore[type-arg]  # generic in the stubs only
    """A file whose bytes have arrived, in ``request.FILES``. Unless it is accepted, it is discarded with the request.

    It holds no bytes: they are in the store, and may be read once they are verified.
    """

    def __init__(self, writer: UploadWriter, *, name: str, field_name: str, content_type: str) -> None:
        super().__init__(file=None, name=name, content_type=content_type, size=writer.received)
        self.field_name = field_name
        self._writer = writer

    @property
    def profile(self) -> str:
        """The name of the profile under whose rules it came in."""
        return self._writer.profile

    def accept(self, *, sha256: str = "") -> FileAsset:
        """Keep it: the asset, now ``received``. ``sha256`` is a digest that came in the form after the file.

        Raises ``DigestMismatch`` and ``StoreError``.
        """
        if sha256:
            self._writer.expect(sha256)
        asset = self._writer.finish()
        # A dispatcher that processes at once has brought it further.
        asset.refresh_from_db()
        return asset

    def read(self, *args: object) -> bytes:
        raise UnsupportedOperation("the bytes are in the store already: call accept() for the asset")

    chunks = open = read  # type: ignore[assignment]

    def close(self) -> None:
        self._writer.abort()


class Reader(Protocol):
    def read(self, size: int = ..., /) -> bytes: ...


class BodyReader:
    """A request's body, which must be as long as it was declared to be.

    The first read is short, so that the first verdict costs little of the body. Raises ``IncompleteBody`` where the
    body ends early: servers give an end of file there, and the parser would take what came for the whole.
    """

    def __init__(self, stream: Reader, length: int) -> None:
        self.consumed = 0
        self._stream = stream
        self._length = length

    def read(self, size: int) -> bytes:
        wanted = min(size, self._length - self.consumed, size if self.consumed else FIRST_READ)
        if wanted <= 0:
            return b""
        data = self._stream.read(wanted)
        if not data:
            raise IncompleteBody(
                f"the body ended after {self.consumed} of {self._length} bytes",
                limit=self._length,
                value=self.consumed,
            )
        self.consumed += len(data)
        return data


Admit: TypeAlias = Callable[[Mapping[str, str]], str]
"""Given the fields that came before a file, raises a refusal or gives the name of the file's profile."""


class StreamingUploadHandler(FileUploadHandler):
    """Passes the files of one request to the intake as they arrive."""

    def __init__(self, request: HttpRequest, *, user: User, admit: Admit, max_files: int = 1) -> None:
        super().__init__(request)
        self.chunk_size = largefiles_settings.chunk_size
        self.fields: Mapping[str, str] = {}
        self._user = user
        self._admit = admit
        self._declared_length = declared_length(request.META)
        self._max_files = max_files
        self._files = 0
        self._writer: UploadWriter | None = None

    def check_length(self, largest: int) -> None:
        """Raises ``TooLarge`` where the body must hold more than files of ``largest`` bytes each."""
        length, limit = self._declared_length, self._max_files * largest
        if length > limit + FORM_OVERHEAD:
            raise TooLarge(f"a body of {length} bytes holds more than {limit}", limit=limit, value=length)

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        super().new_file(*args, **kwargs)
        self._files += 1
        if self._files > self._max_files:
            raise TooManyFiles(
                f"more files than {self._max_files} in one request", limit=self._max_files, value=self._files
            )
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
    """Django's parser over a ``BodyReader``, telling the handler of the fields that it has met."""

    def __init__(
        self, meta: Mapping[str, Any], stream: Reader, handler: StreamingUploadHandler, encoding: str | None
    ) -> None:
        body = BodyReader(stream, declared_length(meta))
        super().__init__(meta, body, [handler], encoding)  # type: ignore[arg-type]
        self._handler = handler
        self._fields: QueryDict = QueryDict()

    def sanitize_file_name(self, file_name: str) -> str:
        # Django's own gives nothing for names such as "..", and the parser then passes over the file in silence.
        return sanitize(unescape(file_name))

    @property
    def _post(self) -> QueryDict:
        return self._fields

    @_post.setter
    def _post(self, fields: QueryDict) -> None:
        # Django's parser makes this dictionary as it starts and fills it as it goes; the handler sees the same one.
        self._fields = fields
        self._handler.fields = fields


def declared_length(meta: Mapping[str, Any]) -> int:
    """Bytes of the body. Raises ``LengthRequired`` where the request is silent, ``MalformedRequest`` for nonsense."""
    text = meta.get("CONTENT_LENGTH") or ""
    if not text:
        raise LengthRequired("a form with files needs a Content-Length")
    if not (text.isascii() and text.isdigit() and len(text) < 20):
        raise MalformedRequest("Content-Length is not a number", value=text[:100])
    return int(text)


def parse_form(
    meta: Mapping[str, Any], stream: Reader, handler: StreamingUploadHandler, encoding: str | None
) -> tuple[QueryDict, MultiValueDict[str, Any]]:
    """The fields and the files of a form, as Django's parser gives them.

    Raises ``Refusal`` and ``StoreError``; then no file of the form is left.
    """
    try:
        handler.check_length(largest_upload())
        limit_silence(meta)
        return StreamingParser(meta, stream, handler, encoding).parse()
    except (MultiPartParserError, SuspiciousOperation) as error:
        # Too many fields or files, or fields too large, by Django's own settings, are suspicious operations.
        raise MalformedRequest(str(error)) from error
    except UnreadablePostError as error:
        raise IncompleteBody(f"the body could not be read: {error}") from error
    finally:
        handler.abort()


def largest_upload() -> int:
    """The largest file, in bytes, that any profile takes: what can be refused before the form tells the profile."""
    return max(get_profile(name).max_upload_size for name in largefiles_settings.profiles)
