"""The files whose reading is tested, as a table."""

from benchmarks.support.page_parts import format_table
from tests.support.public_files.catalog import FILES
from tests.support.public_files.public_file import PublicFile

HEAD = ("file", "what is odd", "fixed types", "question", "answer")


def make_files() -> str:
    """Each file with a question and its answer."""
    return format_table(HEAD, map(describe_file, FILES))


def describe_file(file: PublicFile) -> tuple[str, ...]:
    """The row of a file."""
    types = "<br>".join(f"`{name}: {kind}`" for name, kind in file.types.items())
    question = " ".join(file.sql.removesuffix(" from data").split())
    return file.origin, file.odd, types, f"`{question}`", file.answer
