"""PostgreSQL: the SQL text of a run, and how its replies are read.

Rules that every statement here keeps (reliability.md, findings 1 to 10):

- A file may have changed `search_path`, so names, casts and operators of ours are
  qualified, and the table goes with its schema once it has been seen.
- A file may have changed how literals are read, and database names, table names and
  descriptions are anything: texts travel as hex, numbers as numbers.
- Inside a message no decision can be taken here, so each check raises in the server:
  the logarithm of a count is an error (2201E) when the count is zero.
- Everything is cast to text, so that any driver returns the same.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from sqlx.databases.marks import beside
from sqlx.databases.postgres import advisory, marks, rows
from sqlx.databases.postgres.session import (
    CREATE,
    EQ,
    QUALIFIED,
    SNAPSHOT,
    TIDY_UP,
    Before,
    P,
    literal,
    ours,
)
from sqlx.engine.dialect import Frame, HistoryRow, LockKind, Sending, Trouble
from sqlx.engine.steps import Query, Rows
from sqlx.errors import DatabaseError
from sqlx.migrations.migration import Kind, Migration
from sqlx.migrations.statements import Syntax

__all__ = ["PostgresDialect"]

UNIQUE = "23505"
READ_ONLY = "25006"
UNDEFINED_SCHEMA = "3F000"
UNDEFINED_TABLE = "42P01"
TRY_AGAIN = {"55P03", "40P01", "40001"}  # lock not available, deadlock, serialization
CLAIM_LIMIT_MS = 1000
DUPLICATES = {UNIQUE, "42P07", "42710", "42P06"}


@dataclass(frozen=True, slots=True)
class PostgresDialect:
    """The SQL of one session.

    Args:
        database: The database's name; what the client knows, until the server told.
        backend_pid: Of the connection, as the start-up message said.
        server_version: As libpq gives it, e.g. 150018.
        table: The history's table: as configured, then as the server quotes it.
        create_schemas: Schemas that are made when they are missing.
        locking: False leaves the advisory lock alone.
        owned: We opened the connection, so its settings are ours.
        pooled: Whether a transaction pooler is in between; None: find out.
        exists: Whether the table was seen.
        has_marks: Whether the table of marks was seen.
        literals_standard: Whether the server reads literals as our lexer does.
        read_only: Why nothing can be written; empty when something can.
        before: How the user's connection was set when it was given to us.
    """

    database: str
    backend_pid: int
    server_version: int
    table: str = "_sqlx_migrations"
    create_schemas: tuple[str, ...] = ()
    locking: bool = True
    owned: bool = True
    pooled: bool | None = None
    exists: bool = False
    has_marks: bool = False
    literals_standard: bool = True
    read_only: str = ""
    before: Before | None = None

    @property
    def syntax(self) -> Syntax:
        """How PostgreSQL's SQL is split."""
        return Syntax.POSTGRES

    @property
    def marks(self) -> str:
        """The table of marks, in the schema of the history."""
        return beside(self.table)

    @property
    def lock(self) -> LockKind:
        """How migrators exclude each other on this session."""
        return LockKind.TRANSACTION if self.pooled else LockKind.SESSION

    @property
    def shares_messages(self) -> bool:
        """Whether several files may travel in one message."""
        return self.literals_standard

    @property
    def session(self) -> str:
        """Set what files run with; a pooler would give it to others."""
        return "" if self.pooled else ";\n".join(ours(self.server_version))

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
    def dirty_grace_seconds(self) -> float:
        """Behind a pooler the lock is not held through a look: look once more."""
        return 0.1 if self.pooled else 0.0

    @property
    def rollback(self) -> str:
        """End the transaction, if there is one: a warning at most."""
        return "ROLLBACK"

    def look(self, *, details: bool = False) -> Query:
        """List the history with what the session tells of itself."""
        return Query(rows.listing(self.table, details=details))

    def has_no_table(self, error: DatabaseError) -> bool:
        """Tell whether there is no table yet, or no schema for it."""
        return error.sqlstate in {UNDEFINED_TABLE, UNDEFINED_SCHEMA}

    def seen(self, reply: Rows) -> tuple[PostgresDialect, tuple[HistoryRow, ...]]:
        """Read the reply of `look` or `prepare`.

        Raises:
            DatabaseError: What has the table's name is no table.
        """
        pid, database, table, kind, read_only, has_marks = map(str, reply[0][:6])
        if kind not in {"r", "p"}:
            raise DatabaseError(
                f"{table} is not a table, so it cannot be the history of migrations; "
                "rename it, or choose another table name"
            )
        found = (row[6:] for row in reply if row[6] is not None)
        known = self._told(pid, database, table, read_only)
        known = replace(known, has_marks=has_marks == "true")
        return known, tuple(map(rows.history_row, found))

    def marked(self) -> Query:
        """List the applied versions that are marked."""
        return Query(marks.listing(self.marks, self.table))

    def with_marks(self) -> PostgresDialect:
        """Know that the table of marks has been made."""
        return replace(self, has_marks=True)

    def try_lock(self) -> Query:
        """Ask for the lock; the reply also tells what the session is.

        It is asked for only when the name that makes the key is right and no pooler is
        in between: through one, two clients would get it, and it would never be freed.
        """
        if self.pooled:
            taken = f"{P}.pg_try_advisory_xact_lock({self._key})"
        else:
            taken = f"{P}.pg_try_advisory_lock({self._key})"
        if not self.locking:
            taken = "true"
        sure = f"{P}.current_database() {EQ} {literal(self.database)}::{P}.name"
        if self.pooled is None:
            sure += f" AND {P}.pg_backend_pid() {EQ} {self.backend_pid}"
        return Query(
            f"SELECT (CASE WHEN {sure} THEN {taken} END)::{P}.text,"
            f" {P}.pg_backend_pid()::{P}.text, {P}.current_database()::{P}.text,"
            f" (SELECT {QUALIFIED} FROM {P}.pg_class c JOIN {P}.pg_namespace n"
            f" ON n.oid {EQ} c.relnamespace"
            f" WHERE c.oid {EQ} {P}.to_regclass({literal(self.table)})),"
            f" {P}.current_setting('transaction_read_only'),"
            f" {P}.current_setting('standard_conforming_strings'),"
            f" {'NULL' if self.owned else SNAPSHOT}"
        )

    def locked(self, reply: Rows) -> tuple[PostgresDialect, bool | None]:
        """Read the reply of `try_lock`; None: we know more now, ask again."""
        granted, pid, database, table, read_only, standard, snapshot = reply[0]
        known = self._told(
            str(pid), str(database), str(table) if table else "", str(read_only)
        )
        known = replace(known, literals_standard=standard == "on")
        if snapshot and not known.before and not known.pooled:
            known = replace(known, before=Before.read(str(snapshot)))
        return known, None if granted is None else granted == "true"

    def holder(self) -> Query:
        """Ask who holds the lock."""
        return Query(advisory.holder(self._key))

    def holder_words(self, reply: Rows) -> str:
        """Say who holds the lock."""
        return advisory.holder_words(reply)

    def keep_lock(self) -> Query:
        """Make sure that the session still holds the lock, or take it again."""
        return Query(advisory.keep(self._key) if self.locking else "SELECT 'true'")

    def release(self) -> Query:
        """Put the user's settings back, and give the lock back."""
        texts = list(self.before.restore()) if self.before else []
        if self.locking and self.lock is LockKind.SESSION:
            texts.append(f"SELECT {P}.pg_advisory_unlock({self._key})")
        return Query(";\n".join(texts) or "SELECT 1")

    def prepare(self) -> Query:
        """Make the session ours, make what is missing, and list the history."""
        make = [f"CREATE SCHEMA IF NOT EXISTS {name}" for name in self.create_schemas]
        if not self.exists:
            make.append(CREATE.format(table=self.table))
        if make and self.pooled and self.locking:
            make.insert(0, advisory.take(self._key))
        listing = rows.listing(self.table, details=False)
        return Query(";\n".join(filter(None, [self.session, *make, listing])))

    def is_race(self, error: DatabaseError) -> bool:
        """Tell whether somebody makes the same at this moment, or holds the lock."""
        return error.sqlstate in {rows.MUST_HIT, *DUPLICATES}

    def explained(self, error: DatabaseError) -> DatabaseError:
        """Leave it as it is: the server says it best."""
        return error

    def frame(self, migration: Migration, sending: Sending) -> Frame:
        """Enclose a migration: mark, claim, file, success, in one transaction."""
        before = self._begin(tidy=sending.tidy)
        before.append(f"SET LOCAL lock_timeout = {sending.limit_ms}")
        if not sending.durable:
            before.append("SET LOCAL synchronous_commit = off")
        lock = self._add_lock(before)
        if migration.kind is Kind.DOWN:
            mark = self._unmark(migration)
            claim = rows.remove(self.table, migration)
            after = [*self._identity(), rows.took(migration)]
        else:
            mark = self._mark(migration)
            claim = rows.claim(self.table, migration, sending.seen)
            after = [*self._identity(), rows.done(self.table, migration)]
        return _frame([*before, *mark, claim], (*after, "COMMIT"), lock, len(mark))

    def own_transaction(self) -> Frame:
        """Enclose a file that controls transactions itself, as SQLx does."""
        return Frame(("BEGIN",), ("COMMIT", *self._identity()), -1, -1)

    def claim(self, migration: Migration, sending: Sending) -> Frame:
        """Claim a version in a transaction of its own."""
        before = self._begin(tidy=sending.tidy)
        before.append(f"SET LOCAL lock_timeout = {CLAIM_LIMIT_MS}")
        lock = -1 if sending.guarded else self._add_lock(before)
        if migration.kind is Kind.DOWN:
            mark: list[str] = []  # it goes with the row, at the end
            claim = rows.doubt(self.table, migration)
        else:
            mark = self._mark(migration)
            claim = rows.claim(self.table, migration, sending.seen)
        return _frame([*before, *mark, claim], ("COMMIT",), lock, len(mark))

    def unclaim(self, migration: Migration) -> Query:
        """Take claim and mark back."""
        up = migration.kind is not Kind.DOWN
        mark = self._unmark(migration) if up and migration.compatible else []
        return Query(";\n".join([*mark, rows.unclaim(self.table, migration)]))

    def finish(self, migration: Migration) -> Query:
        """Record the end of a migration that was claimed before."""
        record = rows.finish(self.table, migration)
        if migration.kind is Kind.DOWN:
            record = ";\n".join([*self._unmark(migration), record])
        writable = "SET LOCAL transaction_read_only = off"
        return Query(";\n".join([writable, *self._identity(), record]))

    def record(self, migration: Migration) -> Frame:
        """Record a migration as applied without running it."""
        mark = self._mark(migration)
        row = rows.insert(self.table, migration, "TRUE", "-1")
        return _frame(["BEGIN", *mark, row], ("COMMIT",), -1, len(mark))

    def mark_dirty(self, migration: Migration) -> Query:
        """Write the row that says FALSE when the claim is not there any more."""
        row = rows.insert(self.table, migration, "FALSE", "-1")
        return Query(f"{row} ON CONFLICT (version) DO UPDATE SET success = FALSE")

    def kept(self) -> None:
        """All is rolled back."""

    def invalid(self) -> Query:
        """List the INVALID indexes."""
        return Query(
            f"SELECT {QUALIFIED}, c.relname::{P}.text, t.relname::{P}.text,"
            f" {P}.concat('DROP INDEX CONCURRENTLY ', {QUALIFIED})"
            f" FROM {P}.pg_index i JOIN {P}.pg_class c ON c.oid {EQ} i.indexrelid"
            f" JOIN {P}.pg_class t ON t.oid {EQ} i.indrelid"
            f" JOIN {P}.pg_namespace n ON n.oid {EQ} c.relnamespace"
            f" WHERE NOT i.indisvalid AND c.relkind {EQ} 'i' ORDER BY 1"
        )

    def trouble(self, error: DatabaseError, frame: Frame) -> Trouble:
        """Tell what an error in a framed migration, or in its claim, means."""
        state, index = error.sqlstate, error.completed
        if state == READ_ONLY:
            return Trouble.READ_ONLY
        in_file = error.part == 1 or index > frame.claim
        if in_file and state == rows.MUST_HIT:
            return Trouble.GONE
        if in_file:
            return Trouble.BUSY if state in TRY_AGAIN else Trouble.FAILED
        if index == frame.lock and state == rows.MUST_HIT:
            return Trouble.LOCKED
        claimed = index == frame.claim and state in {UNIQUE, rows.MUST_HIT}
        made = frame.at_mark(error) and state in DUPLICATES
        if claimed or made:
            return Trouble.MOVED
        # Somebody who holds no lock of ours is about to commit this very version.
        return Trouble.LOCKED if state in TRY_AGAIN else Trouble.FAILED

    @property
    def _key(self) -> int:
        return advisory.lock_key(self.database)

    def _told(
        self, pid: str, database: str, table: str, read_only: str
    ) -> PostgresDialect:
        """Know what the session told of itself."""
        pooled = self.pooled
        return replace(
            self,
            database=database,
            pooled=int(pid) != self.backend_pid if pooled is None else pooled,
            table=table or self.table,
            exists=bool(table),
            read_only="transaction_read_only is on" if read_only == "on" else "",
        )

    def _begin(self, *, tidy: bool) -> list[str]:
        """Tidy up what the file before left in the session, and begin."""
        if self.pooled:
            return ["BEGIN", *ours(self.server_version, "LOCAL")]
        if not tidy:
            return ["BEGIN"]
        back = self.before.restore() if self.before else TIDY_UP
        return ["BEGIN", *back, *ours(self.server_version), "COMMIT", "BEGIN"]

    def _add_lock(self, before: list[str]) -> int:
        if not self.locking:
            return -1
        before.append(advisory.take(self._key))
        return len(before) - 1

    def _mark(self, migration: Migration) -> list[str]:
        """Record that a file is marked, and make the table for it."""
        if not migration.compatible:
            return []
        make = [] if self.has_marks else [marks.make(self.marks)]
        return [*make, marks.add(self.marks, migration)]

    def _unmark(self, migration: Migration) -> list[str]:
        """Delete the mark of a row that is about to go."""
        gone = marks.remove(self.marks, self.table, migration.version)
        return [gone] if self.has_marks else []

    def _identity(self) -> tuple[str, ...]:
        """Be who we were, and read as we did: the file may have changed it.

        The server reads a whole message before it runs any of it, so a setting that
        changes how must be put back before the next message comes.
        """
        literals = "on" if self.literals_standard else "off"
        reading = (
            ("RESET ALL",)
            if self.pooled
            else (
                "SET client_encoding = UTF8",
                f"SET standard_conforming_strings = {literals}",
            )
        )
        if self.before:
            return (*self.before.identity(), *reading)
        return ("RESET SESSION AUTHORIZATION", "RESET ROLE", *reading)


def _frame(before: list[str], after: tuple[str, ...], lock: int, marks: int) -> Frame:
    return Frame(tuple(before), after, lock, len(before) - 1, marks)
