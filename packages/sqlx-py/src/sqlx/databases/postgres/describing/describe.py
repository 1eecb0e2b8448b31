"""Describe queries to PostgreSQL as SQLx does, all of them in a few round trips.

Nothing is executed: the server parses, and plans, in one read-only transaction that is
rolled back: behind a transaction pooler too, all of it is said to one server, and no
setting outlives it. The groups of messages are:

1. the transaction begins;
2. each text is parsed and described: its parameters and columns, as numbers;
3. the plan of each, and at once the types and table columns behind the numbers;
4. the types inside of those types, a question for each depth of nesting;
5. the plan once more of a query where a parameter's domain refuses the NULL of 3, and
   the end of the prepared statements;
6. the end of the transaction; the proofs are made after it.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any

from sqlx.databases.postgres.describing.catalog import (
    EXPRESSION,
    TableColumn,
    Types,
    read_columns,
    select_columns,
    select_types,
)
from sqlx.databases.postgres.describing.explain import patched
from sqlx.databases.postgres.describing.pipeline import Execute, Reply, ask
from sqlx.databases.postgres.describing.plans import Plans, explain, explain_otherwise
from sqlx.databases.postgres.describing.prepared import (
    Statement,
    dropped,
    must,
    prepare,
)
from sqlx.databases.postgres.proving.proof import Probe, prove
from sqlx.databases.postgres.session import P
from sqlx.queries.values import (
    Column,
    Database,
    Description,
    Refusal,
    SqlxVersion,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import psycopg
    from psycopg.pq.abc import PGresult

    from sqlx.databases.postgres.describing.pipeline import Unit
    from sqlx.databases.postgres.describing.prepared import Asked
    from sqlx.queries.values import Nullability

__all__ = ["describe"]

# Servers that speak the protocol and have plans of their own kind.
OTHERS = ("crdb_version", "mz_version", "questdb_version")
# PostgreSQL 11 has no such setting, and there SQLx does without.
GENERIC_PLANS = f"""SELECT {P}.set_config(s.name, 'force_generic_plan', true)
FROM {P}.pg_settings s WHERE s.name OPERATOR({P}.=) 'plan_cache_mode'"""
SETTINGS = {SqlxVersion.V0_8: (), SqlxVersion.V0_9: (Execute(GENERIC_PLANS),)}
BEGIN, SAVE = Execute("BEGIN READ ONLY"), Execute("SAVEPOINT sqlx_describe")
BACK, END = Execute("ROLLBACK TO sqlx_describe"), Execute("ROLLBACK")


@dataclass(frozen=True, slots=True)
class Look:
    """What was found out about statements.

    Args:
        types: The types they name.
        columns: The table columns, by table and number.
        plans: How they are planned.
    """

    types: Types
    columns: Mapping[tuple[int, int], TableColumn]
    plans: Plans


def describe(
    connection: psycopg.Connection[Any],
    queries: Sequence[str],
    version: SqlxVersion,
    at_once: int = 100,
) -> list[Description | Refusal]:
    """Describe queries, each as SQLx of a version would.

    Args:
        connection: Ours, in autocommit. Its `search_path` decides how tables and types
            are named.
        queries: Their texts; placeholders are `$1`, `$2`.
        version: Since 0.9, a plan does not depend on the parameters being NULL.
        at_once: How many questions are under way together.

    Returns:
        One for each query, in their order.

    Raises:
        ConnectionLost: The connection ended.
        DatabaseError: The server refused a question of ours.
    """
    with _reading(connection, version, at_once) as asked:
        prepared = prepare(asked, queries)
        statements = [one for one in prepared if isinstance(one, Statement)]
        plain = _is_postgres(connection)
        planned = [one for one in statements if one.fields and one.named and plain]
        look = _look(asked, statements, planned)
    proofs = _proofs(connection, planned, look.types, at_once)
    described = {
        one.name: _description(one, look, proofs.get(one.name)) for one in statements
    }
    return [
        described[one.name] if isinstance(one, Statement) else one for one in prepared
    ]


def _is_postgres(connection: psycopg.Connection[Any]) -> bool:
    """Tell whether plans can be read; of the others, SQLx asks for none either."""
    return not any(map(connection.info.parameter_status, OTHERS))


@contextmanager
def _reading(
    connection: psycopg.Connection[Any], version: SqlxVersion, at_once: int
) -> Iterator[Asked]:
    """Give a way to ask in one transaction, where a refusal stops nothing else."""

    def asked(units: Sequence[Unit]) -> list[Reply]:
        replies = ask(connection, [(BACK, *unit) for unit in units], at_once)
        return [Reply(reply.results[1:], reply.refusal) for reply in replies]

    (begun,) = ask(connection, [(BEGIN, *SETTINGS[version], SAVE)])
    must(begun)
    try:
        yield asked
    finally:
        if not connection.closed:
            ask(connection, [(END,)])


def _look(
    asked: Asked, statements: Sequence[Statement], planned: Sequence[Statement]
) -> Look:
    """Find out what the numbers mean, and how some statements are planned."""
    oids = Types().unknown(chain.from_iterable(one.oids for one in statements))
    behind = {field.table_column for one in statements for field in one.fields}
    names = select_types(oids), select_columns(behind)
    first, *replies = asked([names, *map(explain, planned)])
    found, columns = must(first)
    types = _types(asked, oids, found)
    plans = Plans()
    plans.read(planned, replies)
    refused = [one for one in planned if one.name in plans.refusals]
    again = [explain_otherwise(one, types) for one in refused]
    *replies, _gone = asked([*again, dropped(statements)])
    plans.read(refused, replies)
    return Look(types, read_columns(columns), plans)


def _types(asked: Asked, oids: set[int], found: PGresult) -> Types:
    """Look up what is inside of the types found, depth by depth."""
    types = Types()
    types.read(oids, found)
    while oids := types.unknown_parts():
        (reply,) = asked([(select_types(oids),)])
        types.read(oids, *must(reply))
    return types


def _proofs(
    connection: psycopg.Connection[Any],
    statements: Sequence[Statement],
    types: Types,
    at_once: int,
) -> dict[str, tuple[Nullability, ...]]:
    """Find out what can really be NULL, where it can be found out."""
    probes = [
        Probe(one.sql, tuple(map(types.declared, one.parameters)), len(one.fields))
        for one in statements
    ]
    proved = prove(connection, probes, at_once)
    return {one.name: p for one, p in zip(statements, proved, strict=True) if p}


def _description(
    statement: Statement, look: Look, proof: tuple[Nullability, ...] | None
) -> Description:
    fields = statement.fields
    behind = [look.columns.get(field.table_column, EXPRESSION) for field in fields]
    plan = look.plans.json.get(statement.name, [])
    nullable = patched([column.nullable for column in behind], plan)
    proofs = proof or [None] * len(fields)
    columns = (
        Column(field.name, look.types.type_info(field.oid), column.origin, may, proved)
        for field, column, may, proved in zip(
            fields, behind, nullable, proofs, strict=True
        )
    )
    return Description(
        Database.POSTGRES,
        statement.sql,
        tuple(columns),
        tuple(map(look.types.type_info, statement.parameters)),
        look.plans.refusals.get(statement.name, ""),
    )
