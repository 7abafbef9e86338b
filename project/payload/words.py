"""Says what msgspec says about a wrong value in words for the person who sent it."""

import re
from collections.abc import Callable

NAMES = {
    "int": "an integer",
    "float": "a number",
    "str": "a text",
    "bool": "true or false",
    "array": "a list",
    "object": "an object",
    "null": "null",
    "datetime": "a date and time",
    "date": "a date",
    "time": "a time of day",
    "duration": "a duration",
    "uuid": "a UUID",
    "decimal": "a decimal number",
    "bytes": "a text in base64",
}
EXAMPLES = {
    "RFC3339 encoded datetime": "a date and time such as 2026-01-31T12:00:00Z",
    "RFC3339 encoded date": "a date such as 2026-01-31",
    "RFC3339 encoded time": "a time such as 12:00:00Z",
    "ISO8601 duration": "a duration such as P1DT2H",
    "UUID": "a UUID",
    "decimal string": "a decimal number",
    "base64 encoded string": "a text in base64",
}
UNITS = {
    "str": ("character", "characters"),
    "array": ("item", "items"),
    "object": ("entry", "entries"),
}
BOUNDS = {">=": "at least", "<=": "at most", ">": "more than", "<": "less than", "==": "exactly"}

type Rewrite = Callable[[re.Match[str]], str]


def explain_type(match: re.Match[str]) -> str:
    """A value of another type."""
    return f"must be {name_types(match[1])}, not {name_types(match[2])}"


def explain_bound(match: re.Match[str]) -> str:
    """A number that is too small or too large."""
    return f"must be {BOUNDS[match[2]]} {match[3].removesuffix('.0')}"


def explain_length(match: re.Match[str]) -> str:
    """A text, list or object that is too short or too long."""
    one, many = UNITS.get(match[1], ("item", "items"))
    return f"must have {BOUNDS[match[2]]} {match[3]} {one if match[3] == '1' else many}"


def explain_count(match: re.Match[str]) -> str:
    """A list with more or fewer items than its type has."""
    return f"must have {match[1]} items, not {match[2]}"


def explain_multiple(match: re.Match[str]) -> str:
    """A number that is no multiple of another."""
    return f"must be a multiple of {match[1]}"


def explain_form(match: re.Match[str]) -> str:
    """A text that should be a date, a UUID or the like."""
    return f"must be {EXAMPLES.get(match[1], match[1])}"


REWRITES: tuple[tuple[re.Pattern[str], Rewrite], ...] = (
    (re.compile(r"Expected `(.+)`, got `(.+)`"), explain_type),
    (re.compile(r"Expected `(\w+)` of length (>=|<=|==) (\d+)"), explain_length),
    (re.compile(r"Expected `array` of length (.+), got (\d+)"), explain_count),
    (re.compile(r"Expected `(\w+)` (>=|<=|>|<) (\S+)"), explain_bound),
    (re.compile(r"Expected `\w+` that's a multiple of (\S+)"), explain_multiple),
    (
        re.compile(r"Expected `str` matching regex .*", re.DOTALL),
        lambda _: "has a form or characters that are not allowed",
    ),
    (re.compile(rf"Invalid ({'|'.join(EXAMPLES)})"), explain_form),
    (re.compile(r"Invalid enum value (.+)", re.DOTALL), lambda match: f"{match[1]} is not allowed"),
)


def explain(text: str) -> str:
    """What a text of msgspec means; a text of another form stays as it is."""
    for pattern, rewrite in REWRITES:
        if match := pattern.fullmatch(text):
            return rewrite(match)
    return text


def name_types(types: str) -> str:
    """The names of JSON types: ``int | null`` is "an integer or null"."""
    names = [NAMES.get(part, part) for part in types.split(" | ")]
    *others, last = names
    return f"{', '.join(others)} or {last}" if others else last
