"""The interface of extractors. Neither this module nor any extractor imports Django."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import BinaryIO, ClassVar, TypeAlias

from ..containers.text import MAX_TEXT, clean_text

__all__ = ["JSON", "MAX_TEXT", "MAX_TITLE", "Extractor", "Metadata", "clean_text"]

JSON: TypeAlias = "bool | int | float | str | Sequence[JSON] | Mapping[str, JSON] | None"

MAX_TITLE = 255
"""Characters of a title."""


@dataclass(frozen=True, kw_only=True)
class Metadata:
    """What a file says about itself. All of it is the author's claim and proves nothing."""

    width: int | None = None
    """Pixels, as displayed: after the orientation that the file asks for."""
    height: int | None = None
    duration: float | None = None
    """Seconds."""
    page_count: int | None = None
    title: str = ""
    """At most 255 characters."""
    attributes: Mapping[str, JSON] = field(default_factory=dict)
    """Everything else; the asset's ``extra_attributes``. See ``sandbox.answer`` for its bounds."""


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
