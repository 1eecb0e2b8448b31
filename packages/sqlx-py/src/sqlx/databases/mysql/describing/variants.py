"""Types that depend on parameters: they are not known before the query runs.

The server says of `?` that it has no type, and of `? + 1` that it is a DOUBLE, until
it is given an integer. PyMySQL writes values into the text, so that is what runs: the
text is prepared with numbers in the place of all parameters, and then with a string in
the place of each. A column whose type changes is of none that is known.
"""

from __future__ import annotations

from itertools import chain, islice
from typing import TYPE_CHECKING

from sqlx.databases.mysql.describing.prepared import Statement, prepare
from sqlx.databases.mysql.describing.words import type_info
from sqlx.queries.checking.fitting import rule_of
from sqlx.queries.checking.mysql_placeholders import around_placeholders
from sqlx.queries.values import Database

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlx.databases.mysql.connect import Connection
    from sqlx.databases.mysql.describing.prepared import Field
    from sqlx.queries.checking.rules import Rule

__all__ = ["dependent"]

NUMBER, STRING = "1", "'x'"


def dependent(
    connection: Connection, statements: Sequence[Statement], at_once: int
) -> dict[str, frozenset[int]]:
    """Number the columns, from 0, whose types depend on parameters, by text."""
    texts = {
        one.sql: list(_variants(one.sql))
        for one in statements
        if one.parameters and _computes(one)
    }
    answers = iter(prepare(connection, [*chain(*texts.values())], at_once))
    told = {sql: list(islice(answers, len(some))) for sql, some in texts.items()}
    return {
        one.sql: _changing(one, told[one.sql]) for one in statements if one.sql in told
    }


def _variants(sql: str) -> Iterator[str]:
    """Put numbers in the place of all placeholders, and a string in that of each."""
    first, *others = around_placeholders(sql)
    for strings in range(-1, len(others)):
        values = [STRING if at == strings else NUMBER for at in range(len(others))]
        yield first + "".join(chain(*zip(values, others, strict=True)))


def _computes(statement: Statement) -> bool:
    """Tell whether any column is not a table's own."""
    return not all(field.place[0] for field in statement.fields)


def _changing(statement: Statement, variants: Sequence[object]) -> frozenset[int]:
    """Compare; a text that is refused, as `LIMIT 'x'`, tells nothing."""
    told = [one for one in variants if isinstance(one, Statement)]
    columns = zip(statement.fields, *(one.fields for one in told), strict=True)
    return frozenset(
        number
        for number, fields in enumerate(columns)
        if len({id(_rule(field)) for field in fields}) > 1
    )


def _rule(field: Field) -> Rule:
    return rule_of(type_info(field), Database.MYSQL)
