import pytest

from project.errors import InvalidField
from tasks.emails.recipient_import import build_part, read_csv, require_valid

ADA = "ada@example.com"


@pytest.mark.parametrize(
    "text",
    [
        f"email,name\r\n{ADA},Ada",
        f"email;name\n{ADA};Ada\n",
        f"name\temail\nAda\t{ADA}\n",
        f"sep=;\r\nemail;name\r\n{ADA};Ada\r\n",
        f'\ufeff"E-mail","name"\n{ADA},Ada\n',
        f"Email Address|name\n{ADA}|Ada\n",
        f"\n E-Mail ,name\n{ADA},Ada\n",
        f"EMAIL_ADDRESS,name\n {ADA} ,Ada\n",
    ],
)
def test_tables_of_many_programs_are_read(text: str) -> None:
    assert read_csv(text) == [[ADA, {"name": "Ada"}]]


@pytest.mark.parametrize("text", [f"{ADA}\n", f"email\n{ADA}\n", f"\ufeff{ADA}", f"sep=,\n{ADA}\n"])
def test_one_column_of_addresses_needs_no_header(text: str) -> None:
    assert read_csv(text) == [ADA]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (f"Kontakt;Name\n{ADA};Ada", "it has 'Kontakt', 'Name'"),
        (f"Kontakt\n{ADA}", "it has 'Kontakt'"),
        (f"{ADA},Ada\n", "it has 'ada@example.com', 'Ada'"),
    ],
)
def test_a_header_without_an_address_column_is_shown(text: str, found: str) -> None:
    with pytest.raises(InvalidField, match=f"the first line names no column email; {found}"):
        read_csv(text)


def test_a_part_without_a_valid_address_is_refused() -> None:
    part = build_part(["ada@", "nobody"])

    with pytest.raises(InvalidField, match=r"recipients\[0\].*no other recipient is valid"):
        require_valid(len(part.lines), part.faults)


def test_a_part_with_one_valid_address_is_taken() -> None:
    part = build_part(["ada@", ADA])

    require_valid(len(part.lines), part.faults)

    assert [fault.place for fault in part.faults] == [0]
