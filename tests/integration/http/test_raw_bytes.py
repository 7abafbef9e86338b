"""Byte strings around HTTP's grammar: an answer or a clean close, never a hang or a death."""

import os
import random
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from select import POLLIN, poll

import pytest

from tests.support.programs.api_process import ApiProcess, serve_api

STRINGS = int(os.environ.get("RAW_STRINGS", "2000"))
"""100,000 take a few minutes."""

ANSWER_SECONDS = 15.0
PATIENCE_SECONDS = 0.3
GOOD_SHARE = 0.7
MAX_GROWTH_BYTES = 30 << 20

METHODS = [
    b"GET",
    b"POST",
    b"HEAD",
    b"OPTIONS",
    b"TRACE",
    b"CONNECT",
    b"FOO",
    b"get",
    b"",
    b"G\x00T",
]
TARGETS = [b"/orders", b"/orders/7", b"/", b"*", b"//", b"/%", b"/%00", b"/" + b"a" * 9_000, b"http://x/",
           b"/orders?a=1&a=2", b"/\xff", b""]  # fmt: skip
VERSIONS = [b"HTTP/1.1", b"HTTP/1.0", b"HTTP/0.9", b"HTTP/2.0", b"HTTP/1.1 ", b"http/1.1", b""]
HEADERS = [b"Host: localhost", b"Host: localhost", b"Host: a, b", b"Host:", b"Content-Length: 2",
           b"Content-Length: -1", b"Content-Length: 2, 2", b"Content-Length: 99999999999999999999",
           b"Transfer-Encoding: chunked", b"Transfer-Encoding: gzip, chunked",
           b"Content-Type: application/json", b"Expect: 100-continue", b"Connection: close",
           b"Connection: upgrade", b"Upgrade: h2c", b": empty", b"No colon", b"X: \x00", b" folded",
           b"X: " + b"a" * 20_000, b"Origin: null", b"Prefer: wait=0"]  # fmt: skip
BODIES = [
    b"",
    b"{}",
    b"{",
    b"2\r\n{}\r\n0\r\n\r\n",
    b"ffffffffffffffff\r\n",
    b"\xff\xfe",
    b"[" * 500,
]
ENDS = [b"\r\n", b"\n", b"\r"]


def make_string(chance: random.Random) -> bytes:
    """A request that is right in most parts, and wrong in some."""
    end = chance.choice([b"\r\n"] * 9 + ENDS)
    good = chance.random() < GOOD_SHARE
    words = [chance.choice(each[:2] if good else each) for each in (METHODS, TARGETS, VERSIONS)]
    headers = [b"Host: localhost"] if good else chance.sample(HEADERS, 2)
    headers += chance.sample(HEADERS, chance.choice([0, 0, 1, 2]))
    text = bytearray(end.join([b" ".join(words), *headers, b"", chance.choice(BODIES)]))
    for _ in range(chance.choice([0, 0, 0, 1, 3])):
        text[chance.randrange(len(text))] = chance.randrange(256)
    return bytes(text)


def send(api: ApiProcess, data: bytes) -> str:
    """What came back: ``answer``, ``noise``, ``close`` or ``hang``.

    A server may wait for the rest of an incomplete request, but not after the client's end.
    """
    with socket.create_connection(("127.0.0.1", api.port), timeout=ANSWER_SECONDS) as client:
        try:
            client.sendall(data)
            answers = poll()  # select() takes no descriptor above 1,023
            answers.register(client, POLLIN)
            if not answers.poll(PATIENCE_SECONDS * 1_000):
                client.shutdown(socket.SHUT_WR)
            answer = client.recv(65_536)
        except TimeoutError:
            return "hang"
        except OSError:
            return "close"
    if not answer:
        return "close"
    return "answer" if answer.startswith(b"HTTP/1.") else "noise"


def read_memory(pid: int) -> int:
    """The resident bytes of a process."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.fixture(scope="module")
def api() -> Iterator[ApiProcess]:
    with serve_api() as process:
        yield process


@pytest.mark.timeout(1_800)
def test_every_byte_string_gets_an_answer_or_a_clean_close(api: ApiProcess) -> None:
    chance = random.Random(7)  # noqa: S311 - the same strings in each run
    strings = [make_string(chance) for _ in range(STRINGS)]
    pid = api.pid()
    with ThreadPoolExecutor(48) as pool:
        list(pool.map(lambda data: send(api, data), strings[: STRINGS // 4]))
        before = read_memory(pid)
        results = list(pool.map(lambda data: send(api, data), strings))

    strange = [
        data for data, result in zip(strings, results, strict=True) if result in {"hang", "noise"}
    ]
    assert strange == []
    assert results.count("answer") > STRINGS // 50
    assert api.pid() == pid
    assert read_memory(pid) - before < MAX_GROWTH_BYTES
