"""Traces, when ``OTEL_EXPORTER_OTLP_ENDPOINT`` is set: one span per request and per attempt.

The trace context travels in the headers of messages (``messages.trace_context``), so all attempts
of a job, its callback and the jobs it enqueues belong to the trace of the request. OpenTelemetry
is imported only when traces are on, in the processes that make spans, after they were forked. Its
own ``OTEL_...`` variables set the rest: sampler, headers, service name.
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
"""How long a process waits at its end to send the last spans."""

SERVER = "SERVER"
CONSUMER = "CONSUMER"

type Span = Any
type Attributes = Mapping[str, str | int]


class Tracing:
    """The tracer of this process, created on first use and again after a fork."""

    def __init__(self) -> None:
        self._pid = 0
        self._provider: Any = None
        self._opening = threading.Lock()

    def start(self, name: str, kind: str, traceparent: str, attributes: Attributes) -> Span:
        """Start a span; ``traceparent`` names its parent ("" for none)."""
        self.open()
        from opentelemetry.trace import SpanKind
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        context = TraceContextTextMapPropagator().extract({TRACEPARENT: traceparent})
        tracer = self._provider.get_tracer("continuo")
        return tracer.start_span(name, context, kind=SpanKind[kind], attributes=attributes)

    def close(self, **_: Any) -> None:
        """Send the remaining spans, for at most ``CLOSE_SECONDS``."""
        if self._pid != os.getpid():
            return
        ending = threading.Thread(target=self._provider.shutdown, daemon=True)
        ending.start()
        ending.join(CLOSE_SECONDS)

    def open(self) -> None:
        """Create the tracer now, so that the first span is not slower than the others."""
        with self._opening:
            if self._pid != os.getpid():
                self._provider = build_provider()
                self._pid = os.getpid()


TRACING = Tracing()


def build_provider() -> Any:
    """Build the provider, which sends spans from its own thread."""
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
    """Raise ``ContinuoError`` when OpenTelemetry is not installed."""
    if find_spec("opentelemetry") and find_spec("opentelemetry.sdk"):
        return
    raise ContinuoError(
        "OTEL_EXPORTER_OTLP_ENDPOINT is set, but OpenTelemetry is not installed: "
        "install requirements-tracing.lock"
    )


def traceparent_of(span: Span) -> str:
    """Format a span as the ``traceparent`` of its children (W3C Trace Context)."""
    context = span.get_span_context()
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"


@contextmanager
def trace_attempt(task: Any) -> Iterator[None]:
    """Run an attempt within a span; jobs that it enqueues become children of the span."""
    from opentelemetry.trace import use_span

    headers = trace_headers_of(task)
    span = TRACING.start(
        f"run {task.name}",
        CONSUMER,
        headers.get(TRACEPARENT, ""),
        build_attempt_attributes(task, headers),
    )
    token = TRACE_HEADERS.set({**headers, TRACEPARENT: traceparent_of(span)})
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


def build_attempt_attributes(task: Any, headers: Mapping[str, str]) -> dict[str, str | int]:
    """Build the attributes of an attempt's span; the job's arguments are never part of them."""
    request = task.request
    about: dict[str, str | int] = {
        "messaging.system": "celery",
        "messaging.operation.type": "process",
        "messaging.destination.name": (request.delivery_info or {}).get("routing_key") or "",
        "messaging.message.id": request.id,
        "continuo.kind": task.name,
        "continuo.attempt": request.retries + 1,
    }
    return about | {f"continuo.{name}": headers[name] for name in (REQUEST_ID,) if name in headers}


def record_end(span: Span, end: BaseException) -> None:
    """Record the exception that ended an attempt: its outcome, and the error if there is one."""
    from opentelemetry.trace import StatusCode

    span.set_attribute("continuo.outcome", outcome_of(end))
    cause = end.exc if isinstance(end, Retry) else end
    if isinstance(end, Ignore):
        return
    span.set_status(StatusCode.ERROR)
    if isinstance(cause, BaseException):
        span.record_exception(cause)


def outcome_of(end: BaseException) -> str:
    """Name an outcome; ``ignored`` means postponed or ended without a result."""
    if isinstance(end, Retry):
        return "retrying"
    return str(getattr(end, "outcome", "ignored")) if isinstance(end, Ignore) else "failed"


signals.worker_process_shutdown.connect(TRACING.close)
