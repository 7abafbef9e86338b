"""The metrics of the outboxes of applications."""

from collections.abc import Iterator

from api.routes.operations.prometheus import Metric, build_gauge
from project.store.commands.relay import OutboxState


def build_outbox_metrics(outboxes: list[OutboxState]) -> Iterator[Metric]:
    """Yield the metrics of outboxes, by database."""
    labeled = [({"outbox": each.name}, each) for each in outboxes]
    yield build_gauge(
        "outbox_rows",
        "Orders that wait in the outbox; 100,000 are counted at most.",
        ((labels, each.rows) for labels, each in labeled),
    )
    yield build_gauge(
        "outbox_lag_seconds",
        "How long the first of them has waited; 0 when none does.",
        ((labels, each.lag) for labels, each in labeled),
    )
    yield build_gauge(
        "outbox_refused",
        "Orders that cannot become jobs and are put aside.",
        ((labels, each.refused) for labels, each in labeled),
    )
    yield build_gauge(
        "outbox_unseen_seconds",
        "Since a worker last looked into the outbox.",
        ((labels, each.unseen) for labels, each in labeled),
    )
