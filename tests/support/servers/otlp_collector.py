"""An OpenTelemetry collector that keeps the spans it receives (OTLP over HTTP)."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple


class CollectedSpan(NamedTuple):
    """A span; ids are hexadecimal digits."""

    name: str
    trace: str
    id: str
    parent: str
    attributes: dict[str, Any]
    failed: bool
    service: str
    events: list[str]


class Collector:
    """Keeps every span it receives and answers every POST with 200."""

    def __init__(self, port: int) -> None:
        self.spans: list[CollectedSpan] = []
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.path == "/v1/traces":
                    collector.spans += parse_spans(body)
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                """Log nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"

    def find_spans(self, name: str) -> list[CollectedSpan]:
        """The spans with this name, in the order of their arrival."""
        return [span for span in self.spans if span.name == name]


@contextmanager
def run_collector() -> Iterator[Collector]:
    """Run a collector on a free port."""
    collector = Collector(0)
    thread = threading.Thread(target=collector.server.serve_forever, daemon=True)
    thread.start()
    try:
        yield collector
    finally:
        collector.server.shutdown()
        collector.server.server_close()
        thread.join(10)


def parse_spans(body: bytes) -> list[CollectedSpan]:
    """The spans in the body of one export request (protobuf)."""
    from opentelemetry.proto.collector.trace.v1 import trace_service_pb2

    sent = trace_service_pb2.ExportTraceServiceRequest.FromString(body)
    return [
        span_from_proto(span, service_of(resource))
        for resource in sent.resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]


def service_of(resource: Any) -> str:
    """The ``service.name`` of a resource."""
    about = {each.key: each.value.string_value for each in resource.resource.attributes}
    return str(about["service.name"])


def span_from_proto(span: Any, service: str) -> CollectedSpan:
    """The protobuf span as a ``CollectedSpan``."""
    return CollectedSpan(
        name=span.name,
        trace=span.trace_id.hex(),
        id=span.span_id.hex(),
        parent=span.parent_span_id.hex(),
        attributes={
            each.key: each.value.string_value or each.value.int_value for each in span.attributes
        },
        failed=span.status.code == span.status.STATUS_CODE_ERROR,
        service=service,
        events=[event.name for event in span.events],
    )
