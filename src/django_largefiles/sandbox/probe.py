"""Find out which layers of confinement this machine has, by confining a child."""

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
    """What a confined child could do nevertheless, as the end of a sentence."""


@functools.cache
def machine() -> Machine:
    """Probe once per process. Raise ``ExtractionFailed`` if no child can be run."""
    probed = run(PROBE, io.BytesIO(), "application/octet-stream", ExtractionLimits())
    return Machine(
        lacking=lacking(probed.confinement),
        possible=tuple(cast("Sequence[str]", probed.metadata.attributes["possible"])),
    )


def lacking(confinement: Sequence[str]) -> tuple[str, ...]:
    """Return the layers that are not among ``confinement``, in which Landlock's has a version."""
    return tuple(name for name in LAYERS if not any(layer.startswith(name) for layer in confinement))
