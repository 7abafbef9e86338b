"""Limits and breakers that kinds declare in code: a worker that starts puts them into Redis."""

import logging
from collections.abc import Mapping
from typing import Any

from project.records.breaker import Breaker
from project.records.limit import Limit, declare_limits
from project.store.client import Store
from project.store.commands import breakers, limits
from project.store.commands.limits import StoredLimit

log = logging.getLogger(__name__)


def put_declared_limits(store: Store, tasks: Mapping[str, Any]) -> None:
    """Put the limits and breakers of these kinds, and delete those that they declare no more.

    What somebody has put under the same name stays as it is.
    """
    put_declared_breakers(store, tasks)
    wanted: dict[str, Limit] = {}
    for kind, task in tasks.items():
        wanted |= declare_limits(kind, getattr(task, "limits", ()))
    stored = store.run(limits.list_limits())
    for name, limit in wanted.items():
        if is_to_be_put(limit, stored.get(name)):
            revision = stored[name].revision if name in stored else 0
            store.run(limits.put_limit(name, limit, revision=revision, declared=True))
            log.info("limit %s is as its kind declares it", name)
    for name in stored.keys() - wanted.keys():
        about = stored[name]
        if about.declared and about.limit.kind in tasks:
            store.run(limits.delete_limit(name, revision=about.revision))


def is_to_be_put(limit: Limit, stored: StoredLimit | None) -> bool:
    """Whether a declared limit is new or has changed."""
    return stored is None or (stored.declared and stored.limit != limit)


def put_declared_breakers(store: Store, tasks: Mapping[str, Any]) -> None:
    """Put the breakers of these kinds, and delete those that they declare no more."""
    stored = store.run(breakers.list_breakers())
    for kind, task in tasks.items():
        wanted, known = find_breaker(task), stored.get(kind)
        if known and (not known.declared or known.breaker == wanted):
            continue
        revision = known.revision if known else 0
        if wanted:
            store.run(breakers.put_breaker(kind, wanted, revision=revision, declared=True))
            log.info("the breaker of %s is as its kind declares it", kind)
        elif known:
            store.run(breakers.delete_breaker(kind, revision=revision))


def find_breaker(task: Any) -> Breaker | None:
    """The breaker that a kind declares."""
    return getattr(task, "breaker", None)
