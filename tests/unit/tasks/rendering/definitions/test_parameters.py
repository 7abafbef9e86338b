from typing import Any

import pytest

from tasks.rendering.definitions import parameters
from tasks.rendering.definitions.schema import Parameter

TEXT = Parameter(title="Note")
NUMBER = Parameter(title="Most", type="integer")


@pytest.mark.parametrize("value", ["", "x" * parameters.MAX_TEXT_CHARACTERS, "Zoë's *note*"])
def test_a_text_without_rules_accepts_any_single_line(value: str) -> None:
    assert parameters.find_problem(TEXT, value) == ""


@pytest.mark.parametrize(
    "value", ["x" * (parameters.MAX_TEXT_CHARACTERS + 1), "a\nb", "\x00", "\ud800", 3, None]
)
def test_a_long_or_unprintable_text_is_refused(value: Any) -> None:
    assert "200 characters" in parameters.find_problem(TEXT, value)


@pytest.mark.parametrize("value", [0, -5, parameters.MAX_INTEGER])
def test_a_number_without_rules_accepts_any_integer(value: int) -> None:
    assert parameters.find_problem(NUMBER, value) == ""


@pytest.mark.parametrize("value", [True, 1.0, "1", None, parameters.MAX_INTEGER + 1])
def test_a_value_that_is_not_an_integer_is_refused(value: Any) -> None:
    assert parameters.find_problem(NUMBER, value).startswith("must be a whole number, at most")


@pytest.mark.parametrize(
    ("parameter", "said"),
    [
        (Parameter(title="A", type="integer", pattern="1+", example="1"), "only strings"),
        (Parameter(title="A", type="integer", choices={"01": "One"}), "'01'"),
        (Parameter(title="A", type="integer", choices={"one": "One"}), "'one'|invalid literal"),
        (Parameter(title="A", pattern="a+"), "example"),
        (Parameter(title="A", pattern="a+", example="a", choices={"a": "A"}), "choices"),
        (Parameter(title="A", pattern="(", example="a"), "pattern"),
        (Parameter(title="A", choices={"a": "A"}, default="b"), "default: must be one of a"),
        (Parameter(title="A", default=3), "default: must be text"),
    ],
)
def test_an_invalid_parameter_definition_is_refused(parameter: Parameter, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        parameters.check_parameter("a", parameter)
