"""Golden cases of the proof: a query, and what is to be said of each of its columns.

A file holds cases with `===` between them. In a case, `---` ends the query, then comes
a line for each column: `!` where it is never NULL, or `?` and why it may be. `$1` and
`$2` have the types of the parameters, `since 17` says which servers know the query, and
`not run` that the query cannot be executed.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from psycopg import pq

from sqlx.databases.postgres.proving.proof import Probe, prove

if TYPE_CHECKING:
    from collections.abc import Sequence

    import psycopg

    from sqlx.queries.values import Nullability

__all__ = ["Case", "build", "cases", "differences", "nulls", "written"]

HERE = Path(__file__).parent
POSTGRES_18 = 18


@dataclass(frozen=True, slots=True)
class Case:
    """A query and what is expected of it.

    Args:
        name: Of its file, and its number in it.
        sql: The text.
        parameters: The types of its parameters.
        expected: Lines.
        since: The first version that knows it.
        is_run: Whether it can be executed.
    """

    name: str
    sql: str
    parameters: tuple[str, ...]
    expected: tuple[str, ...]
    since: int
    is_run: bool

    @property
    def probe(self) -> Probe:
        """What is to be proved."""
        return Probe(self.sql, self.parameters, len(self.expected))


def major(connection: psycopg.Connection) -> int:
    """Tell PostgreSQL's version."""
    return connection.info.server_version // 10000


def build(connection: psycopg.Connection) -> None:
    """Make the tables that the cases name."""
    newer = "schema_18.sql" if major(connection) >= POSTGRES_18 else "schema_17.sql"
    for name in ("schema.sql", newer):
        connection.execute((HERE / name).read_bytes())


def cases(known: int = 99) -> list[Case]:
    """Read all cases that a version of PostgreSQL knows."""
    read = [
        _case(f"{path.stem}-{number}", text)
        for path in sorted((HERE / "cases").glob("*.case"))
        for number, text in enumerate(path.read_text("utf-8").split("===\n"), 1)
    ]
    return [case for case in read if case.since <= known]


def _case(name: str, text: str) -> Case:
    sql, _, rest = text.partition("\n---\n")
    lines = rest.splitlines()
    since = [int(line.split()[1]) for line in lines if line.startswith("since")]
    return Case(
        name,
        sql,
        tuple(line.split(" ", 1)[1] for line in lines if line.startswith("$")),
        tuple(line for line in lines if line[0] in "!?"),
        since[0] if since else 0,
        "not run" not in lines,
    )


def written(proof: Sequence[Nullability] | None) -> tuple[str, ...]:
    """Write what was proved as the files have it."""
    if proof is None:
        return ("nothing",)
    return tuple(f"? {c.reason}" if c.may_be_null else "!" for c in proof)


def differences(connection: psycopg.Connection) -> list[str]:
    """Name the cases that are not as their files say, in what is proved or is true."""
    known = cases(major(connection))
    proofs = prove(connection, [case.probe for case in known])
    wrong = [
        f"{case.name}: {written(proof)}"
        for case, proof in zip(known, proofs, strict=True)
        if written(proof) != case.expected
    ]
    return wrong + [
        f"{case.name}: NULL in column {column + 1}"
        for case in known
        for column in nulls(connection, case)
        if case.expected[column] == "!"
    ]


def nulls(connection: psycopg.Connection, case: Case) -> list[int]:
    """Run a query with NULL for its parameters, and name the columns that have NULL."""
    if not case.is_run:
        return []
    pgconn = connection.pgconn
    pgconn.exec_(b"BEGIN")
    result = pgconn.exec_params(case.sql.encode(), [None] * len(case.parameters))
    pgconn.exec_(b"ROLLBACK")
    assert result.status == pq.ExecStatus.TUPLES_OK, result.error_message.decode()
    rows = range(result.ntuples)
    return [
        column
        for column in range(result.nfields)
        if any(result.get_value(row, column) is None for row in rows)
    ]
