"""Sent after commit, once per transition, with ``sender=FileAsset`` and ``asset=`` the asset as it is now.

Should the process die before all receivers have returned, the sweeper sends the signal again: none is lost, and a
receiver is called a second time only where its process died, or took more than five minutes. Receivers are called with
``send_robust``: one that raises is logged and disturbs nobody.
"""

from __future__ import annotations

from django.dispatch import Signal

asset_received = Signal()
"""All bytes have arrived and wait for a worker."""

asset_ready = Signal()
"""Verified and described; may be downloaded."""

asset_rejected = Signal()
"""Refused after arrival or taken down; ``asset.reason`` tells why."""

asset_failed = Signal()
"""Given up; the bytes are kept, and ``reprocess`` tries again."""
