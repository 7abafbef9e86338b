"""Scripted servers, and the setting that lets calls reach them."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from project.settings.groups import forget_settings
from tests.support.servers.scripted_http import LISTEN_ADDRESS, ScriptedHttpServer
from tests.support.webhook_calls import ELSEWHERE, Start


@pytest.fixture
def start() -> Iterator[Start]:
    with ExitStack() as stack:
        yield lambda *about: stack.enter_context(ScriptedHttpServer(*about))


@pytest.fixture
def server(start: Start) -> ScriptedHttpServer:
    return start()


@pytest.fixture
def elsewhere(start: Start) -> ScriptedHttpServer:
    return start(ELSEWHERE)


@pytest.fixture(autouse=True)
def allow(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    def set_to(text: str) -> None:
        monkeypatch.setenv("CONTINUO_WEBHOOK_ALLOW", text)
        forget_settings()

    set_to(f"{LISTEN_ADDRESS}/32")
    yield set_to
    monkeypatch.undo()
    forget_settings()
