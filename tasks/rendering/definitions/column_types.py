"""The types that a column of texts can have, and which texts each of them holds exactly."""

import re

from msgspec import Struct

INTEGER = r"[-+]?[0-9]+"
NUMBER = r"[-+]?([0-9]+(\.[0-9]*)?|\.[0-9]+)"
DAY = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
CLOCK = r"([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\.[0-9]{1,6})?)?"
FINE_CLOCK = r"([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\.[0-9]{1,9})?)?"
OFFSET = r"(Z|[-+][0-9]{2}(:?[0-9]{2})?)"

_TYPE = re.compile(
    r"(?P<name>BOOLEAN|INTEGER|BIGINT|HUGEINT|DOUBLE|DATE|TIME|TIMESTAMP|TIMESTAMPTZ|TIMESTAMP_NS"
    r"|VARCHAR|DECIMAL\((?P<digits>[1-9][0-9]?),\s*(?P<scale>[0-9]{1,2})\))"
    r"(?: (?P<format>.*%.*|1[., '\u2019\u00a0\u202f]?234[.,]56))?"
)
_NUMBER_FORM = re.compile("1(?P<group>.?)234(?P<point>[.,])56")
MAX_DIGITS = 38
"""The digits that DECIMAL and HUGEINT have at most."""

ALLOWED_TYPES = (
    "BOOLEAN, INTEGER, BIGINT, HUGEINT, DECIMAL(18,2), DOUBLE, DATE, TIME, TIMESTAMP, TIMESTAMPTZ "
    "or VARCHAR; DATE and TIMESTAMP may be followed by a format such as %d/%m/%Y, and DECIMAL by a "
    "form such as 1.234,56"
)

_PATTERNS = {
    "INTEGER": INTEGER,
    "BIGINT": INTEGER,
    "HUGEINT": INTEGER,
    "DATE": DAY,
    "TIME": CLOCK,
    "TIMESTAMP": f"{DAY}([ T]{CLOCK})?",
    "TIMESTAMP_NS": f"{DAY}([ T]{FINE_CLOCK})?",
    "TIMESTAMPTZ": f"{DAY}[ T]{CLOCK}{OFFSET}",
    "BOOLEAN": "(?i:true|false)",
}


class ColumnType(Struct, frozen=True):
    """A DuckDB type.

    ``format`` is the strptime format of a date that is not ISO 8601, or how decimals are written,
    such as ``1.234,56``.
    """

    name: str
    format: str = ""

    def __str__(self) -> str:
        """Return the type as in a ``types`` table."""
        return f"{self.name} {self.format}".strip()

    def cast(self, text: str) -> str:
        """Return SQL that converts a text which the type holds."""
        if form := _NUMBER_FORM.fullmatch(self.format):
            digits = f"replace({text}, {quote_text(form['group'])}, '')" if form["group"] else text
            return f"try_cast(replace({digits}, {quote_text(form['point'])}, '.') as {self.name})"
        if self.format:
            return f"cast(try_strptime({text}, {quote_text(self.format)}) as {self.name})"
        return text if self.name == "VARCHAR" else f"try_cast({text} as {self.name})"

    def holds(self, text: str) -> str:
        """Return SQL that says whether the type holds a text exactly; null for null."""
        if self.name == "VARCHAR":
            return f"if({text} is null, null, true)"
        if self.format and not _NUMBER_FORM.fullmatch(self.format):
            return f"if({text} is null, null, {self.cast(text)} is not null)"
        conditions = [f"{self.cast(text)} is not null"]
        if pattern := self.pattern:
            conditions.insert(0, match(text, pattern))
        return f"if({text} is null, null, {' and '.join(conditions)})"

    @property
    def pattern(self) -> str:
        """The form of the texts that the type may hold; "" if it has no form."""
        if parts := _TYPE.fullmatch(self.name):
            if form := _NUMBER_FORM.fullmatch(self.format):
                group, point = re.escape(form["group"]), re.escape(form["point"])
                whole = f"[0-9]{{1,3}}({group}[0-9]{{3}})+|(0|[1-9][0-9]*)"
                return f"-?({whole})({point}[0-9]{{1,{parts['scale']}}})?"
            if parts["scale"]:
                decimals = rf"\.[0-9]{{0,{parts['scale']}}}0*"
                return f"[-+]?([0-9]+({decimals})?|{decimals})"
            return _PATTERNS.get(self.name, "")
        return ""


TEXT = ColumnType("VARCHAR")


def parse_type(text: str) -> ColumnType:
    """Parse an entry of a ``types`` table. Raises ``ValueError``."""
    parts = _TYPE.fullmatch(text.strip())
    if parts is None:
        raise ValueError(f"{text!r} is not a type; allowed are {ALLOWED_TYPES}")
    if parts["digits"] and not int(parts["scale"]) <= int(parts["digits"]) <= MAX_DIGITS:
        raise ValueError(f"{text!r}: at most {MAX_DIGITS} digits, and no more decimals than digits")
    form = parts["format"] or ""
    if form and (parts["name"] in ("DATE", "TIMESTAMP")) != ("%" in form):
        raise ValueError(f"{text!r}: only DATE and TIMESTAMP have a format with %")
    number = _NUMBER_FORM.fullmatch(form)
    if number and (not parts["digits"] or number["group"] == number["point"]):
        raise ValueError(f"{text!r}: only DECIMAL has a form, such as 1.234,56 or 1,234.56")
    return ColumnType(parts["name"], form)


def quote_text(text: str) -> str:
    """Quote any text as a SQL string."""
    return "'" + text.replace("'", "''") + "'"


def match(text: str, pattern: str) -> str:
    """Return SQL that says whether a text, without spaces around it, matches a pattern."""
    return f"regexp_full_match({text}, {quote_text(f' *({pattern}) *')})"
