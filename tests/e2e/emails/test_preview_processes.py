"""Many previews at once: the processes that render them are bounded, and others are answered."""

from concurrent.futures import ThreadPoolExecutor

from tests.support.programs.processes import list_children
from tests.support.programs.system import System

PREVIEWS = 6
TIMEOUT_SECONDS = 60
MAX_PROCESSES = 2
ORDER = {"template": "welcome"}


def test_many_previews_start_few_processes_and_stop_nobody(system: System) -> None:
    most = 0
    with ThreadPoolExecutor(PREVIEWS) as clients:
        orders = [
            clients.submit(system.http.post, "/emails/preview", json=ORDER, timeout=TIMEOUT_SECONDS)
            for _ in range(PREVIEWS)
        ]
        while not all(order.done() for order in orders):
            assert system.http.get("/health/live").status_code == 200
            (server,) = list_children(system.api())
            most = max(most, len(list_children(server)))

    assert [order.result().status_code for order in orders] == [200] * PREVIEWS
    assert 1 <= most <= MAX_PROCESSES
