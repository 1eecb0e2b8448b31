"""MySQL and MariaDB: the SQL text of a run, and how its replies are read.

DDL commits at once here. So the claim stands in the transaction, as in SQLx: what only
writes rows is applied as a whole or not at all, and the first DDL makes the row durable
that says FALSE.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from sqlx.databases.marks import beside
from sqlx.databases.mysql import lock, marks, rows
from sqlx.databases.mysql.session import (
    CREATE,
    Before,
    limits,
    ours,
    settings,
)
from sqlx.engine.dialect import Frame, HistoryRow, LockKind, Sending, Trouble
from sqlx.engine.steps import Query, Rows
from sqlx.errors import DatabaseError, NotWritable
from sqlx.migrations.migration import Kind, Migration
from sqlx.migrations.statements import Syntax

if TYPE_CHECKING:
    from sqlx.engine.steps import Value
    from sqlx.errors import SqlxError

__all__ = ["MySqlDialect"]

DUPLICATE = 1062
NO_TABLE = {1146, 1049}  # no such table, no such database
BY_OPTION = 1290
READ_ONLY = {1792, 1836}  # the transaction, the server
TRY_AGAIN = {1205, 1213, 3572}  # waited too long, deadlock, NOWAIT
KEPT = 1196  # a warning: rows of tables that cannot roll back
CLAIM_LIMIT_MS = 1000
TABLES = {"BASE TABLE", "SYSTEM VERSIONED", "None"}
NO_DATABASE = "no database is selected; name one in the URL: mysql://user@host/app"


@dataclass(frozen=True, slots=True)
class MySqlDialect:
    """The SQL of one session.

    Args:
        mariadb: Whether the server is MariaDB.
        table: The history's table: as configured, then with its database.
        create_schemas: Databases that are made when they are missing.
        locking: False leaves `GET_LOCK` alone.
        owned: We opened the connection, so its settings are ours.
        time_zone: What migrations run in; empty for the server's.
        collation: The same, of texts; empty for the server's.
        database: Which the session is in; empty until the server told.
        exists: Whether the table was seen.
        has_marks: Whether the table of marks was seen.
        message_bytes: The most that a message may have; 0 until the server told.
        before: How the session was set when it came to us.
        sessions: Where the server lists its sessions.
    """

    mariadb: bool
    table: str = "_sqlx_migrations"
    create_schemas: tuple[str, ...] = ()
    locking: bool = True
    owned: bool = True
    time_zone: str = "+00:00"
    collation: str = ""
    database: str = ""
    exists: bool = False
    has_marks: bool = False
    message_bytes: int = 0
    before: Before | None = None
    sessions: str = lock.NO_SESSIONS

    @classmethod
    def of(cls, server: str, **known: Any) -> MySqlDialect:  # noqa: ANN401 -- its fields.
        """Make the dialect of a server, by what it says of itself."""
        mariadb = "mariadb" in server.lower()
        return cls(mariadb, sessions=lock.sessions(server, mariadb=mariadb), **known)

    @property
    def syntax(self) -> Syntax:
        """How MySQL's SQL is split."""
        return Syntax.MYSQL

    @property
    def marks(self) -> str:
        """The table of marks, in the database of the history."""
        return beside(self.table)

    @property
    def lock(self) -> LockKind:
        """The session holds it."""
        return LockKind.SESSION

    @property
    def shares_messages(self) -> bool:
        """DDL commits at once: a file that fails must be the only one under way."""
        return False

    @property
    def transactional_ddl(self) -> bool:
        """DDL commits what is before it, and itself."""
        return False

    @property
    def shortest_limit_ms(self) -> int:
        """Limits are given in whole seconds."""
        return 1000

    @property
    def session(self) -> str:
        """Set what files run with."""
        return ours(
            mariadb=self.mariadb, time_zone=self.time_zone, collation=self.collation
        )

    @property
    def read_only(self) -> str:
        """Only a write tells: some may write where others may not."""
        return ""

    @property
    def dirty_grace_seconds(self) -> float:
        """A command of SQLx's takes no lock, and shows FALSE while it works."""
        return 5.0

    @property
    def rollback(self) -> str:
        """End the transaction, if there is one, and let go of locked tables.

        A rollback warns of tables that cannot (MyISAM, Aria): `kept` asks for it. What
        went wrong before would count too, until a statement reads a table. MySQL warns
        of temporary tables, too, behind that. With `max_error_count` 0 the number is
        not to be had, and only more warnings than the one of that tell.

        What the file has set goes as well: it would change what is asked next.
        """
        kept = f"IF(@sqlx_kept, @sqlx_kept = {KEPT}, @@warning_count > 1)"
        texts = [
            "SET @sqlx_kept = 0",
            f"SELECT n FROM {rows.ONE}",
            "ROLLBACK",
            "GET DIAGNOSTICS CONDITION 1 @sqlx_kept = MYSQL_ERRNO",
            f"SET @sqlx_kept = {kept}",
            "UNLOCK TABLES",
            *self._tidied(),
        ]
        return ";\n".join(texts)

    def look(self, *, details: bool = False) -> Query:
        """List the history with what the session tells of itself."""
        return Query(rows.listing(self.table, details=details))

    def has_no_table(self, error: DatabaseError) -> bool:
        """Tell whether there is no table yet, or no database for it."""
        return error.code in NO_TABLE

    def seen(self, reply: Rows) -> tuple[MySqlDialect, tuple[HistoryRow, ...]]:
        """Read the reply of `look` or `prepare`.

        Raises:
            DatabaseError: What has the table's name is no table.
        """
        database, kind, has_marks = reply[0][:3]
        if str(kind) not in TABLES:
            raise DatabaseError(
                f"{self.table} is not a table, so it cannot be the history of "
                "migrations; rename it, or choose another table name"
            )
        known = replace(self._told(database), exists=True, has_marks=has_marks != "0")
        found = (row[3:] for row in reply if row[3] is not None)
        return known, tuple(map(rows.history_row, found))

    def marked(self) -> Query:
        """List the applied versions that are marked."""
        return Query(marks.listing(self.marks, self.table))

    def with_marks(self) -> MySqlDialect:
        """Know that the table of marks has been made."""
        return replace(self, has_marks=True)

    def try_lock(self) -> Query:
        """Ask for the lock; the reply also tells how the session is set."""
        taken = lock.take(self._name) if self.locking else "1"
        names = ", ".join(f"@@{name}" for name in settings(mariadb=self.mariadb))
        told = f"{rows.DATABASE}, @@max_allowed_packet, {names}"
        return Query(f"SELECT {taken}, {told} LIMIT 1")

    def locked(self, reply: Rows) -> tuple[MySqlDialect, bool | None]:
        """Read the reply of `try_lock`.

        Raises:
            DatabaseError: The server can give no lock.
        """
        granted, database, most, *values = reply[0]
        known = replace(self._told(database), message_bytes=int(str(most)))
        if granted is None:
            raise DatabaseError("the server gave no answer to GET_LOCK; run again")
        if known.before is None:
            read = Before.read(known.database, tuple(values), mariadb=self.mariadb)
            known = replace(known, before=read)
        return known, granted == "1"

    def holder(self) -> Query:
        """Ask who holds the lock."""
        return Query(lock.holder(self._name, self.sessions))

    def holder_words(self, reply: Rows) -> str:
        """Say who holds the lock."""
        return lock.holder_words(reply)

    def keep_lock(self) -> Query:
        """Make sure that the session still holds the lock, or take it again."""
        return Query(lock.keep(self._name) if self.locking else "SELECT 'true'")

    def release(self) -> Query:
        """Give the lock back, and put the user's settings back, if it can be done."""
        theirs = None if self.owned else self.before
        texts = [f"DO RELEASE_LOCK({self._name})"] if self.locking else []
        texts.append("SET @sqlx_begun = NULL, @sqlx_hit = NULL, @sqlx_kept = NULL")
        texts += theirs.restore() if theirs else []
        return Query(";\n".join(texts))

    def prepare(self) -> Query:
        """Make the session ours, make what is missing, and list the history."""
        make = [f"CREATE SCHEMA IF NOT EXISTS {name}" for name in self.create_schemas]
        if not self.exists:
            make.append(CREATE.format(table=self.table))
        listing = rows.listing(self.table, details=False)
        return Query(";\n".join([self.session, limits(CLAIM_LIMIT_MS), *make, listing]))

    def is_race(self, error: DatabaseError) -> bool:
        """Tell whether somebody makes the same at this moment."""
        return error.code in {DUPLICATE, *TRY_AGAIN}

    def explained(self, error: DatabaseError) -> SqlxError:
        """Say that nothing can be written."""
        return NotWritable(error.message) if _is_read_only(error) else error

    def frame(self, migration: Migration, sending: Sending) -> Frame:
        """Enclose a migration: mark, claim, file, success, in one transaction."""
        begin = self._begin(sending.limit_ms, tidy=sending.tidy)
        claim = self._claim(migration, sending.seen)
        if migration.kind is Kind.DOWN:
            end = [*self._unmark(migration), *rows.remove(self.table, migration)]
        else:
            end = [*rows.done(self.table, migration)]
        return _frame(migration, begin, claim, [*end, "COMMIT"])

    def own_transaction(self) -> Frame:
        """Enclose a file that controls transactions itself, as SQLx does."""
        return Frame(("START TRANSACTION",), ("COMMIT",), -1, -1)

    def claim(self, migration: Migration, sending: Sending) -> Frame:
        """Claim a version in a transaction of its own."""
        begin = self._begin(CLAIM_LIMIT_MS, tidy=sending.tidy)
        claim = self._claim(migration, sending.seen)
        return _frame(migration, begin, claim, ["COMMIT", limits(0)])

    def unclaim(self, migration: Migration) -> Query:
        """Take claim and mark back."""
        up = migration.kind is not Kind.DOWN
        mark = self._unmark(migration) if up and migration.compatible else []
        texts = [
            "START TRANSACTION",
            *mark,
            rows.unclaim(self.table, migration),
            "COMMIT",
        ]
        return Query(";\n".join(texts))

    def finish(self, migration: Migration) -> Query:
        """Record the end of a migration that was claimed before."""
        down = migration.kind is Kind.DOWN
        mark = self._unmark(migration) if down else []
        begin = "START TRANSACTION READ WRITE"  # The file may have said READ ONLY.
        return Query(";\n".join([begin, *mark, *rows.finish(self.table, migration)]))

    def record(self, migration: Migration) -> Frame:
        """Record a migration as applied without running it."""
        row = rows.insert(self.table, migration, "TRUE")
        return _frame(migration, [], [*self._mark(migration), row], ["COMMIT"])

    def mark_dirty(self, migration: Migration) -> Query:
        """Write the row that says FALSE when the claim is not there any more."""
        row = rows.insert(self.table, migration, "FALSE")
        return Query(f"{row} ON DUPLICATE KEY UPDATE success = FALSE;\nCOMMIT")

    def kept(self) -> Query:
        """Ask whether the rollback warned of tables that cannot be rolled back."""
        return Query("SELECT IF(@sqlx_kept > 0, 'true', 'false')")

    def invalid(self) -> None:
        """Nothing is left half built."""

    def trouble(self, error: DatabaseError, frame: Frame) -> Trouble:
        """Tell what an error in a framed migration, or in its claim, means."""
        code = error.code
        if error.completed > frame.claim:
            if code == rows.MUST_HOLD and error.part != 1:
                return Trouble.GONE
            return Trouble.BUSY if code in TRY_AGAIN else Trouble.FAILED
        if _is_read_only(error):
            return Trouble.READ_ONLY
        if code in {rows.MUST_HOLD, DUPLICATE}:
            return Trouble.MOVED
        # Somebody who holds no lock of ours is about to commit this very version.
        return Trouble.LOCKED if code in TRY_AGAIN else Trouble.FAILED

    @property
    def _name(self) -> str:
        return lock.lock_name(self.database) if self.database else lock.OF_SESSION

    def _told(self, database: Value) -> MySqlDialect:
        """Know which database the session is in: a file may choose another.

        Raises:
            DatabaseError: It is in none.
        """
        if database is None:
            raise DatabaseError(NO_DATABASE)
        if self.database:
            return self
        name = rows.text(database)
        return replace(self, database=name, table=rows.qualified(self.table, name))

    def _tidied(self) -> list[str]:
        return [*self.before.restore(), self.session] if self.before else []

    def _begin(self, limit_ms: int, *, tidy: bool) -> list[str]:
        """Tidy up what the file before left in the session, and start the clock."""
        back = self._tidied() if tidy else []
        return [*back, limits(limit_ms), rows.start_clock()]

    def _claim(self, migration: Migration, seen: int) -> list[str]:
        """Begin, and write the row that says FALSE; a down file's mark goes later."""
        if migration.kind is Kind.DOWN:
            return ["START TRANSACTION", *rows.doubt(self.table, migration)]
        same = rows.same_history(self.table, seen)
        return [*self._mark(migration), same, rows.claim(self.table, migration)]

    def _mark(self, migration: Migration) -> list[str]:
        """Begin, and record that a file is marked; the table for it is made first."""
        if not migration.compatible:
            return ["START TRANSACTION"]
        make = [] if self.has_marks else [marks.make(self.marks)]
        return [*make, "START TRANSACTION", marks.add(self.marks, migration)]

    def _unmark(self, migration: Migration) -> list[str]:
        """Delete the mark of a row that is about to go."""
        gone = marks.remove(self.marks, self.table, migration.version)
        return [gone] if self.has_marks else []


def _frame(
    migration: Migration, begin: list[str], claim: list[str], after: list[str]
) -> Frame:
    before = (*begin, *claim)
    marked = migration.compatible and migration.kind is not Kind.DOWN
    marks = len(claim) - 1 if marked else 0
    return Frame(before, tuple(after), -1, len(before) - 1, marks)


def _is_read_only(error: DatabaseError) -> bool:
    """Tell whether nothing can be written; an option may forbid other things, too."""
    by_option = error.code == BY_OPTION and "read-only" in error.message
    return by_option or error.code in READ_ONLY
