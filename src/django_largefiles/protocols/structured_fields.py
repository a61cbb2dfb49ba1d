"""Grammar of structured fields (RFC 9651), as much as the digests and the draft need."""

from __future__ import annotations

KEY = r"[a-z*][a-z0-9_.*-]*+"

_BARE_ITEMS = (
    r"-?[0-9]{1,12}\.[0-9]{1,3}",  # Decimal: before Integer, which would match its head
    r"-?[0-9]{1,15}",  # Integer
    r'"(?:[ !#-\[\]-~]|\\["\\])*+"',  # String
    r"[A-Za-z*][A-Za-z0-9!#$%&'*+.^_`|~:/-]*+",  # Token
    r":[A-Za-z0-9+/=]*+:",  # Byte Sequence
    r"\?[01]",  # Boolean
    r"@-?[0-9]{1,15}",  # Date
    r'%"(?:[ !#$&-~]|%[0-9a-f]{2})*+"',  # Display String
)
BARE_ITEM = f"(?>{'|'.join(_BARE_ITEMS)})"
PARAMETERS = rf"(?:;\x20*+{KEY}(?:={BARE_ITEM})?+)*+"

OWS = r"[\x20\t]*+"
