"""What the guide for Python programs shows does what it says."""

import asyncio
from typing import Any

from project.celery import app
from project.records.record import TaskRecord
from project.store.client import Store
from project.store.commands.queries import read_record
from tests.support.documents.guides import DOCS, parse_blocks

PAGE = DOCS / "how-to" / "from-python.md"


def names() -> dict[str, Any]:
    """What the page's code defines."""
    found: dict[str, Any] = {}
    for block in parse_blocks(PAGE):
        if block.language == "python":
            exec(block.code, found)  # noqa: S102 - the guide's
    return found


def test_a_program_orders_a_job_and_reads_its_record(store: Store) -> None:
    guide = names()
    job_id = guide["order_summary"]("2026-05")

    assert guide["look"](job_id)["status"] == "pending"
    assert guide["look"](job_id)["tags"] == ["web"]
    assert guide["look"]("nobody") == {}


def test_a_route_can_await_an_order(store: Store) -> None:
    async def order() -> TaskRecord:
        try:
            record: TaskRecord = await names()["order_report"]("2026-05")
            return record
        finally:
            await app.async_store.close()

    record = asyncio.run(order())

    assert store.run(read_record(record.id)) is not None
