"""Where the server stopped: it says so in words alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sqlx.databases.mysql.describing.prepared import prepare
from sqlx.databases.mysql.describing.refusals import refusal
from sqlx.queries.values import Refusal

if TYPE_CHECKING:
    from sqlx.databases.mysql.connect import Connection

LONG = ", ".join(f"column_{n}" for n in range(20))


@pytest.mark.parametrize(
    ("before", "at"),
    [
        ("SELECT (1 +", " "),
        ("\n\n  SELECT id\n  FROM tweet\n  WHERE ", ")"),
        ("SELECT 1, ", ") ; \n"),
        ("SELECT 'é' AS ü, ", "FROM tweet"),
        (f"\n\nSELECT {LONG}\nFROM tweet\nWHERE ", f"AND {LONG}"),
        ("SELECT id FROM ", "not_there"),
        ("SELECT id, ", "missing FROM tweet"),
        ("SELECT t.id, t.", "missing FROM tweet t"),
        ("SELECT ", "no_such_function(1)"),
    ],
)
def test_the_place_of_an_error(connection: Connection, before: str, at: str) -> None:
    """It is where the text goes on that the server quotes or names."""
    (found,) = prepare(connection, [before + at])
    assert isinstance(found, Refusal)
    assert found.offset == len(before), found.message


def test_an_error_that_names_nothing_has_no_place() -> None:
    """Nor has one that names what is not in the text, or quotes what is not."""
    packet = b"\xff\x29\x04#42000"
    for message in (b"Query was empty", b"Unknown column 'x'", b"near 'x' at line 9"):
        found = refusal("SELECT 1", packet + message)
        assert found.offset is None
        assert found.message == f"1065 (42000): {message.decode()}"
