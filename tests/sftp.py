"""An SFTP server in a thread of this process."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread

import asyncssh


class _Anyone(asyncssh.SSHServer):
    def __init__(self, connections: list[asyncssh.SSHServerConnection]) -> None:
        self._connections = connections

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._connections.append(conn)

    def begin_auth(self, username: str) -> bool:
        return False


@contextmanager
def sftp_server(root: Path) -> Iterator[int]:
    """Lets anyone in to ``root``; gives its port."""
    loop, started, ports = asyncio.new_event_loop(), Event(), list[int]()
    connections: list[asyncssh.SSHServerConnection] = []

    async def serve() -> None:
        server = await asyncssh.listen(
            "127.0.0.1",
            0,
            server_factory=lambda: _Anyone(connections),
            server_host_keys=[asyncssh.generate_private_key("ssh-ed25519")],
            sftp_factory=lambda channel: asyncssh.SFTPServer(channel, chroot=str(root)),
        )
        ports.append(server.get_port())
        started.set()
        async with server:
            await ended.wait()
        for connection in connections:
            connection.abort()
            await connection.wait_closed()

    ended = asyncio.Event()
    thread = Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    started.wait()
    try:
        yield ports[0]
    finally:
        loop.call_soon_threadsafe(ended.set)
        thread.join()
        loop.close()
