"""The Celery application: ``celery -A project worker | beat | flower``.

Every way Celery has of sending a task (``apply_async``, ``delay``, canvas, beat)
ends in ``send_task``; here it makes record and message in one step.
"""

import asyncio
from collections.abc import Callable, Sequence
from functools import cached_property
from importlib.util import find_spec
from pkgutil import iter_modules
from typing import Any

from celery import Celery
from celery.loaders.app import AppLoader

from project.errors import DuplicateJob
from project.messages.builder import CapturingProducer
from project.messages.outbox import OutboxPublisher
from project.messages.template import HIDDEN_ARGUMENTS
from project.records.record import TaskRecord
from project.settings.groups import check_settings
from project.settings.sentinel_url import parse_sentinel_url
from project.settings.values import Settings, get_settings
from project.store import sentinel
from project.store.async_client import AsyncStore
from project.store.client import Store
from project.store.commands import jobs
from project.store.commands.jobs import EnqueueResult
from project.store.commands.message import Message
from project.store.connection import EVENTS_KEPT, keys_of
from project.store.event_feed import Feed
from project.telemetry.logs import enable_json_logs
from project.telemetry.tracing import require_packages
from project.worker.lease import LeaseStep

CALLBACK_KIND = "callback"
"""The kind of the jobs that tell others how a job ended."""

type EnqueueResults = list[TaskRecord | DuplicateJob]


class KindLoader(AppLoader):
    """Imports the kinds of jobs, then checks all settings, theirs included."""

    def import_default_modules(self) -> Any:
        """Import the modules of ``tasks``. Raises ``ValidationError`` for a wrong setting."""
        modules = super().import_default_modules()
        check_settings()
        return modules


class Continuo(Celery):
    """A Celery app whose jobs have records."""

    loader_cls = "project.celery:KindLoader"
    task_cls = "project.job.task:Job"
    events_cls = "project.worker.events:BriefEvents"
    worker_id = "nobody"
    """Names this worker process among all that ever ran; set when a worker starts."""

    store_url = ""
    """The Redis that keeps the records."""

    can_chain = False
    """Whether this worker's pool processes may go on by themselves; set when it starts."""

    publisher: OutboxPublisher | None = None
    """How messages go when another broker keeps them."""

    traces = False
    """Whether spans are made and sent somewhere."""

    events_kept = EVENTS_KEPT
    """How many of the last events of all jobs can be asked for."""

    @property
    def has_uniform_messages(self) -> bool:
        """Whether no setting makes the messages of one kind differ.

        As quick as it can be asked for each call: a look into ``conf`` costs ten times as much.
        """
        layers = self.conf.maps
        return not any(
            layer.get("task_routes") or layer.get("task_always_eager") for layer in layers
        )

    @property
    def store_keys(self) -> list[str]:
        """What a move of this app's stores is given."""
        return keys_of(self.events_kept, other_broker=self.publisher is not None)

    @cached_property
    def store(self) -> Store:
        """The record store of ordinary code."""
        return Store(self.store_url, keys=self.store_keys)

    @cached_property
    def async_store(self) -> AsyncStore:
        """The record store of code on an event loop; one loop per process."""
        return AsyncStore(self.store_url, keys=self.store_keys)

    @cached_property
    def feed(self) -> Feed:
        """What happens to jobs, for code on an event loop."""
        return Feed(self.store_url, self.async_store)

    @cached_property
    def AsyncResult(self) -> Any:  # noqa: N802 - Celery's name
        """``JobResult``, bound to this app."""
        return self.subclass_with_self("project.job.result:JobResult")

    @property
    def callback_job(self) -> Any:
        """The job that tells others how a job ended."""
        return self.kind(CALLBACK_KIND)

    def kind(self, name: str) -> Any:
        """The job of a kind, whichever kinds this program imported."""
        if name not in self.tasks:
            self.loader.import_default_modules()
        return self.tasks[name]

    def attempt_token(self, request: Any) -> str:
        """Who is running a job: told with every move, so that a stale attempt is refused."""
        return f"{self.worker_id}#{getattr(request, 'delivery', '')}"

    def send_task(self, name: str, *args: Any, producer: Any = None, **options: Any) -> Any:
        """Send a task by name; record and message come into being together."""
        options["retry"] = False  # the envelope takes the message; trying again is the store's part
        if getattr(options.get("task_type") or self.tasks.get(name), "hides_arguments", False):
            options |= {"argsrepr": HIDDEN_ARGUMENTS, "kwargsrepr": HIDDEN_ARGUMENTS}
        if isinstance(producer, CapturingProducer):
            return super().send_task(name, *args, producer=producer, **options)
        envelope = CapturingProducer()
        result = super().send_task(name, *args, producer=envelope, **options)
        self.enqueue(envelope.message)
        return result

    def enqueue(self, message: Message) -> TaskRecord:
        """Record and queue a message."""
        record = self.store.run(jobs.enqueue(message))
        if self.publisher:
            self.publisher.publish(self.store, message)
        return record

    def begin_enqueue_all(self, messages: Sequence[Message]) -> Callable[[], EnqueueResults]:
        """Begin to record and queue messages, all or none; call what comes back for the end."""
        answer = self.store.begin(jobs.enqueue_many(messages))

        def finish() -> EnqueueResults:
            outcomes = answer()
            self._publish_all(messages, outcomes)
            return outcomes

        return finish

    async def aenqueue(self, message: Message) -> TaskRecord:
        """Do what ``enqueue`` does without blocking the event loop."""
        record = await self.async_store.run(jobs.enqueue(message))
        if self.publisher:
            await asyncio.to_thread(self.publisher.publish, self.store, message)
        return record

    def enqueue_once(self, message: Message, **conditions: Any) -> EnqueueResult:
        """Record and queue a message unless the same was asked for before."""
        once = self.store.run(jobs.enqueue_once(message, **conditions))
        if self.publisher and once.how == "made":
            self.publisher.publish(self.store, message)
        return once

    async def aenqueue_once(self, message: Message, **conditions: Any) -> EnqueueResult:
        """Do what ``enqueue_once`` does without blocking the event loop."""
        once = await self.async_store.run(jobs.enqueue_once(message, **conditions))
        if self.publisher and once.how == "made":
            await asyncio.to_thread(self.publisher.publish, self.store, message)
        return once

    async def aenqueue_all(self, messages: Sequence[Message]) -> EnqueueResults:
        """Record and queue messages, all or none; what became of each, in their order."""
        outcomes = await self.async_store.run(jobs.enqueue_many(messages))
        if self.publisher:
            await asyncio.to_thread(self._publish_all, messages, outcomes)
        return outcomes

    def _publish_all(self, messages: Sequence[Message], outcomes: EnqueueResults) -> None:
        if not self.publisher:
            return
        for message, outcome in zip(messages, outcomes, strict=True):
            if isinstance(outcome, DuplicateJob):
                continue
            if not self.publisher.publish(self.store, message):
                return  # the broker is away; upkeep sends the rest


def list_task_modules() -> list[str]:
    """The modules of ``tasks``: dropping one in is all it takes to add a kind."""
    spec = find_spec("tasks")
    folders = (spec and spec.submodule_search_locations) or []
    return [f"tasks.{module.name}" for module in iter_modules(folders)]


def build_configuration(given: Settings) -> dict[str, Any]:
    """Celery's settings, each for a reason of ours."""
    store_url = sentinel.redis_options(given.store_url)["url"]
    return {
        "broker_url": given.broker_url or store_url,
        "result_backend": f"project.job.backend.RecordBackend+{store_url}",
        "imports": list_task_modules(),
        "worker_consumer": "project.worker.consumer:SwiftConsumer",
        # JSON only, at both ends
        "task_serializer": "json",
        "result_serializer": "json",
        "accept_content": ["json"],
        # a message is acknowledged when its job is done, and comes back when its worker dies
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
    """Messages in Redis lists, fetched by our transport."""
    return {
        "broker_transport": "project.worker.transport:Transport",
        "broker_transport_options": {
            # a connection that has gone silent is noticed, and left, within seconds
            "socket_timeout": 2,
            "socket_connect_timeout": 2,
            "socket_keepalive": True,
            "health_check_interval": 3,
            "store_keys": keys_of(given.events_kept),
            "watched": parse_sentinel_url(given.store_url),
        },
    }


def build_rabbitmq_options() -> dict[str, Any]:
    """Messages in replicated RabbitMQ queues, each publication confirmed."""
    return {
        "broker_transport_options": {"confirm_publish": True},
        "task_default_queue_type": "quorum",
        "task_create_missing_queue_type": "quorum",
        "worker_detect_quorum_queues": True,
        "broker_heartbeat": 10,
        "broker_connection_timeout": 2,
    }


def create_app(given: Settings) -> Continuo:
    """An app for these settings."""
    made = Continuo("continuo")
    made.store_url = given.store_url
    made.publisher = OutboxPublisher(made) if given.broker_url else None
    made.events_kept = given.events_kept
    made.conf.update(build_configuration(given))
    made.conf.update(build_rabbitmq_options() if given.broker_url else build_redis_options(given))
    made.steps["worker"].add(LeaseStep)
    if given.otel_exporter_otlp_endpoint:
        require_packages()
        made.traces = True
    if given.log_format == "json":
        enable_json_logs()
    return made


app = create_app(get_settings())
