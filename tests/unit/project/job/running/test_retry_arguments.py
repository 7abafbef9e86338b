"""``retry(args=...)`` and ``retry(kwargs=...)`` keep what they do not replace."""

from typing import Any

import pytest
from celery.app.task import Context

from project.job.running.retry_arguments import merge_arguments


def three(first: int, second: int, label: str = "") -> None:
    """Takes its arguments by place or by name."""


def many(first: int, /, second: int, *others: int) -> None:
    """Takes its first argument by place only."""


@pytest.mark.parametrize(
    ("run", "given", "changes", "merged"),
    [
        (
            three,
            ((), {"first": 1, "second": 2, "label": "x"}),
            ((3, 4), None),
            ((3, 4), {"label": "x"}),
        ),
        (three, ((1, 2), {}), (None, {"first": 3}), ((3, 2), {})),
        (three, ((1, 2), {"label": "x"}), (None, {"label": "y"}), ((1, 2), {"label": "y"})),
        (three, ((1, 2), {"label": "x"}), (None, None), (None, None)),
        (three, ((1, 2), {"label": "x"}), ((3,), {"second": 4}), ((3,), {"second": 4})),
        (many, ((1, 2, 3), {}), (None, {"second": 4}), ((1, 4, 3), {})),
    ],
)
def test_arguments_of_the_next_attempt(
    run: Any, given: tuple[Any, Any], changes: tuple[Any, Any], merged: tuple[Any, Any]
) -> None:
    request = Context(args=given[0], kwargs=given[1])
    assert merge_arguments(run, request, *changes) == merged
