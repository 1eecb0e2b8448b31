"""The Python that is proposed for a query: it says what was described."""

from __future__ import annotations

import ast

import pytest

from sqlx.queries.checking.pasting import paste
from sqlx.queries.values import (
    Column,
    Database,
    Description,
    Kind,
    Nullability,
    TypeInfo,
)

NEVER, MAYBE = Nullability(may_be_null=False), Nullability(may_be_null=True, reason="x")
TIER = TypeInfo("tier", Kind.ENUM, labels=("free", "pro"))


def column(
    name: str,
    type_: str | TypeInfo,
    proof: Nullability | None = NEVER,
    *,
    nullable: bool | None = None,
) -> Column:
    """Make a column of no table."""
    info = TypeInfo(type_) if isinstance(type_, str) else type_
    return Column(name, info, None, nullable, proof)


def described(
    sql: str, *columns: Column, parameters: tuple[str, ...] | int = ()
) -> Description:
    """Make a description, for PostgreSQL unless parameters are only counted."""
    if isinstance(parameters, int):
        return Description(Database.SQLITE, sql, columns, parameters)
    known = tuple(map(TypeInfo, parameters))
    return Description(Database.POSTGRES, sql, columns, known)


def test_a_row_class_has_a_field_for_each_column() -> None:
    """With what it imports, and names that follow from the file's."""
    found = paste(
        described(
            "SELECT …",
            column("id", "Int8"),
            column("at", "Timestamptz", MAYBE),
            column("price", "Numeric"),
            column("tier", TIER),
            column("span", "Int4Range"),
            column("data", "Jsonb", MAYBE),
            parameters=("Uuid", "InetArray"),
        ),
        "queries/users by-e.mail.sql",
    )
    assert found == (
        "from dataclasses import dataclass\n"
        "from datetime import datetime\n"
        "from decimal import Decimal\n"
        "from ipaddress import IPv4Address\n"
        "from typing import Any, Literal\n"
        "from uuid import UUID\n"
        "\n"
        "import sqlx\n"
        "from psycopg import Connection\n"
        "from psycopg.types.range import Range\n"
        "\n"
        "\n"
        "@dataclass(frozen=True, slots=True)\n"
        "class UsersByEMail:\n"
        "    id: int\n"
        "    at: datetime | None\n"
        "    price: Decimal\n"
        '    tier: Literal["free", "pro"]\n'
        "    span: Range[int]\n"
        "    data: dict[str, Any] | None\n"
        "\n"
        "\n"
        '@sqlx.query_file("queries/users by-e.mail.sql")\n'
        "def users_by_e_mail(connection: Connection, parameter_1: UUID, "
        "parameter_2: list[IPv4Address]) -> list[UsersByEMail]:\n"
        "    raise NotImplementedError"
    )


@pytest.mark.parametrize(
    ("columns", "returned"),
    [
        ((), "sqlx.RowsAffected"),
        ((column("pg_notify", "Void"),), "sqlx.RowsAffected"),
        ((column("n", "Int8"),), "list[int]"),
        ((column("n", "Int8", MAYBE),), "list[int | None]"),
        ((column("n!", "Int8", MAYBE),), "list[int]"),
        ((column("n?", "Int8"),), "list[int | None]"),
        ((column("?column?", "Int4Array"),), "list[list[int]]"),
        ((column("n", "Int8", None, nullable=False),), "list[int]"),
        ((column("n", "Int8", None, nullable=True),), "list[int | None]"),
        ((column("n", "Int8", None),), "list[int | None]"),
    ],
)
def test_what_is_returned(columns: tuple[Column, ...], returned: str) -> None:
    """One column is a scalar, none are counted; overrides and proofs are honoured."""
    assert f" -> {returned}:\n" in paste(described("SELECT 1", *columns))


def test_a_column_that_can_be_no_field_is_told() -> None:
    """It is shown, and has to be given a name."""
    found = paste(described("…", column("?column?", "Int4"), column("class", "Text")))
    assert "    # ?column?: int  -- give it a name: AS name\n" in found
    assert "    # class: str  -- give it a name: AS name\n" in found


@pytest.mark.parametrize(
    ("sql", "parameters", "signature"),
    [
        (
            "SELECT 1 FROM t WHERE t.Email = $1 AND age >= $2 AND email LIKE $3",
            ("Text", "Int4", "Text"),
            "email: str, age: int, email_3: str",
        ),
        (
            'INSERT INTO t (a, "b c", class, "d") VALUES ($1, $2, $3, now())',
            ("Int4", "Text", "Text"),
            "a: int, parameter_2: str, class_3: str",
        ),
        (
            "SELECT 1 WHERE connection = $1",
            ("Text",),
            "connection_1: str",
        ),
        (
            "SELECT ?1, ?2",
            2,
            (
                "parameter_1: str | int | float | bytes | None, "
                "parameter_2: str | int | float | bytes | None"
            ),
        ),
    ],
)
def test_parameters_are_named_by_what_they_are_compared_with(
    sql: str, parameters: tuple[str, ...] | int, signature: str
) -> None:
    """Or inserted into; a name that is taken gets a number."""
    found = paste(described(sql, parameters=parameters))
    assert f"(connection: Connection, {signature}) -> " in found


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT 1",
        'SELECT "a" -- \\d',
        "SELECT\n  1\n",
        'SELECT\n  "a"',
        'SELECT\n\'"""\'\r\n\\',
        'SELECT\n""""',
    ],
)
def test_the_sql_is_written_to_the_character(sql: str) -> None:
    """What the source says is what was described: its hash depends on it."""
    tree = ast.parse(paste(described(sql)))
    function = tree.body[-1]
    assert isinstance(function, ast.FunctionDef)
    (decorator,) = function.decorator_list
    assert isinstance(decorator, ast.Call)
    assert ast.literal_eval(decorator.args[0]) == sql


@pytest.mark.parametrize("path", ["", "class.sql", "1.sql", "…/.sql"])
def test_a_file_without_a_name_for_python_is_a_query(path: str) -> None:
    """The function has to be called something."""
    assert "\ndef query(" in paste(described("SELECT 1"), path)


def test_a_class_without_fields_can_be_pasted() -> None:
    """Where no column has a name for one, what is written is Python all the same."""
    found = paste(
        described("SELECT 1, 2", column("?column?", "Int4"), column("", "Int4"))
    )
    ast.parse(found)
    assert (
        "class Query:\n"
        "    # ?column?: int  -- give it a name: AS name\n"
        "    # : int  -- give it a name: AS name\n"
        "    pass\n"
    ) in found


def test_a_long_word_in_the_sql_takes_no_time() -> None:
    """A guess of names that looked at each letter of it would take minutes."""
    sql = f"SELECT id -- {'x' * 300_000}\n+ $1"
    found = paste(described(sql, parameters=("Int8",)))
    assert "parameter_1: int" in found


def test_the_placeholders_of_mysql_have_names_too() -> None:
    """They are counted; what stands in a literal is none."""
    found = paste(
        Description(
            Database.MYSQL,
            "UPDATE pets SET name = '?', `age` = ? WHERE id = ? AND ? > 1",
            (),
            3,
        )
    )
    untyped = "str | int | float | bytes | None"
    assert f"age: {untyped}, id: {untyped}, parameter_3: {untyped})" in found
    assert "from pymysql import Connection\n" in found
