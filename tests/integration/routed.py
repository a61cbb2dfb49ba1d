"""The example behind Channels' routing."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlencode

from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin

from example_project.processes import SERVERS, Server
from tests.integration.conftest import REPOSITORY, Example
from tests.snippets.blocks import Block


class Routed(Server):
    """Started by ``kind`` with the ASGI application that ``routing`` makes."""

    def __init__(self, example: Example, folder: Path, routing: Block, *, kind: str, env: Mapping[str, str]) -> None:
        (folder / "routing.py").write_text(routing.text)
        path = {"PYTHONPATH": f"{REPOSITORY}:{folder}"}
        super().__init__(data_dir=example.data_dir, env={**example.env, **env, **path})
        if kind == "uvicorn":
            command = ["uvicorn", *SERVERS[kind](self.host, self.port, "routing:application")]
        else:
            command = [kind, "--bind", self.host, "--port", str(self.port), "routing:application"]
        self._command = [sys.executable, "-m", *command]

    def connect(self, asset_id: str, *, version: str = "", origin: str = "") -> ClientConnection:
        query = urlencode({"asset": asset_id, "last_event_id": version})
        sent = Origin(origin or self.url.rstrip("/"))
        return connect(f"ws://{self.host}:{self.port}/ws/events/?{query}", origin=sent)
