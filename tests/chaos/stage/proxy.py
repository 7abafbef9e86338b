"""A TCP proxy that can make a healthy server unreachable.

It runs in its own thread. Its ``mode`` decides what happens to connections:

- ``PASS``: forward all data.
- ``REFUSE``: abort open connections and refuse new ones (a server that is down).
- ``SWALLOW``: drop all data; connections of this time stay dead after the mode changes
  (a broken route).
- ``HOLD``: keep the data until the mode changes (a stalled network that recovers).
- ``LATE``: keep the data of open connections until the mode changes, forward that of new ones
  (packets that are lost and sent again, while their sender has connected anew).
"""

import asyncio
import threading
from collections.abc import Coroutine
from enum import StrEnum
from typing import Any, Self

HOST = "127.0.0.1"
CHUNK_BYTES = 65_536
ANSWER_TIMEOUT_SECONDS = 10.0


class Mode(StrEnum):
    """What the proxy does with data; see the module's docstring."""

    PASS = "pass"
    REFUSE = "refuse"
    SWALLOW = "swallow"
    HOLD = "hold"
    LATE = "late"


class FaultProxy:
    """``with FaultProxy(server_port) as proxy:`` connect to ``proxy.port``."""

    def __init__(self, target: int) -> None:
        self.target = target
        self.port = 0
        self._mode = Mode.PASS
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)
        self._changed = asyncio.Event()
        self._writers: set[asyncio.StreamWriter] = set()
        self._dead: set[asyncio.StreamWriter] = set()
        self._late: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None

    def __enter__(self) -> Self:
        self._thread.start()
        self._do(self._listen())
        return self

    def __exit__(self, *_: object) -> None:
        self._do(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(ANSWER_TIMEOUT_SECONDS)
        self._loop.close()

    def set(self, mode: Mode) -> None:
        """Change the mode for open and new connections."""
        self._do(self._set(mode))

    def _do(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(ANSWER_TIMEOUT_SECONDS)

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._serve, HOST, 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _close(self) -> None:
        if self._server:
            self._server.close()
        await self._set(Mode.REFUSE)
        for _ in range(100):
            if not self._writers:
                return
            await asyncio.sleep(0.02)

    async def _set(self, mode: Mode) -> None:
        self._mode = mode
        if mode is Mode.REFUSE:
            for writer in self._writers:
                writer.transport.abort()
        if mode is Mode.SWALLOW:
            self._dead |= self._writers
        self._late = set(self._writers) if mode is Mode.LATE else set()
        self._changed.set()
        self._changed = asyncio.Event()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._mode is Mode.REFUSE:
            writer.transport.abort()
            return
        if self._mode is Mode.SWALLOW:
            self._dead.add(writer)
        try:
            upstream_reader, upstream = await asyncio.open_connection(HOST, self.target)
        except OSError:
            writer.transport.abort()
            return
        pair = {writer, upstream}
        if writer in self._dead:
            self._dead.add(upstream)
        self._writers |= pair
        try:
            await asyncio.gather(
                self._pump(reader, upstream, writer), self._pump(upstream_reader, writer, upstream)
            )
        finally:
            self._writers -= pair
            self._dead -= pair

    async def _pump(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        opposite: asyncio.StreamWriter,
    ) -> None:
        """Forward data in one direction until either side closes."""
        try:
            while data := await reader.read(CHUNK_BYTES):
                while self._mode is Mode.HOLD or writer in self._late:
                    await self._changed.wait()
                if writer in self._dead:
                    continue
                writer.write(data)
                await writer.drain()
        except OSError:
            opposite.transport.abort()
        finally:
            writer.close()
