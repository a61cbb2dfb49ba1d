"""What the kernel knows of a TCP connection (Linux, ``include/uapi/linux/tcp.h``)."""

from __future__ import annotations

import socket
import struct
import sys
from dataclasses import dataclass

_UNACKED = struct.Struct("=24xI")
_BYTES = struct.Struct("=120xQQ8xI")
"""``tcpi_bytes_acked``, ``tcpi_bytes_received`` (since Linux 4.1) and ``tcpi_notsent_bytes`` (since 4.6)."""


@dataclass(frozen=True, kw_only=True)
class Counters:
    """Bytes of one connection since it began."""

    received: int
    acknowledged: int
    """Bytes that the client's side confirmed."""
    pending: bool
    """Whether bytes wait to be sent or confirmed."""


def counters(connection: socket.socket) -> Counters | None:
    """Return the counters of a connection; ``None`` if it is not of TCP, or the kernel does not tell them."""
    if sys.platform != "linux":  # pragma: no cover
        return None
    try:
        info = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _BYTES.size)
        acknowledged, received, unsent = _BYTES.unpack(info)
    except (OSError, struct.error):
        return None
    (unacked,) = _UNACKED.unpack_from(info)
    return Counters(received=received, acknowledged=acknowledged, pending=bool(unsent or unacked))
