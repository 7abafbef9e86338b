"""The schema of the header Idempotency-Key and the API agree on which keys are valid."""

import re
from contextlib import suppress

import pytest

from api.docs.openapi import _HEADER_SCHEMAS
from api.http.problems import Problem
from api.jobs.orders import parse_key

PATTERN = _HEADER_SCHEMAS["Idempotency-Key"]["pattern"]


def is_accepted(header: str) -> bool:
    with suppress(Problem):
        return bool(parse_key(header))
    return False


@pytest.mark.parametrize(
    "header",
    ["a", '"a"', '"', '""', '"""', '"a', 'a"', "x" * 255, "x" * 256, f'"{"x" * 255}"',
     f'"{"x" * 256}"', f'"{"x" * 255}', "a b", "\u00fc", "a\tb", "", " "],
)  # fmt: skip
def test_the_schema_and_the_api_agree_on_a_key(header: str) -> None:
    assert is_accepted(header) == bool(re.search(PATTERN, header))
