"""Payloads that look like something of Celery's: they are data, and their jobs end."""

from typing import Any

import pytest

from tests.support.programs.system import System


@pytest.mark.parametrize(
    "value",
    [
        {"__type__": "datetime", "__value__": "never"},
        {"__type__": "datetime", "__value__": "2026-05-01T00:00:00"},
        {"__type__": "object", "__value__": [1, 2]},
        {"__type__": "unknown", "__value__": {"__type__": "date", "__value__": 5}},
    ],
    ids=["no-date", "date", "pairs", "nested"],
)
@pytest.mark.parametrize("options", [{}, {"priority": 5, "tags": ["odd"]}], ids=["plain", "more"])
def test_an_object_with_a_type_is_data(
    value: dict[str, Any], options: dict[str, Any], system: System
) -> None:
    order = {"recipients": ["odd@example.org"], "template": "welcome", "data": {"when": value}}

    job = system.order("/emails", order | options)

    record = system.wait_until_final("/emails", job["id"])
    assert record["status"] == "success"
    shown = system.http.get(f"/tasks/{job['id']}/payload").json()
    assert value in find_objects(shown)


def find_objects(value: Any) -> list[Any]:
    """All objects inside a JSON value."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    found = [found for each in inner for found in find_objects(each)]
    return [value, *found] if isinstance(value, dict) else found
