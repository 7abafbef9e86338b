"""Celery's settings as this program makes them, from the settings of ``project.settings``."""

from collections.abc import Iterable
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from pkgutil import iter_modules
from typing import Any

from project.errors import ContinuoError
from project.extras import is_kind_installed
from project.settings.packages import get_package_settings
from project.settings.sentinel_url import parse_sentinel_url
from project.settings.values import Settings
from project.store import sentinel
from project.store.connection import keys_of


def list_task_modules(names: Iterable[str]) -> list[str]:
    """The modules in ``tasks``, the modules with these names, and those in packages among them.

    Kinds of an extra that is not installed are left out. Raises ``ContinuoError`` for a name that
    does not exist.
    """
    modules: list[str] = []
    for name in names:
        inner = iter_modules(find_module(name).submodule_search_locations or [])
        modules += [name, *(f"{name}.{module.name}" for module in inner)]
    return [module for module in modules if is_kind_installed(module)]


def find_module(name: str) -> ModuleSpec:
    """Find a module without importing it. Raises ``ContinuoError``."""
    try:
        found = find_spec(name)
    except ModuleNotFoundError:  # the package that it should be in
        found = None
    if found is None:
        raise ContinuoError(f"CONTINUO_TASKS: there is no module {name} on the Python path")
    return found


def build_configuration(given: Settings) -> dict[str, Any]:
    """All settings, those of the broker included."""
    return build_common_options(given) | (
        build_rabbitmq_options() if given.broker_url else build_redis_options(given)
    )


def build_common_options(given: Settings) -> dict[str, Any]:
    """The settings that hold with each broker."""
    store_url = sentinel.redis_options(given.store_url)["url"]
    return {
        "broker_url": given.broker_url or store_url,
        "result_backend": f"project.job.backend.RecordBackend+{store_url}",
        "imports": list_task_modules(["tasks", *get_package_settings().task_modules]),
        "worker_consumer": "project.worker.consumer:SwiftConsumer",
        # JSON only, at both ends
        "task_serializer": "json",
        "result_serializer": "json",
        "accept_content": ["json"],
        # a message is acknowledged when its job has ended, and returns when its worker dies
        "task_acks_late": True,
        "task_reject_on_worker_lost": True,
        "task_store_errors_even_if_ignored": True,
        "worker_prefetch_multiplier": 1,
        "worker_cancel_long_running_tasks_on_connection_loss": False,
        "worker_enable_prefetch_count_reduction": False,
        "broker_connection_retry_on_startup": True,
        "broker_connection_max_retries": None,
        "worker_concurrency": given.worker_concurrency,
        "beat_scheduler": "project.worker.beat:OnceScheduler",
        "beat_schedule_filename": str(given.data_dir / "beat-schedule"),
        "timezone": "UTC",
    }


def build_redis_options(given: Settings) -> dict[str, Any]:
    """The broker options for messages in Redis lists."""
    return {
        "worker_pool": "project.worker.pool.job_pool:JobPool",
        "worker_autoscaler": "project.worker.pool.autoscale:JobAutoscaler",
        "broker_transport": "project.worker.transport:Transport",
        "broker_transport_options": {
            # a dead connection is detected and closed within seconds
            "socket_timeout": 2,
            "socket_connect_timeout": 2,
            "socket_keepalive": True,
            "health_check_interval": 3,
            "store_keys": keys_of(given.events_kept),
            "watched": parse_sentinel_url(given.store_url),
        },
    }


def build_rabbitmq_options() -> dict[str, Any]:
    """The broker options for RabbitMQ: quorum queues and confirmed publications."""
    return {
        "broker_transport": "project.worker.rabbitmq:Transport",
        "broker_transport_options": {"confirm_publish": True},
        "task_default_queue_type": "quorum",
        "task_create_missing_queue_type": "quorum",
        "worker_detect_quorum_queues": True,
        "broker_heartbeat": 10,
        "broker_connection_timeout": 2,
    }
