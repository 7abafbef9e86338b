"""A client of Continuo: ``Client`` and ``AsyncClient``.

``errors`` has what they raise, ``records`` what they return. ``python -m continuo_client.generate``
writes the types of the kinds that an API offers.
"""

from continuo_client.async_client import AsyncClient
from continuo_client.client import Client
from continuo_client.errors import (
    BadRequest,
    Conflict,
    ContinuoError,
    FieldError,
    Forbidden,
    Gone,
    InvalidOrder,
    InvalidSignature,
    JobCancelled,
    JobFailed,
    NotFinished,
    NotFound,
    NotTheApi,
    Refused,
    ServerError,
    TooLarge,
    TooManyRequests,
    Unauthorized,
    Unavailable,
    UnknownKind,
    Unreachable,
)
from continuo_client.events import Event
from continuo_client.orders import Order, OrderOptions
from continuo_client.records import Callback, Outcome, Record
from continuo_client.signatures import verify_callback
from continuo_client.version import __version__
from continuo_client.workflow_records import Node, ShownWorkflow, WorkflowRecord

__all__ = [
    "AsyncClient",
    "BadRequest",
    "Callback",
    "Client",
    "Conflict",
    "ContinuoError",
    "Event",
    "FieldError",
    "Forbidden",
    "Gone",
    "InvalidOrder",
    "InvalidSignature",
    "JobCancelled",
    "JobFailed",
    "Node",
    "NotFinished",
    "NotFound",
    "NotTheApi",
    "Order",
    "OrderOptions",
    "Outcome",
    "Record",
    "Refused",
    "ServerError",
    "ShownWorkflow",
    "TooLarge",
    "TooManyRequests",
    "Unauthorized",
    "Unavailable",
    "UnknownKind",
    "Unreachable",
    "WorkflowRecord",
    "__version__",
    "verify_callback",
]
