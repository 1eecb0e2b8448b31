"""What PostgreSQL's types are called."""

from __future__ import annotations

import pytest

from sqlx.queries.checking.postgres_names import display
from sqlx.queries.values import Kind, TypeInfo


@pytest.mark.parametrize(
    ("type_info", "name"),
    [
        (TypeInfo("Int4"), "INT4"),
        (TypeInfo("Int4Array"), "INT4[]"),
        (TypeInfo("TimestamptzArray"), "TIMESTAMPTZ[]"),
        (TypeInfo("TstzRangeArray"), "TSTZRANGE[]"),
        (TypeInfo("Char"), '"CHAR"'),
        (TypeInfo("CharArray"), '"CHAR"[]'),
        (TypeInfo("Bpchar"), "CHAR"),
        (TypeInfo("BpcharArray"), "CHAR[]"),
        (TypeInfo("status", Kind.ENUM, labels=("new",)), "status"),
        (TypeInfo('foo."Foo"[]', Kind.ARRAY, TypeInfo('foo."Foo"')), 'foo."Foo"[]'),
        (TypeInfo("SomeArray", Kind.SIMPLE), "SomeArray"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_types_have_the_names_that_sqlx_shows(type_info: TypeInfo, name: str) -> None:
    """Built-in types in capitals, arrays with brackets, others as the server says."""
    assert display(type_info) == name
