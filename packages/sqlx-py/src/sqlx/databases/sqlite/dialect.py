"""SQLite: the SQL text of a run, and how its replies are read.

There is no lock beside the database's own: each migration is a `BEGIN IMMEDIATE`, and
its claim raises when the history is not as the plan saw it. A check that must raise
writes NULL into a column that forbids it. `sqlx_start_clock()` and
`sqlx_elapsed_ns()` are the driver's clock.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sqlx.databases.marks import MARKS, beside
from sqlx.engine.dialect import Frame, HistoryRow, LockKind, Sending, Trouble
from sqlx.engine.steps import Query, Rows
from sqlx.errors import CreateSchemasNotSupported
from sqlx.migrations.migration import Kind, Migration
from sqlx.migrations.statements import Syntax

if TYPE_CHECKING:
    from sqlx.errors import DatabaseError, SqlxError

__all__ = ["IF_OPEN", "SqliteDialect"]

CREATE = """CREATE TABLE IF NOT EXISTS {table} (
    version BIGINT PRIMARY KEY,
    description TEXT NOT NULL,
    installed_on TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
    success BOOLEAN NOT NULL,
    checksum BLOB NOT NULL,
    execution_time BIGINT NOT NULL
)"""
"""SQLx's own text, which SQLite keeps (migrations.md 2.1)."""
CREATE_MARKS = """CREATE TABLE IF NOT EXISTS {marks} (
    version BIGINT NOT NULL,
    checksum BLOB NOT NULL,
    PRIMARY KEY (version, checksum)
)"""
UNKNOWN = "unknown database "
COMMIT_IF_OPEN = "COMMIT /* when a transaction is open */ TRANSACTION"
ROLLBACK_IF_OPEN = "ROLLBACK /* when a transaction is open */ TRANSACTION"
IF_OPEN = frozenset({COMMIT_IF_OPEN, ROLLBACK_IF_OPEN})
"""The driver leaves these out when no transaction is open."""
BUSY, READ_ONLY = 5, 8
PRIMARY_KEY, UNIQUE, NOT_NULL = 1555, 2067, 1299
BEFORE, AFTER = 0, 2  # the parts of a framed migration's script

FOREIGN_KEYS = "PRAGMA foreign_keys = ON"
START_CLOCK = "SELECT sqlx_start_clock()"


@dataclass(frozen=True, slots=True)
class SqliteDialect:
    """The SQL of one connection.

    What is read has a plus: a column has a type, for which a user's connection may have
    a converter (`detect_types`); an expression has none.

    Args:
        table: The history's table, as configured.
        create_schemas: Schemas that must be attached.
        exists: Whether the table was seen.
        has_marks: Whether the table of marks was seen.
        settings: The statements that put back what a file may have changed.
    """

    table: str = "_sqlx_migrations"
    create_schemas: tuple[str, ...] = ()
    exists: bool = False
    has_marks: bool = False
    settings: tuple[str, ...] = ()

    @property
    def syntax(self) -> Syntax:
        """How SQLite's SQL is split."""
        return Syntax.SQLITE

    @property
    def marks(self) -> str:
        """The table of marks, in the file of the history."""
        return beside(self.table)

    @property
    def lock(self) -> LockKind:
        """The database's own lock does."""
        return LockKind.NONE

    @property
    def shares_messages(self) -> bool:
        """There are no messages to share."""
        return False

    @property
    def transactional_ddl(self) -> bool:
        """DDL is rolled back like all else."""
        return True

    @property
    def shortest_limit_ms(self) -> int:
        """Limits are given in milliseconds."""
        return 1

    @property
    def message_bytes(self) -> int:
        """A message may have any length."""
        return 0

    @property
    def session(self) -> str:
        """It is set when it is opened."""
        return ""

    @property
    def read_only(self) -> str:
        """Only a write tells."""
        return ""

    @property
    def dirty_grace_seconds(self) -> float:
        """A `-- no-transaction` file holds no lock between its statements."""
        return 5.0

    @property
    def rollback(self) -> str:
        """End the transaction, if there is one."""
        return ROLLBACK_IF_OPEN

    def look(self, *, details: bool = False) -> Query:
        """List the history."""
        moment = "strftime('%Y-%m-%dT%H:%M:%SZ', installed_on)" if details else "NULL"
        tables = beside(self.table, "sqlite_master")
        marks = f"(SELECT count(*) FROM {tables} WHERE name = '{MARKS}')"
        return Query(
            "SELECT +version, +description, +success, hex(checksum),"
            f" {moment}, +execution_time, {marks} FROM {self.table} ORDER BY version"
        )

    def has_no_table(self, error: DatabaseError) -> bool:
        """Tell whether there is no table yet."""
        return error.message.startswith(("no such table", UNKNOWN))

    def seen(self, reply: Rows) -> tuple[SqliteDialect, tuple[HistoryRow, ...]]:
        """Read the reply of `look` or `prepare`; a table of one's own may hold NULL."""
        found = tuple(
            (
                int(str(version)),
                str(description or ""),
                success is None or bool(success),
                bytes.fromhex(str(checksum or "")),
                str(moment or ""),
                int(str(-1 if elapsed is None else elapsed)),
            )
            for version, description, success, checksum, moment, elapsed, _ in reply
        )
        has_marks = self.has_marks or any(bool(row[-1]) for row in reply)
        return replace(self, exists=True, has_marks=has_marks), found

    def marked(self) -> Query:
        """List the applied versions that are marked."""
        of_the_row = "h.version = m.version AND h.checksum = m.checksum"
        return Query(
            f"SELECT +m.version FROM {self.marks} m JOIN {self.table} h ON {of_the_row}"
        )

    def with_marks(self) -> SqliteDialect:
        """Know that the table of marks has been made."""
        return replace(self, has_marks=True)

    def try_lock(self) -> Query:
        """Ask for nothing: `BEGIN IMMEDIATE` is the lock."""
        return Query("SELECT 'true'")

    def locked(self, reply: Rows) -> tuple[SqliteDialect, bool | None]:
        """Read the reply of `try_lock`."""
        return self, bool(reply)

    def holder(self) -> Query:
        """SQLite does not tell who writes."""
        return Query("SELECT NULL WHERE 0")

    def holder_words(self, reply: Rows) -> str:
        """SQLite does not tell who writes."""
        return "".join(str(value) for row in reply for value in row)

    def keep_lock(self) -> Query:
        """Nothing is held between migrations."""
        return Query("SELECT 'true'")

    def release(self) -> Query:
        """Nothing is held between migrations."""
        return Query("SELECT 1")

    def prepare(self) -> Query:
        """See that schemas are attached, make the table, and list the history."""
        schemas = [f"PRAGMA {name}.schema_version" for name in self.create_schemas]
        make = [] if self.exists else [CREATE.format(table=self.table)]
        return Query(";\n".join([*schemas, *make, self.look().sql]))

    def is_race(self, error: DatabaseError) -> bool:
        """Tell whether somebody recorded the same version."""
        return error.code in {PRIMARY_KEY, UNIQUE}

    def explained(self, error: DatabaseError) -> SqlxError:
        """Say that a schema is missing: SQLite attaches files, it makes none."""
        name = error.message.removeprefix(UNKNOWN)
        missing = name != error.message and name in self.create_schemas
        return CreateSchemasNotSupported(name) if missing else error

    def frame(self, migration: Migration, sending: Sending) -> Frame:
        """Enclose a migration: mark, claim, file, success, in one transaction."""
        begin = self._begin(tidy=sending.tidy)
        if migration.kind is Kind.DOWN:
            where = f"{_is(migration)} AND success"
            gone = f"DELETE FROM {self.table} WHERE {where}"
            return _frame(
                (START_CLOCK, *begin),
                self._unmark(migration),
                (self._must_hit(migration, where), gone),
                (_took(migration), "COMMIT"),
            )
        where = f"{_is(migration)} AND NOT success"
        return _frame(
            begin,
            self._mark(migration),
            (self._claim(migration, sending.seen),),
            (self._must_hit(migration, where), self._done(migration), "COMMIT"),
        )

    def own_transaction(self) -> Frame:
        """Enclose a file that controls transactions itself, as SQLx does."""
        return Frame((FOREIGN_KEYS, "BEGIN"), (COMMIT_IF_OPEN,), -1, -1)

    def claim(self, migration: Migration, sending: Sending) -> Frame:
        """Claim a version in a transaction of its own."""
        begin = self._begin(tidy=sending.tidy)
        if migration.kind is Kind.DOWN:
            where = f"{_is(migration)} AND success"
            update = f"UPDATE {self.table} SET success = FALSE WHERE {where}"
            # The mark goes with the row, at the end.
            return _frame(
                begin, (), (self._must_hit(migration, where), update), ("COMMIT",)
            )
        claim = (self._claim(migration, sending.seen),)
        return _frame(begin, self._mark(migration), claim, ("COMMIT",))

    def unclaim(self, migration: Migration) -> Query:
        """Take claim and mark back."""
        down = migration.kind is Kind.DOWN
        mark = self._unmark(migration) if migration.compatible and not down else ()
        what = (
            f"UPDATE {self.table} SET success = TRUE"
            if down
            else f"DELETE FROM {self.table}"
        )
        gone = f"{what} WHERE {_is(migration)} AND NOT success"
        return Query(";\n".join((*mark, gone)))

    def finish(self, migration: Migration) -> Query:
        """Record the end of a migration that was claimed before."""
        if migration.kind is Kind.DOWN:
            where = f"WHERE {_is(migration)} AND NOT success"
            gone = f"DELETE FROM {self.table} {where} RETURNING +version, 0"
            return Query(";\n".join((*self._unmark(migration), gone)))
        return Query(self._done(migration))

    def record(self, migration: Migration) -> Frame:
        """Record a migration as applied without running it."""
        row = self._insert(migration, "TRUE", "-1")
        begin = self._begin(tidy=False)
        return _frame(begin, self._mark(migration), (row,), ("COMMIT",))

    def mark_dirty(self, migration: Migration) -> Query:
        """Write the row that says FALSE when the claim is not there any more."""
        row = self._insert(migration, "FALSE", "-1")
        return Query(f"{row} ON CONFLICT (version) DO UPDATE SET success = FALSE")

    def kept(self) -> None:
        """All is rolled back."""

    def invalid(self) -> None:
        """Nothing is left half built in SQLite."""

    def trouble(self, error: DatabaseError, frame: Frame) -> Trouble:
        """Tell what an error in a framed migration, or in its claim, means."""
        code = error.code or 0
        if code & 0xFF == READ_ONLY:
            return Trouble.READ_ONLY
        if code & 0xFF == BUSY:
            return Trouble.TIMED_OUT
        if error.part == BEFORE:
            moved = {PRIMARY_KEY, UNIQUE, NOT_NULL}
            at_claim = error.completed >= frame.claim
            return Trouble.MOVED if at_claim and code in moved else Trouble.FAILED
        if error.part == AFTER and code == NOT_NULL:
            return Trouble.GONE
        return Trouble.FAILED

    def _begin(self, *, tidy: bool) -> tuple[str, ...]:
        """Tidy up what the file before left in the session, and begin."""
        return (*(self.settings if tidy else ()), FOREIGN_KEYS, "BEGIN IMMEDIATE")

    def _mark(self, migration: Migration) -> tuple[str, ...]:
        """Record that a file is marked, and make the table for it."""
        if not migration.compatible:
            return ()
        insert = (
            f"INSERT INTO {self.marks} (version, checksum) VALUES ({migration.version},"
            f" x'{migration.checksum.hex()}') ON CONFLICT DO NOTHING"
        )
        return CREATE_MARKS.format(marks=self.marks), insert

    def _unmark(self, migration: Migration) -> tuple[str, ...]:
        """Delete the mark of a row that is about to go."""
        row = f"SELECT checksum FROM {self.table} WHERE {_is(migration)}"
        gone = f"DELETE FROM {self.marks} WHERE {_is(migration)} AND checksum = ({row})"
        return (gone,) if self.has_marks else ()

    def _claim(self, migration: Migration, seen: int) -> str:
        """Claim a version; raises unless the history has as many rows as were seen."""
        same = f"(SELECT count(*) FROM {self.table}) = {seen}"
        return self._insert(
            migration, "FALSE", f"CASE WHEN {same} THEN sqlx_start_clock() END"
        )

    def _insert(self, migration: Migration, success: str, execution_time: str) -> str:
        description = migration.description.encode().hex()
        return (
            f"INSERT INTO {self.table} (version, description, success, checksum,"
            f" execution_time) VALUES ({migration.version},"
            f" CAST(x'{description}' AS TEXT), {success},"
            f" x'{migration.checksum.hex()}', {execution_time})"
        )

    def _must_hit(self, migration: Migration, where: str) -> str:
        """Raise when no row is there: its description cannot be NULL."""
        return (
            f"INSERT INTO {self.table} (version, description, success, checksum,"
            f" execution_time) SELECT {migration.version}, NULL, FALSE, x'', -1"
            f" WHERE NOT EXISTS (SELECT 1 FROM {self.table} WHERE {where})"
        )

    def _done(self, migration: Migration) -> str:
        return (
            f"UPDATE {self.table} SET success = TRUE,"
            f" execution_time = sqlx_elapsed_ns() WHERE {_is(migration)}"
            " AND NOT success RETURNING +version AS sqlx_version,"
            " +execution_time AS sqlx_execution_time"
        )


def _frame(
    begin: tuple[str, ...],
    mark: tuple[str, ...],
    claim: tuple[str, ...],
    after: tuple[str, ...],
) -> Frame:
    place = len(begin) + len(mark)
    return Frame((*begin, *mark, *claim), after, -1, place, len(mark))


def _is(migration: Migration) -> str:
    return f"version = {migration.version}"


def _took(migration: Migration) -> str:
    return (
        f"SELECT {migration.version} AS sqlx_version,"
        " sqlx_elapsed_ns() AS sqlx_execution_time"
    )
