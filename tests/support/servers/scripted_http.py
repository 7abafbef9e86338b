"""HTTP servers on loopback that follow a plan, misbehaviour included."""

import socketserver
import ssl
import threading
from collections.abc import Callable
from typing import Any, NamedTuple, Self

LISTEN_ADDRESS = "127.0.0.2"
"""A loopback address that the tests allow webhooks to call."""

OK_RESPONSE = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class ReceivedRequest(NamedTuple):
    """A request as the server received it."""

    line: str
    headers: dict[str, str]
    body: bytes
    raw: bytes


class ScriptedHttpHandler(socketserver.StreamRequestHandler):
    """One connection: reads a request, then runs the server's plan."""

    server: "ScriptedHttpServer"
    timeout = 20

    def handle(self) -> None:
        self.server.connections += 1
        try:
            request = self.read()
            self.server.requests.append(request)
            self.server.plan(self, request)
        except OSError:
            self.server.hung_up.set()

    def read(self) -> ReceivedRequest:
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += self.rfile.readline() or hang_up()
        line, *lines = head.decode().split("\r\n")
        headers = dict(line.split(": ", 1) for line in lines if line)
        body = self.rfile.read(int(headers.get("Content-Length", 0)))
        return ReceivedRequest(line, headers, body, head + body)

    def send(self, data: bytes) -> None:
        self.wfile.write(data)
        self.server.sent_bytes += len(data)

    def drip(self, data: bytes) -> None:
        """Send the data repeatedly, every 50 ms."""
        while not self.server.closing.wait(0.05):
            self.send(data)

    def pour(self, data: bytes) -> None:
        """Send the data repeatedly, as fast as the client reads."""
        while not self.server.closing.is_set():
            self.send(data)


HttpPlan = Callable[[ScriptedHttpHandler, ReceivedRequest], None]


def hang_up() -> bytes:
    raise ConnectionResetError


class ScriptedHttpServer(socketserver.ThreadingTCPServer):
    """An HTTP server on a free port that follows ``plan`` and keeps the requests."""

    daemon_threads = True
    block_on_close = True

    def __init__(self, host: str = LISTEN_ADDRESS, context: ssl.SSLContext | None = None) -> None:
        super().__init__((host, 0), ScriptedHttpHandler)
        self.context = context
        self.plan: HttpPlan = respond_with(OK_RESPONSE)
        self.requests: list[ReceivedRequest] = []
        self.connections = 0
        self.sent_bytes = 0
        self.hung_up = threading.Event()
        self.closing = threading.Event()

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    @property
    def url(self) -> str:
        return f"http://{self.server_address[0]}:{self.port}/"

    def get_request(self) -> tuple[Any, Any]:
        connected, address = super().get_request()
        if self.context:
            connected = self.context.wrap_socket(connected, server_side=True)
        return connected, address

    def __enter__(self) -> Self:
        self.thread = threading.Thread(target=self.serve_forever, args=(0.05,))
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.closing.set()
        self.shutdown()
        self.server_close()
        self.thread.join(10)


def respond_with(*answers: bytes) -> HttpPlan:
    """A plan that sends one answer per connection, and repeats the last one."""
    rest = list(answers)
    return lambda talk, _: talk.send(rest.pop(0) if len(rest) > 1 else rest[0])


def build_response(status: int, body: bytes = b"", **headers: str) -> bytes:
    lines = [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    head = [f"HTTP/1.1 {status} Said", f"Content-Length: {len(body)}", *lines, "", ""]
    return "\r\n".join(head).encode() + body
