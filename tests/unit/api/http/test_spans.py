import asyncio

import cello
import pytest

from api.http.routing import Answer, Request, Route
from api.http.spans import hide_token


async def answer(_: Request) -> Answer:
    return Answer()


@pytest.mark.parametrize(
    ("template", "params", "shown"),
    [
        ("/artifacts/{token}", {"token": "secret"}, "/artifacts/{token}"),
        ("/tasks/{id}", {"id": "7"}, "/tasks/7"),
    ],
)
def test_a_span_has_the_path_but_no_signed_token(
    template: str, params: dict[str, str], shown: str
) -> None:
    path = template.format(**params)
    raw = cello.Request("GET", path)
    request = Request("r", "GET", path, params, raw.get_header, asyncio.Event())

    assert hide_token(request, Route(method="GET", template=template, handler=answer)) == shown
