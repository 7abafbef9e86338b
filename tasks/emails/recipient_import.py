"""Import of recipients in parts: read, checked and reported before the mailing starts."""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from project.errors import InvalidField
from tasks.emails import addresses
from tasks.emails.delivery.commands import RecipientLine
from tasks.emails.delivery.ledger import RecipientOutcome, fold_address
from tasks.emails.delivery.order import RawRecipient, encode_row, row_from_recipient

MAX_DATA_NAMES = 50
RESERVED_NAMES = frozenset(
    {"recipient", "sender", "home_url", "subject", "unsubscribe_url", "brand"}
)
"""Variables that every template has."""

ADDRESS_COLUMNS = ("email", "emailaddress", "address", "recipient", "mail")
"""Names of the address column, in lower case and without spaces and marks."""
DELIMITERS = ",;\t|"
MAX_SHOWN_NAMES = 10
NAME_PATTERN = "[A-Za-z][A-Za-z0-9_]{0,49}"
DATA_SCHEMA = {
    "maxProperties": MAX_DATA_NAMES,
    "propertyNames": {"pattern": f"^{NAME_PATTERN}$", "not": {"enum": sorted(RESERVED_NAMES)}},
}
"""The data that ``check_data`` accepts, as JSON Schema."""

_separator_line = re.compile(r"sep=(.)\r?\n", re.IGNORECASE).match
_is_name = re.compile(NAME_PATTERN).fullmatch


class RecipientFault(NamedTuple):
    """A recipient with an invalid address: its place in the part, from 0, and the problem."""

    place: int
    given: str
    problem: str


class RecipientPart(NamedTuple):
    """A part of the recipients of a blast: a line for each, and the invalid ones."""

    lines: list[RecipientLine]
    faults: list[RecipientFault]


def check_data(data: Mapping[str, Any], field: str) -> None:
    """Raise ``InvalidField(field)`` for data that a template cannot use."""
    if len(data) > MAX_DATA_NAMES:
        raise InvalidField(field, f"has {len(data)} names, at most {MAX_DATA_NAMES} allowed")
    for name in data:
        if not _is_name(name):
            raise InvalidField(
                field,
                f"has the name {name[:50]!r}; allowed are a letter, then letters, digits and _",
            )
        if name in RESERVED_NAMES:
            raise InvalidField(
                field, f"has the name {name!r}, which every template has already; use another name"
            )


def require_valid(total: int, faults: Sequence[RecipientFault], field: str = "recipients") -> None:
    """Raise ``InvalidField`` when every recipient of a part, in ``field``, is invalid."""
    if total and len(faults) == total:
        first = faults[0]
        raise InvalidField(
            f"{field}[{first.place}]",
            f"{first.given!r} is no address ({first.problem}), and no other recipient is valid",
        )


def build_part(recipients: Sequence[RawRecipient]) -> RecipientPart:
    """The lines of a part. Raises ``InvalidField`` for data that a template cannot use."""
    part = RecipientPart([], [])
    for place, recipient in enumerate(recipients):
        row = row_from_recipient(recipient)
        check_data(row.data or {}, f"recipients[{place}].data")
        address, problem = addresses.parse_address(row.address)
        if problem:
            part.faults.append(
                RecipientFault(place, row.address[: addresses.MAX_SHOWN_CHARACTERS], problem)
            )
        state = RecipientOutcome.INVALID.value if problem else ""
        text = encode_row(address, row.data, problem)
        part.lines.append(RecipientLine(fold_address(address), state, text))
    return part


def read_csv(text: str) -> list[RawRecipient]:
    """The recipients of a CSV text with a header line that has a column ``email``.

    The column may be called ``E-mail``, ``Email Address`` or similar; cells are separated by
    commas, semicolons, tabs or bars, and a first line ``sep=;`` says by which. The other columns
    are the template data of each recipient. A text with one column needs no header line: each
    line is an address. Raises ``InvalidField`` for any other text.
    """
    text, delimiter = _find_delimiter(text.removeprefix("\ufeff"))
    lines = csv.reader(io.StringIO(text, newline=""), strict=True, delimiter=delimiter)
    try:
        return list(_parse_recipients(lines))
    except csv.Error as problem:
        raise InvalidField("recipients", f"line {lines.line_num} is not CSV: {problem}") from None


def _find_delimiter(text: str) -> tuple[str, str]:
    """The text without a line ``sep=;``, and its delimiter: that which the first line has most."""
    if stated := _separator_line(text):
        return text[stated.end() :], stated[1]
    first_line = text.partition("\n")[0]
    return text, max(DELIMITERS, key=first_line.count)


def _parse_recipients(lines: Iterator[list[str]]) -> Iterator[RawRecipient]:
    header = [name.strip() for name in next(_skip_blank_lines(lines), [])]
    place = _find_address_column(header)
    if place is None:
        yield from (cells[0].strip() for cells in _skip_blank_lines([header, *lines]))
        return
    for cells in _skip_blank_lines(lines):
        if len(cells) != len(header):
            raise InvalidField(
                "recipients", f"a line has {len(cells)} cells, the first has {len(header)}"
            )
        data = {
            name: cell for name, cell in zip(header, cells, strict=True) if name != header[place]
        }
        yield [cells[place].strip(), data] if data else cells[place].strip()


def _find_address_column(header: Sequence[str]) -> int | None:
    """The place of the address column; None for addresses without a header line."""
    plain = ["".join(filter(str.isalnum, name)).lower() for name in header]
    found = next((plain.index(name) for name in ADDRESS_COLUMNS if name in plain), None)
    if found is None and (len(header) > 1 or (header and "@" not in header[0])):
        names = ", ".join(repr(name[:50]) for name in header[:MAX_SHOWN_NAMES])
        raise InvalidField("recipients", f"the first line names no column email; it has {names}")
    return found


def _skip_blank_lines(lines: Iterable[list[str]]) -> Iterator[list[str]]:
    return (cells for cells in lines if any(cell.strip() for cell in cells))
