"""Requests of foreign pages and to foreign hosts."""

import asyncio
from typing import Any

import cello

from api.http.auth import Keyring
from api.http.cors import Cors
from api.http.dispatch import Dispatcher, Endpoint
from api.http.routing import Route
from api.http.shutdown import Drain
from api.http.site import Site
from tests.support.endpoints import show_request

FOREIGN = {"Host": "localhost", "Origin": "http://evil.example", "Sec-Fetch-Site": "cross-site"}


def serve_guarded(method: str, headers: dict[str, str], **route: Any) -> int:
    """The status of a route of an API that looks at hosts and pages."""
    shared = Dispatcher(Keyring({}), Drain(), max_body=1_000, site=Site([], Cors()))
    endpoint = Endpoint(Route(method=method, template="/x", handler=show_request, **route), shared)
    raw = cello.Request(method, "/x", headers=headers)
    return int(asyncio.run(endpoint.serve(raw, {})).status)


def test_a_foreign_page_may_read_what_cors_lets_it_but_change_nothing() -> None:
    assert serve_guarded("GET", FOREIGN) == 200
    assert [serve_guarded(method, FOREIGN) for method in ("POST", "PUT", "DELETE")] == [403] * 3


def test_a_signed_link_works_from_every_page() -> None:
    form = FOREIGN | {"Content-Type": "application/x-www-form-urlencoded"}
    assert serve_guarded("POST", form, auth=False) == 200


def test_a_foreign_host_gets_nothing_but_the_health_of_the_process() -> None:
    foreign = {"Host": "evil.example"}
    assert serve_guarded("GET", foreign) == serve_guarded("GET", foreign, auth=False) == 421
    assert serve_guarded("GET", foreign, tags=("health",)) == 200
    assert serve_guarded("GET", {}, tags=("health",)) == 400


def test_a_form_is_refused_where_no_body_is_expected() -> None:
    form = {"Host": "localhost", "Content-Type": "application/x-www-form-urlencoded"}
    assert serve_guarded("POST", form) == 415
    assert serve_guarded("POST", {"Host": "localhost"}) == 200
