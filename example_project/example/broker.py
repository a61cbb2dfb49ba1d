"""kombu's filesystem transport, with atomic creation of messages."""

from __future__ import annotations

import time
import uuid
from pathlib import Path
from typing import Any

from kombu.transport import filesystem
from kombu.utils.json import dumps


class Channel(filesystem.Channel):
    def _put(self, queue: str, payload: Any, **_: Any) -> None:
        """Write the message to a temporary name, and rename it.

        kombu creates the file under its final name and then writes it. A worker that reads it in between gets an empty
        message, fails to decode it, and stops.
        """
        folder = Path(self.data_folder_out)
        file = folder / f"{round(time.monotonic() * 1000)}_{uuid.uuid4()}.{queue}.msg"
        unfinished = file.with_name(f"{file.name}.unfinished")
        unfinished.write_text(dumps(payload))
        unfinished.rename(file)


class Transport(filesystem.Transport):
    Channel = Channel
