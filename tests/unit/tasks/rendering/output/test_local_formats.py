from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from project.errors import InvalidField
from tasks.rendering.definitions.schema import Format
from tasks.rendering.output.formatters import build_formatter
from tasks.rendering.regions import Region, check_region

MINUS = "\N{MINUS SIGN}"
SPACE, NARROW_SPACE = "\N{NO-BREAK SPACE}", "\N{NARROW NO-BREAK SPACE}"
AMOUNT = Decimal("-1234567.891")
TIME = datetime(2026, 5, 1, 14, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("region", "texts"),
    [
        (
            Region("de-DE", "EUR"),
            [
                f"{MINUS}1.234.568",
                f"{MINUS}1.234.567,89{SPACE}€",
                "01.05.2026",
                "01.05.2026, 14:30",
            ],
        ),
        (
            Region("de_CH"),
            [f"{MINUS}1’234’568", f"{MINUS}1’234’567.89", "01.05.2026", "01.05.2026, 14:30"],  # noqa: RUF001
        ),
        (
            Region("en-US", "USD"),
            [
                f"{MINUS}1,234,568",
                f"{MINUS}$1,234,567.89",
                "May 1, 2026",
                "May 1, 2026, 2:30\u202fPM",
            ],
        ),
        (
            Region("en-IN", "INR"),
            [
                f"{MINUS}12,34,568",
                f"{MINUS}₹12,34,567.89",
                "1 May 2026",
                "1 May 2026, 2:30\u202fPM",
            ],
        ),
        (
            Region("ja", "JPY"),
            [f"{MINUS}1,234,568", f"{MINUS}￥1,234,568", "2026/05/01", "2026/05/01, 14:30"],
        ),
        (
            Region("fr"),
            [
                f"{MINUS}1{NARROW_SPACE}234{NARROW_SPACE}568",
                f"{MINUS}1{NARROW_SPACE}234{NARROW_SPACE}567,89",
                "1 mai 2026",
                "1 mai 2026, 14:30",
            ],
        ),
        (
            Region(),
            [f"{MINUS}1,234,568", f"{MINUS}1,234,567.89", "2026-05-01", "2026-05-01 14:30"],
        ),
    ],
    ids=lambda value: value.locale if isinstance(value, Region) else "",
)
def test_numbers_money_and_dates_are_those_of_the_locale(region: Region, texts: list[str]) -> None:
    formats = build_formatter(region)
    values: list[tuple[object, Format]] = [
        (AMOUNT, "integer"),
        (AMOUNT, "money"),
        (date(2026, 5, 1), "date"),
        (TIME, "datetime"),
    ]

    assert [formats.format_value(value, style) for value, style in values] == texts


@pytest.mark.parametrize(
    ("value", "style", "text"),
    [
        (0.1234, "percent", f"12,3{SPACE}%"),
        (0.05, "change", f"+5,0{SPACE}%"),
        (-0.05, "change", f"{MINUS}5,0{SPACE}%"),
        (None, "money", "\N{EN DASH}"),
        (True, "integer", "1"),
        (float("inf"), "money", "inf"),
        (10**37, "integer", "10" + ".000" * 12),
        (1.5e300, "money", "1.500." + ".".join(["000"] * 99) + f",00{SPACE}€"),
    ],
)
def test_odd_values_have_a_text(value: object, style: Format, text: str) -> None:
    assert build_formatter(Region("de", "EUR")).format_value(value, style) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (2.5, "2,5"), (1_500_000, f"1,5{SPACE}Mio."), (-2e9, f"{MINUS}2{SPACE}Mrd.")],
)
def test_axis_labels_are_short_words_of_the_locale(value: float, text: str) -> None:
    assert build_formatter(Region("de")).format_axis_value(value, "integer") == text


@pytest.mark.parametrize(
    ("region", "field"),
    [
        (Region(locale="xx"), "locale"),
        (Region(locale="../../etc/passwd"), "locale"),
        (Region(currency="eur"), "currency"),
        (Region(currency="EURO"), "currency"),
        (Region(zone="Europe"), "zone"),
        (Region(zone="../zoneinfo/UTC"), "zone"),
        (Region(zone="a\0b"), "zone"),
    ],
)
def test_an_unknown_name_is_refused_with_an_example(region: Region, field: str) -> None:
    with pytest.raises(InvalidField, match=f"{field}.*such as"):
        check_region(region)
