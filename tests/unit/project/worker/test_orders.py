"""Orders of the main process to its pool processes, over a real pipe."""

import os
from collections.abc import Iterator

import pytest

from project.worker.process.orders import Orders, OrderSheet, OrderWriter

type Ends = tuple[OrderWriter, Orders]


@pytest.fixture
def ends() -> Iterator[Ends]:
    reader, writer = os.pipe()
    yield OrderWriter(writer), Orders(reader)
    os.close(reader)


def test_orders_arrive_and_leave_the_others_as_they_were(ends: Ends) -> None:
    writer, orders = ends

    writer.send(OrderSheet(queues=["celery"], events=True))
    writer.send(OrderSheet(revoked=["a"]))

    assert orders.read()
    assert (orders.queues, orders.events, orders.revoked) == (["celery"], True, frozenset("a"))
    assert not orders.read()
    writer.close()


def test_a_process_that_does_not_read_stops_nobody_and_hears_all_in_the_end(ends: Ends) -> None:
    writer, orders = ends
    many = [f"job-{number}" for number in range(50_000)]  # more than a pipe holds

    writer.send(OrderSheet(revoked=many))
    writer.send(OrderSheet(queues=["celery"]))
    while orders.read():
        writer.flush()

    assert orders.revoked == frozenset(many)
    assert orders.queues == ["celery"]
    writer.close()


def test_the_end_of_the_main_process_stops_its_processes(ends: Ends) -> None:
    writer, orders = ends

    writer.close()

    assert orders.read()
    assert orders.stop


def test_a_process_that_is_gone_hears_nothing() -> None:
    reader, pipe = os.pipe()
    writer = OrderWriter(pipe)
    os.close(reader)

    writer.send(OrderSheet(stop=True))

    writer.close()
