"""What SQLx says of a query, and what we know better, case by case, as files have it.

All cases were compared with what SQLx 0.8.6 and 0.9.0 themselves say on MariaDB 10.11.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from databases.mysql_describe.golden import Case, cases, written

from sqlx.databases.mysql.describing.describe import describe

if TYPE_CHECKING:
    from sqlx.databases.mysql.connect import Connection

CASES = cases()


def test_says_what_sqlx_says(connection: Connection) -> None:
    """Each query is described as its file says, whatever is asked beside it."""
    found = describe(connection, [case.sql for case in CASES])
    assert [one.sql for one in found] == [case.sql for case in CASES]
    said = {case.name: written(one) for case, one in zip(CASES, found, strict=True)}
    assert said == {case.name: expected(case) for case in CASES}


def expected(case: Case) -> list[str]:
    """Both versions of SQLx say the same."""
    (lines,) = {tuple(lines) for lines in case.expected.values()}
    return list(lines)


def test_one_by_one_they_are_the_same(connection: Connection) -> None:
    """What is asked beside a query does not matter."""
    texts = [case.sql for case in CASES[::5]]
    together = describe(connection, texts)
    assert together == [describe(connection, [sql])[0] for sql in texts]
    assert together == describe(connection, texts, at_once=3)


def test_every_row_of_the_conformance_suite_is_there() -> None:
    """The files are named after the rows that they begin with."""
    rows = {int(case.name[1:3]) for case in CASES if case.name[1:2].isdigit()}
    assert rows == set(range(1, 7))
    assert len(CASES) > 50
