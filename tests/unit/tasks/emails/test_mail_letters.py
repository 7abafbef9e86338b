from collections.abc import Iterator
from pathlib import Path

import pytest

from project.errors import InvalidField, PermanentError
from tasks.emails import letters

VALUES = {"recipient": "ada@x.org", "sender": "c@x.org", "home_url": "http://127.0.0.1:8000"}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setattr(letters, "FOLDER", tmp_path)
    forget()
    yield tmp_path
    forget()


def forget() -> None:
    for cached in (letters.names, letters.load, letters._environment):  # noqa: SLF001 - caches
        cached.cache_clear()


def write(folder: Path, name: str, subject: str = "s", html: str = "h", text: str = "t") -> None:
    parts = zip(letters.PARTS, (subject, html, text), strict=True)
    (folder / name).mkdir()
    for part, content in parts:
        (folder / name / part).write_text(content)


def test_default_and_welcome_are_there() -> None:
    assert letters.names() == ("default", "welcome")


@pytest.mark.parametrize("name", letters.names())
def test_every_shipped_template_renders_and_names_the_recipient(name: str) -> None:
    letter = letters.load(name).render(**VALUES)
    assert letter.subject
    assert "\n" not in letter.subject
    assert "ada@x.org" in letter.html
    assert "ada@x.org" in letter.text
    assert "<" not in letter.text


@pytest.mark.parametrize("name", letters.names())
def test_every_shipped_template_loads_nothing_from_elsewhere(name: str) -> None:
    html = letters.load(name).render(**VALUES).html.lower()
    assert not [tag for tag in ("<img", "<script", "<link", "url(", "@import") if tag in html]


@pytest.mark.parametrize(
    "name",
    ["", "nope", "..", "../reports", "default/", "./default", "layout.html", "DEFAULT", "\0"],
)
def test_a_name_that_is_not_on_the_list_is_refused_with_the_list(name: str) -> None:
    with pytest.raises(InvalidField, match="known are default, welcome") as raised:
        letters.load(name)
    assert raised.value.field == "template"


def test_a_folder_that_lacks_a_part_is_no_template(folder: Path) -> None:
    write(folder, "whole")
    write(folder, "half")
    (folder / "half" / "body.txt").unlink()
    assert letters.names() == ("whole",)


def test_values_are_escaped_in_html_and_left_alone_in_text(folder: Path) -> None:
    write(folder, "t", "{{ recipient }}", "<p>{{ recipient }}</p>", "{{ recipient }}")
    letter = letters.load("t").render(recipient="<b>&'\"")
    assert letter.html == "<p>&lt;b&gt;&amp;&#39;&#34;</p>"
    assert letter.text == letter.subject == "<b>&'\""


def test_a_subject_of_several_lines_becomes_one(folder: Path) -> None:
    write(folder, "t", "Hello\n{{ recipient }}\n")
    assert letters.load("t").render(recipient="a\r\nBcc: eve").subject == "Hello a Bcc: eve"


@pytest.mark.parametrize("source", ["{{ typo }}", "{{ ''.__class__.__mro__ }}", "{{ 1/0 }}"])
def test_a_template_that_fails_makes_the_job_fail_for_good(folder: Path, source: str) -> None:
    write(folder, "t", html=source)
    with pytest.raises(PermanentError, match="'t' does not render"):
        letters.load("t").render(**VALUES)


def test_a_template_that_does_not_compile_makes_the_job_fail_for_good(folder: Path) -> None:
    write(folder, "t", text="{% if %}")
    with pytest.raises(PermanentError, match="'t' cannot be used"):
        letters.load("t")
