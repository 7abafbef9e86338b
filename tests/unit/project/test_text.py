import pytest

from project.errors import InvalidField
from project.records.grouping import check_tags
from project.text import is_line, replace_unprintable
from tasks.emails.mail.mime import _encode_subject
from tasks.rendering.output.formats import ValueFormatter

GOOD = [
    "👩\u200d💻",
    "a\u200cb",
    "soft\u00adhyphen",
    "\U0001fae9",
    "a\u00a0b",
    "🏴\U000e0067\U000e007f",
]
BAD = ["a\nb", "\x00", "\x7f", "\x85", "\u2028", "\u202eabc", "\u2067x", "\ufffe", "\U0001ffff"]


@pytest.mark.parametrize("text", GOOD)
def test_text_that_is_fine_stays_as_it_is(text: str) -> None:
    from email.header import decode_header, make_header

    assert is_line(text)
    assert check_tags([text]) == (text,)
    assert ValueFormatter().format_value(text, "text") == text
    assert str(make_header(decode_header(_encode_subject(text)))) == text


@pytest.mark.parametrize("text", BAD)
def test_controls_and_direction_overrides_are_kept_out(text: str) -> None:
    assert not is_line(text)
    assert is_line(replace_unprintable(text))
    assert is_line(ValueFormatter().format_value(text, "text"))
    with pytest.raises(InvalidField):
        check_tags([text])
