"""Handlers of a test, served as routes without a server."""

import asyncio
import json
from hashlib import sha256
from typing import Any

import cello
import msgspec

from api.http.auth import Keyring
from api.http.dispatch import Dispatcher, Endpoint
from api.http.routing import Answer, Handler, Request, Route
from api.http.shutdown import Drain
from project.settings.api_keys import ApiKey

KEY = "0123456789abcdef"


class Order(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    max_retries: int = 3


class Filter(msgspec.Struct, frozen=True):
    limit: int = 50


class Reply:
    """What a client would have got."""

    def __init__(self, response: Any) -> None:
        self.status: int = response.status
        self.headers = {name.lower(): value for name, value in response.headers.items()}
        self.text = bytes(response.body()).decode()

    def json(self) -> Any:
        return json.loads(self.text)


def edge(drain: Drain | None = None) -> Dispatcher:
    keys = Keyring({sha256(KEY.encode()).digest(): ApiKey("alice")})
    return Dispatcher(keys, drain or Drain(), max_body=1_000)


def serve(handler: Handler, *, drain: Drain | None = None, **said: Any) -> Reply:
    """Call ``handler`` as a route; ``said`` are the parts of the request and of the route."""
    parts = {name: said.pop(name) for name in ("query", "headers") if name in said}
    content, params = said.pop("content", b""), said.pop("params", {})
    method = said.pop("method", "POST")
    if content:
        parts["headers"] = {"Content-Type": "application/json"} | parts.get("headers", {})
    raw = cello.Request(method, "/things/7", body=content, **parts)
    route = Route(
        method=method, template=said.pop("template", "/things"), handler=handler,
        auth=said.pop("auth", False), body=said.pop("body", None), query=said.pop("shape", None),
        admit=said.pop("admit", None),
    )  # fmt: skip
    endpoint = Endpoint(route, edge(drain))
    return Reply(asyncio.run(endpoint.serve(raw, params)))


async def show_request(request: Request) -> Answer:
    return Answer({"id": request.id, "key": request.api_key.name, "params": request.params})


def build_failing_handler(error: BaseException) -> Handler:
    async def fail(_: Request) -> Answer:
        raise error

    return fail


def build_handler(answer: Any) -> Handler:
    async def give(_: Request) -> Any:
        return answer

    return give
