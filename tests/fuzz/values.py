"""Random values, options and messages, most of them a little wrong."""

import base64
import json
import uuid
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from random import Random
from typing import Any

TEXTS = [
    *(
        "",
        "a",
        "ä€",
        "\x00",
        "\n",
        '"',
        "\\",
        "\ud800",
        "\udfff x",
        "😀",
        "👩\u200d💻",
        "\u202e",
        "'",
    ),
    *("NaN", "null", "1e400", "__type__", "celery", "x" * 300, "y" * 5_000, "<b>", "%s", "{}"),
]
NUMBERS = [
    *(0, 1, -1, 2**31, 2**53 + 1, 2**63, -(2**64), 10**40, True, False, 0.0, -0.0, 1.5, 1e-320),
    *(1e300, float("nan"), float("inf"), float("-inf"), Decimal("1.10"), Decimal("NaN"), 1j),
]
MOMENTS = [
    *(datetime(2026, 1, 1), datetime(2026, 1, 1, tzinfo=UTC), datetime.min, datetime.max),
    *(date(2026, 1, 1), time(12), timedelta(days=1), timedelta.max),
]
OBJECTS: list[Callable[[], Any]] = [
    *(object, uuid.uuid4, set, bytearray, lambda: {1, 2}, lambda: b"\xff", lambda: print),
    *(lambda: type, lambda: iter([1]), lambda: ValueError("x"), lambda: range(3)),
    lambda: {"__type__": "datetime", "__value__": "never"},
    lambda: {"__type__": "uuid", "__value__": {"hex": "no"}},
    lambda: {1: "a", None: "b", (1, 2): "c"},
    lambda: nest(60),
    lambda: nest(5_000),
]
QUEUES = ["celery", "fuzz", "a b", "", "ä", "x" * 300, "\n", "\ud800", "control", "q:1", "{q}"]
OPTIONS: dict[str, list[Any]] = {
    "countdown": [0, 1, -5, 30, 1e9, 1e300],
    "eta": [datetime(2020, 1, 1), "2030-01-01T00:00:00", "tomorrow"],
    "expires": [0, -1, 60, 1e12, datetime(2020, 1, 1), datetime(2040, 1, 1), "2040-01-01"],
    "priority": [0, 3, 9, 10, -1],
    "queue": QUEUES,
    "max_retries": [0, 1, 5, -1, 10**9],
    "time_limit": [1, 0, -1, 1e9],
    "soft_time_limit": [1, 0, -1, 1e9],
    "ignore_result": [True, False],
    "tags": [[], ["a"], ["a", "a"], ["x" * 300], "a", [1]],
    "unique": ["one", "", "x" * 600, 5],
    "headers": [
        {},
        {"a": 1},
        {"id": "other"},
        {"task": "none"},
        {"retries": 5},
        {"eta": 5},
        {"x": "\n"},
    ],
    "task_id": ["one", "", "x" * 300, 'a"b', "a\nb", "ä", "../x"],
    "root_id": ["r"],
    "parent_id": ["p"],
    "group_id": ["g"],
    "serializer": ["json", "pickle", "yaml", "no"],
    "compression": ["gzip", "no"],
    "shadow": ["other name"],
    "reply_to": ["somebody"],
    "app_id": ["app"],
    "exchange": ["e"],
    "routing_key": ["celery"],
    "retry": [True],
    "link": [None, []],
    "link_error": [None, []],
    "callback_url": ["http://127.0.0.1:1/", "no url", 5],
    "stamped_headers": [["a"]],
    "tag": ["a typo"],
}
"""Options of a call with values that are right, wrong and odd; any other value may come, too."""


def nest(levels: int) -> Any:
    """A list in a list, and so on."""
    value: list[Any] = []
    for _ in range(levels):
        value = [value]
    return value


def make_value(random: Random, levels: int = 3) -> Any:
    """Any value: often JSON, sometimes not."""
    choice = random.random()
    if choice < 0.3:
        return random.choice(TEXTS)
    if choice < 0.6:
        return random.choice(NUMBERS)
    if choice < 0.75 or not levels:
        make = random.choice([lambda: random.choice(MOMENTS), random.choice(OBJECTS), lambda: None])
        return make()
    count = random.randint(0, 3)
    if choice < 0.87:
        return [make_value(random, levels - 1) for _ in range(count)]
    keys = [random.choice(TEXTS) for _ in range(count)]
    return {key: make_value(random, levels - 1) for key in keys}


def make_options(random: Random) -> dict[str, Any]:
    """Options of a call: none to three, each with a value of its list or any other."""
    names = random.sample(sorted(OPTIONS), random.choice([0, 0, 1, 1, 2, 3]))
    return {
        name: random.choice(OPTIONS[name]) if random.random() < 0.8 else make_value(random)
        for name in names
    }


def make_message(random: Random) -> bytes:
    """A message for a queue: that of a stock client, or one that went wrong on its way."""
    text = json.dumps(build_message(random)).encode()
    choice = random.random()
    if choice < 0.1:
        return text[: random.randrange(len(text))]
    if choice < 0.3:
        return flip_bytes(random, text)
    if choice < 0.35:
        return random.randbytes(random.randrange(200))
    return text


def build_message(random: Random) -> Any:
    """A message as an object; perhaps with a part that is missing, odd or given twice."""
    embedded = {"callbacks": None, "errbacks": None, "chain": None, "chord": None}
    content = [[1, "a"], {}, embedded]
    if random.random() < 0.2:
        embedded[random.choice(sorted(embedded))] = make_json(random)
    elif random.random() < 0.1:
        content[random.randrange(3)] = make_json(random)
    body = json.dumps(content)
    message: dict[str, Any] = {
        "body": base64.b64encode(body.encode()).decode(),
        "content-type": "application/json",
        "content-encoding": "utf-8",
        "headers": {
            "lang": "py",
            "task": "fuzz.echo",
            "id": str(uuid.UUID(int=random.getrandbits(128))),
            "root_id": None,
            "parent_id": None,
            "retries": 0,
            "eta": None,
            "expires": None,
            "timelimit": [None, None],
            "argsrepr": "()",
            "origin": "gen1@host",
            "group": None,
            "group_index": None,
            "shadow": None,
            "ignore_result": False,
            "replaced_task_nesting": 0,
            "stamped_headers": None,
            "stamps": {},
        },
        "properties": {
            "correlation_id": "c",
            "delivery_mode": 2,
            "delivery_info": {"exchange": "", "routing_key": "celery"},
            "priority": 0,
            "body_encoding": "base64",
            "delivery_tag": "t",
        },
    }
    for _ in range(random.choice([0, 1, 1, 2])):
        change(random, message)
    return message


def change(random: Random, message: dict[str, Any]) -> None:
    """Remove a part of the message, or replace it with any JSON."""
    place = random.choice([message, message["headers"], message["properties"]])
    if not isinstance(place, dict) or not place:
        return
    name = random.choice(sorted(place))
    if place is message and name in ("headers", "properties"):
        return
    if random.random() < 0.3:
        del place[name]
    else:
        place[name] = make_json(random)


def make_json(random: Random) -> Any:
    """Any value that JSON has."""
    while True:
        value = make_value(random, 2)
        try:
            json.dumps(value)
        except (TypeError, ValueError, RecursionError):
            continue
        return value


def flip_bytes(random: Random, text: bytes) -> bytes:
    """The text with a few other bytes."""
    changed = bytearray(text)
    for _ in range(random.randint(1, 3)):
        changed[random.randrange(len(changed))] = random.randrange(256)
    return bytes(changed)
