import json
import logging
import sys

import pytest

from api.telemetry.access_log import AccessLine, write_access
from project.messages.trace_context import REQUEST_ID, TRACE_HEADERS
from project.telemetry.logs import JsonFormatter

LINE = AccessLine(
    ts=1.5, method="GET", route="/a/{id}", status=200, ms=0.25, request_id="r", key='"quoted"\n'
)


def format_record(message: str, error: Exception | None = None) -> dict[str, object]:
    cause = (type(error), error, error.__traceback__) if error else None
    record = logging.LogRecord("api", logging.ERROR, "", 0, message, None, cause)
    text = JsonFormatter().format(record)
    assert "\n" not in text
    line: dict[str, object] = json.loads(text)
    return line


def test_a_log_record_is_one_json_line() -> None:
    line = format_record("first\nsecond")

    assert line["message"] == "first\nsecond"
    assert line["level"] == "error"
    assert "request_id" not in line
    assert "traceback" not in line


def test_a_traceback_stays_in_its_line() -> None:
    assert "RuntimeError: inside" in str(format_record("no", RuntimeError("inside"))["traceback"])


def test_a_line_written_while_handling_a_request_carries_its_id() -> None:
    token = TRACE_HEADERS.set({REQUEST_ID: "r-7"})
    try:
        assert format_record("hello")["request_id"] == "r-7"
    finally:
        TRACE_HEADERS.reset(token)


def test_an_access_line_is_one_json_line(capsys: pytest.CaptureFixture[str]) -> None:
    write_access(LINE)

    written = capsys.readouterr().err

    assert written.count("\n") == 1
    assert json.loads(written) == {
        "ts": 1.5,
        "method": "GET",
        "route": "/a/{id}",
        "status": 200,
        "ms": 0.25,
        "request_id": "r",
        "key": '"quoted"\n',
    }


def test_a_closed_stderr_does_not_fail_the_request(monkeypatch: pytest.MonkeyPatch) -> None:
    with open("/dev/null", "w") as closed:  # noqa: PTH123 - an object to close, not a file to read
        pass
    monkeypatch.setattr(sys, "stderr", closed)
    write_access(LINE)
