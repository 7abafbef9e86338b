"""What jobs are grouped by: kind and queue, tags."""

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from project.errors import InvalidField
from project.records.grouping import (
    DEFAULT_QUEUE,
    MAX_TAG_CHARACTERS,
    KindQueue,
    check_tags,
    parse_kind_queue,
    queue_of,
)
from tests.support.apps import kinds

TAGS = st.lists(st.from_regex(re.compile(r"[ -~é]{1,64}"), fullmatch=True), max_size=8)


@given(st.text(min_size=1), st.text(min_size=1))
def test_a_kind_and_a_queue_are_read_as_they_were_written(kind: str, queue: str) -> None:
    both = KindQueue(kind, queue)

    assert parse_kind_queue(both.to_text()) == both


def test_the_name_of_a_kind_and_a_queue_is_readable() -> None:
    assert KindQueue("report").to_text() == "report@celery"
    assert KindQueue("report", "slow").to_text() == "report@slow"
    assert KindQueue("a@b:c%", "d").to_text() == "a%40b%3Ac%25@d"


def test_a_kind_name_cannot_smuggle_in_a_queue() -> None:
    assert parse_kind_queue(KindQueue("report@slow").to_text()) == KindQueue("report@slow")


@given(TAGS)
def test_each_tag_is_kept_once(tags: list[str]) -> None:
    assert list(check_tags(tags)) == list(dict.fromkeys(tags))


def test_lists_of_any_priority_belong_to_their_queue() -> None:
    assert queue_of(kinds.add.message((1, 2), queue="slow", priority=9).queue) == "slow"
    assert queue_of("slow") == "slow"
    assert queue_of("") == DEFAULT_QUEUE


@pytest.mark.parametrize(
    ("tags", "field"),
    [
        ("urgent", "tags"),
        (5, "tags"),
        (["a"] * 9, "tags"),
        (["a", ""], r"tags\[1\]"),
        ([5], r"tags\[0\]"),
        (["a\nb"], r"tags\[0\]"),
        (["x" * (MAX_TAG_CHARACTERS + 1)], r"tags\[0\]"),
    ],
)
def test_invalid_tags_are_refused(tags: Any, field: str) -> None:
    with pytest.raises(InvalidField, match=f"^{field}:"):
        kinds.add.message((1, 2), tags=tags)

    with pytest.raises(InvalidField, match=f"^{field}:"):
        kinds.add.build((1, 2), tags=tags)


def test_tags_stay_off_the_message() -> None:
    quick, built = kinds.add.message((1, 2), tags=["a"]), kinds.add.build((1, 2), tags=["a"])

    assert quick.tags == built.tags == ("a",)
    assert "tag" not in built.text.replace("delivery_tag", "")
    assert kinds.add.s(1, 2).set(tags=["a"]).options == {"tags": ["a"]}
