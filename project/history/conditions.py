"""Conditions on rows, as SQL with parameters. No text of a caller becomes SQL."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import msgspec

from project.errors import InvalidField

IS_PATH = re.compile(r"(payload|result)(\.[\w-]{1,100}){1,10}").fullmatch
"""``payload.order.id``: names of members, or places in lists, of letters, digits, _ and -."""

IS_PLAIN = re.compile(r"[\w .@:+-]+", re.ASCII).fullmatch
"""A value that is written in JSON as it is."""


PAYLOAD_CONDITION = (
    "(coalesce(json_extract_string(payload, ?), json_extract_string(payload, ?)) = ?"
    " OR list_contains(json_extract_string(payload, ?)::VARCHAR[], ?))"
)


TEXTS = ("id", "error", "array_to_string(tags, chr(10))")
"""What is a text, not JSON."""


class HistoryFilter(NamedTuple):
    """Which ended jobs are wanted; an empty part means all.

    Times are seconds since 1970, exclusive. ``values``: path in payload or result -> its text.
    ``tenant``: None for the jobs of all. ``text``: a part of its id, a tag, its error, payload or
    result.
    """

    job_id: str = ""
    statuses: tuple[str, ...] = ()
    kind: str = ""
    queue: str = ""
    tag: str = ""
    error: str = ""
    tenant: str | None = None
    created_after: float | None = None
    created_before: float | None = None
    finished_after: float | None = None
    finished_before: float | None = None
    values: Mapping[str, str] = {}
    text: str = ""

    @property
    def earliest(self) -> float | None:
        """The time before which none of the jobs ended."""
        times = [time for time in (self.created_after, self.finished_after) if time is not None]
        return max(times, default=None)


type Condition = tuple[str, list[Any]]
"""SQL and its parameters."""


def join_conditions(wanted: HistoryFilter) -> Condition:
    """One condition on ``rows``. Raises ``InvalidField`` for a path that is none."""
    parts = [("true", []), *list_conditions(wanted)]
    return " AND ".join(sql for sql, _ in parts), [value for _, these in parts for value in these]


def list_conditions(wanted: HistoryFilter) -> Iterator[Condition]:
    """A condition for each part of the filter."""
    if wanted.job_id:
        yield "id = ?", [wanted.job_id]
    if wanted.statuses:
        yield "list_contains(?::VARCHAR[], status)", [list(wanted.statuses)]
    if wanted.kind:
        yield "kind = ?", [wanted.kind]
    if wanted.queue:
        yield "queue = ?", [wanted.queue]
    if wanted.tag:
        yield "list_contains(tags, ?)", [wanted.tag]
    if wanted.error:
        yield "contains(error, ?)", [wanted.error]
    if wanted.text:
        yield build_text_condition(wanted.text)
    yield from list_time_conditions(wanted)
    for path, value in wanted.values.items():
        yield build_value_condition(path, value)


def build_text_condition(text: str) -> Condition:
    """Look for a text everywhere in a row; in JSON also as JSON writes it."""
    written = dict.fromkeys((text, msgspec.json.encode(text).decode()[1:-1]))
    places = [(column, text) for column in TEXTS]
    places += [(column, form) for column in ("payload", "result") for form in written]
    sql = " OR ".join(f"contains({column}, ?)" for column, _ in places)
    return f"({sql})", [form for _, form in places]


def list_time_conditions(wanted: HistoryFilter) -> Iterator[Condition]:
    """The conditions on times, in microseconds."""
    if wanted.created_after is not None:
        yield "created_at > ?", [to_microseconds(wanted.created_after)]
    if wanted.created_before is not None:
        yield "created_at < ?", [to_microseconds(wanted.created_before)]
    if wanted.finished_after is not None:
        yield "finished_at > ?", [to_microseconds(wanted.finished_after)]
    if wanted.finished_before is not None:
        yield "finished_at < ?", [to_microseconds(wanted.finished_before)]


def build_value_condition(path: str, value: str) -> Condition:
    """Compare the value at a path, as text.

    A path in the payload is one in ``kwargs``, in the first of ``args``, or in a member of
    ``kwargs``: a kind whose order is one object has the fields there.
    """
    if not IS_PATH(path):
        raise InvalidField(
            path, "must be payload. or result. and up to 10 names of letters, digits, _ and -"
        )
    column, *names = path.split(".")
    pointer = "/" + "/".join(names)
    if column == "result":
        sql, parameters = "json_extract_string(result, ?) = ?", [pointer, value]
    else:
        inner = "$.kwargs.*" + "".join(f"[{n}]" if n.isdecimal() else f'."{n}"' for n in names)
        sql, parameters = PAYLOAD_CONDITION, [f"/kwargs{pointer}", f"/args/0{pointer}", value]
        parameters += [inner, value]
    if IS_PLAIN(value):  # looking for the text is quicker than reading the JSON
        return f"(contains({column}, ?) AND {sql})", [value, *parameters]
    return sql, parameters


def to_microseconds(seconds: float) -> int:
    """A time of a filter as rows have it, at most some 100,000 years away."""
    return round(min(max(seconds, -3e12), 3e12) * 1_000_000)
