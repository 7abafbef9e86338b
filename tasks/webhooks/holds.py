"""A host that asks for a pause gets no call of any job before that is over."""

from typing import Any

from celery.exceptions import Ignore

from project.celery import CALLBACK_KIND
from project.store.commands.attempts import HostHold, Verdict
from tasks.webhooks import guard
from tasks.webhooks.calls import RetryRequested

KINDS = ("webhook", CALLBACK_KIND)
"""The kinds whose jobs wait: they call the URL in their argument ``url``."""


def hold_host(task: Any, url: str, error: RetryRequested) -> None:
    """End this attempt uncounted and hold all jobs that call the host, for ``error.after`` seconds.

    Raises ``Ignore``. Returns when the server asked for no pause, or when this job has waited for
    the host for a day, and its attempts count from now on.
    """
    if not error.holds:
        return
    host = guard.parse_url(url).host
    named = f"[{host}]" if ":" in host else host
    verdict = task.end_postponed(error.after, host=HostHold(named, KINDS))
    if verdict is not Verdict.EXHAUSTED:
        raise Ignore
