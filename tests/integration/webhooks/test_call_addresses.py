"""The servers that a call reaches, and the internal ones that it does not."""

import socket
from collections.abc import Callable
from typing import Any

import pytest

from project.errors import InvalidField, PermanentError
from tests.support.servers.scripted_http import (
    LISTEN_ADDRESS,
    ScriptedHttpServer,
    build_response,
    respond_with,
)
from tests.support.webhook_calls import ELSEWHERE, make_call


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(
    server: ScriptedHttpServer, elsewhere: ScriptedHttpServer, status: int
) -> None:
    server.plan = respond_with(build_response(status, Location=elsewhere.url))

    with pytest.raises(PermanentError, match=f"answered {status}"):
        make_call(server.url)

    assert make_call(server.url, expect=[status])["status"] == status
    assert elsewhere.connections == 0


def test_a_proxy_in_the_environment_is_not_used(
    server: ScriptedHttpServer, elsewhere: ScriptedHttpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, elsewhere.url)

    make_call(server.url)

    assert (server.connections, elsewhere.connections) == (1, 0)


LOOPBACK = [
    "127.0.0.1",
    "127.1",
    "127.0.1",
    "2130706433",
    "0x7f000001",
    "0x7f.1",
    "0177.0.0.1",
    "017700000001",
    "0",
    "0.0.0.0",  # noqa: S104 - it reaches this machine
    "127.0.0.1.",
    "user@127.0.0.1",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[64:ff9b::7f00:1]",
    "[2002:7f00:1::]",
    "\uff11\uff12\uff17.0.0.1",
    "localhost.",
    "localhost",
    "LOCALHOST",
]


@pytest.mark.parametrize("host", LOOPBACK)
def test_no_spelling_of_loopback_connects(elsewhere: ScriptedHttpServer, host: str) -> None:
    with pytest.raises((InvalidField, PermanentError)):
        make_call(f"http://{host}:{elsewhere.port}/")
    assert elsewhere.connections == 0


def test_an_allowed_host_name_is_called(
    elsewhere: ScriptedHttpServer, allow: Callable[[str], None]
) -> None:
    allow("localhost")
    assert make_call(f"http://localhost:{elsewhere.port}/")["status"] == 200
    assert elsewhere.requests[0].headers["Host"] == f"localhost:{elsewhere.port}"


def test_a_host_name_that_changes_its_address_is_not_followed(
    server: ScriptedHttpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, places = socket.getaddrinfo, [LISTEN_ADDRESS, ELSEWHERE, ELSEWHERE]

    def look_up(host: str, *about: Any, **more: Any) -> Any:
        return real(places.pop(0) if host == "rebind.example.com" else host, *about, **more)

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    with socket.create_server((ELSEWHERE, server.port)) as other:
        other.settimeout(0)
        assert make_call(f"http://rebind.example.com:{server.port}/")["status"] == 200
        with pytest.raises(BlockingIOError):
            other.accept()

    assert server.requests[0].headers["Host"] == f"rebind.example.com:{server.port}"
    assert places == [ELSEWHERE, ELSEWHERE]


def test_the_second_address_is_tried_when_the_first_does_not_answer(
    server: ScriptedHttpServer, monkeypatch: pytest.MonkeyPatch, allow: Callable[[str], None]
) -> None:
    allow("two.example.com")
    real = socket.getaddrinfo

    def look_up(host: str, *about: Any, **more: Any) -> Any:
        hosts = ["127.0.0.3", LISTEN_ADDRESS] if host == "two.example.com" else [host]
        return [place for one in hosts for place in real(one, *about, **more)]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)

    assert make_call(f"http://two.example.com:{server.port}/")["status"] == 200
