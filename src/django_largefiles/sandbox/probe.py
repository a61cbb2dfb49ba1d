"""What confinement this machine gives, found out by confining a child."""

from __future__ import annotations

import functools
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from ..options import ExtractionLimits
from .confinement import LAYERS
from .runner import run

PROBE = "django_largefiles.sandbox.attempts.AttemptingExtractor"


@dataclass(frozen=True, kw_only=True)
class Machine:
    lacking: tuple[str, ...]
    """Of ``LAYERS``."""
    possible: tuple[str, ...]
    """What a confined child could do nevertheless, in words."""


@functools.cache
def machine() -> Machine:
    """Asked once in each process. Raises ``ExtractionFailed`` where no child can be run at all."""
    probed = run(PROBE, io.BytesIO(), "application/octet-stream", ExtractionLimits())
    return Machine(
        lacking=lacking(probed.confinement),
        possible=tuple(cast("Sequence[str]", probed.metadata.attributes["possible"])),
    )


def lacking(confinement: Sequence[str]) -> tuple[str, ...]:
    """The layers that are not among ``confinement``, where Landlock's has a version."""
    return tuple(name for name in LAYERS if not any(layer.startswith(name) for layer in confinement))
