"""Digest fields (RFC 9530)."""

from __future__ import annotations

import base64
import hashlib
import re

from .errors import ContentDigestMismatch, MalformedHeader
from .structured_fields import BARE_ITEM, KEY, OWS, PARAMETERS

DIGEST_SIZES = {"sha-256": 32, "sha-512": 64}
"""Bytes of a digest, by algorithm: those of the registry that are not deprecated (RFC 9530 section 7.2)."""

MAX_PREFERENCE = 10

_INNER_LIST = rf"\(\x20*+(?:{BARE_ITEM}{PARAMETERS}(?:\x20++|(?=\))))*+\)"
_MEMBER = rf"(?:=(?:{BARE_ITEM}|{_INNER_LIST}))?+{PARAMETERS}"
_DICTIONARY = re.compile(rf"\x20*+(?:{KEY}{_MEMBER}(?:{OWS},{OWS}{KEY}{_MEMBER})*+{OWS})?+")
_NAMED_MEMBER = re.compile(rf"(?P<key>{KEY})(?P<value>{_MEMBER})")

_BYTE_SEQUENCE = re.compile(rf"=:(?P<encoded>[^:]*+):{PARAMETERS}")
_PREFERENCE = re.compile(rf"=(?P<weight>[0-9]{{1,15}}){PARAMETERS}")


def parse_digests(header: str | None) -> dict[str, bytes]:
    """``Repr-Digest`` or ``Content-Digest``: the digest by algorithm, of the algorithms that we know.

    Raises ``MalformedHeader``, which RFC 9651 section 4.2 permits in place of ignoring the field: who sends a
    digest wants it verified.
    """
    return {algorithm: _digest(algorithm, value) for algorithm, value in _known_members(header).items()}


def parse_preferences(header: str | None) -> dict[str, int]:
    """``Want-Repr-Digest``: from 1, the least wanted, to 10 by algorithm, 0 for one that is not acceptable.

    Raises ``MalformedHeader``.
    """
    return {algorithm: _preference(algorithm, value) for algorithm, value in _known_members(header).items()}


def format_digest(sha256: str) -> str:
    """The value of ``Repr-Digest`` for a SHA-256 in hexadecimal."""
    return f"sha-256=:{base64.b64encode(bytes.fromhex(sha256)).decode()}:"


class ContentDigests:
    """``Content-Digest``: what the content of one request has to be, and what is seen of it. Empty without the field.

    Raises ``MalformedHeader``.
    """

    def __init__(self, header: str | None) -> None:
        self._promised = parse_digests(header)
        self._hashers = {algorithm: hashlib.new(algorithm.replace("-", "")) for algorithm in self._promised}

    def __bool__(self) -> bool:
        return bool(self._promised)

    def update(self, chunk: bytes) -> None:
        for hasher in self._hashers.values():
            hasher.update(chunk)

    def verify(self) -> None:
        """To be asked once all of the content was seen. Raises ``ContentDigestMismatch``."""
        for algorithm, hasher in self._hashers.items():
            promised = self._promised[algorithm]
            if hasher.digest() != promised:
                raise ContentDigestMismatch(
                    f"the {algorithm} of the content is another", limit=promised.hex(), value=hasher.hexdigest()
                )


def _known_members(header: str | None) -> dict[str, str]:
    """Our members of a Dictionary, values as written; of two with one key the last (RFC 9651 section 3.2)."""
    if header is None:
        return {}
    if not _DICTIONARY.fullmatch(header):
        raise MalformedHeader("a digest field is a dictionary such as sha-256=:…:", value=header)
    members = {member["key"]: member["value"] for member in _NAMED_MEMBER.finditer(header)}
    return {key: members[key] for key in members.keys() & DIGEST_SIZES.keys()}


def _digest(algorithm: str, value: str) -> bytes:
    size = DIGEST_SIZES[algorithm]
    match = _BYTE_SEQUENCE.fullmatch(value)
    digest = _decoded(match["encoded"]) if match else b""
    if len(digest) != size:
        raise MalformedHeader(f"a {algorithm} digest is a byte sequence of {size} bytes", limit=size, value=value)
    return digest


def _decoded(encoded: str) -> bytes:
    """The bytes; none where it is no Base64. Padding may be left out (RFC 9651 section 4.2.7)."""
    try:
        return base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
    except ValueError:
        return b""


def _preference(algorithm: str, value: str) -> int:
    match = _PREFERENCE.fullmatch(value)
    weight = int(match["weight"]) if match else -1
    if not 0 <= weight <= MAX_PREFERENCE:
        problem = f"the preference for {algorithm} is an integer from 0 to {MAX_PREFERENCE}"
        raise MalformedHeader(problem, limit=MAX_PREFERENCE, value=value)
    return weight
