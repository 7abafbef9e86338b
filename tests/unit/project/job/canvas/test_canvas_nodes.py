"""The nodes and edges of a canvas, from records that say odd things."""

from project.job.canvas.graph import build_graph
from project.records.workflow import NodeStatus
from project.store.commands.canvas import CanvasJob, PlannedJob, build_node


def job(name: str, *plan: tuple[str, str, list[str]], parent: str = "") -> CanvasJob:
    node = build_node(name, "k", NodeStatus.SUCCESS)
    return CanvasJob(node, "", parent, [PlannedJob(*row) for row in plan])


def edges(*jobs: CanvasJob) -> list[str]:
    return [f"{node.id}>{child}" for node in build_graph(jobs) for child in node.before]


def test_a_planned_job_without_a_record_is_blocked() -> None:
    first = job("a", ("a", "", ["b"]), ("b", "later", []))

    _, second = build_graph([first])

    assert (second.id, second.kind, second.status, second.task) == ("b", "later", "blocked", None)


def test_the_plan_says_more_than_who_has_sent_a_job() -> None:
    parts = [job(name, (name, "", ["body"])) for name in "ab"]

    assert edges(*parts, job("body", parent="b")) == ["a>body", "b>body"]


def test_a_job_without_a_plan_follows_the_one_that_has_sent_it() -> None:
    assert edges(job("a"), job("b", parent="a")) == ["a>b"]


def test_a_job_that_is_replaced_by_a_canvas_waits_for_its_end() -> None:
    replaced = job("body")
    part = job("part", ("part", "", ["body"]), parent="body")

    assert edges(replaced, part) == ["part>body"]


def test_plans_that_go_round_in_a_circle_lose_an_edge() -> None:
    assert edges(job("a", ("a", "", ["b"])), job("b", ("b", "", ["a"]))) == ["a>b"]


def test_a_plan_that_names_jobs_nobody_knows_has_no_edges_to_them() -> None:
    assert edges(job("a", ("a", "", ["nowhere"]))) == []
