"""The address of a client behind proxies, from ``X-Forwarded-For``."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

HOME = 64
"""Bits of an IPv6 address that a provider assigns: one client may use all addresses below them (RFC 6177)."""


def client_address(remote: str, forwarded_for: str, proxies: int) -> str:
    """Return the address that the outermost of ``proxies`` trusted ones has seen, as far as the field reaches.

    Each proxy appends the address of its peer, so that only as many as are trusted count, from the right: a client may
    have sent any others. An IPv6 address is returned as its network of 64 bits, and what is no address as it is.
    """
    addresses = [part.strip() for part in forwarded_for.split(",") if part.strip()] + [remote]
    return _network(addresses[max(len(addresses) - 1 - proxies, 0)])


def _network(text: str) -> str:
    try:
        address = ip_address(_without_port(text))
    except ValueError:
        return text
    if isinstance(address, IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    if isinstance(address, IPv4Address):
        return str(address)
    return str(IPv6Network((int(address), HOME), strict=False))


def _without_port(text: str) -> str:
    """Return the address of ``192.0.2.1:80`` and ``[2001:db8::1]:80``, which some proxies write."""
    if text.startswith("["):
        return text[1:].partition("]")[0]
    return text.partition(":")[0] if text.count(":") == 1 else text
