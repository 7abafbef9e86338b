"""What ``send_mail`` refuses, and how its text looks."""

from types import SimpleNamespace
from typing import Any

import pytest

from project.errors import InvalidField
from tasks.emails.mail import templates
from tasks.emails.own_mail import send_mail

JOB = SimpleNamespace()
"""Nothing of the job is used before the arguments are checked."""
GOOD: dict[str, Any] = {"key": "k", "to": "ada@example.com", "subject": "Hi", "text": "Hello."}


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"key": ""}, "key"),
        ({"key": "a\nb"}, "key"),
        ({"to": []}, "to"),
        ({"to": [f"a{n}@example.com" for n in range(101)]}, "to"),
        ({"to": ["ada@example.com", "nobody"]}, r"to\[1\]"),
        ({"subject": ""}, "subject"),
        ({"subject": "a\r\nBcc: b@example.com"}, "subject"),
        ({"text": " "}, "text"),
        ({"text": "x" * 100_001}, "text"),
        ({"template": "welcome"}, "template"),
        ({"data": {"a": 1}}, "data"),
        ({"subject": "", "text": "", "template": "nope"}, "template"),
        ({"subject": "", "text": "", "template": "news", "data": {"sender": 1}}, "data"),
        ({"attachments": ["https://example.com/a.pdf"]}, "attachments"),
    ],
    ids=str,
)
def test_a_wrong_argument_is_named(change: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidField, match=field):
        send_mail(JOB, **(GOOD | change))


def test_a_text_keeps_its_paragraphs_and_is_no_html() -> None:
    values = {"headline": "Hi", "text": "One\ntwo\n\n<b>three</b> & four\n"}
    data = templates.build_values("ada@example.com", "https://example.com/u", values)

    letter = templates.load_template("text").render(**data)

    assert letter.subject == "Hi"
    assert letter.text.startswith("One\ntwo\n\n<b>three</b> & four\r\n")
    assert "One<br>two</p>" in letter.html
    assert "&lt;b&gt;three&lt;/b&gt; &amp; four</p>" in letter.html
