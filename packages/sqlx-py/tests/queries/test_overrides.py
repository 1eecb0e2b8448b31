"""SQLx's overrides in column names, as its grammar has them."""

from __future__ import annotations

import pytest

from sqlx.queries.checking.overrides import BadColumnName, ColumnName, parse_column


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("id", ColumnName("id")),
        ("_1", ColumnName("_1")),
        ("größe", ColumnName("größe")),
        ("type!", ColumnName("type", forced=True)),
        ("id?", ColumnName("id", forced=False)),
        ("id: UserId", ColumnName("id", None, "UserId")),
        ("id:_", ColumnName("id", None, "_")),
        (
            "id! : Option<String>",
            ColumnName("id", forced=True, type_text="Option<String>"),
        ),
        ("id?:crate::X ", ColumnName("id", forced=False, type_text="crate::X")),
        ("id: serde_json::Value", ColumnName("id", None, "serde_json::Value")),
        ("id!  ", ColumnName("id", forced=True)),
    ],
)
def test_a_name_and_its_override_are_told_apart(name: str, expected: object) -> None:
    """A type of Rust's is taken as it is written: the SQL may be shared."""
    assert parse_column(name) == expected


@pytest.mark.parametrize(
    ("name", "ident"),
    [
        ("?column?", ""),
        ("", ""),
        ("'1", "'1"),
        ("&foo", "&foo"),
        ("1st", "1st"),
        ("1 + 10", "1 + 10"),
        ("id !", "id "),
    ],
)
def test_a_name_that_no_field_can_have_is_told(name: str, ident: str) -> None:
    """The message quotes what stands before the override, and says how to name it."""
    found = parse_column(name)
    assert isinstance(found, BadColumnName)
    assert str(found) == (
        f'column name "{name}" is invalid: "{ident}" is no identifier; '
        'name the column: AS "name"'
    )


@pytest.mark.parametrize("override", ["!!", "!?", "!x", ":", "?: ", ": a! :"])
def test_what_is_no_override_is_told(override: str) -> None:
    """Nothing may follow a mark but a type; a type may be anything but nothing."""
    found = parse_column(f"id{override}")
    if override == ": a! :":
        assert found == ColumnName("id", None, "a! :")
    else:
        assert str(found) == (
            f'column name "id{override}" is invalid: "{override}" is no override; '
            'write "id!", "id?" or "id: type"'
        )
