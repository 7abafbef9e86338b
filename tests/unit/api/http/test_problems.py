import json

import pytest

from api.http.problems import FieldError, Problem, build_unavailable, problem_from, title_of
from project.errors import InvalidField, StoreUnavailable


def test_a_problem_has_the_members_of_rfc_9457_in_order() -> None:
    document = json.loads(Problem(404, "no such report").encode("/reports/7", "r1"))
    assert document == {
        "type": "about:blank",
        "title": "Not Found",
        "status": 404,
        "detail": "no such report",
        "instance": "/reports/7",
        "request_id": "r1",
    }
    assert list(document)[:3] == ["type", "title", "status"]


def test_extra_members_follow_the_standard_ones() -> None:
    problem = Problem(404, "no", members={"error": "Task not found"})
    assert json.loads(problem.encode("/", "r"))["error"] == "Task not found"


def test_each_invalid_field_is_listed_with_its_path() -> None:
    errors = [FieldError(pointer="/a", detail="x"), FieldError(field="b", detail="y")]
    document = json.loads(Problem(422, "no", errors=errors).encode("/", "r"))
    assert document["errors"] == [{"pointer": "/a", "detail": "x"}, {"field": "b", "detail": "y"}]


@pytest.mark.parametrize("status", [400, 422])
def test_the_status_of_an_invalid_field_depends_on_its_place(status: int) -> None:
    problem = problem_from(InvalidField("filters.month", "use YYYY-MM"), invalid=status)
    assert problem.status == status
    assert problem.errors == [FieldError(field="filters.month", detail="use YYYY-MM")]


def test_an_unavailable_store_is_503_with_retry_after() -> None:
    problem = problem_from(StoreUnavailable("connection refused"), invalid=422)
    assert (problem.status, problem.headers) == (503, {"Retry-After": "5"})
    assert "connection refused" in problem.detail


def test_a_problem_is_passed_on_unchanged() -> None:
    problem = build_unavailable("busy")
    assert problem_from(problem, invalid=422) is problem


def test_any_other_error_is_500_and_hides_its_cause() -> None:
    problem = problem_from(RuntimeError("password=hunter2"), invalid=422)
    assert problem.status == 500
    assert "hunter2" not in problem.encode("/", "r")


def test_the_titles_match_rfc_9110_on_every_python_version() -> None:
    assert [title_of(413), title_of(422)] == ["Content Too Large", "Unprocessable Content"]
