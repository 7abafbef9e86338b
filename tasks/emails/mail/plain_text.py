"""Plain text from an HTML body, for mail programs that show no HTML."""

import re
from collections.abc import Sequence
from html.parser import HTMLParser
from textwrap import fill

MAX_LINE_CHARACTERS = 72
is_paragraph = re.compile("blockquote|h[1-6r]|ol|p|pre|table|ul").fullmatch
is_block = re.compile(
    "blockquote|h[1-6r]|ol|p|pre|table|ul|address|article|div|dl|fieldset|figure|footer|form|"
    "header|li|main|nav|section|tr"
).fullmatch
is_void = re.compile("area|base|br|col|embed|hr|img|input|link|meta|source|track|wbr").fullmatch
is_invisible = re.compile("head|script|style|template|title").fullmatch
HEADING_UNDERLINES = {"h1": "=", "h2": "-"}
_DISPLAY_NONE = re.compile(r"display\s*:\s*none")
_WHITESPACE = re.compile(r"[ \t\r\n\xa0\u200c\u00ad]+")


def text_from_html(html: str) -> str:
    """The text of the HTML in lines of at most 72 characters (a longer word stays whole), CRLF.

    Links are followed by their address, headings are underlined, list items get a dash. Hidden
    elements are left out.
    """
    reader = _TextExtractor()
    reader.feed(html)
    reader.close()
    return "\r\n".join(reader.lines())


class _TextExtractor(HTMLParser):
    """Collects the lines of the text while the parser reads the HTML."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._open: list[tuple[str, bool]] = []
        self._links: list[tuple[str, int]] = []
        self._words: list[str] = []
        self._lines: list[str] = []
        self._prefix = ""

    def lines(self) -> list[str]:
        """All lines, without two empty ones in a row and without empty ones at the ends."""
        self._end_line()
        text = re.sub(r"\n{3,}", "\n\n", "\n".join(self._lines)).strip("\n")
        return text.split("\n")

    def handle_starttag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        """Begin a block, a line or a link."""
        given = dict(attrs)
        if not is_void(tag):
            hidden = bool(is_invisible(tag)) or bool(_DISPLAY_NONE.search(given.get("style") or ""))
            self._open.append((tag, hidden))
        if tag == "br":
            self._end_line(keep_empty=True)
        elif tag == "img" and given.get("alt"):
            self.handle_data(f" {given['alt']} ")
        elif tag in {"td", "th"}:
            self._words.append(" ")
        self._begin_block("div" if given.get("role") == "presentation" else tag)
        if tag == "a":
            self._links.append((given.get("href") or "", len(self._words)))

    def handle_endtag(self, tag: str) -> None:
        """End the element and all elements left open inside it."""
        if tag == "a" and self._links:
            self._end_link(*self._links.pop())
        if tag in HEADING_UNDERLINES:
            self._underline(HEADING_UNDERLINES[tag])
        self._begin_block(tag)
        for place in range(len(self._open) - 1, -1, -1):
            if self._open[place][0] == tag:
                del self._open[place:]
                return

    def handle_data(self, data: str) -> None:
        """Add text, unless an element around it is hidden."""
        if not any(hidden for _, hidden in self._open):
            self._words.append(_WHITESPACE.sub(" ", data))

    def _begin_block(self, tag: str) -> None:
        if not is_block(tag):
            return
        self._end_line()
        if is_paragraph(tag) and self._lines and self._lines[-1]:
            self._lines.append("")
        self._prefix = "- " if tag == "li" else ""

    def _end_line(self, *, keep_empty: bool = False) -> None:
        text = _WHITESPACE.sub(" ", "".join(self._words)).strip()
        self._words, self._links = [], []
        if text:
            indent = " " * len(self._prefix)
            self._lines += fill(
                text,
                MAX_LINE_CHARACTERS,
                initial_indent=self._prefix,
                subsequent_indent=indent,
                break_long_words=False,
                break_on_hyphens=False,
            ).split("\n")
        elif keep_empty and self._lines and self._lines[-1]:
            self._lines.append("")

    def _end_link(self, address: str, first: int) -> None:
        text = "".join(self._words[first:]).strip()
        target = address.removeprefix("mailto:")
        if text and target.startswith(("http://", "https://")) and target != text:
            self._words.append(f": {target} " if text[-1] not in ":.?!" else f" {target} ")

    def _underline(self, mark: str) -> None:
        before = len(self._lines)
        self._end_line()
        written = self._lines[before:]
        if written:
            self._lines.append(mark * max(map(len, written)))
