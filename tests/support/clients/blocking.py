"""``AsyncClient`` called like ``Client``, so that one test tries both."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from inspect import isawaitable
from typing import Any, Self

from continuo_client import AsyncClient, Client


class Blocking:
    """Waits for each coroutine and each item of an object, such as ``client.workflows``."""

    def __init__(self, runner: asyncio.Runner, client: Any) -> None:
        self._runner = runner
        self._client = client

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._client, name)
        if not callable(method):
            return Blocking(self._runner, method)

        def call(*args: Any, **options: Any) -> Any:
            given = method(*args, **options)
            return self._wait(given) if isawaitable(given) else self._iterate(given)

        return call

    def _wait(self, given: Any) -> Any:
        async def wait() -> Any:
            return await given

        return self._runner.run(wait())

    def _iterate(self, items: AsyncIterator[Any]) -> Iterator[Any]:
        async def read() -> Any:
            return await anext(items)

        while True:
            try:
                item = self._runner.run(read())
            except StopAsyncIteration:
                return
            yield item


class BlockingClient(Blocking):
    """The same for an ``AsyncClient``."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(asyncio.Runner(), AsyncClient(*args, **options))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._runner.run(self._client.close())
        self._runner.close()


MAKERS: dict[str, Callable[..., Any]] = {
    "sync": Client,
    "async": BlockingClient,
}
"""What makes a client, by the name of the case."""
