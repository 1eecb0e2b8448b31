"""What is said of SQLite's functions is so, for strange values too."""

from __future__ import annotations

from itertools import product

import apsw
import pytest

from sqlx.databases.sqlite.proving.proof_functions import (
    COUNTS,
    EXTREMES,
    NEVER_NULL,
    NOW,
    NULL_OF_NULL,
)

VALUES = (
    "0", "-1", "1", "9223372036854775807", "-9223372036854775808", "0.5", "-0.0",
    "9e999", "-9e999", "1e-320", "''", "'a'", "'9e999'", "'%'", "' '", "'[1]'", "x''",
    "x'00'", "x'ff'", "zeroblob(0)", "zeroblob(3)", "char(0)", "'é'", "substr('', 1)",
    "trim(x'20')",
)  # fmt: skip


def test_functions_that_are_never_null() -> None:
    """Not even of NULL."""
    for name in NEVER_NULL:
        for values in _arguments(name, (*VALUES, "NULL")):
            assert _comes(name, values) is not None, (name, values)


def test_functions_that_are_null_of_null_alone() -> None:
    """Each value that is not NULL gives another."""
    for name in NULL_OF_NULL:
        for values in _arguments(name, VALUES):
            assert _comes(name, values) is not None, (name, values)


def test_functions_of_now() -> None:
    """Without arguments they tell the time."""
    for name in NOW:
        assert _comes(name, ()) is not None


@pytest.mark.parametrize("name", COUNTS)
def test_aggregates_that_are_never_null(name: str) -> None:
    """Not of no rows, and not of NULL."""
    function, arguments = name[:-1].split("(")
    call = f"{function}({'1' if int(arguments) else ''})"
    rows = "(SELECT NULL AS n UNION ALL SELECT 1)"
    found = _asked(f"SELECT {call} OVER (ORDER BY n) FROM {rows}")
    if function == "count":
        found += _asked(f"SELECT count(n), count(*) FROM {rows} WHERE n > 5")
    assert found
    assert all(value is not None for row in found for value in row)


@pytest.mark.parametrize("name", sorted(EXTREMES))
@pytest.mark.parametrize("value", VALUES)
def test_extremes_are_not_null_after_a_value(name: str, value: str) -> None:
    """NULL before and behind does not matter."""
    function = name.partition("(")[0]
    rows = f"(SELECT NULL AS n UNION ALL SELECT {value} UNION ALL SELECT NULL)"
    assert _asked(f"SELECT {function}(n) IS NULL FROM {rows}") == [(0,)]


def test_sums_may_be_null_of_numbers() -> None:
    """Infinity and minus infinity make none: sums are not believed in."""
    rows = "(SELECT 9e999 AS n UNION ALL SELECT -9e999)"
    for function in ("sum", "total", "avg"):
        assert _asked(f"SELECT {function}(n) FROM {rows}") == [(None,)]


def test_functions_of_text_may_be_null_of_nothing() -> None:
    """What is left out is left out for a reason."""
    calls = "substr(x'', 1), unicode(''), nullif(1, 1), sign('a')"
    assert _asked(f"SELECT {calls}") == [(None,) * 4]


def _arguments(name: str, values: tuple[str, ...]) -> list[tuple[str, ...]]:
    """List arguments for a function: pairs and triples of fewer values."""
    count = int(name[:-1].partition("(")[2])
    some = values if count < 3 else values[::3]
    return list(product(some, repeat=1 if count == -1 else count))


def _comes(name: str, values: tuple[str, ...]) -> object:
    """Call a function; an error is no NULL."""
    function = name.partition("(")[0]
    call = (
        function
        if function.startswith("current_")
        else f"{function}({', '.join(values)})"
    )
    try:
        ((found,),) = _asked(f"SELECT {call} IS NULL")
    except apsw.SQLError:
        return ""
    return None if found else found


def _asked(sql: str) -> list[tuple[object, ...]]:
    return apsw.Connection(":memory:").execute(sql).fetchall()
