"""An upload to a store, without the rows and rules of the intake."""

from __future__ import annotations

from contextlib import closing
from uuid import uuid4

from ..exceptions import TakenOver
from ..stores.base import Store, StoreState


class ArrivingUpload:
    """Stands for the intake: keeps the state, and saves a new one only for the latest appender."""

    def __init__(self, store: Store, name: str, length: int | None = None) -> None:
        self.store = store
        self.state = store.begin(name, length)
        self.token = uuid4()

    def append(self, offset: int) -> Sender:
        self.token = uuid4()
        return Sender(self, offset)

    def add(self, offset: int, *chunks: bytes) -> None:
        """Send one request that ends before the file does."""
        with closing(self.append(offset)) as sender:
            sender.write(*chunks)
            sender.commit()

    def finish(self, offset: int, *chunks: bytes) -> str:
        """Send the last request."""
        with closing(self.append(offset)) as sender:
            sender.write(*chunks)
            sender.conclude()
            return sender.finish()


class Sender:
    """One request."""

    def __init__(self, upload: ArrivingUpload, offset: int) -> None:
        self.token = upload.token
        self._upload = upload
        self.appender = upload.store.append(upload.state, offset, self.token)

    def write(self, *chunks: bytes) -> None:
        for chunk in chunks:
            state = self.appender.write(chunk)
            if state is not None:
                self._save(state)

    def commit(self) -> None:
        self._save(self.appender.commit())

    def conclude(self) -> None:
        self._save(self.appender.conclude())

    def concatenate(self, *others: ArrivingUpload) -> None:
        self.appender.concatenate([other.state for other in others])

    def finish(self) -> str:
        return self._upload.store.finish(self._upload.state, self.token)

    def close(self) -> None:
        self.appender.close()

    def _save(self, state: StoreState | None) -> None:
        if self.token != self._upload.token:
            raise TakenOver("a later request has taken over the upload")
        if state is not None:
            self._upload.state = state
