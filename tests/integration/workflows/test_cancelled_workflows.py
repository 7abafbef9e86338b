"""Cancelling a workflow while rounds of the workers do the same."""

from typing import Any

import pytest

from project.celery import app
from project.store.client import Store
from project.store.commands import workflows
from project.store.commands.command import Command
from project.store.commands.workflows import ENDS_PER_STEP, CancelResult
from project.workflows.building import workflow
from tests.support.apps import nodes


def test_who_cancels_is_told_so_when_a_round_cancels_the_rest(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    building = workflow("w")
    for number in range(2 * ENDS_PER_STEP):
        building.add(f"n{number}", nodes.echo, options={"countdown": 3_600})
    workflow_id = building.submit().id
    run = app.store.run

    def run_and_round(command: Command[Any]) -> Any:
        answer = run(command)
        while run(workflows.do_round(3_600)) == 0:
            pass
        return answer

    monkeypatch.setattr(app.store, "run", run_and_round)
    first = app.workflows.cancel(workflow_id)
    again = app.workflows.cancel(workflow_id)

    page = app.workflows.get(workflow_id)
    assert page is not None
    assert (first, again) == (CancelResult.DONE, CancelResult.FINAL)
    assert (page.workflow.status, page.workflow.nodes.cancelled) == ("cancelled", 200)
