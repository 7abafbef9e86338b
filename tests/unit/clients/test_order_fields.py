"""``name=value`` on the command line becomes the body of an order."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from continuo_client import Order
from continuo_client.calls import ENCODER
from continuo_client.command.fields import parse_fields, read_body
from continuo_client.command.outcomes import WrongUsage


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2026-05", "2026-05"),
        ("7", 7),
        ("-0.5", Decimal("-0.5")),
        ("true", True),
        ("null", None),
        ('"7"', "7"),
        ("[1, 2]", [1, 2]),
        ('{"a": 1}', {"a": 1}),
        ("NaN", "NaN"),
        ("007", "007"),
        ("", ""),
        ("a=b", "a=b"),
        ("{", "{"),
        ("[" * 100_000, "[" * 100_000),
        ("1" * 9_000, "1" * 9_000),
    ],
    ids=lambda value: ascii(value)[:20],
)
def test_a_value_is_json_if_it_can_be_else_text(text: str, value: Any) -> None:
    body = parse_fields([f"name={text}"], {})

    assert body == {"name": value}
    assert type(body["name"]) is type(value)


def test_digits_of_numbers_are_sent_as_they_were_written() -> None:
    body = parse_fields(["amount=0.10000000000000000001", "big=123456789012345678901"], {})

    assert (
        ENCODER.encode(Order("report", body).build_body())
        == b'{"amount":0.10000000000000000001,"big":123456789012345678901}'
    )


def test_dots_lead_into_objects() -> None:
    pairs = ["filters.month=2026-05", "filters.department=it", "type=monthly"]

    body = parse_fields(pairs, {})

    assert body == {"filters": {"month": "2026-05", "department": "it"}, "type": "monthly"}


def test_fields_replace_those_of_the_body_and_keep_the_others() -> None:
    body = {"filters": {"month": "2026-04", "department": "it"}, "tags": ["a"], "type": "x"}

    merged = parse_fields(["filters.month=2026-05", 'tags=["b"]'], body)

    filters = {"month": "2026-05", "department": "it"}
    assert merged == {"filters": filters, "tags": ["b"], "type": "x"}
    assert body["tags"] == ["a"]


@pytest.mark.parametrize(
    "pairs",
    [
        ["name"],
        ["=1"],
        ["a..b=1"],
        [".a=1"],
        ["a=1", "a=2"],
        ["a=1", "a.b=1"],
        ["a." * 100 + "b=1"],
    ],
    ids=lambda pairs: str(pairs)[:40],
)
def test_a_wrong_field_is_refused_by_its_name(pairs: list[str]) -> None:
    with pytest.raises(WrongUsage, match=rf"^{pairs[-1].partition('=')[0]}[=:]?"):
        parse_fields(pairs, {})


@pytest.mark.parametrize(
    "content",
    [b"", b"[1]", b"[" * 100_000, b"{", b'"a"', b"\xff"],
    ids=lambda content: repr(content[:9]),
)
def test_a_file_must_hold_a_json_object(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "order.json"
    file.write_bytes(content)

    with pytest.raises(WrongUsage, match=r"--json .*order\.json: (is not JSON|must be a JSON obj)"):
        read_body(str(file))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(WrongUsage, match=r"nothing\.json: No such file"):
        read_body(str(tmp_path / "nothing.json"))
