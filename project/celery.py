"""The Celery application: ``celery -A project worker | beat | flower``.

``Continuo.enqueue`` and its variants store the record and the message of a job in one step; every
way to call a task ends there. ``apply_async`` of our own tasks calls them directly. Celery's other
ways (canvas, beat, ``send_task`` by name) go through ``send_task``, which does the same.
"""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property, partial
from itertools import zip_longest
from types import MappingProxyType
from typing import Any

from celery import Celery
from celery._state import connect_on_app_finalize
from celery.utils import uuid

from project.configuration import build_configuration
from project.errors import DuplicateJob, InvalidField, InvalidKind, PermanentError
from project.job.base_class import build_job_class, make_job
from project.job.canvas.errbacks import RENAMES
from project.job.canvas.replacement import REPLACEMENT
from project.loader import OwnSettings
from project.logs.handler import keep_job_logs
from project.messages.builder import CapturingProducer
from project.messages.options import prepare_options
from project.messages.outbox import OutboxPublisher
from project.messages.sent_event import publish_sent_event
from project.messages.template import HIDDEN_ARGUMENTS
from project.payload.offer import Offer
from project.payload.payload import Payload
from project.records.limit import declare_limits
from project.records.record import MAX_BACKOFF_SECONDS, TaskRecord
from project.records.schedule import Timing
from project.records.unique import UniqueKey
from project.relay.thread import RelayStep
from project.schedules.book import ScheduleBook
from project.settings.checks import exit_if_wrong_under_celery
from project.settings.values import Settings, get_settings
from project.store.async_client import AsyncStore
from project.store.client import Store
from project.store.commands import canvas, jobs
from project.store.commands.jobs import BulkResult, EnqueueResult, IdempotentOrder
from project.store.commands.message import Message, build_first_record
from project.store.connection import EVENTS_KEPT, keys_of
from project.store.event_feed import Feed
from project.telemetry.logs import enable_json_logs
from project.telemetry.tracing import require_packages
from project.worker.lease import LeaseStep
from project.workflows.batches import Batch
from project.workflows.book import WorkflowBook

with exit_if_wrong_under_celery():
    given_settings = get_settings()

CALLBACK_KIND = "callback"
"""The kind of the jobs that POST the end of another job to its ``callback_url``."""

RETRY_OPTIONS: dict[str, Any] = {
    "bind": True,
    "autoretry_for": (Exception,),
    "dont_autoretry_for": (PermanentError, InvalidField),
    "retry_backoff": 2,
    "retry_backoff_max": MAX_BACKOFF_SECONDS,
    "retry_jitter": given_settings.retry_jitter,
}
"""The options of ``Continuo.retried_task``; backoff is in seconds and doubles each time."""

SHOWN_RESULT_CHARACTERS = 20
"""Characters of a result in the worker's log and in Flower: results have signed links."""

DECLARATION = frozenset({"lazy", "filter"})
"""Options of ``app.task`` that are not options of the task."""

type EnqueueResults = list[TaskRecord | DuplicateJob]


class Continuo(Celery):
    """A Celery app that keeps a record of each job."""

    loader_cls = "project.loader:KindLoader"
    task_cls = "project.job.task:Job"
    events_cls = "project.worker.events:BriefEvents"
    worker_id = "nobody"
    """The id of this worker, unique over all starts; "nobody" outside of workers."""

    store_url = ""
    """The URL of the Redis that keeps the records."""

    publisher: OutboxPublisher | None = None
    """Publishes messages to RabbitMQ; None when Redis carries the messages."""

    traces = False
    """Whether spans are made and exported."""

    own_configuration: Mapping[str, Any] = MappingProxyType({})
    """Celery's settings as this program makes them."""

    events_kept = EVENTS_KEPT
    """The number of events that the stream of all jobs keeps."""

    @property
    def store_keys(self) -> list[str]:
        """The keys that each script of this app gets."""
        return keys_of(self.events_kept, other_broker=self.publisher is not None)

    @cached_property
    def store(self) -> Store:
        """The record store for code that blocks."""
        return Store(self.store_url, keys=self.store_keys)

    @cached_property
    def async_store(self) -> AsyncStore:
        """The record store for code on an event loop; one loop per process."""
        return AsyncStore(self.store_url, keys=self.store_keys)

    @cached_property
    def schedules(self) -> ScheduleBook:
        """The schedules that belong to no tenant, for code that blocks."""
        return ScheduleBook(self)

    @cached_property
    def workflows(self) -> WorkflowBook:
        """The workflows that belong to no tenant, for code that blocks."""
        return WorkflowBook(self)

    def batch_of(self, job_id: str) -> Batch | None:
        """The batch, or the workflow, of a job that runs; None when it is in none."""
        place = self.store.run(canvas.read_place(job_id)).workflow
        workflow_id, _, node = place.partition(" ")
        return Batch(self.workflows, workflow_id, node) if place else None

    @cached_property
    def feed(self) -> Feed:
        """The events of all jobs, for code on an event loop."""
        return Feed(self.store_url, self.async_store)

    @cached_property
    def AsyncResult(self) -> Any:  # noqa: N802 - Celery's name
        """``JobResult`` for jobs of this app: ``app.AsyncResult(id).record``."""
        return self.subclass_with_self("project.job.result:JobResult")

    @cached_property
    def Worker(self) -> Any:  # noqa: N802 - Celery's name
        """Celery's worker, which without ``-Q`` takes from every queue."""
        return self.subclass_with_self("project.worker.queues:QueueWorker")

    @property
    def callback_job(self) -> Any:
        """The task of the kind ``callback``."""
        return self.kind(CALLBACK_KIND)

    def kind(self, name: str) -> Any:
        """The task of a kind; imports all tasks first when the kind is not known.

        Raises ``NotRegistered`` for an unknown kind.
        """
        if name not in self.tasks:
            self.loader.import_default_modules()
        return self.tasks[name]

    def retried_task(self, **options: Any) -> Any:
        """Declare a task, as ``app.task`` does, whose errors lead to another attempt.

        An error that cannot go away, ``PermanentError`` or ``InvalidField``, fails the job at
        once. ``options`` are those of ``app.task`` and take precedence.
        """
        return self.task(**(RETRY_OPTIONS | options))

    def task(self, *args: Any, shared: bool = True, **options: Any) -> Any:
        """Declare a task, as Celery does.

        ``lane`` is the lane of its jobs, with arguments in braces (``"{order.customer}"``), and
        ``limits`` is a list of ``Limit``. Three more options make it a typed kind.

        ``schedule=cron("0 7 1 * *")`` (``project.schedules.timing``) calls it without arguments.
        ``typed=True``: calls are checked by the types of the function, which gets objects.
        ``http="/invoices"`` or an ``Offer``: the same, and the API takes orders under this path.
        ``check`` is called with the arguments of a call and raises ``InvalidField``; it may return
        the arguments to store. Raises ``InvalidKind`` when a parameter has no type.
        """
        if not args:
            return partial(self.task, shared=shared, **options)
        if shared:
            connect_on_app_finalize(partial(share, args[0], options))
        return super().task(*args, shared=False, **options)

    def _task_from_fun(self, fun: Any, *args: Any, **options: Any) -> Any:
        options.setdefault("resultrepr_maxsize", SHOWN_RESULT_CHARACTERS)
        check, is_typed = options.pop("check", None), options.pop("typed", False)
        declare_limits(options.get("name") or fun.__name__, options.get("limits", ()))
        if not isinstance(options.get("schedule", Timing()), Timing):
            raise InvalidKind(
                f"kind {fun.__name__}: schedule must be cron(...), every(...) or at(...)"
            )
        offer = options.pop("http", "")
        options["offer"] = offer = offer if isinstance(offer, Offer) else Offer(offer)
        if is_typed or check or offer.path:
            options["payload"] = Payload(
                fun,
                is_bound=bool(options.get("bind")),
                check=check,
                keeps_decimals=offer.keeps_decimals,
            )
        if base := options.pop("base", None):
            options["base"] = build_job_class(base)
        return super()._task_from_fun(fun, *args, **options)

    def register_task(self, task: Any, **options: Any) -> Any:
        """Register a task that is written as a class, an instance or the class itself."""
        return super().register_task(make_job(task), **options)

    def attempt_token(self, request: Any) -> str:
        """The fencing token of an attempt: scripts refuse an attempt that lost its job."""
        return f"{self.worker_id}#{getattr(request, 'delivery', '')}"

    def send_task(self, name: str, *args: Any, producer: Any = None, **options: Any) -> Any:
        """Send a task by name, as Celery does, and enqueue its message."""
        options["retry"] = False  # the store retries
        options = prepare_options(options, self.timezone)
        task = options.get("task_type") or self.tasks.get(name)
        if options.get("lane") is None:
            options["lane"] = find_lane(task, *args, **options)
        if getattr(task, "hides_arguments", False):
            options |= {"argsrepr": HIDDEN_ARGUMENTS, "kwargsrepr": HIDDEN_ARGUMENTS}
        if isinstance(producer, CapturingProducer):
            return super().send_task(name, *args, producer=producer, **options)
        capturing = CapturingProducer(
            lambda message: self.enqueue(self.called_by_current_job(message)),
            partial(publish_sent_event, self),
        )
        try:
            return super().send_task(name, *args, producer=capturing, **options)
        except DuplicateJob:
            if not RENAMES.get():
                raise
            return self.send_task(name, *args, **(options | {"task_id": uuid()}))

    def called_by_current_job(self, message: Message) -> Message:
        """The message with the attempt that sends it, so that the next attempt knows it again."""
        caller = self.current_worker_task
        if caller is None:
            return message
        token = self.attempt_token(caller.request)
        return message._replace(parent=caller.request.id, parent_attempt=token)

    def enqueue(self, message: Message) -> TaskRecord:
        """Store the record and the message of a job.

        Raises ``DuplicateJob`` when the id is taken, ``StoreUnavailable`` when Redis fails.
        """
        replacement = REPLACEMENT.get()
        if replacement is not None:
            replacement.append(message)
            return build_first_record(message, time.time())
        record = self.store.run(jobs.enqueue(message))
        if self.publisher:
            self.publisher.publish(self.store, message)
        return record

    def begin_enqueue_all(self, messages: Sequence[Message]) -> Callable[[], EnqueueResults]:
        """Start to enqueue messages in one step, all or none; the result is waited for later.

        Call the returned function once for the outcomes, in the order of the messages.
        """
        answer = self.store.begin(jobs.enqueue_many(messages))

        def finish() -> EnqueueResults:
            outcomes = answer()
            self.publish_all(messages, outcomes)
            return outcomes

        return finish

    def enqueue_once(self, message: Message, unique: UniqueKey) -> EnqueueResult:
        """Enqueue a job unless its unique key has a job already; the result says which."""
        message = message._replace(unique=unique)
        result = self.store.run(jobs.enqueue_once(message, unique=unique))
        if self.publisher and result.how == "made":
            self.publisher.publish(self.store, message)
        return result

    async def aenqueue(self, message: Message) -> TaskRecord:
        """``enqueue`` for code on an event loop."""
        record = await self.async_store.run(jobs.enqueue(message))
        if self.publisher:
            await asyncio.to_thread(self.publisher.publish, self.store, message)
        return record

    async def aenqueue_once(
        self, message: Message, *, said: IdempotentOrder | None, unique: UniqueKey | None
    ) -> EnqueueResult:
        """Enqueue a job unless its idempotency key or its unique key has a job already.

        The result says which. Raises what ``enqueue`` raises.
        """
        message = message._replace(unique=unique)
        result = await self.async_store.run(jobs.enqueue_once(message, order=said, unique=unique))
        if self.publisher and result.how == "made":
            await asyncio.to_thread(self.publisher.publish, self.store, message)
        return result

    async def aenqueue_all(
        self, messages: Sequence[Message], order: IdempotentOrder | None = None
    ) -> BulkResult:
        """Enqueue messages with new ids in one step unless the same order was made before."""
        result = await self.async_store.run(jobs.enqueue_all_once(messages, order))
        if self.publisher and not result.is_replayed:
            await asyncio.to_thread(self.publish_all, messages, result.outcomes)
        return result

    def publish_all(
        self, messages: Sequence[Message], outcomes: Sequence[TaskRecord | DuplicateJob | None] = ()
    ) -> None:
        """Publish the messages of recorded jobs to RabbitMQ, if that carries them."""
        if not self.publisher:
            return
        for message, outcome in zip_longest(messages, outcomes):
            if isinstance(outcome, DuplicateJob):
                continue
            if not self.publisher.publish(self.store, message):
                return  # RabbitMQ is away; maintenance publishes the rest


def find_lane(task: Any, args: Any = None, kwargs: Any = None, **_: Any) -> str:
    """The lane of a call by the name of a task, "" when the task is not known or names none."""
    return task.find_lane(args, kwargs) if getattr(task, "lane", "") else ""


def share(function: Any, options: dict[str, Any], app: Celery) -> None:
    """Declare a task also with another app of ours. Celery does so with all apps."""
    if isinstance(app, Continuo):
        options = {name: value for name, value in options.items() if name not in DECLARATION}
        app._task_from_fun(function, **options)  # noqa: SLF001 - as Celery does


def create_app(given: Settings) -> Continuo:
    """Create an app for these settings.

    Raises ``ContinuoError`` when traces are on and OpenTelemetry is not installed.
    """
    created = Continuo("continuo", loader=Continuo.loader_cls)  # whatever CELERY_LOADER says
    created.store_url = given.store_url
    created.publisher = OutboxPublisher(created) if given.broker_url else None
    created.events_kept = given.events_kept
    created.own_configuration = build_configuration(given)
    object.__setattr__(created.conf, "__class__", OwnSettings)  # its attributes are settings
    created.conf.update(created.own_configuration)
    created.steps["worker"].update((LeaseStep, RelayStep))
    if given.otel_exporter_otlp_endpoint:
        require_packages()
        created.traces = True
    created.job_logs = keep_job_logs(created)
    if given.log_format == "json":
        enable_json_logs()
    return created


with exit_if_wrong_under_celery():
    app = create_app(given_settings)
