"""What is sent, what an answer means, and what of it is kept."""

import json
import time
from email.utils import formatdate
from typing import Any

import pytest

from project.errors import PermanentError, TransientError
from project.version import read_version
from tasks.webhooks import call_arguments, calls, guard
from tasks.webhooks.calls import CallResponse, RetryRequested
from tasks.webhooks.redaction import collect_pieces, mask_pieces

URL = "https://api.example.com/hooks/abcdefghijklmnopqrst?token=query%2Fsecret&n=1"
TARGET = guard.parse_url(URL)


def call(**said: Any) -> call_arguments.Call:
    return call_arguments.check_call(**{"url": URL} | said)


def build_lines(**said: Any) -> tuple[list[str], str]:
    """The lines of a request's head, and its body."""
    head, _, body = (
        calls.build_request(call(**said), TARGET, "the-id").decode().partition("\r\n\r\n")
    )
    return head.split("\r\n"), body


def test_a_request_names_its_sender_and_its_job() -> None:
    head, body = build_lines(body={"a": "é"})
    assert head == [
        "POST /hooks/abcdefghijklmnopqrst?token=query%2Fsecret&n=1 HTTP/1.1",
        "Host: api.example.com",
        f"User-Agent: continuo/{read_version()}",
        "Idempotency-Key: the-id",
        "Accept-Encoding: identity",
        "Connection: close",
        "Content-Length: 10",
        "Content-Type: application/json",
    ]
    assert body == '{"a":"é"}'


def test_the_headers_of_the_order_win_over_the_defaults() -> None:
    head, _ = build_lines(headers={"user-agent": "them", "IDEMPOTENCY-KEY": "theirs", "X-A": ""})
    assert {"user-agent: them", "IDEMPOTENCY-KEY: theirs", "X-A: "} < set(head)
    assert not {f"User-Agent: continuo/{read_version()}", "Idempotency-Key: the-id"} & set(head)


@pytest.mark.parametrize(
    ("method", "length"), [("GET", False), ("HEAD", False), ("DELETE", False), ("PUT", True)]
)
def test_only_methods_with_a_body_send_a_content_length_of_zero(method: str, length: bool) -> None:
    head, body = build_lines(method=method)
    assert ("Content-Length: 0" in head, body) == (length, "")


def check_status(status: int, expect: list[int], **headers: str) -> None:
    calls.check_status(CallResponse(status, headers, "no"), call(expect=expect), TARGET)


@pytest.mark.parametrize(
    ("status", "expect"), [(200, []), (204, []), (299, []), (404, [404]), (503, [200, 503])]
)
def test_an_expected_status_is_a_success(status: int, expect: list[int]) -> None:
    check_status(status, expect)


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504, 599])
@pytest.mark.parametrize("expect", [[], [201]])
def test_a_temporary_status_is_retried(status: int, expect: list[int]) -> None:
    with pytest.raises(TransientError, match=f"https://api.example.com answered {status}: no"):
        check_status(status, expect)


@pytest.mark.parametrize(
    ("status", "expect"), [(103, []), (301, []), (304, []), (400, []), (410, []), (200, [201])]
)
def test_any_other_status_is_final(status: int, expect: list[int]) -> None:
    with pytest.raises(PermanentError, match=f"answered {status}"):
        check_status(status, expect)


def test_retry_after_of_the_server_is_used() -> None:
    with pytest.raises(RetryRequested) as put_off:
        check_status(429, [], **{"retry-after": "90"})
    assert put_off.value.after == 90


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0),
        ("120", 120),
        ("3601", 3_600),
        ("9" * 5_000, 3_600),
        ("-5", 0),
        ("1.5", 0),
        ("nan", 0),
        ("soon", 0),
        ("", 0),
        ("1, 2", 0),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 3_600),
        ("Fri, 31 Dec 99999 23:59:59 GMT", 0),
        ("Fri, 99 Xyz 2000 99:99:99 GMT", 0),
    ],
)
def test_retry_after_is_seconds_a_date_or_nothing(text: str, seconds: float) -> None:
    assert calls.parse_retry_after(text) == seconds


def test_retry_after_with_a_date_is_the_time_until_then() -> None:
    assert calls.parse_retry_after(formatdate(time.time() + 60, usegmt=True)) == pytest.approx(
        60, abs=2
    )


def redact(answer: str, /, **said: Any) -> str:
    return calls.redact_response(CallResponse(200, {}, answer), call(**said)).body


def test_the_first_characters_of_an_answer_are_kept() -> None:
    assert redact("é" * 3_000) == "é" * 2_048


@pytest.mark.parametrize(
    "said",
    [
        {"headers": {"Authorization": "Bearer hunter2-hunter2-hunter2"}},
        {"headers": {"X-Key": "hunter2-hunter2-hunter2"}},
        {"body": "hunter2-hunter2-hunter2"},
        {"body": "password=hunter2-hunter2-hunter2&user=ada"},
        {"body": {"deep": [{"password": "hunter2-hunter2-hunter2"}]}},
        {"url": "https://api.example.com/?key=hunter2-hunter2-hunter2"},
        {"url": "https://api.example.com/?key=hunter2%2Dhunter2%2Dhunter2"},
        {"url": "https://hooks.example.com/services/hunter2-hunter2-hunter2"},
    ],
)
def test_a_secret_that_the_answer_repeats_is_hidden(said: dict[str, Any]) -> None:
    answer = '{"said": "hunter2-hunter2-hunter2", "id": 7}'
    assert redact(answer, **said) == '{"said": "***", "id": 7}'


@pytest.mark.parametrize("secret", ['a"quoted"secret', "\u00fcmlaut-secret", "back\\slash"])
def test_a_secret_in_its_json_spelling_is_hidden(secret: str) -> None:
    found = collect_pieces(call(body={"a": secret}))
    for answer in call_arguments.encode_body([secret]), json.dumps([secret]):
        assert mask_pieces(str(answer), found) == '["***"]'


def test_a_long_secret_is_hidden_when_only_its_start_is_repeated() -> None:
    secret = "".join(f"{number:04}" for number in range(2_000))
    assert set(redact(secret[:640], body=secret)) == {"*"}


def test_short_values_and_content_types_are_not_hidden() -> None:
    said = {"headers": {"X-A": "short", "Content-Type": "application/json"}, "body": "{}"}
    assert redact("short application/json", **said) == "short application/json"


def test_an_error_is_one_line_without_the_path() -> None:
    answer = calls.redact_response(CallResponse(400, {}, "a\r\n\x1b[2Jb query/secret"), call())

    with pytest.raises(PermanentError) as failed:
        calls.check_status(answer, call(), TARGET)

    assert str(failed.value) == "https://api.example.com answered 400: a   [2Jb ***"
