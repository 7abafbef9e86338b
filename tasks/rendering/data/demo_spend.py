"""Synthetic demo data: invoices of twelve departments over the 24 months to October 2026.

The seed is fixed, so every machine generates the same invoices.
"""

import calendar
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

SEED = 20_261_031
FIRST_MONTH = date(2024, 11, 1)
MONTHS = 24
GROWTH = 1.009
"""Factor of growth from month to month, before the seasonal factor."""
SEASONS = (1.04, 0.95, 1.08, 1.0, 1.01, 1.05, 0.93, 0.84, 1.1, 1.07, 1.03, 0.9)
"""Seasonal factors, January to December."""
FIELDS = ("invoice", "day", "department", "vendor", "category", "description", "amount")

type Invoice = tuple[str, str, str, str, str, str, str]
type DraftInvoice = tuple[date, str, str, str, str, float]


@dataclass(frozen=True)
class Category:
    """A category of spending; ``median`` is the median amount in EUR, ``spread`` its log sigma."""

    name: str
    median: float
    spread: float
    vendors: tuple[str, ...]
    items: tuple[str, ...]


CLOUD = Category(
    "Cloud and hosting",
    1_150,
    0.9,
    ("Nimbus Compute", "Arctic Host", "Cirrafield", "Polaris Edge", "Stratus Nine"),
    ("Compute", "Object storage", "Managed database", "Data transfer", "Backups"),
)
SOFTWARE = Category(
    "Software",
    420,
    0.8,
    ("Foldline", "Quillpad", "Tracewell", "Deskmate Software", "Larkspur Apps", "Boardly"),
    ("Seats, monthly", "Seats, yearly", "Add-on", "Support plan"),
)
HARDWARE = Category(
    "Hardware",
    980,
    0.6,
    ("Keyhouse", "Bright & Sons IT", "Halden Devices", "Portico Supply"),
    ("Laptop", "Display", "Docking station", "Phone", "Spare parts"),
)
CONTRACTORS = Category(
    "Contractors",
    3_400,
    0.5,
    ("Ostrava Works", "Redfern Partners", "Delta Nine Studio", "Maren Holt", "Tidewater Crew"),
    ("Milestone", "Day rate", "Review", "On-site week"),
)
TRAVEL = Category(
    "Travel",
    310,
    0.7,
    ("Railpoint", "Skylark Travel", "Hotel Meridian", "Citycab", "Lodging Collective"),
    ("Train", "Flight", "Hotel", "Taxi", "Per diem"),
)
TRAINING = Category(
    "Training",
    640,
    0.6,
    ("Fieldstone Academy", "Open Lectern", "Certify House", "Lumen Courses"),
    ("Course", "Conference ticket", "Exam", "Workshop"),
)
OFFICE = Category(
    "Office",
    140,
    0.7,
    ("Paper Lane", "Green Bean Coffee", "Stonegate Rooms", "Cleanwell", "Postbox Courier"),
    ("Supplies", "Catering", "Cleaning", "Courier", "Furniture"),
)
ADVERTISING = Category(
    "Advertising",
    1_900,
    0.8,
    ("Billboard & Co", "Clickstream Media", "Northlight Agency", "Sparrow Press", "Echo Audio"),
    ("Search campaign", "Print", "Sponsorship", "Production", "Social campaign"),
)
ADVICE = Category(
    "Professional advice",
    2_300,
    0.6,
    ("Alder & Finch", "Merrow Legal", "Sutton Audit", "Castellan Advisory"),
    ("Opinion", "Retainer", "Filing", "Audit step"),
)
RECRUITING = Category(
    "Recruiting",
    1_250,
    0.7,
    ("Talent Harbour", "Firstday", "Bridgewell Search"),
    ("Job advert", "Search fee", "Assessment", "Background check"),
)
LOGISTICS = Category(
    "Logistics",
    520,
    0.8,
    ("Harbour Freight Line", "Swiftcart", "Pallet & Post", "Nordic Haulage"),
    ("Freight", "Storage", "Customs", "Returns", "Packaging"),
)
UPKEEP = Category(
    "Upkeep",
    760,
    0.7,
    ("Brightwire Electric", "Liftcare", "Municipal Power", "Rook & Tile", "Aqua Services"),
    ("Electricity", "Repair", "Inspection", "Water", "Heating"),
)

DEPARTMENTS: dict[str, tuple[int, dict[Category, int]]] = {
    "engineering": (
        250,
        {CLOUD: 34, SOFTWARE: 22, HARDWARE: 14, CONTRACTORS: 10, TRAVEL: 8, TRAINING: 8, OFFICE: 4},
    ),
    "sales": (235, {TRAVEL: 44, SOFTWARE: 18, ADVERTISING: 14, OFFICE: 14, TRAINING: 10}),
    "marketing": (210, {ADVERTISING: 46, CONTRACTORS: 16, SOFTWARE: 18, TRAVEL: 12, OFFICE: 8}),
    "operations": (220, {LOGISTICS: 50, SOFTWARE: 12, HARDWARE: 12, CONTRACTORS: 10, TRAVEL: 16}),
    "facilities": (190, {UPKEEP: 48, OFFICE: 40, CONTRACTORS: 12}),
    "support": (160, {SOFTWARE: 40, HARDWARE: 20, TRAINING: 16, CONTRACTORS: 10, OFFICE: 14}),
    "data": (155, {CLOUD: 46, SOFTWARE: 24, TRAINING: 12, CONTRACTORS: 10, TRAVEL: 8}),
    "product": (140, {SOFTWARE: 32, CONTRACTORS: 20, TRAVEL: 24, TRAINING: 14, OFFICE: 10}),
    "finance": (125, {ADVICE: 38, SOFTWARE: 32, TRAVEL: 14, OFFICE: 16}),
    "design": (115, {SOFTWARE: 36, CONTRACTORS: 28, HARDWARE: 14, TRAINING: 14, TRAVEL: 8}),
    "people": (130, {RECRUITING: 44, TRAINING: 22, SOFTWARE: 14, TRAVEL: 10, OFFICE: 10}),
    "legal": (118, {ADVICE: 62, SOFTWARE: 18, TRAVEL: 12, OFFICE: 8}),
}
"""By department: its invoices in the first month, and the weight of each category."""


def generate_invoices() -> Iterator[Invoice]:
    """Generate all invoices in number order; the columns are ``FIELDS``."""
    rng = random.Random(SEED)  # noqa: S311 - invented data, not a secret
    entries = sorted(entry for month in range(MONTHS) for entry in _generate_month(rng, month))
    for number, (day, department, vendor, category, item, amount) in enumerate(entries, 1):
        invoice = f"INV-{number:06d}"
        yield invoice, day.isoformat(), department, vendor, category, item, f"{amount:.2f}"


def _generate_month(rng: random.Random, number: int) -> Iterator[DraftInvoice]:
    days = _list_workdays(number)
    factor = GROWTH**number * SEASONS[days[0].month - 1]
    for department, (first_count, mix) in DEPARTMENTS.items():
        count = round(first_count * factor * rng.uniform(0.92, 1.08))
        for category in rng.choices(list(mix), list(mix.values()), k=count):
            yield _generate_entry(rng, rng.choice(days), department, category)


def _generate_entry(
    rng: random.Random, day: date, department: str, category: Category
) -> DraftInvoice:
    vendor, item = rng.choice(category.vendors), rng.choice(category.items)
    amount = category.median * rng.lognormvariate(0, category.spread)
    return day, department, vendor, category.name, item, amount


def _list_workdays(number: int) -> list[date]:
    """Return the days of a month, Monday to Friday; ``number`` counts from ``FIRST_MONTH``."""
    years, month = divmod(FIRST_MONTH.month - 1 + number, 12)
    year = FIRST_MONTH.year + years
    _, length = calendar.monthrange(year, month + 1)
    days = (date(year, month + 1, day) for day in range(1, length + 1))
    return [day for day in days if day.weekday() < calendar.SATURDAY]
