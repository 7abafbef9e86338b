"""Limits that Celery's rate limits stand for."""

import pytest

from project.records.limit import Limit, declare_limits, declare_rate


@pytest.mark.parametrize(
    ("per_second", "rate"),
    [
        (10.0, "10/s"),
        (1000.0, "1000/s"),
        (0.5, "30/min"),
        (100 / 60, "100/min"),
        (7 / 3600, "7/h"),
        (2.5, "150/min"),
        (1 / 7, "514/h"),
        (0.00001, "1/h"),
    ],
    ids=str,
)
def test_a_rate_of_celery_becomes_that_of_a_limit(per_second: float, rate: str) -> None:
    assert declare_rate("k", per_second) == {"k-rate": Limit(kind="k", rate=rate, burst=1)}


@pytest.mark.parametrize("per_second", [0, -1.0, 2_000_000.0, float("inf"), float("nan")], ids=str)
def test_no_rate_is_no_limit(per_second: float) -> None:
    assert declare_rate("k", per_second) == {}


@pytest.mark.parametrize("kind", ["a b", "k" * 80, "_x"], ids=["blank", "long", "odd"])
def test_the_limit_of_a_rate_has_a_name_of_its_own(kind: str) -> None:
    (name,) = declare_rate(kind, 1.0)

    assert name.endswith("-rate")
    assert len(name) <= 64
    assert name not in declare_limits(kind, [Limit(rate="1/s")])
