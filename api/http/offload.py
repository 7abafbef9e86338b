"""Runs what takes long for a large body in threads, so that the event loop serves others.

The threads are few: a client that sends many large bodies waits for its own.
"""

import asyncio
import contextvars
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

LARGE_BODY_BYTES = 16_384
"""Below this, checking a body takes a few milliseconds at most."""

MAX_THREADS = 2

_threads = ThreadPoolExecutor(MAX_THREADS, thread_name_prefix="large-body")


async def run_apart[T](function: Callable[..., T], *arguments: object, is_large: bool) -> T:
    """Call a function: at once for a small body, in a thread for a large one."""
    if not is_large:
        return function(*arguments)
    call = partial(contextvars.copy_context().run, function, *arguments)
    return await asyncio.get_running_loop().run_in_executor(_threads, call)
