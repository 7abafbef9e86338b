"""Orders of workflows: bodies of ``POST /workflows``, and the calls that their nodes are."""

from typing import Annotated, Any, ClassVar, Literal

import msgspec

from api.http.auth import build_forbidden
from api.http.parsing import convert_decimals, convert_order
from api.http.problems import Problem, point_into
from api.http.routing import Request
from api.jobs.kinds import kind_of
from api.jobs.orders import JobKind, JobOrder
from api.jobs.quotas import require_small_order
from project.errors import InvalidField
from project.messages.order_fields import Url
from project.payload.references import has_references
from project.records.workflow import MAX_NODES
from project.settings.api_keys import KIND_SCOPE
from project.workflows.book import MAX_DEADLINE_SECONDS, MAX_NAME_CHARACTERS
from project.workflows.calls import NodeCall

type NodeName = Annotated[str, msgspec.Meta(pattern="^[A-Za-z0-9_-]{1,100}$")]
type Attempts = Annotated[int, msgspec.Meta(ge=1, le=100)]


class NodeOrder(JobOrder, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A node of a workflow: a job of a ``kind``, with the fields of an order of it as ``payload``.

    The payload of a typed kind may have results of other nodes: ``{"$from": "a.result.rows"}``. The
    node waits for those, and for the nodes in ``after``. If it fails for good, the workflow is
    stopped, or goes on (``continue``: what the node would have given is null), or what waits for it
    is skipped. ``for_each`` names a list: the node becomes a job for each of its rows, which
    ``{"$from": "item"}`` refers to, and its result is the list of theirs. The other fields are
    those of every order.
    """

    id: NodeName
    kind: str
    payload: dict[str, Any] = msgspec.field(default_factory=dict)
    after: Annotated[list[NodeName], msgspec.Meta(max_length=MAX_NODES)] = msgspec.field(
        default_factory=list
    )
    on_failure: Literal["stop", "continue", "skip"] = "stop"
    for_each: dict[str, str] | None = None
    max_retries: Attempts | None = None


class WorkflowOrder(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A workflow of up to 10,000 nodes. One that has not ended after ``deadline`` seconds fails."""

    example: ClassVar[dict[str, Any]] = {
        "name": "month end",
        "nodes": [
            {"id": "report", "kind": "report", "payload": {"type": "summary"}},
            {
                "id": "mail",
                "kind": "email_blast",
                "payload": {"recipients": ["ada@example.com"]},
                "after": ["report"],
            },
        ],
    }
    keeps_decimals: ClassVar[bool] = True
    """As in single orders; those of other kinds are converted."""

    name: Annotated[
        str,
        msgspec.Meta(
            min_length=1, max_length=MAX_NAME_CHARACTERS, extra_json_schema={"format": "line"}
        ),
    ]
    nodes: Annotated[list[NodeOrder], msgspec.Meta(min_length=1, max_length=MAX_NODES)]
    deadline: Annotated[float, msgspec.Meta(gt=0, le=MAX_DEADLINE_SECONDS)] | None = None
    callback_url: Url | None = None


def build_calls(body: WorkflowOrder, request: Request | None = None) -> list[NodeCall]:
    """The nodes as calls of tasks, each checked. Raises ``Problem`` or ``InvalidField``.

    Without a request, of one who may order all kinds.
    """
    return [build_call(node, place, request) for place, node in enumerate(body.nodes)]


def build_call(node: NodeOrder, place: int, request: Request | None) -> NodeCall:
    """The call of a node. Raises ``Problem`` or ``InvalidField``."""
    field = f"nodes[{place}]"
    try:
        kind = kind_of({"kind": node.kind})
        if request is not None:
            require_scope(kind, request)
            require_small_order(request, node)
        build = build_open_options if has_references(node.payload) else build_closed_options
        options = build(node, kind)
    except InvalidField as problem:
        raise InvalidField(f"{field}.{problem.field}", problem.problem) from None
    except Problem as problem:
        raise point_into(problem, f"/nodes/{place}/payload", field) from None
    if node.unique is not None:
        reason = "is not for a node: its id follows from the workflow"
        raise InvalidField(f"{field}.unique", reason)
    kwargs = options.pop("kwargs")
    return NodeCall(node.id, kind.task, kwargs, options, node.after, node.on_failure, node.for_each)


def build_closed_options(node: NodeOrder, kind: JobKind) -> dict[str, Any]:
    """The options of a call without references: that of an order of its kind."""
    payload = node.payload
    if both := sorted(payload.keys() & frozenset(JobOrder.__struct_fields__)):
        raise InvalidField(f"payload.{both[0]}", "is a field of the node, beside its payload")
    if node.max_retries is not None:
        payload = payload | {"max_retries": node.max_retries}
    keeps_decimals = getattr(kind.body, "keeps_decimals", False)
    try:
        parsed = convert_order(payload, kind.body, keeps_decimals=keeps_decimals)
        return {**kind.build_options(parsed), **node.options()}
    except InvalidField as problem:
        raise InvalidField(f"payload.{problem.field}", problem.problem) from None


def build_open_options(node: NodeOrder, kind: JobKind) -> dict[str, Any]:
    """The options of a call with references, which typed kinds have. Raises ``InvalidField``."""
    payload = kind.task.payload
    if payload is None:
        raise InvalidField("payload", f"can have no $from: the kind {node.kind} is not typed")
    plain = convert_decimals(node.payload)
    kwargs = {payload.wrapper: plain} if payload.wrapper else plain
    attempts = {} if node.max_retries is None else {"max_retries": node.max_retries}
    return {"kwargs": kwargs, **attempts, **node.options()}


def require_scope(kind: JobKind, request: Request) -> None:
    """Raise ``Problem`` 403 when the API key may not order jobs of this kind."""
    scope = KIND_SCOPE + kind.task.name
    if not request.api_key.allows(scope):
        raise build_forbidden(scope)
