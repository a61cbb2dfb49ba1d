"""What an extractor is, and what it answers. No Django here, nor in any extractor."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, BinaryIO, ClassVar, TypeAlias

from ..containers.text import MAX_TEXT, clean_text

__all__ = ["JSON", "MAX_TEXT", "MAX_TITLE", "Extractor", "Metadata", "clean_text"]

JSON: TypeAlias = "bool | int | float | str | Sequence[JSON] | Mapping[str, JSON] | None"

MAX_TITLE = 255
"""Characters of a title."""
MAX_INTEGER = 2**31 - 1
"""The largest number that the model's integer columns hold."""
MAX_DURATION = 1e10


@dataclass(frozen=True, kw_only=True)
class Integer:
    """The bounds of a whole number, which is ``None`` if the file does not say it."""

    least: int
    most: int = MAX_INTEGER


@dataclass(frozen=True, kw_only=True)
class Number:
    """The bounds of a number from 0, which is ``None`` if the file does not say it."""

    most: float


@dataclass(frozen=True, kw_only=True)
class Text:
    """The bounds of a text, which is empty if the file does not say it."""

    most: int
    """Characters."""


Bounds: TypeAlias = Integer | Number | Text


def _column(bounds: Bounds) -> Any:
    return field(default="" if isinstance(bounds, Text) else None, metadata={"bounds": bounds})


@dataclass(frozen=True, kw_only=True)
class Metadata:
    """What a file says of itself. All of it is the author's claim: it describes, and proves nothing.

    Each field with bounds is a column of the asset. This is the one list of these columns: what the sandbox accepts,
    what the pipeline stores, and what the API and the admin show follow from it.
    """

    width: int | None = _column(Integer(least=1))
    """Pixels, as displayed: after the orientation that the file asks for."""
    height: int | None = _column(Integer(least=1))
    duration: float | None = _column(Number(most=MAX_DURATION))
    """Seconds."""
    page_count: int | None = _column(Integer(least=0))
    title: str = _column(Text(most=MAX_TITLE))
    """At most 255 characters."""
    attributes: Mapping[str, JSON] = field(default_factory=dict)
    """Everything else; the asset's ``extra_attributes``. See ``sandbox.answer`` for its bounds."""


COLUMN_BOUNDS: Mapping[str, Bounds] = {
    column.name: column.metadata["bounds"] for column in fields(Metadata) if "bounds" in column.metadata
}
METADATA_COLUMNS: tuple[str, ...] = tuple(COLUMN_BOUNDS)
"""The names of the asset's columns that extractors fill, besides ``extra_attributes``."""


class Extractor(ABC):
    """Reads the metadata out of one family of media types.

    The sandbox imports the class by its dotted path in a fresh child process, makes one instance without arguments,
    calls ``extract`` once and ends the process. It gives a seekable, buffered file at position 0 that has no name and
    no descriptor, reads at most the budget of the limits, and owns the time, the memory and the clean-up.

    In return an extractor is a pure function of the file. It may raise anything: that is a failed extraction and
    harms nobody. It imports no Django, has imported all that it will need by the end of ``__init__``, opens no path,
    no socket and no process, starts no thread and keeps no state. It reads headers: it never decodes pixels or
    samples and never inflates what it has not bounded. Texts go through ``clean_text``, because an answer with NUL, a
    lone surrogate or more than 1,000 characters is refused whole.
    """

    optional_modules: ClassVar[Mapping[str, str]] = {}
    """Modules without which it describes less, and what to install for each. A system check tells what is missing."""

    @abstractmethod
    def extract(self, file: BinaryIO, media_type: str) -> Metadata:
        """The metadata of ``file``, whose sniffed type is ``media_type``.

        A type that the extractor does not know is not an error: answer ``Metadata()``. The file remains the
        caller's: it is not closed.
        """
