"""The types that are known, and those that are looked up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlx.databases.postgres.describing.builtin import VARIANTS, declared
from sqlx.databases.postgres.describing.catalog import Types, select_types
from sqlx.databases.postgres.describing.pipeline import ask
from sqlx.queries.values import Kind, TypeInfo

if TYPE_CHECKING:
    import psycopg

GONE = 4_000_000_000


def test_the_server_has_the_types_that_sqlx_knows(
    connection: psycopg.Connection[Any],
) -> None:
    """Each of the 92 numbers is the type, or the array, that its word says."""
    known = connection.execute(
        "SELECT t.oid::int8, t.typname, e.typname FROM pg_type t"
        " LEFT JOIN pg_type e ON e.typarray = t.oid"
        " WHERE t.oid::int8 = ANY(%s)",
        [list(VARIANTS)],
    ).fetchall()
    assert len(known) == 92
    assert {oid: f"{of}Array" if of else name for oid, name, of in known} == {
        oid: variant.lower().replace("array", "Array")
        for oid, variant in VARIANTS.items()
    }


def test_known_types_are_written_so_that_no_path_misleads(
    connection: psycopg.Connection[Any],
) -> None:
    """A built-in type's name in SQL leads back to its number from any schema."""
    connection.execute("BEGIN")
    connection.execute("CREATE DOMAIN foo.int8 AS text")
    connection.execute("SET search_path = foo, pg_catalog")
    for oid, variant in VARIANTS.items():
        sql = "SELECT %s::regtype::oid::pg_catalog.int8"
        assert connection.execute(sql, [declared(variant)]).fetchone() == (oid,)


def test_a_type_that_is_gone_keeps_its_number(
    connection: psycopg.Connection[Any],
) -> None:
    """A type dropped between two questions is known by its number, and asked once."""
    (reply,) = ask(connection, [(select_types({GONE}),)])
    types = Types()
    assert types.unknown([GONE]) == {GONE}
    types.read({GONE}, *reply.results)
    assert types.type_info(GONE) == TypeInfo(str(GONE), Kind.SIMPLE)
    assert types.unknown([GONE]) == types.unknown_parts() == set()
    assert types.declared(GONE) == str(GONE)
    assert not types.is_domain(GONE)
