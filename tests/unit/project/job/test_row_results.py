"""Rows of a fan-out read the results that they need once in each process."""

from typing import Any

import pytest

from project.job.running.results import KEPT, fill_arguments
from project.records.workflow import NodeResult

PLACE = {"id": "w", "each": "a.result"}
ROW = {"row": {"$from": "item"}, "all": {"$from": "a.result"}}


@pytest.fixture(autouse=True)
def nothing_kept() -> None:
    KEPT.clear()


class Results:
    """What Redis has of each node that is asked for, and how often it was asked."""

    def __init__(self, state: str = "success") -> None:
        self.result = NodeResult(state, False, ['[{"n": 1}, {"n": 2}]'])  # noqa: FBT003
        self.count = 0

    def run(self, command: Any) -> list[NodeResult]:
        self.count += 1
        return [self.result for _ in command.arguments[1:]]


def fill_row(results: Results, number: int, workflow_id: str = "w") -> Any:
    place = PLACE | {"id": workflow_id, "node": f"b[{number}]"}
    return fill_arguments(results.run, place, (), ROW)[1]


def test_the_second_row_reads_nothing() -> None:
    results = Results()

    rows = [fill_row(results, number)["row"] for number in (0, 1)]

    assert (rows, results.count) == ([{"n": 1}, {"n": 2}], 1)


def test_a_row_that_changes_its_arguments_changes_none_of_another() -> None:
    results = Results()
    first = fill_row(results, 0)
    first["row"]["n"] = first["all"][1]["n"] = 7

    again, second = fill_row(results, 0), fill_row(results, 1)

    assert (again["row"], second["row"]) == ({"n": 1}, {"n": 2})


def test_another_workflow_and_what_may_change_are_read_anew() -> None:
    results, failed = Results(), Results("failed")

    for workflow_id in ("w", "other", "w"):
        fill_row(results, 0, workflow_id)
    for _ in range(2):
        fill_row(failed, 0, "failed")

    assert (results.count, failed.count) == (3, 2)
