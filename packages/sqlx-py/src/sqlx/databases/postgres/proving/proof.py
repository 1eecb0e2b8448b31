"""Prove which columns of queries can never be NULL, by asking the server.

The server analyses a query as the body of an SQL function, and keeps the tree. So each
query is sent in a transaction of its own that is always rolled back: create the
function, read its body, roll back. The query is never run. What the trees name in the
catalog is then asked for, for all queries at once, and the rules of `nullability`
decide.

No text can leave the body: the extended protocol takes one command, and that command
begins with our words. A text of more than one statement is not even sent.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from sqlx.databases.postgres.describing.pipeline import Execute, ask
from sqlx.databases.postgres.proving.facts import find_facts, the_query
from sqlx.databases.postgres.proving.nodes import UnknownTree
from sqlx.databases.postgres.proving.nullability import Analysis
from sqlx.databases.postgres.session import EQ, P
from sqlx.migrations.statements import Syntax, split

if TYPE_CHECKING:
    from collections.abc import Sequence

    import psycopg
    from psycopg.pq.abc import PGresult

    from sqlx.databases.postgres.describing.pipeline import Message, Reply, Unit
    from sqlx.queries.values import Nullability

__all__ = ["Probe", "prove"]

KNOWN = range(14, 19)  # the major versions whose trees the rules were tried on
NAME = "sqlx_probe"
BODY = (
    f"SELECT prosqlbody FROM {P}.pg_proc WHERE proname {EQ} '{NAME}'"
    f" AND pronamespace {EQ} {P}.pg_my_temp_schema()"
)


@dataclass(frozen=True, slots=True)
class Probe:
    """A query that something is to be proved of.

    Args:
        sql: Its text.
        parameters: The types of `$1`, `$2`, as SQL names them in this session.
        columns: How many columns it returns.
    """

    sql: str
    parameters: tuple[str, ...]
    columns: int


def prove(
    connection: psycopg.Connection[Any], probes: Sequence[Probe], at_once: int = 100
) -> list[tuple[Nullability, ...] | None]:
    """Prove of the columns of queries which can never be NULL.

    Nothing is left behind: a temporary function is made for each, and rolled back.

    Args:
        connection: In autocommit, idle; its session may be read-only by default. Its
            `search_path` decides what the names in the queries mean.
        probes: The queries; those that return no columns are not sent.
        at_once: How many are under way together.

    Returns:
        For each query its columns in their order, or None where nothing can be proved:
        what is no query (SHOW, CALL), more than 100 parameters, PostgreSQL 13 and those
        newer than we know, no right to make temporary objects, a standby.

    Raises:
        ConnectionLost: The connection ended.
    """
    if connection.info.server_version // 10000 not in KNOWN:
        return [None if probe.columns else () for probe in probes]
    asked = [number for number, probe in enumerate(probes) if probe.columns]
    trees = _trees(connection, [probes[number] for number in asked], at_once)
    known = dict(zip(asked, trees, strict=True))
    texts = [text for text in trees if text is not None]
    analysis = Analysis(find_facts(texts, partial(_ask_catalog, connection)))
    return [
        _proof(known.get(number), probe.columns, analysis)
        for number, probe in enumerate(probes)
    ]


def _proof(
    tree: str | None, columns: int, analysis: Analysis
) -> tuple[Nullability, ...] | None:
    if tree is None:
        return None if columns else ()
    try:
        found = analysis.nullability(the_query(tree))
    except (UnknownTree, RecursionError):
        return None
    return found if len(found) == columns else None


def _trees(
    connection: psycopg.Connection[Any], probes: Sequence[Probe], at_once: int
) -> list[str | None]:
    """Let the server analyse queries, and give their trees."""
    created = list(map(_create, probes))
    units: list[Unit] = []
    for create in filter(None, created):
        units += _rolled_back(
            # The body is analysed all the same; what this leaves out is a second look.
            Execute("SET LOCAL check_function_bodies = off"),
            Execute(create),
            Execute(BODY),
        )
    replies = iter(ask(connection, units, 2 * at_once)[::2])
    return [None if create is None else _tree(next(replies)) for create in created]


def _create(probe: Probe) -> str | None:
    """Make the function of which the query is the body, if it is one query."""
    statements = split(probe.sql, Syntax.POSTGRES)
    if len(statements.items) != 1:
        return None
    sql = statements.sql(statements.items[0]).removesuffix(";")
    # A comment may end the text: what follows it must stand on a line of its own.
    return (
        f"CREATE FUNCTION pg_temp.{NAME}({', '.join(probe.parameters)})"
        f" RETURNS SETOF {P}.record LANGUAGE sql BEGIN ATOMIC {sql}\n; END"
    )


def _tree(reply: Reply) -> str | None:
    if reply.refusal is not None:
        return None
    rows = _rows(reply.results[-1])
    return rows[0][0] if rows else None


def _rolled_back(*messages: Message) -> tuple[Unit, Unit]:
    """Send messages in a transaction; an error skips the rest of a unit, so it has two.

    The session may be read-only by default.
    """
    return (Execute("BEGIN READ WRITE"), *messages), (Execute("ROLLBACK"),)


def _ask_catalog(
    connection: psycopg.Connection[Any], sql: str, parameter: str
) -> list[list[str | None]]:
    """Ask the catalog in its own words, whatever the session's path is."""
    path = Execute(f"SET LOCAL search_path TO {P}, pg_temp")
    units = (Execute("BEGIN"), path, Execute(sql, (parameter,))), (Execute("ROLLBACK"),)
    reply = ask(connection, units)[0]
    return [] if reply.refusal is not None else _rows(reply.results[-1])


def _rows(result: PGresult) -> list[list[str | None]]:
    columns = range(result.nfields)
    return [
        [_text(result.get_value(row, column)) for column in columns]
        for row in range(result.ntuples)
    ]


def _text(value: bytes | None) -> str | None:
    return None if value is None else value.decode()
