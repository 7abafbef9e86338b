"""What the API says of a kind besides its types."""

from collections.abc import Callable
from typing import Any, NamedTuple

ONLY_IN_PYTHON = object()
"""Marks a parameter that orders over HTTP cannot give: ``Annotated[int, ONLY_IN_PYTHON] = 0``."""


class Offer(NamedTuple):
    """A kind as the API offers it: ``@app.task(http=Offer("/invoices", example={...}))``.

    ``path`` is the URL path of its records. ``example`` is the example of an order at ``/docs``,
    by default its required fields. ``build_rules`` returns further JSON Schema of an order, for
    what ``check`` demands. With ``keeps_decimals``, values of any type keep the digits that were
    sent.
    """

    path: str = ""
    example: dict[str, Any] | None = None
    build_rules: Callable[[], list[dict[str, Any]]] | None = None
    keeps_decimals: bool = False
