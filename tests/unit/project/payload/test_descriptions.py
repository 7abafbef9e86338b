"""Descriptions of fields come from types and docstrings."""

from typing import Annotated

import msgspec
import pytest

from project.payload.payload import Payload
from project.payload.schemas import build_schema


class Order(msgspec.Struct):
    """What is ordered.

    Attributes:
        count (int): How many,
            at least one.
        size: Not shown, as the type says it.
    """

    count: int
    size: Annotated[int, msgspec.Meta(description="In metres.")] = 1


def make(order: Order) -> None:
    """Make it.

    :param order: What is ordered.
    """


def write(text: str, loud: bool = False) -> None:
    """Write a text.

    :param text: What to write.
    :param bool loud: Whether in capitals.
    :return: nothing
    """


def send(text: str, to: str) -> None:
    """Send a text.

    Args:
        text: What to send: anything.
        to: Who gets it.

    Raises:
        loud: never
    """


@pytest.mark.parametrize(
    ("function", "texts"),
    [
        (make, {"count": "How many, at least one.", "size": "In metres."}),
        (write, {"text": "What to write.", "loud": "Whether in capitals."}),
        (send, {"text": "What to send: anything.", "to": "Who gets it."}),
    ],
)
def test_a_field_has_the_description_of_its_type_or_of_the_docstring(
    function: object, texts: dict[str, str]
) -> None:
    payload = Payload(function, is_bound=False, check=None)  # type: ignore[arg-type]

    shown = {field.name: build_schema(field.type).get("description") for field in payload.fields}

    assert shown == texts
