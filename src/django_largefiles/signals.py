"""Sent after commit, once per transition, with ``sender=FileAsset`` and ``asset=`` the asset as it is now.

If the process dies before all receivers have returned, the sweeper sends the signal again. No signal is lost, and a
receiver is called a second time only if its process died or took more than five minutes. Receivers are called with
``send_robust``: an exception is logged and does not affect the others.
"""

from __future__ import annotations

from django.dispatch import Signal

asset_received = Signal()
"""All bytes have arrived and wait for a worker."""

asset_ready = Signal()
"""The file is verified and described, and may be downloaded."""

asset_rejected = Signal()
"""Refused after arrival, or blocked later; ``asset.reason`` holds the reason."""

asset_failed = Signal()
"""Processing was given up. The bytes are kept, and ``reprocess`` tries again."""

attachment_ready = Signal()
"""A row refers to a file that is ready, whether the row was saved or the file became ready last.

Sent with ``sender=`` the model that has the field, ``asset=``, ``instance=`` the row and ``field=`` the name of its
``AssetField`` or ``AssetsField``; once for each row and field, and again when the file was processed anew. It is not
sent if the row does not refer to the file any more.
"""
