"""The files for Prometheus and Grafana use only metrics that /metrics has."""

import json
import re
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.reference.metrics import expose_samples
from tests.support.documents.markdown import ROOT
from tests.support.promtool import run_promtool

FOLDER = ROOT / "docs" / "monitoring"
ALERTS = (FOLDER / "alerts.yml").read_text()
GUIDE = (ROOT / "docs" / "operating.md").read_text()
NAMES = re.findall(r"^ +- alert: (\w+)$", ALERTS, re.MULTILINE)
PANELS: list[dict[str, Any]] = json.loads((FOLDER / "dashboard.json").read_text())["panels"]
QUERIES = [target["expr"] for panel in PANELS for target in panel["targets"]]

TEXT = expose_samples()
SAMPLES = [sample for family in text_string_to_metric_families(TEXT) for sample in family.samples]
EXPOSED = {sample.name: set(sample.labels) for sample in SAMPLES}


def metrics_in(text: str) -> set[str]:
    return set(re.findall(r"\bcontinuo_\w+", text))


def test_alerts_and_dashboard_use_only_existing_metrics() -> None:
    asked = metrics_in(ALERTS) | metrics_in(" ".join(QUERIES))
    assert len(asked) > 15
    assert asked - EXPOSED.keys() == set()


def test_alerts_and_dashboard_use_only_existing_labels() -> None:
    text = ALERTS + " ".join(QUERIES)
    for name, selector in re.findall(r"(continuo_\w+)\{([^}]*)\}", text):
        labels = set(re.findall(r"(\w+)(?:=|!=|=~|!~)\"", selector))
        assert labels <= EXPOSED[name], name


def test_the_guide_lists_exactly_the_existing_metrics() -> None:
    families = {family.name: family.type for family in text_string_to_metric_families(TEXT)}
    named = {name + "_total" if kind == "counter" else name for name, kind in families.items()}
    assert set(re.findall(r"^\| `(continuo_\w+)` \|", GUIDE, re.MULTILINE)) == named


def test_the_guide_covers_exactly_the_existing_alerts() -> None:
    assert len(NAMES) > 10
    assert re.findall(r"^### (Continuo\w+)$", GUIDE, re.MULTILINE) == NAMES
    for name in NAMES:
        assert f"runbook: docs/operating.md#{name.lower()}\n" in ALERTS


def test_no_two_panels_of_the_dashboard_overlap() -> None:
    def cells(panel: dict[str, Any]) -> set[tuple[int, int]]:
        x, y, w, h = (panel["gridPos"][name] for name in "xywh")
        assert x + w <= 24
        return {(column, row) for column in range(x, x + w) for row in range(y, y + h)}

    for one, other in combinations(PANELS, 2):
        assert not cells(one) & cells(other), (one["title"], other["title"])
    assert len({panel["id"] for panel in PANELS}) == len(PANELS)


@pytest.mark.parametrize(
    "arguments",
    [
        ("check", "config", str(FOLDER / "prometheus.yml")),
        ("check", "rules", str(FOLDER / "alerts.yml")),
        ("test", "rules", str(FOLDER / "alerts_test.yml")),
    ],
    ids=["prometheus", "alerts", "their tests"],
)
def test_promtool_accepts_the_alert_rules(arguments: tuple[str, ...]) -> None:
    assert run_promtool(*arguments) == ""


def test_promtool_accepts_the_queries_of_the_dashboard(tmp_path: Path) -> None:
    rules = [
        {"record": f"query:{n}", "expr": query.replace("$__rate_interval", "5m")}
        for n, query in enumerate(QUERIES)
    ]
    file = tmp_path / "queries.yml"
    file.write_text(json.dumps({"groups": [{"name": "dashboard", "rules": rules}]}))

    assert run_promtool("check", "rules", str(file)) == ""


def test_promtool_accepts_the_exposed_metrics() -> None:
    assert run_promtool("check", "metrics", given=TEXT) == ""
