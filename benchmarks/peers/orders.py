"""The requests and answers of every stack's API."""

import os
from typing import Any

from pydantic import BaseModel, Field

URL = os.environ["REDIS_URL"]
RESULTS_URL = URL.removesuffix("/0") + "/1"
"""Results are in a database of their own, so that one command counts them."""


class PeerOrder(BaseModel, extra="forbid"):
    """The body of ``POST /reports``."""

    type: str = "summary"
    filters: dict[str, Any] = {}
    max_retries: int = Field(default=3, ge=1, le=20)


class PeerReport(BaseModel):
    """The answer of ``POST /reports`` and ``GET /reports/{id}``."""

    id: str
    status: str
    result: Any = None
