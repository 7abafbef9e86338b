import pytest

from api.http.routing import Answer, Request, Route, Router


async def handle(_: Request) -> Answer:
    return Answer()


def router(*routes: tuple[str, str]) -> Router:
    made = Router()
    for method, template in routes:
        made.add(Route(method=method, template=template, handler=handle))
    return made


def test_the_decorators_fill_the_table_in_order() -> None:
    made = Router()
    made.get("/a", summary="A")(handle)
    made.post("/a", auth=False)(handle)
    made.put("/b/{id}")(handle)

    made.delete("/b/{id}")(handle)

    assert [(route.method, route.template) for route in made.routes] == [
        ("GET", "/a"),
        ("POST", "/a"),
        ("PUT", "/b/{id}"),
        ("DELETE", "/b/{id}"),
    ]


def test_a_route_needs_a_key_by_default() -> None:
    made = Router()
    made.get("/a")(handle)

    made.get("/b", auth=False)(handle)

    assert [route.auth for route in made.routes] == [True, False]


def test_the_same_route_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="there is a route already: GET /a"):
        router(("GET", "/a"), ("GET", "/a"))


def test_the_allowed_methods_include_head_and_options() -> None:
    made = router(("GET", "/a"), ("POST", "/a"), ("DELETE", "/b"))

    assert made.allowed("/a") == ["GET", "HEAD", "OPTIONS", "POST"]
    assert made.allowed("/b") == ["DELETE", "OPTIONS"]
    assert made.allowed("/c") == []


def test_a_path_can_match_several_templates() -> None:
    made = router(("GET", "/a/stats"), ("DELETE", "/a/{id}"))

    assert made.allowed("/a/stats") == ["DELETE", "GET", "HEAD", "OPTIONS"]
    assert made.allowed("/a/7") == ["DELETE", "OPTIONS"]
    assert made.allowed("/a/7/x") == []


def test_included_routes_work_like_the_routers_own() -> None:
    made = router(("GET", "/a"))
    made.include(router(("GET", "/b")))
    assert [route.template for route in made.routes] == ["/a", "/b"]

    with pytest.raises(ValueError, match="already"):
        made.include(router(("GET", "/a")))
