"""Tries the outboxes for ``make check``: the login, the tables and the rights of the role."""

from collections.abc import Iterable

from project.extras import require_extra
from project.relay.refused import connect, describe
from project.services import ServiceFault
from project.settings.relay import get_relay_settings, name_outbox

SQL = "the SQL of python -m continuo_client.outbox sql"

RIGHTS = {
    "continuo_outbox": ("select", "update", "delete"),
    "continuo_outbox_refused": ("select", "insert"),
    "continuo_results": ("select", "insert", "update"),
}
"""What workers do with each table."""

IS_OLD = """
select not exists (
    select from pg_attribute
    where attrelid = to_regclass('continuo_outbox') and attname = 'transaction'
)
"""

LOOK = """
select place, to_regclass(place) is not null, array(
    select name from unnest(rights) as name
    where not has_table_privilege(to_regclass(place), name)
)
from unnest(%s::text[]) as place, lateral string_to_array(%s::jsonb ->> place, ',') as rights
"""


def check_outbox() -> str:
    """Look into each outbox of ``OUTBOX_URL``; "" without any."""
    urls = get_relay_settings().outbox_urls
    if not urls:
        return ""
    require_extra("outbox")
    import psycopg

    for url in urls:
        try:
            problems = list(find_problems(url))
        except psycopg.Error as error:
            raise ServiceFault(f"{name_outbox(url)}: {describe(error)}") from None
        if problems:
            raise ServiceFault(f"{name_outbox(url)}: {'; '.join(problems)}")
    return f"{', '.join(map(name_outbox, urls))} can be relayed"


def find_problems(url: str) -> Iterable[str]:
    """What is missing in a database: tables, or rights on them."""
    from psycopg.types.json import Jsonb

    rights = Jsonb({table: ",".join(names) for table, names in RIGHTS.items()})
    with connect(url) as connection:
        found = connection.execute(LOOK, [list(RIGHTS), rights]).fetchall()
        is_old = connection.execute(IS_OLD).fetchone() == (True,)
    for table, exists, missing in found:
        if not exists:
            yield f"there is no {table}: run {SQL}"
        elif is_old and table == "continuo_outbox":
            yield f"{table} is of an older version: run {SQL} again"
        elif missing:
            yield f"the role may not {', '.join(missing)} on {table}"
