from collections.abc import Iterator
from pathlib import Path

import pytest

from project.errors import InvalidField, PermanentError
from project.settings.groups import forget_settings
from tasks.emails.mail import templates
from tests.support import mail_data

VALUES = {
    "recipient": "ada@x.org",
    "sender": "c@x.org",
    "home_url": "http://127.0.0.1:8000",
    "unsubscribe_url": "http://127.0.0.1:8000/u/token",
    **mail_data.build_mail_data(),
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setattr(templates, "SHIPPED_FOLDER", tmp_path)
    templates.forget_templates()
    yield tmp_path
    templates.forget_templates()


def write(folder: Path, name: str, subject: str = "s", html: str = "h", text: str = "t") -> None:
    parts = zip(
        (templates.SUBJECT_FILE, templates.HTML_FILE, templates.TEXT_FILE),
        (subject, html, text),
        strict=True,
    )
    (folder / name).mkdir()
    for part, content in parts:
        (folder / name / part).write_text(content)


NEWS = {
    "headline": "Parquet & <JSON>",
    "intro": "<script>alert(1)</script>",
    "items": [{"title": "One", "text": "{{ 7 * 7 }}"}, {"title": "Two", "text": "2 < 3"}],
    "button": "See",
    "button_url": "https://example.com/?a=1&b=2",
}


def test_the_shipped_templates_exist() -> None:
    assert templates.list_templates() == ("default", "file", "news", "text", "welcome")


@pytest.mark.parametrize("name", templates.list_templates())
def test_every_shipped_template_renders_and_names_the_recipient(name: str) -> None:
    letter = templates.load_template(name).render(**VALUES)

    assert letter.subject
    assert "\n" not in letter.subject
    assert "ada@x.org" in letter.html
    assert "ada@x.org" in letter.text
    assert "<" not in letter.text


@pytest.mark.parametrize("name", templates.list_templates())
def test_every_shipped_template_loads_nothing_from_elsewhere(name: str) -> None:
    html = templates.load_template(name).render(**VALUES).html.lower()
    assert not [tag for tag in ("<img", "<script", "<link", "url(", "@import") if tag in html]


@pytest.mark.parametrize(
    "name",
    ["", "nope", "..", "../reports", "default/", "./default", "layout.html", "DEFAULT", "\0"],
)
def test_an_unknown_template_is_refused_with_the_known_ones(name: str) -> None:
    with pytest.raises(InvalidField, match="known are default, file, news, text") as raised:
        templates.load_template(name)
    assert raised.value.field == "template"


def test_a_folder_without_a_required_part_is_not_a_template(folder: Path) -> None:
    write(folder, "whole")

    for name, part in (("bodiless", "body.html"), ("nameless", "subject.txt")):
        write(folder, name)
        (folder / name / part).unlink()

    assert templates.list_templates() == ("whole",)


def test_a_missing_text_is_generated_from_the_html(folder: Path) -> None:
    write(folder, "t", html="<h1>Hi</h1><p>Look at <a href='{{ home_url }}'>this</a></p>")
    (folder / "t" / "body.txt").unlink()

    letter = templates.load_template("t").render(**VALUES)

    assert letter.text.split("\r\n") == ["Hi", "==", "", "Look at this: http://127.0.0.1:8000"]


def test_mjml_becomes_html_and_keeps_its_placeholders(folder: Path) -> None:
    write(folder, "t")
    (folder / "t" / "body.html").unlink()
    body = "<mj-section><mj-column><mj-text>Dear {{ recipient }}</mj-text></mj-column></mj-section>"
    (folder / "t" / "body.mjml").write_text(f"<mjml><mj-body>{body}</mj-body></mjml>")

    html = templates.load_template("t").render(**VALUES | {"recipient": "<ada>"}).html

    assert "Dear &lt;ada&gt;" in html
    assert "<table" in html
    assert "<mj-" not in html


def test_the_shipped_mjml_shows_the_data_of_the_order_escaped() -> None:
    letter = templates.load_template("news").render(**VALUES | NEWS)

    assert letter.subject == "Parquet & <JSON>"
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in letter.html
    assert "{{ 7 * 7 }}" in letter.html
    assert 'href="https://example.com/?a=1&amp;b=2"' in letter.html
    assert not [left for left in ("<mj", "{%", "<script") if left in letter.html]
    assert "One\r\n{{ 7 * 7 }}\r\n\r\nTwo\r\n2 < 3\r\n\r\nSee: https://exam" in letter.text


def test_the_style_sheets_of_mjml_for_narrow_screens_and_outlook_stay() -> None:
    html = templates.load_template("news").render(**VALUES | NEWS).html

    assert "@media only screen and (min-width:480px)" in html
    assert html.count("<!--[if mso") >= 2
    assert html.count("<!--[if") == html.count("<![endif]-->")


def test_invalid_mjml_fails_the_job_for_good(folder: Path) -> None:
    write(folder, "t")
    (folder / "t" / "body.mjml").write_text("<mjml><mj-body>")

    with pytest.raises(PermanentError, match="'t' cannot be used"):
        templates.load_template("t")


def test_style_rules_are_inlined_into_the_tags(folder: Path) -> None:
    sheet = "p { color: red } @media print { p { color: black } }"
    write(
        folder, "t", html=f"<html><head><style>{sheet}</style></head><body><p>x</p></body></html>"
    )

    html = templates.load_template("t").render(**VALUES).html

    assert '<p style="color: red;">x</p>' in html
    assert "@media print" in html


def test_an_endless_body_is_refused(folder: Path) -> None:
    write(folder, "t", html="{% for i in range(90000) %}{{ recipient * 10 }}{% endfor %}")
    with pytest.raises(PermanentError, match="more than 1000000 characters"):
        templates.load_template("t").render(**VALUES)


def test_an_endless_subject_is_refused(folder: Path) -> None:
    write(folder, "t", subject="{{ recipient * 1000 }}")
    with pytest.raises(PermanentError, match="a subject of more than 1000 characters"):
        templates.load_template("t").render(**VALUES)


def test_the_error_about_a_template_is_short(folder: Path) -> None:
    write(folder, "t", html="{% include recipient * 1000 %}")

    with pytest.raises(PermanentError) as raised:
        templates.load_template("t").render(**VALUES)

    assert len(str(raised.value)) < 600


def test_templates_of_the_installation_win_over_shipped_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, "default", subject="ours")
    write(tmp_path, "ours", html="{% extends 'layout.html' %}{% block heading %}Own{% endblock %}")
    monkeypatch.setenv("MAIL_TEMPLATES", str(tmp_path))
    forget_settings()
    templates.forget_templates()
    try:
        assert templates.list_templates() == ("default", "file", "news", "ours", "text", "welcome")
        assert templates.load_template("default").render(**VALUES).subject == "ours"
        assert "Own" in templates.load_template("ours").render(**VALUES).html
    finally:
        monkeypatch.undo()
        forget_settings()
        templates.forget_templates()


def test_values_are_escaped_in_html_and_unchanged_in_text(folder: Path) -> None:
    write(folder, "t", "{{ recipient }}", "<p>{{ recipient }}</p>", "{{ recipient }}")

    letter = templates.load_template("t").render(recipient="<b>&'\"")

    assert letter.html == "<p>&lt;b&gt;&amp;&#39;&#34;</p>"
    assert letter.text == letter.subject == "<b>&'\""


def test_a_subject_of_several_lines_becomes_one(folder: Path) -> None:
    write(folder, "t", "Hello\n{{ recipient }}\n")
    assert (
        templates.load_template("t").render(recipient="a\r\nBcc: eve").subject == "Hello a Bcc: eve"
    )


@pytest.mark.parametrize(
    "source",
    [
        "{{ typo }}",
        "{{ ''.__class__.__mro__ }}",
        "{{ 1/0 }}",
        "{{ 5|dictsort }}",
        "{{ cycler() }}",
        "{% macro again() %}{{ again() }}{% endmacro %}{{ again() }}",
        '{{ "\\ud800" }}',
    ],
)
def test_a_failing_template_fails_the_job_for_good(folder: Path, source: str) -> None:
    write(folder, "t", html=source)
    with pytest.raises(PermanentError, match="'t' does not render"):
        templates.load_template("t").render(**VALUES)


@pytest.mark.parametrize("source", ["{% if %}", "{{ " + "(" * 9_000 + ")" * 9_000 + " }}"])
def test_a_template_that_does_not_compile_fails_the_job_for_good(folder: Path, source: str) -> None:
    write(folder, "t", text=source)
    with pytest.raises(PermanentError, match="'t' cannot be used"):
        templates.load_template("t")
