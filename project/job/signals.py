"""Signals: what is sent to a job that waits for it, and the links with which people send one."""

from functools import cache
from typing import Any

import msgspec
from itsdangerous import BadData, URLSafeSerializer

from project.errors import InvalidField, LinkTampered
from project.job.running.steps import check_name
from project.job.running.waits import encode_signal, find_type, read_signal
from project.records.record import TaskRecord
from project.settings.values import get_settings

SALT = "signal"
MAX_LINK_BYTES = 1_500
"""The longest content of a link: mail programs break long ones."""


class SignalLink(msgspec.Struct, frozen=True, array_like=True):
    """What a link does: it sends ``signal``, as JSON, under ``name`` to the job.

    ``question`` and ``button`` are the words on its page.
    """

    job_id: str
    name: str
    signal: str
    question: str
    button: str


def build_signal(record: TaskRecord | None, name: str, value: Any) -> str:
    """The JSON of a signal. Raises ``InvalidField``, also for a type that is not waited for."""
    check_name(name)
    text = encode_signal(value)
    wait = record.wait if record else msgspec.UNSET
    if wait and wait.name == name:
        read_signal(text, find_type(wait.type), "signal")
    return text


def build_link(link: SignalLink) -> str:
    """The address of the page of a link. Raises ``InvalidField`` when it would be too long."""
    content = msgspec.to_builtins(link)
    if len(msgspec.json.encode(content)) > MAX_LINK_BYTES:
        problem = f"signal and question of a link must have at most {MAX_LINK_BYTES:,} bytes"
        raise InvalidField("signal", problem)
    return f"{get_settings().base_url}/s/{get_signer().dumps(content)}"


def resolve_link(token: str) -> SignalLink:
    """What the last part of a link stands for. Raises ``LinkTampered``."""
    try:
        return msgspec.convert(get_signer().loads(token), SignalLink)
    except (BadData, msgspec.ValidationError):
        raise LinkTampered("this link was not made here or was changed") from None


@cache
def get_signer() -> URLSafeSerializer:
    """Signs with the newest secret; links that older secrets have signed stay valid."""
    return URLSafeSerializer(get_settings().signing_keys[::-1], salt=SALT)
