"""What a worker needs of Celery's configuration: it does not start when that is set otherwise."""

from collections.abc import Iterator
from typing import Any

from project.errors import UnsafeStart

KEPT = (
    *("broker_url", "result_backend", "worker_consumer", "broker_transport"),
    *("task_serializer", "result_serializer"),
)
"""Settings that must be as this program has set them."""


def check_configuration(app: Any) -> None:
    """Raise ``UnsafeStart`` with the names of the settings that records would be lost by."""
    faults = list(find_faults(app))
    if faults:
        raise UnsafeStart(f"this worker does not start: {'; '.join(faults)}")


def find_faults(app: Any) -> Iterator[str]:
    """What is wrong with the configuration, setting by setting."""
    for name in KEPT:
        if getattr(app.conf, name) != app.own_configuration.get(name, getattr(app.conf, name)):
            yield f"{name} is set otherwise than by Continuo: remove it"
    if "json" not in app.conf.accept_content:
        yield "accept_content must have json"
    if not app.conf.task_create_missing_queues:
        yield "task_create_missing_queues must be true: the queue control is made by every worker"
    if app.conf.task_default_exchange_type != "direct":
        yield "task_default_exchange_type must be direct"
    for queue in app.amqp.queues.values():
        if queue.exchange and queue.exchange.type != "direct":
            yield f"task_queues: {queue.name} must have an exchange of the type direct"
