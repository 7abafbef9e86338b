"""What a call may say about its job; anything else is refused before the job exists."""

from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime, tzinfo
from typing import Any

from celery.utils.time import maybe_make_aware

from project.errors import InvalidField

MAX_ATTEMPTS_HEADER = "max_attempts"
"""The header with the maximum number of attempts of a job. Retries copy it."""

MAX_ID_CHARACTERS = 255

MAX_ATTEMPTS = 1_000_000
"""The most attempts that a job can have; also those of a job without a limit."""

CALL_OPTIONS = (
    "add_to_parent",
    "app_id",
    "callback_url",
    "countdown",
    "eta",
    "expires",
    "headers",
    "ignore_result",
    "link",
    "link_error",
    "max_retries",
    "message_id",
    "priority",
    "queue",
    "reply_to",
    "shadow",
    "soft_time_limit",
    "tags",
    "task_id",
    "time_limit",
    "type",
    "unique",
    "user_id",
)
"""The options of a call, as an error lists them."""

TEXT_PROPERTIES = ("app_id", "message_id", "type", "user_id")
"""Properties of a message that mean nothing to us; a job finds them in ``request.properties``."""

INTERNAL_PROPERTIES = frozenset(
    {
        *("correlation_id", "reply_to", "delivery_mode", "declare", "expiration", "compression"),
        *("retry", "retry_policy", "timeout", "confirm_timeout", "immediate", "mandatory"),
        *("argsrepr", "kwargsrepr", "origin", "now", "timezone", "immutable", "chord_size"),
    }
)
"""What Celery passes to a producer beside the text properties, or what changes nothing here."""

ROUTING_OPTIONS = ("exchange", "routing_key", "exchange_type")


def check_id(job_id: Any) -> str:
    """Return the id of a job. Raises ``InvalidField``: ids stand in JSON, URLs and log lines."""
    is_valid = (
        isinstance(job_id, str)
        and 0 < len(job_id) <= MAX_ID_CHARACTERS
        and job_id.isprintable()
        and not {'"', "\\"}.intersection(job_id)
    )
    if not is_valid:
        raise InvalidField(
            "task_id",
            f"{job_id!r:.300} is not allowed: use 1 to {MAX_ID_CHARACTERS} printable characters"
            ' other than " and \\',
        )
    text: str = job_id
    return text


def check_max_retries(attempts: int, field: str = "max_retries") -> int:
    """Return a number of attempts. Raises ``InvalidField``."""
    if not isinstance(attempts, int) or not 1 <= attempts <= MAX_ATTEMPTS:
        raise InvalidField(field, f"{attempts!r} is not a number from 1 to {MAX_ATTEMPTS}")
    return attempts


def check_priority(priority: Any) -> int:
    """The priority of a message, 0 for None. Raises ``InvalidField``."""
    if priority is None:
        return 0
    if isinstance(priority, bool) or not isinstance(priority, int):
        raise InvalidField("priority", f"{priority!r} is not a whole number from 0 to 9")
    return priority


def check_serializer(serializer: str) -> None:
    """Raise ``InvalidField`` for a serializer other than JSON."""
    if serializer != "json":
        raise InvalidField("serializer", f"{serializer!r} is not allowed: jobs are sent as 'json'")


def prepare_options(options: dict[str, Any], zone: tzinfo) -> dict[str, Any]:
    """The options of a call as Celery takes them. Raises ``InvalidField``.

    A time without a zone is in ``zone``. ``max_retries`` becomes a header.
    """
    check_routing(options)
    check_time_limits(options.get("soft_time_limit"), options.get("time_limit"))
    attempts = options.get("max_retries")
    prepared = {name: value for name, value in options.items() if name != "max_retries"}
    for name in ("eta", "expires"):
        if options.get(name):
            prepared[name] = locate_time(options[name], zone)
    if attempts is not None:
        limit = {MAX_ATTEMPTS_HEADER: check_max_retries(attempts)}
        prepared["headers"] = limit | (options.get("headers") or {})
    return prepared


def locate_time(moment: Any, zone: tzinfo) -> Any:
    """A time, a ``datetime`` or in ISO 8601, with its zone; anything else as it is."""
    if isinstance(moment, str):
        with suppress(ValueError):
            moment = datetime.fromisoformat(moment)
    return maybe_make_aware(moment, zone) if isinstance(moment, datetime) else moment


def check_time_limits(soft: float | None, hard: float | None) -> None:
    """Raise ``InvalidField`` when the soft limit comes after the hard one."""
    if soft and hard and soft > hard:
        problem = "soft_time_limit must be less than or equal to time_limit"
        raise InvalidField("soft_time_limit", f"{problem}, {soft} is more than {hard}")


def check_routing(options: dict[str, Any]) -> None:
    """Raise ``InvalidField`` for a call that names an exchange: queues are named directly."""
    for name in ROUTING_OPTIONS:
        if options.get(name):
            value = options[name]
            raise InvalidField(
                name, f"jobs are sent to queues by name, not to {name} {value!r}: use queue="
            )


def pick_properties(properties: dict[str, Any]) -> dict[str, str]:
    """The text properties of a message. Raises ``InvalidField`` for an unknown option."""
    check_names(properties)
    found = {name: properties[name] for name in TEXT_PROPERTIES if properties.get(name)}
    for name, value in found.items():
        if not isinstance(value, str) or len(value) > MAX_ID_CHARACTERS:
            raise InvalidField(name, f"must be a text of at most {MAX_ID_CHARACTERS} characters")
    return found


def check_names(names: Iterable[str]) -> None:
    """Raise ``InvalidField`` for an option that no call has."""
    unknown = sorted({*names} - INTERNAL_PROPERTIES.union(TEXT_PROPERTIES))
    if unknown:
        allowed = ", ".join(CALL_OPTIONS)
        raise InvalidField(unknown[0], f"is not an option of a call; allowed are {allowed}")
