"""The producer side of a job: ``apply_async`` and its relatives.

Each of them builds the message of one call and hands it to ``Continuo.enqueue`` or one of its
variants, which stores the record and the message in one step.
"""

from collections.abc import Sequence
from typing import Any
from uuid import uuid4

from celery import Task, signals
from celery.app.routes import MapRoute

from project.errors import InvalidField
from project.job.lane import format_lane
from project.job.result import JobResult
from project.messages.builder import CALLBACK_HEADER, CapturingProducer
from project.messages.options import (
    MAX_ATTEMPTS,
    MAX_ATTEMPTS_HEADER,
    MAX_ID_CHARACTERS,
    check_headers,
    check_max_retries,
    check_moment,
    check_seconds,
    is_short_text,
    locate_time,
)
from project.messages.template import MessageTemplate
from project.payload.offer import Offer
from project.payload.payload import Payload
from project.records.breaker import Breaker
from project.records.limit import Limit
from project.records.record import DEFAULT_MAX_RETRIES, TaskRecord
from project.records.unique import UniqueKey, build_unique_arguments, name_for_tenant
from project.store.commands import message as message_commands
from project.store.commands.jobs import EnqueueResult, IdempotentOrder
from project.store.commands.message import Message

TEMPLATE_OPTIONS = frozenset(
    {"task_id", "countdown", "eta", "max_retries", "tags", "lane", "callback_url"}
)
"""The options of a call that the message template of a task can express."""


class ProducerTask(Task):
    """A Celery task whose calls become a record and a message in one step."""

    max_retries = DEFAULT_MAX_RETRIES - 1
    payload: Payload | None = None
    """The types of the function, which calls are checked by; None when the kind is not typed."""

    lane = ""
    """The lane of the jobs of the kind, with names of arguments in braces: `{order.customer}`."""

    limits: Sequence[Limit] = ()
    """How many jobs of the kind run at once, or start in a time."""

    breaker: Breaker | None = None
    """When the jobs of the kind are held back because they fail; None for never."""

    unique: UniqueKey | None = None
    """The unique key of the jobs of the kind, with names of arguments in braces, as in ``lane``."""

    offer = Offer()
    """How the API offers the kind; without a path when it does not."""

    _built_template: tuple[Any, MessageTemplate] | None = None

    def apply_async(
        self,
        args: Any = None,
        kwargs: Any = None,
        *,
        max_retries: int | None = None,
        callback_url: str | None = None,
        headers: dict[str, Any] | None = None,
        unique: UniqueKey | str | None = None,
        **options: Any,
    ) -> JobResult:
        """Enqueue the job; takes every option of Celery's ``apply_async``.

        ``max_retries`` is the maximum number of attempts of this job. ``tags=["a", "b"]`` are up to
        8 names to find the job by. ``lane`` is where the job waits within its queue: lanes take
        turns. ``callback_url`` receives a POST when the job is final. While a
        job of the kind with the same ``unique`` key is unfinished, that job is the result; a
        ``UniqueKey`` can hold the key for another time, or replace that job while it waits.

        Raises ``DuplicateJob`` when ``task_id`` is taken, ``InvalidField`` for a wrong option,
        ``EncodeError`` for arguments that JSON cannot express, and ``StoreUnavailable`` when Redis
        accepts nothing.
        """
        if unique is None and not isinstance(options.get("producer"), CapturingProducer):
            unique = self.find_unique(args, kwargs)
        if unique is not None and not self.app.conf.task_always_eager:
            given = {"max_retries": max_retries, "callback_url": callback_url, "headers": headers}
            options |= {name: value for name, value in given.items() if value is not None}
            return self._apply_unique(args, kwargs, check_unique(unique), options)
        if headers is None and self._can_use_template(options):
            message = self.message(
                args, kwargs, max_retries=max_retries, callback_url=callback_url, **options
            )
            self.app.enqueue(message)
            enqueued: JobResult = self.AsyncResult(message.id)
            enqueued.ignored = self.ignore_result
            return enqueued
        if self.payload:
            args, kwargs = (), self.payload.dump(args, kwargs)
        attempts = self.get_max_attempts() if max_retries is None else max_retries
        check_headers(headers)
        headers = {MAX_ATTEMPTS_HEADER: check_max_retries(attempts), **(headers or {})}
        if callback_url is not None:
            headers[CALLBACK_HEADER] = self._build_callback(callback_url)
        result: JobResult = super().apply_async(args, kwargs, headers=headers, **options)
        return result

    def _apply_unique(
        self, args: Any, kwargs: Any, unique: UniqueKey, options: dict[str, Any]
    ) -> JobResult:
        if isinstance(options.get("producer"), CapturingProducer):
            raise InvalidField("unique", "is not an option of jobs that are enqueued together")
        message = self.app.called_by_current_job(self.message(args, kwargs, **options))
        outcome: EnqueueResult = self.app.enqueue_once(message, unique)
        result: JobResult = self.AsyncResult(outcome.holder or message.id)
        if caller := self.app.current_worker_task:
            caller.add_trail(result)
        return result

    async def aapply_async(self, *, tenant: str = "", **options: Any) -> TaskRecord:
        """Enqueue the job from an event loop and return its record.

        ``tenant`` owns the job, "" means no tenant. Other options and errors: see ``apply_async``.
        """
        record: TaskRecord = await self.app.aenqueue(self.message(tenant=tenant, **options))
        return record

    async def aapply_async_once(
        self,
        *,
        said: IdempotentOrder | None = None,
        unique: UniqueKey | None = None,
        tenant: str = "",
        **options: Any,
    ) -> EnqueueResult:
        """Enqueue the job unless its idempotency key or its unique key already has a job.

        ``said`` is the idempotency key with the text of the order, ``unique`` the unique key; None
        means none. The result says which of the three happened. Other options and errors: see
        ``aapply_async``.
        """
        message = self.message(tenant=tenant, **options)
        result: EnqueueResult = await self.app.aenqueue_once(message, said=said, unique=unique)
        return result

    def message(
        self,
        args: Any = None,
        kwargs: Any = None,
        *,
        tenant: str = "",
        unique: UniqueKey | str | None = None,
        **options: Any,
    ) -> Message:
        """Build the message of a call without enqueueing it. Raises ``InvalidField``.

        ``options`` are those of ``apply_async``; ``tenant`` owns the job, "" means no tenant.
        """
        if not self._can_use_template(options):
            message = self.build(args, kwargs, **options)
        else:
            message = self._fill_template(args, kwargs, **options)
        wanted = self.find_unique(args, kwargs, tenant) if unique is None else check_unique(unique)
        if wanted:
            message = message._replace(unique=wanted)
        return message.owned_by(tenant) if tenant else message

    def build(self, args: Any = None, kwargs: Any = None, **options: Any) -> Message:
        """Build the message through Celery's own code path, which knows every option."""
        capturing = CapturingProducer()
        self.apply_async(args, kwargs, producer=capturing, **options)
        return capturing.message

    def find_lane(self, args: Any, kwargs: Any) -> str:
        """The lane of a call that names none. Raises ``InvalidField``."""
        return format_lane(self.lane, self.run, args, kwargs) if self.lane else ""

    def find_unique(self, args: Any, kwargs: Any, tenant: str = "") -> UniqueKey | None:
        """The unique key of a call that names none. Raises ``InvalidField``."""
        if self.unique is None:
            return None
        key = format_lane(self.unique.key, self.run, args, kwargs)
        return check_unique(self.unique._replace(key=name_for_tenant(key, tenant)))

    @property
    def options(self) -> dict[str, Any]:
        """The options that the task sets for its own messages: queue, priority, time limits."""
        options: dict[str, Any] = self._get_exec_options()
        return options

    def get_max_attempts(self) -> int:
        """The maximum number of attempts of a call that does not set ``max_retries``."""
        return MAX_ATTEMPTS if self.max_retries is None else self.max_retries + 1

    @property
    def _template(self) -> MessageTemplate:
        """The template, built again when the routes have changed."""
        router = self.app.amqp.router
        if self._built_template is None or self._built_template[0] is not router:
            self._built_template = router, MessageTemplate(self)
        return self._built_template[1]

    def _can_use_template(self, options: dict[str, Any]) -> bool:
        """Whether the template gives the message that Celery itself would build.

        A route that is a map looks at the name of the task alone, so the template has it.
        Settings are read from the layers of ``conf``: a look-up in ``conf`` costs ten times as
        much, and this runs for each call.
        """
        return (
            TEMPLATE_OPTIONS.issuperset(options)
            and not any(
                layer.get("task_always_eager") or layer.get("task_send_sent_event")
                for layer in self.app.conf.maps
            )
            and all(isinstance(route, MapRoute) for route in self.app.amqp.router.routes)
            and not self.expires
            and not (self.soft_time_limit and self.time_limit)
            and not self.app.current_worker_task
            and not signals.before_task_publish.receivers
            and not signals.after_task_publish.receivers
        )

    def _fill_template(  # noqa: PLR0913 - the options of a call
        self,
        args: Any,
        kwargs: Any,
        *,
        task_id: str | None = None,
        max_retries: int | None = None,
        countdown: float | None = None,
        eta: Any = None,
        tags: Any = (),
        lane: str | None = None,
        callback_url: str | None = None,
    ) -> Message:
        if self.payload:
            args, kwargs = (), self.payload.dump(args, kwargs)
        elif self.typing and hasattr(self, "__header__"):  # classes of tasks have none
            self.__header__(*(args or ()), **(kwargs or {}))
        check_seconds("countdown", countdown)
        message = self._template.fill(
            args,
            kwargs,
            job_id=task_id or str(uuid4()),
            max_retries=self.get_max_attempts() if max_retries is None else max_retries,
            due=None if eta is None else self._parse_due(eta),
            delay=countdown,
            tags=tags or (),
            lane=self.find_lane(args, kwargs) if lane is None else lane,
        )
        if callback_url is None:
            return message
        return message._replace(callback=self._build_callback(callback_url))

    def _parse_due(self, eta: Any) -> float:
        """The moment of an ETA, in seconds since the epoch. Raises ``InvalidField``."""
        moment = locate_time(eta, self.app.timezone)
        check_moment("eta", moment, allows_seconds=False)
        due: float = moment.timestamp()
        return due

    def _build_callback(self, url: str) -> Message:
        """Build the message that reports the end of the job. Raises ``InvalidField``."""
        message: Message = self.app.callback_job.message(
            kwargs={"url": url}, task_id=message_commands.ID_PLACEHOLDER
        )
        return message


def check_unique(unique: UniqueKey | str) -> UniqueKey:
    """The unique key of a call. Raises ``InvalidField``."""
    key = UniqueKey(unique) if isinstance(unique, str) else unique
    if not isinstance(key, UniqueKey) or not is_short_text(key.key):
        raise InvalidField(
            "unique", f"must be a text of 1 to {MAX_ID_CHARACTERS} characters, or a UniqueKey"
        )
    build_unique_arguments(key)
    return key
