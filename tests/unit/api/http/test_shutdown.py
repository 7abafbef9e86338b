import asyncio
import socket
from collections.abc import Coroutine
from time import perf_counter

import pytest

from api.http.shutdown import Drain, close_listener


def measure(work: Coroutine[None, None, int]) -> tuple[int, float]:
    started = perf_counter()
    return asyncio.run(work), perf_counter() - started


def test_an_idle_process_exits_at_once() -> None:
    left, seconds = measure(Drain().run(20, port=1))
    assert left == 0
    assert seconds < 1


def test_the_shutdown_waits_for_a_request_in_flight() -> None:
    async def leave_while_answering() -> int:
        drain = Drain()
        drain.enter()
        leaving = asyncio.create_task(drain.run(20, port=1))
        await drain.started.wait()
        assert not leaving.done()
        drain.leave()
        return await leaving

    left, seconds = measure(leave_while_answering())

    assert left == 0
    assert seconds < 1


def test_requests_that_take_too_long_are_counted_and_abandoned() -> None:
    async def leave_in_a_hurry() -> int:
        drain = Drain()
        drain.enter()
        return await drain.run(0.05, port=1)

    left, seconds = measure(leave_in_a_hurry())

    assert left == 1
    assert seconds < 1


def test_only_a_process_that_shuts_down_is_draining() -> None:
    drain = Drain()
    assert not drain.is_draining

    asyncio.run(drain.run(1, port=1))
    assert drain.is_draining


@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6])
def test_a_closed_listener_refuses_new_connections_and_keeps_the_open_ones(
    family: socket.AddressFamily,
) -> None:
    host = "127.0.0.1" if family == socket.AF_INET else "::1"
    with socket.create_server((host, 0), family=family) as listener:
        port = listener.getsockname()[1]
        with socket.create_connection((host, port)) as client:
            server_side, _ = listener.accept()
            close_listener(port)
            with pytest.raises(ConnectionRefusedError):
                socket.create_connection((host, port))

            with server_side:
                server_side.sendall(b"still here")
            assert client.recv(100) == b"still here"
