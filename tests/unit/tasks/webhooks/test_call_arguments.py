"""What can be ordered, and what is refused in which words."""

from typing import Any

import msgspec
import pytest
from kombu.utils.json import dumps, loads

from project.errors import InvalidField
from tasks.webhooks import call_arguments

URL = "https://api.example.com/hooks"

WRONG = {
    "a method that is none": ({"method": "TRACE"}, "call", "Invalid enum value"),
    "a method in small letters": ({"method": "post"}, "call", "Invalid enum value"),
    "no time": ({"timeout": 0.5}, "call", ">= 1"),
    "too much time": ({"timeout": 61}, "call", "<= 60"),
    "an unknown field": ({"verify": False}, "call", "unknown field"),
    "a status that is none": ({"expect": [99]}, "call", ">= 200"),
    "too many statuses": ({"expect": [200] * 21}, "call", "<= 20"),
    "too many headers": ({"headers": {f"X-{n}": "" for n in range(51)}}, "call", "<= 50"),
    "a header that is a number": ({"headers": {"X-A": 1}}, "call", "Expected `str`"),
    "a line end in a value": ({"headers": {"X-A": "a\r\nX-B: b"}}, "headers.X-A", "one line"),
    "a null in a value": ({"headers": {"X-A": "a\x00"}}, "headers.X-A", "one line"),
    "a value that is not ASCII": ({"headers": {"X-A": "é"}}, "headers.X-A", "ASCII"),
    "a value too long": ({"headers": {"X-A": "a" * 4_097}}, "headers.X-A", "4096"),
    "a line end in a name": (
        {"headers": {"X-A\r\n": "a"}},
        "headers.X-A\r\n",
        "is not a valid name",
    ),
    "a colon in a name": ({"headers": {"X-A:": "a"}}, "headers.X-A:", "is not a valid name"),
    "a space in a name": ({"headers": {"X A": "a"}}, "headers.X A", "is not a valid name"),
    "no name": ({"headers": {"": "a"}}, "headers.", "is not a valid name"),
    "a long name": ({"headers": {"a" * 101: "a"}}, f"headers.{'a' * 40}", "is not a valid name"),
    "a header of ours": ({"headers": {"hOsT": "a"}}, "headers.hOsT", "cannot be set"),
    "a length": ({"headers": {"Content-Length": "1"}}, "headers.Content-Length", "connection"),
    "chunks": ({"headers": {"Transfer-Encoding": "chunked"}}, "headers.Transfer-Encoding", "set"),
    "a connection": ({"headers": {"Connection": "upgrade"}}, "headers.Connection", "set"),
    "a header twice": ({"headers": {"X-A": "a", "x-a": "b"}}, "headers.x-a", "twice"),
    "a text too large": ({"body": "é" * 131_073}, "body", "262144 bytes"),
    "JSON too large": ({"body": ["a" * 262_144]}, "body", "262144 bytes"),
}


@pytest.mark.parametrize(("said", "field", "words"), WRONG.values(), ids=WRONG)
def test_an_invalid_call_is_refused_with_what_is_allowed(
    said: dict[str, Any], field: str, words: str
) -> None:
    with pytest.raises(InvalidField) as refused:
        call_arguments.check_call(url=URL, **said)

    assert refused.value.field == field
    assert words in refused.value.problem


def test_a_short_call_gets_the_defaults() -> None:
    assert call_arguments.check_call(url=URL) == call_arguments.Call(
        URL, "POST", {}, None, 10.0, []
    )


@pytest.mark.parametrize(
    ("body", "text", "kind"),
    [
        ({"a": [1, 1.0, None]}, '{"a":[1,1.0,null]}', "application/json"),
        ([], "[]", "application/json"),
        (0, "0", "application/json"),
        (False, "false", "application/json"),
        ("a=b", "a=b", "text/plain; charset=utf-8"),
        ("", "", "text/plain; charset=utf-8"),
        (2**70, str(2**70), "application/json"),
    ],
)
def test_a_body_becomes_text_with_a_content_type(body: Any, text: str, kind: str) -> None:
    call = call_arguments.check_call(url=URL, body=body)
    assert (call.body, call.headers) == (text, {"Content-Type": kind})


def test_a_given_content_type_is_kept() -> None:
    given = {"content-type": "application/x-www-form-urlencoded"}
    assert call_arguments.check_call(url=URL, headers=given, body="a=b").headers == given


@pytest.mark.parametrize("body", [None, "text", {"a": 1}])
def test_checking_twice_changes_nothing(body: Any) -> None:
    once = call_arguments.check_call(url=URL, headers={"X-A": "b"}, body=body, expect=[201])
    assert call_arguments.check_call(**msgspec.structs.asdict(once)) == once


def test_a_call_that_looks_like_a_kombu_value_arrives_unchanged() -> None:
    marked = {"__type__": "datetime", "__value__": "never"}
    call = call_arguments.check_call(url=URL, body=marked)
    assert loads(dumps(msgspec.structs.asdict(call))) == msgspec.structs.asdict(call)

    with pytest.raises(InvalidField):
        call_arguments.check_call(url=URL, headers=marked)
