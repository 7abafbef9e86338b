"""How a process starts to use Redis: it waits until Redis answers, and says so."""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from project.errors import IncompatibleData, LoginRefused, StoreUnavailable
from project.settings.checks import EXIT_WRONG_SETTINGS
from project.store.client import Store
from project.store.migration import prepare_data

log = logging.getLogger(__name__)

RETRY_SECONDS = 0.5
SAY_EVERY_SECONDS = 10.0
LOGIN_TIMEOUT_SECONDS = 1.0


def require_login(url: str) -> None:
    """Raise ``LoginRefused`` when Redis does not accept the login; other failures may pass."""
    store = Store(url, timeout=LOGIN_TIMEOUT_SECONDS)
    try:
        store.ping()
    except LoginRefused:
        raise
    except StoreUnavailable as problem:
        log.info("not checked yet: %s", problem.reason)
    finally:
        store.close()


@contextmanager
def exit_if_unusable() -> Iterator[None]:
    """End the process with a line in the log when it may not use this Redis or its data."""
    try:
        yield
    except LoginRefused as problem:
        log.critical("%s", problem)
        raise SystemExit(EXIT_WRONG_SETTINGS) from problem
    except IncompatibleData as problem:
        log.critical("%s", problem)
        raise SystemExit(1) from problem


def wait_for_redis(store: Store, proceed: Callable[[], object] = lambda: None) -> None:
    """Prepare the data; wait as long as Redis does not answer.

    ``proceed`` is called before each try and raises when the process is to stop. Raises
    ``LoginRefused`` and ``IncompatibleData``: waiting would not help.
    """
    say_at = 0.0
    while True:
        proceed()
        try:
            prepare_data(store)
        except LoginRefused:
            raise
        except StoreUnavailable as problem:
            if time.monotonic() >= say_at:
                log.warning("waiting for Redis: %s", problem.reason)
                say_at = time.monotonic() + SAY_EVERY_SECONDS
            time.sleep(RETRY_SECONDS)
        else:
            return
