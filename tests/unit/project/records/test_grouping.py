"""Labels: kind, queue and index_keys of a job in one text."""

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from project.errors import InvalidField
from project.records.labels import (
    DEFAULT_QUEUE,
    MAX_TAG_CHARACTERS,
    Label,
    parse_label,
    queue_of,
    tag_keys,
)
from tests.support.apps import kinds

LINES = st.text(min_size=1).filter(lambda text: "\n" not in text)
TAGS = st.lists(st.from_regex(re.compile(r"[ -~é]{1,64}"), fullmatch=True), max_size=8)


@given(LINES, LINES, TAGS)
def test_a_label_is_read_as_it_was_written(kind: str, queue: str, tags: list[str]) -> None:
    label = Label(kind, queue, tag_keys(tags))
    assert parse_label(label.to_text()) == label
    assert label.tags == list(dict.fromkeys(tags))


def test_a_job_with_the_default_queue_and_no_tags_is_labelled_by_its_kind_alone() -> None:
    assert Label("report").to_text() == "report"
    assert Label("report", index_keys=tag_keys(["a"])).to_text() == "report\n\ntag:a"
    assert Label("report", "slow", tag_keys(["a"])).kind_queue == "report\nslow"


def test_a_kind_name_cannot_smuggle_in_a_queue() -> None:
    assert parse_label(Label("report\nslow").to_text()) == Label("report slow")


def test_other_index_keys_are_not_tags() -> None:
    label = Label("report", index_keys=("tenant:acme", *tag_keys(["a"])))
    assert parse_label(label.to_text()) == label
    assert label.tags == ["a"]


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

    assert quick.index_keys == built.index_keys == ("tag:a",)
    assert "tag" not in built.text.replace("delivery_tag", "")
    assert kinds.add.s(1, 2).set(tags=["a"]).options == {"tags": ["a"]}
