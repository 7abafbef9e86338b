"""Plans of a server of files that loses connections."""

from tests.support.servers.scripted_http import HttpPlan, ReceivedRequest, ScriptedHttpHandler

TAG = '"one"'


def serve_file(content: bytes, *, cut_after: int, pause: float = 0.0) -> HttpPlan:
    """Send ``content`` or the range of it that is asked for, at most ``cut_after`` bytes at once.

    The connection ends ``pause`` seconds after them.
    """

    def plan(talk: ScriptedHttpHandler, request: ReceivedRequest) -> None:
        asked = {name.lower(): text for name, text in request.headers.items()}
        start = int(asked.get("range", "bytes=0-")[6:-1])
        if asked.get("if-range", TAG) != TAG:
            start = 0
        rest = content[start:]
        told = f"Content-Range: bytes {start}-{len(content) - 1}/{len(content)}\r\n"
        status = f"206 Partial\r\n{told}" if start else "200 OK\r\n"
        head = f"HTTP/1.1 {status}ETag: {TAG}\r\nContent-Length: {len(rest)}\r\n\r\n"
        talk.send(head.encode() + rest[:cut_after])
        talk.server.closing.wait(pause)

    return plan
