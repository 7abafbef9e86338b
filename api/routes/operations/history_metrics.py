"""The metrics of the history."""

from collections.abc import Iterator

from api.routes.operations.prometheus import Metric, build_gauge
from project.store.commands.archive import Backlog


def build_history_metrics(backlog: Backlog) -> Iterator[Metric]:
    """Yield the metrics of what is not archived yet; both are 0 without a history."""
    yield build_gauge(
        "history_waiting_jobs", "Ended jobs that are not archived yet.", [({}, backlog.jobs)]
    )
    yield build_gauge(
        "history_lag_seconds",
        "How long the first of them has waited; 0 when none does.",
        [({}, backlog.seconds)],
    )
