"""What an extractor is, and what it answers. No Django here, nor in any extractor."""

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
    """What a file says of itself. All of it is the author's claim: it describes, and proves nothing."""

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
