"""Traces, for those who set ``OTEL_EXPORTER_OTLP_ENDPOINT``: a span for each request and attempt.

The context of a request travels in the headers of its messages (``messages.trace_context``),
so all attempts of a job, its callback and the jobs it orders are in the trace of the request.
OpenTelemetry is imported only where this is on, in the processes that make spans, after
they were forked; its own ``OTEL_...`` variables say the rest (sampler, headers, name).
"""

import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any

from celery import signals
from celery.exceptions import Ignore, Retry

from project.errors import ContinuoError
from project.messages.trace_context import REQUEST_ID, TRACE_HEADERS, TRACEPARENT, trace_headers_of

CLOSE_SECONDS = 2.0
"""Time for the last spans to leave."""

SERVER = "SERVER"
CONSUMER = "CONSUMER"

type Span = Any
type Attributes = Mapping[str, str | int]


class Tracing:
    """The tracer of this process, made when it is first asked for."""

    def __init__(self) -> None:
        self._pid = 0
        self._provider: Any = None
        self._opening = threading.Lock()

    def start(self, name: str, kind: str, traceparent: str, attributes: Attributes) -> Span:
        """A span that has begun; ``traceparent`` ("" for none) says what it is part of."""
        self.open()
        from opentelemetry.trace import SpanKind
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        context = TraceContextTextMapPropagator().extract({TRACEPARENT: traceparent})
        tracer = self._provider.get_tracer("continuo")
        return tracer.start_span(name, context, kind=SpanKind[kind], attributes=attributes)

    def close(self, **_: Any) -> None:
        """Send what is left, for a short time at most."""
        if self._pid != os.getpid():
            return
        ending = threading.Thread(target=self._provider.shutdown, daemon=True)
        ending.start()
        ending.join(CLOSE_SECONDS)

    def open(self) -> None:
        """Make ready; for who does not want the first span to take longer."""
        with self._opening:
            if self._pid != os.getpid():
                self._provider = build_provider()
                self._pid = os.getpid()


TRACING = Tracing()


def build_provider() -> Any:
    """What makes spans and sends them, from a thread of its own."""
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import SERVICE_NAME, Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    about = Resource.create()  # from OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES
    if str(about.attributes[SERVICE_NAME]).startswith("unknown_service"):
        about = about.merge(Resource({SERVICE_NAME: "continuo"}))
    made = TracerProvider(resource=about, shutdown_on_exit=False)
    made.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return made


def require_packages() -> None:
    """Raise ``ContinuoError`` when traces are wanted and what makes them is not installed."""
    if find_spec("opentelemetry") and find_spec("opentelemetry.sdk"):
        return
    raise ContinuoError(
        "OTEL_EXPORTER_OTLP_ENDPOINT is set and OpenTelemetry is not installed: "
        "it is in requirements-tracing.lock"
    )


def traceparent_of(span: Span) -> str:
    """A span as others are told that they are part of it (W3C Trace Context)."""
    context = span.get_span_context()
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"


@contextmanager
def trace_attempt(task: Any) -> Iterator[None]:
    """The span of an attempt; what the job orders meanwhile is part of it."""
    from opentelemetry.trace import use_span

    came = trace_headers_of(task)
    span = TRACING.start(
        f"run {task.name}",
        CONSUMER,
        came.get(TRACEPARENT, ""),
        build_attempt_attributes(task, came),
    )
    token = TRACE_HEADERS.set({**came, TRACEPARENT: traceparent_of(span)})
    try:
        with use_span(span, record_exception=False, set_status_on_exception=False):
            yield
        span.set_attribute("continuo.outcome", "success")
    except BaseException as end:
        record_end(span, end)
        raise
    finally:
        TRACE_HEADERS.reset(token)
        span.end()


def build_attempt_attributes(task: Any, came: Mapping[str, str]) -> dict[str, str | int]:
    """What is said of an attempt; its arguments are not."""
    request = task.request
    about: dict[str, str | int] = {
        "messaging.system": "celery",
        "messaging.operation.type": "process",
        "messaging.destination.name": (request.delivery_info or {}).get("routing_key") or "",
        "messaging.message.id": request.id,
        "continuo.kind": task.name,
        "continuo.attempt": request.retries + 1,
    }
    return about | {f"continuo.{name}": came[name] for name in (REQUEST_ID,) if name in came}


def record_end(span: Span, end: BaseException) -> None:
    """Say how an attempt ended that did not work."""
    from opentelemetry.trace import StatusCode

    span.set_attribute("continuo.outcome", outcome_of(end))
    cause = end.exc if isinstance(end, Retry) else end
    if isinstance(end, Ignore):
        return
    span.set_status(StatusCode.ERROR)
    if isinstance(cause, BaseException):
        span.record_exception(cause)


def outcome_of(end: BaseException) -> str:
    """In a word: ``ignored`` is postponed, or ended without a result."""
    if isinstance(end, Retry):
        return "retrying"
    return str(getattr(end, "outcome", "ignored")) if isinstance(end, Ignore) else "failed"


signals.worker_process_shutdown.connect(TRACING.close)
