"""The Lua scripts, each linked with the shared functions it uses.

A script is named after its folder and file: ``attempts/start``. Shared functions are in
``lua/lib``. A package with scripts of its own adds them with ``add_scripts``.
"""

import re
from collections.abc import Iterator, Sequence
from functools import cache
from hashlib import sha1
from importlib.resources import files
from importlib.resources.abc import Traversable

FOLDER = files("project.store") / "lua"

LIBRARY = (
    "keys",
    "index",
    "metrics",
    "queue",
    "lane",
    "switch",
    "limit",
    "switches",
    "breaker",
    "message",
    "transition",
    "record",
    "log",
    "lease",
    "short",
    "wait",
    "cause",
    "workflow",
    "attempt",
    "reopen",
    "unique",
    "enqueue",
    "schedules",
    "requeue",
    "start",
    "report",
    "legacy",
)
"""The files of ``lua/lib``: each may use the functions of those before it."""

SHARED_HERE = "-- shared\n"
"""A script that can return early marks the place of the shared functions with this line."""

RARELY = "-- rarely\n"
"""Ends the first line of a shared function that few runs of a script call; see ``select_used``."""

NUMBERED = re.compile(r"(attempts|workers)/(?!take$|is_|list_|read_)|jobs/register$")
"""The names of the scripts that refuse a request which comes late; ``take`` does it by itself."""

REFUSE_LATE = "local late = refuse_late()\nif late then return late end\n"

SCRIPTS: dict[str, str] = {}
"""Script name -> Lua. Read once at import: an upgrade in place does not mix old and new."""

DIGESTS: dict[str, str] = {}
"""Script name -> the SHA-1 digest that EVALSHA takes."""


def add_scripts(folder: Traversable, library: Sequence[str], prefix: str = "") -> None:
    """Read and link the scripts of a folder.

    ``library`` names the files of its ``lib`` folder in their order; ``prefix`` goes before
    the names of the scripts.
    """
    shared = shared_functions(FOLDER, LIBRARY)
    if folder != FOLDER:
        shared |= shared_functions(folder, library)
    for name, lua in read_scripts(folder):
        checked = REFUSE_LATE + lua if not prefix and NUMBERED.match(name) else lua
        linked = link(checked, shared)
        SCRIPTS[prefix + name] = linked
        DIGESTS[prefix + name] = digest_of(linked)


def digest_of(lua: str) -> str:
    """The digest under which Redis knows a script."""
    return sha1(lua.encode(), usedforsecurity=False).hexdigest()


def read_scripts(folder: Traversable) -> Iterator[tuple[str, str]]:
    """Each script as its name and its Lua, not linked yet."""
    for noun in folder.iterdir():
        if not noun.is_dir() or noun.name == "lib":
            continue
        for file in noun.iterdir():
            yield f"{noun.name}/{file.name.removesuffix('.lua')}", file.read_text()


def shared_functions(folder: Traversable, library: Sequence[str]) -> dict[str, str]:
    """The functions of a folder's ``lib``: name -> Lua, in their order."""
    lib = folder / "lib"
    return parse_definitions("".join((lib / f"{name}.lua").read_text() for name in library))


def link(lua: str, shared: dict[str, str]) -> str:
    """A script with the shared functions it uses, at its start or where it marks their place."""
    before, _, rest = lua.rpartition(SHARED_HERE)
    return before + select_used(strip_comments(rest), shared) + rest


def parse_definitions(lua: str) -> dict[str, str]:
    """The top-level definitions of a piece of Lua: name -> text.

    Raises ``ValueError`` for a name that stands twice: the second would replace the first.
    """
    parts = re.split(r"^(?=local )", strip_comments(lua), flags=re.MULTILINE)
    definitions: dict[str, str] = {}
    for part in filter(str.strip, parts):
        name = name_of(part)
        if name in definitions:
            raise ValueError(f"{name} is defined twice")
        definitions[name] = part
    return definitions


def strip_comments(lua: str) -> str:
    """Lua without the lines that are comments, which may have names of functions in them."""
    return re.sub(r"^ *--.*\n", "", lua, flags=re.MULTILINE)


def name_of(definition: str) -> str:
    """The name that a Lua definition defines. Raises ``ValueError``."""
    found = re.match(r"local (?:function )?(\w+)", definition)
    if found is None:
        raise ValueError(f"not a definition: {definition}")
    return found[1]


@cache
def list_words(lua: str) -> frozenset[str]:
    """The words in a piece of Lua. It is asked for often, while the scripts are linked."""
    return frozenset(re.findall(r"\w+", lua))


def select_used(lua: str, shared: dict[str, str], known: frozenset[str] = frozenset()) -> str:
    """The shared definitions that ``lua`` uses, in their order: fewer cost Redis less time.

    Those in ``known`` stand before it already. What only a rarely called function uses stands
    inside that: a script defines it only on the runs that call the function.
    """
    names, words = set[str](), set(list_words(lua))
    for name, definition in reversed(shared.items()):
        if name not in known and name in words:
            names.add(name)
            words |= frozenset() if RARELY in definition else list_words(definition)
    selected = ""
    before: dict[str, str] = {}
    for name, definition in shared.items():
        if name in names:
            head, mark, body = definition.partition(RARELY)
            selected += head + mark + (select_used(body, before, known) if mark else "") + body
            known |= {name}
        before[name] = definition
    return selected


add_scripts(FOLDER, LIBRARY)
