"""The server's functions that are said to give NULL for NULL only."""

from __future__ import annotations

from itertools import product
from random import Random
from typing import TYPE_CHECKING

import pytest

from sqlx.databases.postgres.proving.functions import (
    ALWAYS,
    NULL_FOR_NO_ROWS,
    RANKS,
    SURE,
)

if TYPE_CHECKING:
    import psycopg

OURS = """
SELECT p.proname, p.proargtypes::regtype[]::text[],
    CASE l.lanname WHEN 'internal' THEN p.prosrc ELSE 'sql_' || p.oid END,
    p.provariadic::regtype::text
FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang
WHERE p.oid < 16384 AND l.lanname IN ('internal', 'sql')
"""
# Runs expressions, and returns those that are NULL; the last line counts the others.
TRY = """
CREATE FUNCTION pg_temp.try(calls text[]) RETURNS text[] LANGUAGE plpgsql AS $$
DECLARE
    called text;
    is_null bool;
    found text[] := '{}';
    fine int := 0;
BEGIN
    FOREACH called IN ARRAY calls LOOP
        BEGIN
            EXECUTE 'SELECT (' || called || ') IS NOT DISTINCT FROM NULL' INTO is_null;
            IF is_null THEN found := found || called; ELSE fine := fine + 1; END IF;
        EXCEPTION WHEN OTHERS THEN NULL;
        END;
    END LOOP;
    RETURN found || fine::text;
END
$$
"""
NUMBERS = ["0", "1", "-1", "3"]
VALUES = {
    "smallint": [*NUMBERS, "32767"],
    "integer": [*NUMBERS, "100000", "-100000"],
    "bigint": [*NUMBERS, "9223372036854775807"],
    "numeric": [*NUMBERS, "NaN", "Infinity", "-Infinity", "0.5"],
    "real": [*NUMBERS, "NaN", "Infinity", "1e-30"],
    "double precision": [*NUMBERS, "NaN", "Infinity", "-Infinity", "0.5"],
    "money": ["0", "1.5"],
    "boolean": ["t", "f"],
    "text": ["", "a", "UTF8", "UTC", "day", "base64", "[]", "counted"],
    "character": ["", "a"],
    "character varying": ["", "a"],
    '"char"': ["", "a"],
    "name": ["", "a", "UTF8"],
    "bytea": ["", "\\x00ff"],
    "bit": ["", "1", "1010"],
    "bit varying": ["", "1", "1010"],
    "oid": ["0", "1", "23"],
    "oidvector": ["", "1 2"],
    "tid": ["(0,1)"],
    "xid": ["1"],
    "cid": ["1"],
    "xid8": ["1"],
    "pg_lsn": ["0/0", "1/2"],
    "regclass": ["counted"],
    "regconfig": ["simple", "english"],
    "uuid": ["00000000-0000-0000-0000-000000000000"],
    "inet": ["1.2.3.4", "::1", "10.0.0.0/8"],
    "cidr": ["10.0.0.0/8", "::/0"],
    "macaddr": ["08:00:2b:01:02:03"],
    "macaddr8": ["08:00:2b:01:02:03:04:05", "08:00:2b:ff:fe:03:04:05"],
    "date": ["2024-02-29", "infinity", "-infinity", "0001-01-01 BC"],
    "timestamp without time zone": ["2024-02-29 12:00", "infinity", "-infinity"],
    "timestamp with time zone": ["2024-02-29 12:00Z", "infinity", "-infinity"],
    "time without time zone": ["00:00", "24:00"],
    "time with time zone": ["00:00+01", "24:00-12"],
    "interval": ["0", "1 year -3 days", "-1 microsecond", "1 day"],
    "json": ["null", "[]", "{}", '{"a": null}', '"x"'],
    "jsonb": ["null", "[]", "{}", '{"a": null}', '"x"', "[1, null]"],
    "text[]": ["{}", "{a}", "{NULL}", "{0}"],
    "tsvector": ["", "a:1 b:2"],
    "tsquery": ["", "a & !b"],
    "anyenum": ["new", "closed"],
    "anyrange": ["empty", "(,)", "[1,3)"],
    "anymultirange": ["{}", "{[1,3)}"],
    "record": ["(1,)"],
    "real[]": ["{0.1,0.2,0.4,1}"],
}
ANY = {
    "anyelement": ["1", "3"],
    "anynonarray": ["1", "'a'::text", "'(1,)'::pair"],
    "anycompatible": ["1"],
    '"any"': ["1", "'{1,NULL}'::int[]", "'(,)'::pair"],
    "anyarray": ["'{}'::int[]", "'{1,NULL}'::int[]", "'{{1},{3}}'::int[]"],
    "anycompatiblearray": ["'{}'::int[]", "'{1,NULL}'::int[]"],
}
TYPES = {
    "anyenum": "status",
    "anyrange": "int4range",
    "anymultirange": "int4multirange",
    "record": "pair",
}
CALLS, MANY = 100, 5


def arguments(kind: str) -> list[str]:
    """Write values of a type, none of them NULL."""
    written = TYPES.get(kind, kind)
    return ANY.get(kind) or [f"'{value}'::{written}" for value in VALUES[kind]]


def calls(name: str, kinds: list[str], variadic: str, random: Random) -> list[str]:
    """Write calls of a function with all sorts of values."""
    every = list(product(*map(arguments, kinds)))
    most = CALLS if len(kinds) < MANY else 10 * CALLS
    some = every if len(every) <= most else random.sample(every, most)
    word = "" if variadic in {"-", '"any"'} else "VARIADIC "
    return [
        f'pg_catalog."{name}"({", ".join((*args[:-1], word + "".join(args[-1:])))})'
        for args in some
    ]


@pytest.mark.slow
def test_never_gives_null_for_what_is_not(connection: psycopg.Connection) -> None:
    """Each is called with NaN, infinity, nothing and the rest, and gives no NULL."""
    random = Random(1)  # noqa: S311 -- chance need not be secret.
    found = [row for row in connection.execute(OURS) if row[2] in SURE]
    connection.execute(TRY)
    connection.execute("CREATE TEMP SEQUENCE counted; SELECT nextval('counted')")
    idle, nulls = [], []
    for name, kinds, source, variadic in found:
        called = calls(name, kinds, variadic, random)
        row = connection.execute("SELECT pg_temp.try(%s)", [called]).fetchone()
        assert row is not None
        *wrong, fine = row[0]
        nulls += wrong
        idle += [source] * (fine == "0")
    assert nulls == []
    assert idle == []
    assert len(found) > 600


def test_all_are_there(connection: psycopg.Connection) -> None:
    """Each name is that of a function of the server's."""
    there = {row[2] for row in connection.execute(OURS)}
    assert sorted((SURE | ALWAYS | RANKS) - there) == []
    aggregates = {
        name
        for (name,) in connection.execute(
            "SELECT proname FROM pg_proc WHERE prokind = 'a' AND oid < 16384"
        )
    }
    assert sorted(NULL_FOR_NO_ROWS.keys() - aggregates) == []


@pytest.mark.parametrize(
    "call",
    [
        "concat(NULL)",
        "json_build_array()",
        "json_build_array(NULL)",
        "json_build_object()",
        "json_build_object('a', NULL)",
        "jsonb_build_array(NULL)",
        "jsonb_build_array()",
        "jsonb_build_object('a', NULL)",
        "jsonb_build_object()",
        "num_nulls(NULL)",
        "num_nonnulls(NULL)",
        "quote_nullable(NULL)",
        "quote_nullable(NULL::int)",
    ],
)
def test_some_give_no_null_for_null(connection: psycopg.Connection, call: str) -> None:
    """These take NULL, and give something."""
    row = connection.execute(f"SELECT {call} IS NULL".encode()).fetchone()
    assert row == (False,)
