"""docs/reference is up to date with the code."""

from pathlib import Path

import pytest

from api.http.routing import Answer, Request
from api.http.shutdown import Drain
from benchmarks.support.page_parts import part_names_of, renew_parts
from tests.reference import routes
from tests.reference.__main__ import COMMAND, PARTS, read_pages

PAGES = read_pages()


def test_every_part_is_on_a_page() -> None:
    made = [name for page in PAGES.values() for name in part_names_of(page, COMMAND)]

    assert sorted(made) == sorted(PARTS)


def test_a_route_that_a_user_adds_is_not_on_our_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    ours = routes.make_routes()
    built, stores = routes.build(Drain())

    async def order_sum(_: Request) -> Answer:
        return Answer()

    built.post("/of-a-user", answers={202: None}, tags=["of-a-user"])(order_sum)
    monkeypatch.setattr(routes, "build", lambda _: (built, stores))

    assert routes.make_routes() == ours


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_every_page_of_the_reference_is_up_to_date(path: Path) -> None:
    assert PAGES[path] == renew_parts(PAGES[path], COMMAND, PARTS), "run python -m tests.reference"
