"""Webhook calls of a test, and the places that they go to.

The tests allow calls to ``LISTEN_ADDRESS``. ``ELSEWHERE`` is as internal as it is to everybody:
a server there that gets a connection shows that the guard let the call through.
"""

from collections.abc import Callable
from typing import Any

from tasks.webhooks import call_arguments, calls
from tests.support.servers.scripted_http import ScriptedHttpServer

ELSEWHERE = "127.0.0.1"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

Start = Callable[..., ScriptedHttpServer]


def make_call(url: str, **said: Any) -> dict[str, Any]:
    return calls.make_call(call_arguments.check_call(url=url, **said), "the-id")
