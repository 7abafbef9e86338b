"""What the command reads from the events of a job."""

import pytest

from project.cli.client import ApiAnswer
from project.cli.watching import JobEvent, parse_events, parse_pause


def answer_of(text: str) -> ApiAnswer:
    return ApiAnswer(200, text.encode(), 0.0)


def test_events_have_a_name_a_place_and_data() -> None:
    change = 'id: 5-1\ndata: {"status":"running"}\n\n'
    end = 'event: end\ndata: {"id":"ä: \u2028b"}\n\n'

    events = parse_events(answer_of(f"retry: 0\n\n{change}{end}id: 6-0\n\n"))

    assert events[1:] == [
        JobEvent("", "5-1", {"status": "running"}),
        JobEvent("end", "", {"id": "ä: \u2028b"}),
        JobEvent("", "6-0", None),
    ]


@pytest.mark.parametrize(
    ("head", "seconds"),
    [("retry: 500", 0.5), ("retry: 0", 0.05), ("", 0.05), ("retry: 999999", 10)],
)
def test_the_pause_is_what_the_api_asks_for_within_bounds(head: str, seconds: float) -> None:
    assert parse_pause(answer_of(f"{head}\n\n: Redis is away\n\n")) == seconds
