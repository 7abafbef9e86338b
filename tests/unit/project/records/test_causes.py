"""Failures of one cause have one fingerprint, those of another have another."""

from itertools import product
from random import Random

import pytest

from project.records.cause import PLATFORM, build_filing, list_own_frames, remove_differences

TRACEBACK = """Traceback (most recent call last):
  File "/srv/app/lib/python3.13/site-packages/celery/app/trace.py", line 479, in trace_task
    R = retval = fun(*args, **kwargs)
  File "{platform}/job/task.py", line {line}, in __call__
    return self._run(*args, **kwargs)
  File "/srv/{release}/shop/orders.py", line {line}, in {function}
    charge(order)
  File "/srv/app/lib/python3.13/site-packages/stripe/api.py", line 7, in charge
    raise CardError(order)
"""


def trace(function: str = "pay", line: int = 3, release: str = "r1") -> str:
    return TRACEBACK.format(function=function, line=line, release=release, platform=PLATFORM)


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ("order 17 of 3.5 kg", "order <*> of <*> kg"),
        ("job 3e204e67-77a4-4ca5-8df5-09dae8739844 is gone", "job <*> is gone"),
        ("no such customer: 'ada'", "no such customer: <*>"),
        ("<Response at 0x7f76a4f096d0>", "<Response at <*>>"),
        ("mail to ada@example.com failed", "mail to <*> failed"),
        ("token 9f86d081884c7d65 refused", "token <*> refused"),
        ("timed out\nsecond line", "timed out"),
    ],
    ids=range(7),
)
def test_what_differs_from_job_to_job_is_removed(message: str, words: str) -> None:
    assert remove_differences(message) == words


def test_only_the_lines_of_the_user_count() -> None:
    assert list_own_frames(trace()) == ["shop/orders.py:pay"]


def test_a_new_release_with_other_line_numbers_has_the_same_causes() -> None:
    first = build_filing("CardError", "order 17", trace(line=3, release="r1"))
    second = build_filing("CardError", "order 18", trace(line=99, release="r2"))

    assert first == second


@pytest.mark.parametrize(
    ("name", "message", "traceback", "kind"),
    [
        ("OtherError", "order 1", trace(), "pay"),
        ("CardError", "no such order", trace(), "pay"),
        ("CardError", "order 1", trace("refund"), "pay"),
    ],
    ids=["class", "message", "function"],
)
def test_another_error_is_another_cause(name: str, message: str, traceback: str, kind: str) -> None:
    first = build_filing("CardError", "order 1", trace(), "pay")

    assert build_filing(name, message, traceback, kind).fingerprint != first.fingerprint


def test_without_lines_of_the_user_the_kind_tells_causes_apart() -> None:
    filings = [build_filing("TimeLimitExceeded", "30", "", kind) for kind in ("a", "b")]

    assert filings[0].fingerprint != filings[1].fingerprint
    assert filings[0].headline == "TimeLimitExceeded: <*>"


def test_the_last_error_of_a_chain_counts() -> None:
    chain = f"{trace('connect')}\nDuring handling ...\n\n{trace('pay')}"

    assert list_own_frames(chain) == ["shop/orders.py:pay"]


def test_many_failures_of_50_causes_are_50_groups() -> None:
    random = Random(7)  # noqa: S311 - a fixed choice
    causes = list(
        product(["KeyError", "OSError"], ["pay", "refund", "ship", "mail", "bill"], range(5))
    )
    words = ["lost {}", "no row {} here", "{} is not a number", "got {} of {}", "{} missing"]

    filings = {
        build_filing(
            name,
            words[which].format(random.choice(["'x y'", "12", "1.5"]), random.random()),
            trace(function, random.randrange(500)),
        ).fingerprint
        for name, function, which in causes * 400
    }

    assert abs(len(filings) - 50) <= 2
