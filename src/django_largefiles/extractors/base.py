"""The interface of extractors. Neither this module nor any extractor imports Django."""

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
    """The bounds of an integer, which is ``None`` if the file does not state it."""

    least: int
    most: int = MAX_INTEGER


@dataclass(frozen=True, kw_only=True)
class Number:
    """The bounds of a non-negative number, which is ``None`` if the file does not state it."""

    most: float


@dataclass(frozen=True, kw_only=True)
class Text:
    """The bounds of a text, which is empty if the file does not state it."""

    most: int
    """Characters."""


Bounds: TypeAlias = Integer | Number | Text


def _column(bounds: Bounds) -> Any:
    return field(default="" if isinstance(bounds, Text) else None, metadata={"bounds": bounds})


@dataclass(frozen=True, kw_only=True)
class Metadata:
    """The metadata that a file states about itself. All of it is the author's claim and proves nothing.

    Each field with bounds is a column of the asset. This is the one list of these columns: what the sandbox accepts,
    what the pipeline stores and what the API shows follow from it. The model has to declare them as well.
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
    """Reads the metadata of one family of media types.

    Guarantees: the sandbox imports the class by its dotted path in a new child process, creates one instance without
    arguments, calls ``extract`` once and ends the process. The file is seekable and buffered, is at position 0, has
    neither a name nor a descriptor, and can be read up to the budget of the limits. The sandbox limits time and memory
    and cleans up.

    Requirements: be a pure function of the file. Any exception is a failed extraction and does no harm. Do not import
    Django; import everything needed by the end of ``__init__``; open no path, socket or process, start no thread, keep
    no state. Read headers only: never decode pixels or samples, and never inflate without a bound. Pass texts through
    ``clean_text``, because an answer with NUL, a lone surrogate or more than 1,000 characters is rejected as a whole.
    """

    optional_modules: ClassVar[Mapping[str, str]] = {}
    """Modules without which it describes less, and what to install for each. A system check reports missing ones."""

    @abstractmethod
    def extract(self, file: BinaryIO, media_type: str) -> Metadata:
        """Return the metadata of ``file``, whose sniffed type is ``media_type``.

        Return ``Metadata()`` for an unknown type, which is not an error. Do not close the file.
        """
