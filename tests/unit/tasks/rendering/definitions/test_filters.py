import time
from typing import Any

import pytest

from project.errors import InvalidField
from tasks.rendering.definitions.filters import check_filters


def refusal(report_type: Any, filters: Any) -> InvalidField:
    with pytest.raises(InvalidField) as caught:
        check_filters(report_type, filters)
    return caught.value


def test_the_filters_of_the_first_example_are_accepted() -> None:
    filters = {"department": "engineering", "month": "2026-05"}
    assert check_filters("monthly", filters) == filters


@pytest.mark.parametrize("report_type", ["summary", "monthly", "delays"])
def test_no_filter_is_needed(report_type: str) -> None:
    assert check_filters(report_type, {}) == {}


def test_checking_twice_changes_nothing() -> None:
    once = check_filters("summary", {"month": 2, "carrier": "UA"})
    assert check_filters("summary", once) == once == {"carrier": "UA", "month": 2}


def test_a_whole_number_with_a_point_is_an_integer_as_in_json_schema() -> None:
    checked = check_filters("summary", {"month": 2.0})

    assert repr(checked) == "{'month': 2}"


@pytest.mark.parametrize("month", [2.5, 1e300, float("inf"), float("nan"), 13.0, True])
def test_other_numbers_are_no_integers(month: float) -> None:
    assert refusal("summary", {"month": month}).field == "filters.month"


def test_an_unknown_type_is_refused_with_the_known_ones() -> None:
    error = refusal("weekly", {})
    assert error.field == "type"
    assert all(name in error.problem for name in ("summary", "monthly", "delays"))


@pytest.mark.parametrize("report_type", [None, 7, [], {}, "../press", "summary\n", "SUMMARY", ""])
def test_a_type_that_is_not_a_string_is_refused(report_type: Any) -> None:
    assert refusal(report_type, {}).field == "type"


def test_an_unknown_filter_is_refused_with_the_allowed_ones() -> None:
    error = refusal("monthly", {"team": "engineering"})
    assert error.field == "filters.team"
    assert "department, month" in error.problem


def test_a_long_unknown_name_is_not_repeated_in_full() -> None:
    assert len(refusal("monthly", {"x" * 5_000: 1}).field) < 100


@pytest.mark.parametrize("filters", [None, [], "department", 3, [("month", "2026-05")]])
def test_filters_that_are_not_an_object_are_refused(filters: Any) -> None:
    assert refusal("monthly", filters).field == "filters"


@pytest.mark.parametrize(
    "month",
    ["2026-5", "2026-13", "2026-00", "May", "2026-05-01", " 2026-05", "2026-05\n", "٢٠٢٦-05"],
)
def test_an_invalid_month_is_refused_with_an_example(month: str) -> None:
    error = refusal("monthly", {"month": month})
    assert error.field == "filters.month"
    assert "2026-05" in error.problem


@pytest.mark.parametrize("month", [0, 13, -1, "3", 3.5, True, None, [3], 10**40])
def test_a_month_outside_the_choices_is_refused(month: Any) -> None:
    error = refusal("summary", {"month": month})
    assert error.field == "filters.month"
    assert "1, 2, 3" in error.problem


@pytest.mark.parametrize(
    "carrier", ["ua", "XX", "", None, 9, ["UA"], {"eq": "UA"}, "UA' or '1'='1"]
)
def test_a_carrier_outside_the_choices_is_refused(carrier: Any) -> None:
    error = refusal("delays", {"carrier": carrier})
    assert error.field == "filters.carrier"
    assert "UA" in error.problem


def test_checking_takes_less_than_a_millisecond() -> None:
    check_filters("monthly", {})

    start = time.perf_counter()

    for _ in range(100):
        check_filters("monthly", {"department": "engineering", "month": "2026-05"})

    assert time.perf_counter() - start < 0.1
