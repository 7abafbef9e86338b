import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.emails.mail.plain_text import text_from_html


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>One</p><p>Two</p>", "One\n\nTwo"),
        ("a<br>b<br/>c", "a\nb\nc"),
        ("<div>a</div><div>b</div>", "a\nb"),
        ("<h1>Title</h1><h2>Part</h2>x", "Title\n=====\n\nPart\n----\n\nx"),
        ("<ul><li>one<li>two</ul>", "- one\n- two"),
        ("<a href='https://x.org/a'>Look</a> at it", "Look: https://x.org/a at it"),
        ("<a href='https://x.org'>https://x.org</a>", "https://x.org"),
        ("<a href='javascript:alert(1)'>Look</a>", "Look"),
        ("&lt;b&gt; &amp; &eacute;", "<b> & é"),
        ("<style>p{}</style><script>x</script><title>t</title><p>seen</p>", "seen"),
        ("<div style='display: none'>hidden<img alt='x'></div>seen", "seen"),
        ("<img alt='Logo' src='x'> ok", "Logo ok"),
        ("<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>", "a b\nc"),
        ("", ""),
    ],
)
def test_html_becomes_readable_text(html: str, text: str) -> None:
    assert text_from_html(html) == text.replace("\n", "\r\n")


def test_long_lines_are_wrapped_but_not_links() -> None:
    link = "https://example.com/" + "x" * 100
    lines = text_from_html(f"<p>{'word ' * 60}<a href='{link}'>here</a></p>").split("\r\n")

    assert max(len(line) for line in lines if "http" not in line) <= 72
    assert any(link in line for line in lines)


@given(st.text(alphabet="<>/ abh1plitduv=\"'&;!-\r\n", max_size=200))
def test_no_html_breaks_it(html: str) -> None:
    text_from_html(html)
