"""Durable steps: what an attempt has done, which later attempts skip.

A result is stored as its JSON. A long one is an artifact: then ``@``, its size in bytes, a space
and its key are stored, which no JSON begins with.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from contextlib import suppress
from functools import partial
from threading import Lock
from time import monotonic
from typing import Any, get_type_hints

from celery.exceptions import Ignore
from kombu.exceptions import EncodeError

from project.artifacts.links import (
    Artifact,
    ArtifactGone,
    open_workshop,
    read_artifact,
    store_artifact,
)
from project.errors import InvalidField, PermanentError
from project.messages.encoding import decode, encode
from project.payload.conversion import to_json
from project.payload.payload import convert_all
from project.records.record import Step
from project.store.commands import steps as commands
from project.store.commands.attempts import Verdict
from project.store.commands.command import Command
from project.text import is_line

MAX_INLINE_BYTES = 65_536
"""The longest JSON of a result that is kept in Redis; a longer one is an artifact."""

MAX_STEPS = 1_000
"""How many steps a job has at most."""

MAX_NAME_CHARACTERS = 200

ARTIFACT_MARK = "@"

FILENAME = "step.json"


class Steps:
    """The steps of one attempt; threads may share it.

    ``run`` runs a command. Without ``has_record`` nothing is stored, and ``run`` is not called.
    """

    def __init__(
        self, job_id: str, token: str, run: Callable[[Command[Any]], Any], *, has_record: bool
    ) -> None:
        self._job_id = job_id
        self._token = token
        self._run = run
        self.has_record = has_record
        self._lock = Lock()
        self._finished = self._read_finished()
        self._begun: set[str] = set()
        self._sleeps = 0

    def find_finished(self, name: str) -> Step | None:
        """The finished step of this name; None while it is still to do. Raises as ``begin``."""
        self.begin(name)
        return self._finished.get(name)

    def name_sleep(self) -> str:
        """The name of a sleep without one, by its place among those of the attempt."""
        self._sleeps += 1
        return f"sleep[{self._sleeps - 1}]"

    def begin(self, name: str) -> bool:
        """Whether the step is still to do. Raises ``InvalidField`` for a name that cannot be."""
        check_name(name)
        with self._lock:
            if name in self._begun:
                raise InvalidField("name", f"{name!r} is the name of two steps of this attempt")
            self._begun.add(name)
            if len(self._begun | self._finished.keys()) > MAX_STEPS:
                raise InvalidField("name", f"{name!r}: a job has at most {MAX_STEPS:,} steps")
        return name not in self._finished

    def read(self, name: str, shape: Any) -> Any:
        """The stored result of a finished step. Raises ``PermanentError`` when its file is gone."""
        stored = self._run(commands.read_result(self._job_id, name))
        try:
            text = read_text(stored)
        except ArtifactGone as problem:
            raise PermanentError(
                f"the result of the finished step {name!r} was a file, which is no longer kept:"
                " order the job again"
            ) from problem
        return convert_all(decode(text), shape, name)

    def finish(self, name: str, result: Any, shape: Any, seconds: float) -> Any:
        """Store the result; returns it as it was stored.

        Raises ``InvalidField`` for a result without JSON or of another type, and ``Ignore`` when
        another attempt owns the job.
        """
        text = encode_result(name, result)
        value = convert_all(decode(text), shape, name)
        if self.has_record:
            stored = store_text(text)
            command = commands.finish(
                self._job_id, token=self._token, name=name, seconds=seconds, result=stored
            )
            if self._run(command) is Verdict.REFUSED:
                raise Ignore(f"the step {name!r} was not stored: another attempt has the job")
        return value

    def _read_finished(self) -> dict[str, Step]:
        if not self.has_record:
            return {}
        return {step.name: step for step in self._run(commands.read_finished(self._job_id))}


def do_step(steps: Steps, name: str, call: Callable[[], Any]) -> Any:
    """Return the result of a step: a stored one, or that of ``call``, which is then stored."""
    shape = find_shape(call)
    if not steps.begin(name):
        return steps.read(name, shape)
    began = monotonic()
    result = call()
    return steps.finish(name, result, shape, monotonic() - began)


async def await_step(steps: Steps, name: str, call: Callable[[], Awaitable[Any]]) -> Any:
    """``do_step`` for a coroutine function."""
    shape = find_shape(call)
    if not steps.begin(name):
        return steps.read(name, shape)
    began = monotonic()
    result = await call()
    return steps.finish(name, result, shape, monotonic() - began)


def run_in_threads(calls: Sequence[Callable[[], Any]], limit: int) -> list[Any]:
    """Call all, at most ``limit`` at once; their results in order.

    After an error no further call begins, and the error is raised when those that run have ended.
    """
    with ThreadPoolExecutor(limit) as pool:
        futures = [pool.submit(call) for call in calls]
        try:
            ended, _ = wait(futures, return_when=FIRST_EXCEPTION)
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
    for future in ended:
        future.result()  # raises its error
    return [future.result() for future in futures]


async def await_all(calls: Sequence[Callable[[], Awaitable[Any]]], limit: int) -> list[Any]:
    """``run_in_threads`` for coroutine functions; after an error those that run are cancelled."""
    gate = asyncio.Semaphore(limit)

    async def pass_gate(call: Callable[[], Awaitable[Any]]) -> Any:
        async with gate:
            return await call()

    tasks = [asyncio.ensure_future(pass_gate(call)) for call in calls]
    try:
        return await asyncio.gather(*tasks)
    except BaseException:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        raise


def check_name(name: str) -> None:
    """Raise ``InvalidField`` unless this is the name of a step."""
    if not isinstance(name, str) or not name or not is_line(name):
        raise InvalidField("name", f"{name!r} must be text without line ends")
    if len(name) > MAX_NAME_CHARACTERS:
        raise InvalidField("name", f"must have at most {MAX_NAME_CHARACTERS} characters")


def find_shape(call: Any) -> Any:
    """The type that a function says it returns; ``Any`` when it does not or nobody can tell."""
    while isinstance(call, partial):
        call = call.func
    with suppress(Exception):  # no function, or a name that only type checkers know
        return get_type_hints(call, include_extras=True).get("return", Any)
    return Any


def encode_result(name: str, result: Any) -> str:
    """The JSON of a result. Raises ``InvalidField`` for one without."""
    try:
        return encode(to_json(result))
    except (TypeError, EncodeError) as problem:
        raise InvalidField(name, f"the result of the step is not JSON: {problem}") from problem


def store_text(text: str) -> str:
    """What is stored for the JSON of a result: itself, or where it is."""
    content = text.encode()
    if len(content) <= MAX_INLINE_BYTES:
        return text
    with open_workshop() as folder:
        file = folder / FILENAME
        file.write_bytes(content)
        artifact = store_artifact(file, FILENAME)
    return f"{ARTIFACT_MARK}{len(content)} {artifact.key}"


def read_text(stored: str) -> str:
    """The JSON of a result from what is stored for it. Raises ``ArtifactGone``."""
    if not stored.startswith(ARTIFACT_MARK):
        return stored
    size, _, key = stored.removeprefix(ARTIFACT_MARK).partition(" ")
    return read_artifact(Artifact(key, FILENAME), int(size)).decode()
