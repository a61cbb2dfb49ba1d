"""Digest fields (RFC 9530)."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping

from ..exceptions import ContentDigestMismatch, MalformedHeader
from .structured_fields import parse_dictionary

DIGEST_SIZES = {"sha-256": 32, "sha-512": 64}
"""Bytes of a digest, by algorithm: those of the registry that are not deprecated (RFC 9530 section 7.2)."""

MAX_PREFERENCE = 10


def parse_digests(header: str | None) -> dict[str, bytes]:
    """Return the digests of ``Repr-Digest`` or ``Content-Digest`` by algorithm; unknown algorithms are left out.

    Raise ``MalformedHeader``. RFC 9651 section 4.2 permits this in place of ignoring the field: a client that sends a
    digest wants it verified.
    """
    return {algorithm: _digest(algorithm, value) for algorithm, value in _known_members(header).items()}


def parse_preferences(header: str | None) -> dict[str, int]:
    """Return the preferences of ``Want-Repr-Digest`` by algorithm: 1 (least wanted) to 10, or 0 (not acceptable).

    Raise ``MalformedHeader``.
    """
    return {algorithm: _preference(algorithm, value) for algorithm, value in _known_members(header).items()}


def declared_digests(header: str | None) -> dict[str, str]:
    """Return the digests of ``Repr-Digest`` by ``"sha256"`` and ``"sha512"``, in hexadecimal.

    Other algorithms are ignored (RFC 9530 section 3): they are unknown, or deprecated because they prove nothing.
    Raise ``MalformedHeader``.
    """
    return {algorithm.replace("-", ""): digest.hex() for algorithm, digest in parse_digests(header).items()}


def wanted_digest(made: Mapping[str, str], header: str | None) -> str:
    """Return the value of the digest field that ``Want-Repr-Digest`` or ``Want-Content-Digest`` asks for.

    ``made`` are the digests that there are, in hexadecimal, by ``"sha256"`` and ``"sha512"``. Of them it is the one of
    the highest preference, or else SHA-256; empty if none is acceptable. A malformed field counts as absent, because
    it states preferences alone (RFC 9530 section 4).
    """
    try:
        preferences = parse_preferences(header)
    except MalformedHeader:
        preferences = {}
    offered = [algorithm for algorithm in DIGEST_SIZES if made.get(algorithm.replace("-", ""))]
    acceptable = [algorithm for algorithm in offered if preferences.get(algorithm) != 0]
    if not acceptable:
        return ""
    best = max(acceptable, key=lambda algorithm: preferences.get(algorithm, 0))
    return f"{best}=:{base64.b64encode(bytes.fromhex(made[best.replace('-', '')])).decode()}:"


class ContentDigests:
    """The digests that ``Content-Digest`` declares for the content of one request. False without the field.

    Raise ``MalformedHeader``.
    """

    def __init__(self, header: str | None) -> None:
        self._declared = parse_digests(header)
        self._hashers = {algorithm: hashlib.new(algorithm.replace("-", "")) for algorithm in self._declared}

    def __bool__(self) -> bool:
        return bool(self._declared)

    def update(self, chunk: bytes) -> None:
        for hasher in self._hashers.values():
            hasher.update(chunk)

    def verify(self) -> None:
        """Compare the digests once all of the content was passed to ``update``. Raise ``ContentDigestMismatch``."""
        for algorithm, hasher in self._hashers.items():
            declared = self._declared[algorithm]
            if hasher.digest() != declared:
                raise ContentDigestMismatch(limit=declared.hex(), value=hasher.hexdigest())


def _known_members(header: str | None) -> dict[str, object]:
    members = parse_dictionary(header)
    return {key: members[key] for key in members.keys() & DIGEST_SIZES.keys()}


def _digest(algorithm: str, value: object) -> bytes:
    size = DIGEST_SIZES[algorithm]
    if not (isinstance(value, bytes) and len(value) == size):
        problem = f"a {algorithm} digest is a byte sequence of {size} bytes"
        raise MalformedHeader(problem, limit=size, value=str(value))
    return value


def _preference(algorithm: str, value: object) -> int:
    # Not isinstance: a Boolean is another type in structured fields, and an int in Python.
    if type(value) is not int or not 0 <= value <= MAX_PREFERENCE:
        problem = f"the preference for {algorithm} is an integer from 0 to {MAX_PREFERENCE}"
        raise MalformedHeader(problem, limit=MAX_PREFERENCE, value=str(value))
    return value
