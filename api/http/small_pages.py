"""Small HTML pages for people who follow a signed link: without scripts, cache and referrer."""

from base64 import b64encode
from hashlib import sha256

from api.http.routing import Answer

STYLE = """
:root { color-scheme: light dark; }
body { margin: 0; background: light-dark(#f5f1eb, #15120f); color: light-dark(#2b211a, #f3ece3);
  font: 17px/1.55 Georgia, serif; }
main { max-width: 26rem; margin: 12vh auto; padding: 2.5rem; background: light-dark(#fff, #211c18);
  border: 1px solid light-dark(#e8dfd4, #3a322a); border-radius: 14px; }
h1 { margin: 0 0 1rem; font-size: 1.6rem; font-weight: normal; }
p, form { margin: 0 0 1.5rem; overflow-wrap: anywhere; }
p + p, form + p { margin: 0; color: light-dark(#6f6256, #b9ac9d);
  font: 14px/1.5 Helvetica, Arial, sans-serif; }
button { padding: .8rem 1.6rem; border: 0; border-radius: 8px; cursor: pointer;
  background: light-dark(#8a4720, #e39a68); color: light-dark(#fff, #1d120a);
  font: bold 1rem Helvetica, Arial, sans-serif; }
@media (max-width: 30rem) { main { margin: 4vh 1rem; padding: 1.5rem; } }
"""
POLICY = (
    f"default-src 'none'; style-src 'sha256-{b64encode(sha256(STYLE.encode()).digest()).decode()}';"
    " form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
PAGE_HTML = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>{title}</title>
<style>{style}</style>
</head>
<body><main><h1>{title}</h1>{content}</main></body>
</html>
"""


def answer_page(title: str, content: str, status: int = 200) -> Answer:
    """A page; ``title`` and ``content`` are HTML."""
    headers = {
        "Content-Security-Policy": POLICY,
        "Cache-Control": "no-store",
        "Referrer-Policy": "no-referrer",
    }
    text = PAGE_HTML.format(title=title, style=STYLE, content=content)
    return Answer(text, status, headers=headers, content_type="text/html; charset=utf-8")
