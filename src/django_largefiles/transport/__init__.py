"""The connection that a request came on: its socket, how fast bytes pass through it, and how it ends."""
