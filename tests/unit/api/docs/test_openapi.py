from typing import Annotated, Any, ClassVar, Literal

import msgspec
import pytest

from api.docs.openapi import Info, build_document
from api.http.problems import ProblemDocument
from api.http.routing import Answer, Request, Router


class Order(msgspec.Struct, frozen=True):
    example: ClassVar[dict[str, Any]] = {"max_retries": 5}

    max_retries: Annotated[int, msgspec.Meta(ge=1, le=20)] = 3


class Record(msgspec.Struct, frozen=True):
    id: str


class Filter(msgspec.Struct, frozen=True):
    kind: str
    limit: Annotated[int, msgspec.Meta(le=100, description="Records on a page.")] = 50


class Call(msgspec.Struct, frozen=True):
    url: str
    way: Literal["get", "post"]
    times: Annotated[int, msgspec.Meta(ge=2)] | None
    on: bool
    to: list[str]
    more: dict[str, str] | None = None


router = Router()


@router.post(
    "/reports",
    body=Order,
    also="text/csv",
    answers={202: Record},
    errors=(409, 503),
    request_headers={"Idempotency-Key": "Makes a repeat harmless."},
    answer_headers={202: {"Location": "Where the record is."}},
    summary="Order a report",
    tags=["reports"],
)
async def order_report(request: Request, body: Order) -> Answer:
    return Answer((request, body))


@router.get("/reports", query=Filter, answers={200: list[Record]}, tags=["reports"])
async def list_reports(request: Request, query: Filter) -> Answer:
    return Answer((request, query))


@router.get("/reports/{id}/file", answers={200: bytes}, produces="application/pdf", tags=["files"])
async def fetch_file(_: Request) -> Answer:
    return Answer()


@router.get("/health/live", auth=False, answers={200: Record, 302: None}, errors=())
async def show_live(_: Request) -> Answer:
    return Answer()


class Ranked(Order, frozen=True):
    pairs: list[tuple[str, str]] = []
    more: dict[str, Any] = {}

    @classmethod
    def rules(cls) -> list[dict[str, Any]]:
        return [{"not": {"required": ["pairs"]}}]


@router.post("/ranks", body=Ranked, answers={200: (Order, Record)}, also_produces="text/csv")
async def rank(request: Request, body: Ranked) -> Answer:
    return Answer((request, body))


@router.post("/calls", body=Call)
async def call(request: Request, body: Call) -> Answer:
    return Answer((request, body))


@router.get("/docs", hidden=True)
async def show_docs(_: Request) -> Answer:
    return Answer()


@pytest.fixture(scope="module")
def api() -> dict[str, Any]:
    return build_document(router, Info("Continuo", "1.0"))


def test_the_document_is_openapi_3_1_and_has_every_public_route(api: dict[str, Any]) -> None:
    assert api["openapi"] == "3.1.0"
    assert api["info"] == {"title": "Continuo", "version": "1.0"}
    assert {path: set(methods) - {"parameters"} for path, methods in api["paths"].items()} == {
        "/reports": {"post", "get"},
        "/reports/{id}/file": {"get"},
        "/health/live": {"get"},
        "/ranks": {"post"},
        "/calls": {"post"},
    }
    assert api["tags"] == [{"name": "reports"}, {"name": "files"}]


def test_bodies_and_answers_refer_to_named_schemas(api: dict[str, Any]) -> None:
    post = api["paths"]["/reports"]["post"]
    assert post["requestBody"]["required"]

    content = post["requestBody"]["content"]
    body = content["application/json"]["schema"]
    assert content["text/csv"] == {"schema": {"type": "string", "format": "csv", "minLength": 1}}

    answer = post["responses"]["202"]["content"]["application/json"]["schema"]
    assert body == {"$ref": "#/components/schemas/Order"}
    assert answer == {"$ref": "#/components/schemas/Record"}

    schemas = api["components"]["schemas"]
    assert schemas["Order"]["properties"]["max_retries"]["maximum"] == 20
    assert set(schemas) >= {"Order", "Record", "ProblemDocument", "FieldError"}


def test_every_reference_has_a_target(api: dict[str, Any]) -> None:
    def references(node: Any) -> list[str]:
        if isinstance(node, dict):
            here = [node["$ref"]] if "$ref" in node else []
            return here + [ref for value in node.values() for ref in references(value)]
        return [ref for value in node for ref in references(value)] if type(node) is list else []

    found = references(api)
    assert found
    for reference in found:
        target: Any = api
        for step in reference.removeprefix("#/").split("/"):
            target = target[step]


def test_only_possible_statuses_are_listed(api: dict[str, Any]) -> None:
    paths = api["paths"]
    assert list(paths["/reports"]["post"]["responses"]) == [
        "202", "400", "401", "403", "409", "413", "415", "422", "500", "503",
    ]  # fmt: skip

    found = list(paths["/reports"]["get"]["responses"])
    assert found == ["200", "304", "400", "401", "403", "500", "503"]

    file = paths["/reports/{id}/file"]["get"]["responses"]
    assert list(file) == ["200", "401", "403", "404", "500", "503"]
    assert list(paths["/health/live"]["get"]["responses"]) == ["200", "302", "304", "500"]


def test_errors_are_problem_documents_and_503_has_retry_after(api: dict[str, Any]) -> None:
    responses = api["components"]["responses"]
    assert set(responses) >= {"NotFound", "ContentTooLarge", "UnprocessableContent"}

    content = responses["ServiceUnavailable"]["content"]
    assert content == {
        "application/problem+json": {
            "schema": {"$ref": f"#/components/schemas/{ProblemDocument.__name__}"}
        }
    }
    assert "Retry-After" in responses["ServiceUnavailable"]["headers"]


def test_path_query_and_header_parameters_are_listed(api: dict[str, Any]) -> None:
    kind, limit, known = api["paths"]["/reports"]["get"]["parameters"]
    assert (known["name"], known["in"], known["required"]) == ("If-None-Match", "header", False)
    assert kind == {"name": "kind", "in": "query", "required": True, "schema": {"type": "string"}}
    assert (limit["required"], limit["description"]) == (False, "Records on a page.")
    assert limit["schema"] == {"type": "integer", "maximum": 100, "default": 50}

    (place,) = api["paths"]["/reports/{id}/file"]["get"]["parameters"]
    assert (place["name"], place["in"], place["required"]) == ("id", "path", True)

    (header,) = api["paths"]["/reports"]["post"]["parameters"]
    assert (header["name"], header["in"], header["required"]) == (
        "Idempotency-Key",
        "header",
        False,
    )


def test_the_headers_of_an_answer_are_listed(api: dict[str, Any]) -> None:
    headers = api["paths"]["/reports"]["post"]["responses"]["202"]["headers"]
    assert headers["Location"]["description"] == "Where the record is."
    assert "X-Request-ID" in headers


def test_an_answer_that_is_not_json_has_its_own_media_type(api: dict[str, Any]) -> None:
    answer = api["paths"]["/reports/{id}/file"]["get"]["responses"]["200"]
    assert answer["content"] == {"application/pdf": {}}
    assert "content" not in api["paths"]["/health/live"]["get"]["responses"]["302"]


def test_a_route_that_needs_a_key_declares_it(api: dict[str, Any]) -> None:
    assert api["paths"]["/reports"]["get"]["security"] == [{"ApiKey": []}, {"Bearer": []}]
    assert "security" not in api["paths"]["/health/live"]["get"]
    assert api["components"]["securitySchemes"]["ApiKey"]["name"] == "X-API-Key"


def test_extra_schema_keywords_of_a_type_are_in_its_schema(api: dict[str, Any]) -> None:
    ranked = api["components"]["schemas"]["Ranked"]

    assert ranked["allOf"] == [{"not": {"required": ["pairs"]}}]
    assert ranked["properties"]["pairs"]["items"] == {
        "type": "array",
        "minItems": 2,
        "maxItems": 2,
        "items": {"type": "string"},
    }
    assert ranked["properties"]["more"]["additionalProperties"] is True


def test_an_answer_can_have_several_types(api: dict[str, Any]) -> None:
    content = api["paths"]["/ranks"]["post"]["responses"]["200"]["content"]
    references = [{"$ref": f"#/components/schemas/{name}"} for name in ("Order", "Record")]

    assert content["application/json"]["schema"] == {"anyOf": references}
    assert content["text/csv"] == {"schema": {"type": "string"}}


def test_the_example_of_a_body_is_its_own_or_its_required_fields(api: dict[str, Any]) -> None:
    schemas = api["components"]["schemas"]

    assert schemas["Order"]["examples"] == [{"max_retries": 5}]
    assert schemas["Call"]["examples"] == [
        {"url": "string", "way": "get", "times": 2, "on": False, "to": []}
    ]
    assert "examples" not in schemas["Record"]


def test_a_request_can_carry_its_own_id(api: dict[str, Any]) -> None:
    for operations in api["paths"].values():
        assert [each["name"] for each in operations["parameters"]] == ["X-Request-ID"]
