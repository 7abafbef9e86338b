"""Request bodies become the type of the route."""

from time import perf_counter
from typing import Annotated, Any, ClassVar

import msgspec
import pytest
from cello import Request

from api.http.parsing import BodyReader, require_json_if_any
from api.http.problems import Problem
from project.errors import InvalidField
from project.messages.validation import MAX_LEVELS
from tasks.webhooks.call_arguments import encode_body

LIMIT = 1_000


class Order(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    type: str = "summary"
    max_retries: Annotated[int, msgspec.Meta(ge=1, le=20)] = 3

    def __post_init__(self) -> None:
        if self.type == "strange":
            raise InvalidField("type", "use summary")


JSON = {"Content-Type": "application/json"}


def post(content: bytes, content_type: str = "application/json", limit: int = LIMIT) -> Any:
    headers = {"Content-Type": content_type} if content_type else {}
    return BodyReader(Order, limit).read(Request("POST", "/", headers=headers, body=content))


def catch_problem(content: bytes, content_type: str = "application/json") -> Problem:
    with pytest.raises(Problem) as refusal:
        post(content, content_type)
    return refusal.value


def test_a_body_becomes_the_type_of_the_route() -> None:
    assert post(b'{"max_retries": 5}') == Order(max_retries=5)


def test_an_integer_may_have_a_zero_fraction_like_in_json_schema() -> None:
    assert post(b'{"max_retries": 5.0}') == Order(max_retries=5)
    assert catch_problem(b'{"max_retries": 5.5}').status == 422
    assert catch_problem(b'{"max_retries": "5"}').status == 422
    assert catch_problem(b'{"max_retries": 50.0}').status == 422


@pytest.mark.parametrize(
    "content_type",
    ["application/json", "application/json; charset=utf-8", "Application/JSON ; x=y",
     "application/merge-patch+json"],
)  # fmt: skip
def test_json_is_accepted_under_each_of_its_media_types(content_type: str) -> None:
    assert post(b"{}", content_type) == Order()


@pytest.mark.parametrize(
    "content_type",
    ["text/plain", "application/x-www-form-urlencoded", "image/svg+json", "json",
     "application/jsonp", "application/json-seq"],
)  # fmt: skip
def test_a_body_declared_as_something_else_is_415(content_type: str) -> None:
    problem = catch_problem(b"{}", content_type)
    assert problem.status == 415
    assert content_type in problem.detail


def test_a_body_that_is_not_declared_is_415() -> None:
    problem = catch_problem(b"{}", "")
    assert problem.status == 415
    assert "application/json" in problem.detail


def test_a_route_without_a_body_takes_none_of_another_type() -> None:
    def catch_status(**headers: str) -> int:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        try:
            require_json_if_any(Request("POST", "/", headers=named))
        except Problem as problem:
            return problem.status
        return 0

    assert catch_status() == catch_status(Content_Length="0") == 0
    assert catch_status(Content_Type="application/json", Content_Length="2") == 0
    assert catch_status(Content_Length="2") == 415
    assert catch_status(Transfer_Encoding="chunked") == 415
    assert catch_status(Content_Type="application/x-www-form-urlencoded") == 415


def test_a_body_in_the_second_media_type_of_a_route_is_passed_as_text() -> None:
    either = BodyReader(Order, LIMIT, also="text/csv")

    def read(content: bytes, content_type: str) -> Any:
        headers = {"Content-Type": content_type}
        return either.read(Request("POST", "/", headers=headers, body=content))

    assert read(b"email\r\n{}", "Text/CSV; charset=utf-8") == "email\r\n{}"
    assert read(b"{}", "application/json") == Order()
    with pytest.raises(Problem, match="application/json or text/csv, not text/plain") as refusal:
        read(b"{}", "text/plain")
    assert refusal.value.status == 415
    with pytest.raises(Problem, match="larger") as refusal:
        read(b"x" * (LIMIT + 1), "text/csv")
    assert refusal.value.status == 413

    with pytest.raises(Problem, match="empty"):
        read(b"", "text/csv")


@pytest.mark.parametrize(
    "content",
    [b'{"a": 1', b"{}x", b"hello", b'{"max_retries": NaN}', b"\xef\xbb\xbf{}", b"{'a': 1}"],
)
def test_a_body_that_is_not_json_is_400(content: bytes) -> None:
    problem = catch_problem(content)
    assert problem.status == 400
    assert problem.detail.startswith("The body is not JSON: ")


def test_an_empty_body_is_400_and_says_what_to_send() -> None:
    problem = catch_problem(b"")

    assert problem.status == 400
    assert "empty" in problem.detail
    assert "{}" in problem.detail


def test_an_optional_body_may_be_missing_and_is_checked_when_present() -> None:
    optional = BodyReader(Order, LIMIT, is_needed=False)

    def read(content: bytes) -> Any:
        return optional.read(Request("POST", "/x", headers=JSON if content else {}, body=content))

    assert read(b"") == Order()
    assert read(b'{"max_retries": 5}') == Order(max_retries=5)
    with pytest.raises(Problem) as refused:
        read(b"{")
    assert refused.value.status == 400


def test_a_body_that_is_not_utf8_is_400() -> None:
    problem = catch_problem(b'{"type": "\xff"}')
    assert (problem.status, problem.detail) == (400, "The body is not UTF-8")


@pytest.mark.parametrize("content", [b"[" * 60_000, b"[" * 30_000 + b"]" * 30_000,
                                     b'{"a":' * 10_000 + b"1" + b"}" * 10_000])  # fmt: skip
def test_a_deeply_nested_body_is_400_in_milliseconds(content: bytes) -> None:
    started = perf_counter()

    with pytest.raises(Problem) as refusal:
        post(content, limit=100_000)

    assert refusal.value.status == 400
    assert perf_counter() - started < 0.1


@pytest.mark.parametrize("levels", [MAX_LEVELS, 5_000, 30_000])
def test_a_deeply_nested_value_of_any_shape_is_400(levels: int) -> None:
    content = b'{"filters":' + b"[" * levels + b"]" * levels + b"}"
    free = BodyReader(dict[str, Any], limit=100_000)

    with pytest.raises(Problem, match="nested too deeply") as refusal:
        free.read(Request("POST", "/", headers=JSON, body=content))

    assert refusal.value.status == 400


def test_a_body_may_have_many_values_and_some_nesting() -> None:
    content = b'{"a":["[[[",%b' % (b"[[1]]," * 9_000) + b"[" * 197 + b"]" * 197 + b"]}"
    free = BodyReader(dict[str, Any], limit=100_000)
    assert len(free.read(Request("POST", "/", headers=JSON, body=content))["a"]) == 9_002


def test_broken_json_is_reported_before_an_invalid_value() -> None:
    assert catch_problem(b'{"max_retries": "x"').status == 400


def test_an_invalid_value_is_422_with_a_pointer() -> None:
    problem = catch_problem(b'{"max_retries": 0}')
    assert problem.status == 422

    (fault,) = problem.errors
    assert (fault.pointer, fault.detail) == ("/max_retries", "must be at least 1")


class Step(msgspec.Struct, forbid_unknown_fields=True):
    name: Annotated[str, msgspec.Meta(pattern="^[a-z0-9-]+$")]
    weight: Annotated[float, msgspec.Meta(gt=0)] = 1.0


class Plan(msgspec.Struct, forbid_unknown_fields=True):
    count: Annotated[int, msgspec.Meta(ge=1)]
    steps: Annotated[list[Step], msgspec.Meta(max_length=3)] = []
    first: Step | None = None
    free: Any = None


def read_plan(text: str) -> Any:
    headers = {"Content-Type": "application/json"}
    return BodyReader(Plan, LIMIT).read(Request("POST", "/", headers=headers, body=text.encode()))


def test_all_wrong_values_are_in_one_answer_in_plain_words() -> None:
    text = (
        '{"steps": [{"name": "A B"}, {"name": "ok", "weight": 0}, {"nam": "x"}],'
        ' "first": {"name": 1}, "odd": 1}'
    )

    with pytest.raises(Problem) as refusal:
        read_plan(text)

    faults = {fault.pointer: fault.detail for fault in refusal.value.errors}
    assert faults == {
        "/odd": "Unknown field odd; allowed: count, first, free, steps",
        "/count": "Required field count is missing",
        "/steps/0/name": "has a form or characters that are not allowed",
        "/steps/1/weight": "must be more than 0",
        "/steps/2/nam": "Unknown field nam; allowed: name, weight",
        "/steps/2/name": "Required field name is missing",
        "/first/name": "must be a text, not an integer",
    }
    assert "/steps/1/weight: must be more than 0" in refusal.value.detail


def test_a_list_that_is_too_long_is_told_as_that() -> None:
    with pytest.raises(Problem) as refusal:
        read_plan('{"count": 1, "steps": [{"name":"a"},{"name":"a"},{"name":"a"},{"name":"a"}]}')

    assert [(each.pointer, each.detail) for each in refusal.value.errors] == [
        ("/steps", "must have at most 3 items")
    ]


def test_a_whole_float_becomes_an_integer_only_where_one_is_wanted() -> None:
    plan = read_plan(
        '{"count": 3.0, "steps": [{"name": "a", "weight": 2.0}], "free": [1e300, 1.0]}'
    )

    assert repr(plan.count) == "3"
    assert repr(plan.steps[0].weight) == "2.0"
    assert repr(plan.free) == "[1e+300, 1.0]"


class Exact(msgspec.Struct):
    keeps_decimals: ClassVar[bool] = True

    count: int = 1
    share: float = 0.5
    body: Any = None


@pytest.mark.parametrize("count", ["3", "3.0"])
def test_a_body_may_keep_the_digits_of_its_decimals(count: str) -> None:
    text = f'{{"count":{count},"share":1.50,"body":[1.10,1E+300,3.14159265358979323846,1.0]}}'
    headers = {"Content-Type": "application/json"}

    exact = BodyReader(Exact, LIMIT).read(Request("POST", "/", headers=headers, body=text.encode()))

    assert (exact.count, repr(exact.share)) == (3, "1.5")
    assert encode_body(exact.body) == "[1.10,1E+300,3.14159265358979323846,1.0]"


@pytest.mark.parametrize("count", ["1E+999999999", "-1E+999999999", "1e300", "1.5"])
def test_a_number_that_is_no_integer_is_refused_at_once(count: str) -> None:
    headers = {"Content-Type": "application/json"}
    content = f'{{"count": {count}}}'.encode()
    started = perf_counter()

    with pytest.raises(Problem) as refusal:
        BodyReader(Exact, LIMIT).read(Request("POST", "/", headers=headers, body=content))

    assert refusal.value.status in {400, 422}
    assert perf_counter() - started < 0.1


def test_an_unknown_field_is_422_with_the_known_names() -> None:
    problem = catch_problem(b'{"max_tries": 1}')

    assert problem.status == 422
    assert problem.errors[0].pointer == "/max_tries"
    assert "allowed: max_retries, type" in problem.errors[0].detail


def test_an_invalid_field_raised_by_the_type_is_passed_on() -> None:
    with pytest.raises(InvalidField, match="use summary"):
        post(b'{"type": "strange"}')


def test_a_body_of_exactly_the_limit_is_accepted() -> None:
    assert post(b'{"type":"' + b"a" * (LIMIT - 11) + b'"}').type == "a" * (LIMIT - 11)


@pytest.mark.parametrize("letter", ["a", "é"])
def test_the_limit_counts_bytes(letter: str) -> None:
    too_many = LIMIT // len(letter.encode())

    problem = catch_problem(f'{{"type":"{letter * too_many}"}}'.encode())

    assert problem.status == 413
    assert str(LIMIT) in problem.detail


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_a_table_may_be_in_utf_16(encoding: str) -> None:
    headers = {"Content-Type": "text/csv"}
    body = "email;name\r\nada@example.com;Zoë".encode(encoding)

    text = BodyReader(Order, LIMIT, also="text/csv").read(
        Request("POST", "/", headers=headers, body=body)
    )

    assert text == "email;name\r\nada@example.com;Zoë"


@pytest.mark.parametrize("body", [b"\xff", b"\xff\xfea"])
def test_a_table_that_is_no_text_is_refused(body: bytes) -> None:
    headers = {"Content-Type": "text/csv"}
    request = Request("POST", "/", headers=headers, body=body)

    with pytest.raises(Problem, match="neither UTF-8 nor UTF-16"):
        BodyReader(Order, LIMIT, also="text/csv").read(request)
