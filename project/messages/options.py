"""What a call may say about its job; anything else is refused before the job exists."""

from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime, tzinfo
from typing import Any

from celery.utils.time import maybe_make_aware
from kombu import Queue

from project.errors import InvalidField

MAX_ATTEMPTS_HEADER = "max_attempts"

EXPIRES_AFTER_HEADER = "expires_after"
"""The header with the seconds of ``expires``; Celery makes a moment of them by its own clock."""

"""The header with the maximum number of attempts of a job. Retries copy it."""

MAX_ID_CHARACTERS = 255

MAX_ATTEMPTS = 1_000_000
"""The most attempts that a job can have; also those of a job without a limit."""

MAX_SECONDS = 100 * 365 * 86_400
"""The longest countdown or expiry: a hundred years."""

CALL_OPTIONS = (
    "add_to_parent",
    "app_id",
    "callback_url",
    "countdown",
    "eta",
    "expires",
    "headers",
    "ignore_result",
    "lane",
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

RESERVED_HEADERS = frozenset(
    {
        *("id", "task", "retries", "eta", "expires", "timelimit", "root_id", "parent_id"),
        *("group", "group_index", "argsrepr", "kwargsrepr"),
    }
)
"""Headers that a message has from the other options of its call."""

ROUTING_OPTIONS = ("exchange", "routing_key", "exchange_type")


def check_id(job_id: Any) -> str:
    """Return the id of a job. Raises ``InvalidField``: ids stand in JSON, URLs and log lines."""
    is_valid = (
        isinstance(job_id, str)
        and 0 < len(job_id) <= MAX_ID_CHARACTERS
        and job_id.isprintable()
        and '"' not in job_id
        and "\\" not in job_id
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
    is_number = isinstance(attempts, int) and not isinstance(attempts, bool)
    if not is_number or not 1 <= attempts <= MAX_ATTEMPTS:
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

    A time without a zone is in ``zone``. ``max_retries`` and the seconds of ``expires`` become
    headers.
    """
    check_routing(options)
    check_time_limits(options.get("soft_time_limit"), options.get("time_limit"))
    attempts = options.get("max_retries")
    prepared = {name: value for name, value in options.items() if name != "max_retries"}
    check_headers(options.get("headers"))
    check_stamps(options)
    if (countdown := options.get("countdown")) is not None:
        check_seconds("countdown", countdown)
        prepared["delay"] = countdown  # Celery makes a moment of it, by the clock of this machine
    for name in ("eta", "expires"):
        if options.get(name) is not None:
            prepared[name] = locate_time(options[name], zone)
            check_moment(name, prepared[name], allows_seconds=name == "expires")
    added = {}
    if attempts is not None:
        added[MAX_ATTEMPTS_HEADER] = check_max_retries(attempts)
    if isinstance(options.get("expires"), (int, float)):
        added[EXPIRES_AFTER_HEADER] = options["expires"]
    if added:
        prepared["headers"] = added | (options.get("headers") or {})
    return prepared


def locate_time(moment: Any, zone: tzinfo) -> Any:
    """A time, a ``datetime`` or in ISO 8601, with its zone; anything else as it is."""
    if isinstance(moment, str):
        with suppress(ValueError):
            moment = datetime.fromisoformat(moment)
    return maybe_make_aware(moment, zone) if isinstance(moment, datetime) else moment


def check_moment(name: str, moment: Any, *, allows_seconds: bool) -> None:
    """Raise ``InvalidField`` for what is no time, or no number of seconds where that is allowed."""
    if isinstance(moment, datetime):
        return
    if not allows_seconds:
        raise InvalidField(name, f"{moment!r:.100} is not a datetime or a time in ISO 8601")
    if isinstance(moment, str):
        raise InvalidField(name, f"{moment!r:.100} is not a time in ISO 8601")
    check_seconds(name, moment)


def check_seconds(name: str, seconds: Any) -> None:
    """Raise ``InvalidField`` for what is no number of seconds; ``None`` is allowed."""
    is_number = isinstance(seconds, (int, float)) and not isinstance(seconds, bool)
    if seconds is None or (is_number and -MAX_SECONDS <= seconds <= MAX_SECONDS):
        return
    raise InvalidField(name, f"{seconds!r:.100} is not a number of seconds up to {MAX_SECONDS}")


def check_headers(headers: Any) -> None:
    """Raise ``InvalidField`` for headers that would change what the message says of its job."""
    if headers is not None and not isinstance(headers, dict):
        raise InvalidField("headers", f"{headers!r:.100} is not a dict")
    reserved = sorted(RESERVED_HEADERS.intersection(headers or ()))
    if reserved:
        raise InvalidField(f"headers.{reserved[0]}", "is set by the other options of the call")


def check_stamps(options: dict[str, Any]) -> None:
    """Raise ``InvalidField`` when ``stamped_headers`` names a header that the call has not."""
    names = options.get("stamped_headers")
    if names and not (isinstance(names, (list, tuple)) and all(name in options for name in names)):
        raise InvalidField("stamped_headers", f"{names!r:.100} are not options of this call")


def check_time_limits(soft: float | None, hard: float | None) -> None:
    """Raise ``InvalidField`` when the soft limit comes after the hard one."""
    if soft and hard and soft > hard:
        problem = "soft_time_limit must be less than or equal to time_limit"
        raise InvalidField("soft_time_limit", f"{problem}, {soft} is more than {hard}")


def check_routing(options: dict[str, Any]) -> None:
    """Raise ``InvalidField`` for a call that names an exchange: queues are named directly."""
    queue = options.get("queue")
    name = queue.name if isinstance(queue, Queue) else queue
    if name is not None and not is_short_text(name):
        raise InvalidField(
            "queue", f"{name!r:.100} is not a text of 1 to {MAX_ID_CHARACTERS} characters"
        )
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
        if not is_short_text(value):
            raise InvalidField(name, f"must be a text of at most {MAX_ID_CHARACTERS} characters")
    return found


def is_short_text(value: Any) -> bool:
    """Whether a value is a text of 1 to ``MAX_ID_CHARACTERS`` whole characters."""
    if not isinstance(value, str) or not 0 < len(value) <= MAX_ID_CHARACTERS:
        return False
    return not any("\ud800" <= character <= "\udfff" for character in value)


def check_names(names: Iterable[str]) -> None:
    """Raise ``InvalidField`` for an option that no call has."""
    unknown = sorted({*names} - INTERNAL_PROPERTIES.union(TEXT_PROPERTIES))
    if unknown:
        allowed = ", ".join(CALL_OPTIONS)
        raise InvalidField(unknown[0], f"is not an option of a call; allowed are {allowed}")
