"""Every exception that sqlx raises: one tree under `SqlxError`.

A message says where, what and the mend; the facts are fields, read by the command and
by tests. The variants of SQLx's `MigrateError` keep their names and, where a message
begins, their text.
"""

from __future__ import annotations

__all__ = [
    "CacheError",
    "ColumnMismatch",
    "ConfigurationError",
    "ConnectionFailed",
    "ConnectionLost",
    "CreateSchemasNotSupported",
    "DatabaseError",
    "Dirty",
    "DriverMissing",
    "DuplicateVersion",
    "EmbeddedError",
    "ExecuteMigration",
    "FixtureFailed",
    "ForceNotSupported",
    "InTransaction",
    "Irreversible",
    "LockTimeout",
    "MigrationError",
    "NotWritable",
    "QueryError",
    "RowNotFound",
    "SourceError",
    "SqlxError",
    "StillPending",
    "TooManyRows",
    "VersionMismatch",
    "VersionMissing",
    "VersionNotPresent",
    "VersionTooNew",
    "VersionTooOld",
]


EXCERPT = 160  # characters of a line that a message shows
MOST_NAMED = 3  # pending migrations in a message


class SqlxError(Exception):
    """The root of all errors that sqlx raises."""


class ConfigurationError(SqlxError):
    """A URL, `sqlx.toml`, `.env` or an option is wrong; the command exits 2."""


class DriverMissing(ConfigurationError):
    """A database's driver is not installed; the message names what to install."""


class EmbeddedError(SqlxError):
    """The embedded PostgreSQL could not be started, reached or stopped."""


class CacheError(SqlxError):
    """A file of the query cache cannot be used, or the cache cannot be written.

    Args:
        path: The file or the directory.
        reason: What is wrong with it, and the mend.
    """

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(path, reason)
        self.path, self.reason = path, reason

    def __str__(self) -> str:
        return f"{self.path}: {self.reason}"


class DatabaseError(SqlxError):
    """The database refused a statement.

    Args:
        message: What the server said, in its words.
        sqlstate: The five characters of PostgreSQL and MySQL; None in SQLite.
        code: The number that SQLite (extended code) or MySQL gives.
        detail: More of the server's words, where it has them.
        hint: The server's advice.
        context: Where inside the server (a function, an index) it happened.
        table: The table that the server names.
        part: Index of the part of the `Script` that failed, when known.
        offset: Characters into that part (or into the `Query`), from 0, when known.
        completed: How many statements of the message were complete before it.
    """

    def __init__(  # noqa: PLR0913 -- the fields of a report.
        self,
        message: str,
        *,
        sqlstate: str | None = None,
        code: int | None = None,
        detail: str | None = None,
        hint: str | None = None,
        context: str | None = None,
        table: str | None = None,
        part: int | None = None,
        offset: int | None = None,
        completed: int = 0,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.sqlstate = sqlstate
        self.code = code
        self.detail = detail
        self.hint = hint
        self.context = context
        self.table = table
        self.part = part
        self.offset = offset
        self.completed = completed

    def __str__(self) -> str:
        if self.code is not None and self.sqlstate is not None:
            return f"{self.code} ({self.sqlstate}): {self.message}"  # as SQLx has it
        number = self.sqlstate if self.code is None else f"code {self.code}"
        return self.message if number is None else f"{self.message} [{number}]"


class ConnectionFailed(DatabaseError):
    """No connection could be made; nothing was asked of the database yet.

    Args:
        message: What was met, in the server's words or the driver's.
        code: The number that SQLite gives.
        final: Whether trying again would meet the same: a wrong password, or a database
            that does not exist.
        missing: Whether it is that: somebody else may be about to create it.
    """

    def __init__(
        self,
        message: str,
        *,
        code: int | None = None,
        final: bool = False,
        missing: bool = False,
    ) -> None:
        super().__init__(message, code=code)
        self.final, self.missing = final, missing


class ConnectionLost(DatabaseError):
    """The connection ended while a statement was under way: its outcome is unknown."""


class MigrationError(SqlxError):
    """The root of what can be wrong with migrations: SQLx's `MigrateError`."""


class SourceError(MigrationError):
    """The migration files cannot be used as they are; nothing was asked of a database.

    Args:
        reason: What is wrong and the mend, with the path (and line) in front.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason

    def __str__(self) -> str:
        return f"while resolving migrations: {self.reason}"


class DuplicateVersion(SourceError):
    """Two up or simple files (or two down files) have one version."""

    def __init__(self, version: int, paths: tuple[str, ...]) -> None:
        names = " and ".join(paths)
        super().__init__(
            f"migration {version} stands in two files: {names}; "
            "give one of them another version"
        )
        self.args = (version, paths)
        self.version, self.paths = version, paths


class VersionMissing(MigrationError):
    """The history holds versions that have no file and are not marked compatible.

    Args:
        versions: All of them, ascending.
        descriptions: Their descriptions, from the history.
        source: The directory or package that was read.
    """

    def __init__(
        self, versions: tuple[int, ...], descriptions: tuple[str, ...], source: str
    ) -> None:
        super().__init__(versions, descriptions, source)
        self.versions, self.descriptions, self.source = versions, descriptions, source
        self.version = versions[0]

    def __str__(self) -> str:
        known = ", ".join(_named(self.versions, self.descriptions))
        return (
            f"migration {self.version} was previously applied but is missing in the "
            f"resolved migrations: the history knows {known}, {self.source} does not; "
            "deploy a release that has the files, or restore them; if this one runs "
            "with them, pass --ignore-missing (ignore_missing=True), and mark such "
            "files `-- sqlx: compatible` before they are applied"
        )


def _named(versions: tuple[int, ...], descriptions: tuple[str, ...]) -> list[str]:
    pairs = zip(versions, descriptions, strict=True)
    return [f"{version} ({description})" for version, description in pairs]


class VersionMismatch(MigrationError):
    """An applied migration's file no longer has the checksum in the history."""

    def __init__(self, version: int, path: str) -> None:
        super().__init__(version, path)
        self.version, self.path = version, path

    def __str__(self) -> str:
        return (
            f"migration {self.version} was previously applied but has been modified: "
            f"{self.path}; restore the file, or put the change in a new migration"
        )


class VersionNotPresent(MigrationError):
    """The target version has no file."""

    def __init__(self, version: int, source: str) -> None:
        super().__init__(version, source)
        self.version, self.source = version, source

    def __str__(self) -> str:
        return (
            f"migration {self.version} is not present in the migration source: "
            f"{self.source}; choose a version that `sqlx migrate info` lists"
        )


class VersionTooOld(MigrationError):
    """The target of a run is older than what is applied."""

    def __init__(self, version: int, latest: int) -> None:
        super().__init__(version, latest)
        self.version, self.latest = version, latest

    def __str__(self) -> str:
        return (
            f"migration {self.version} is older than the latest applied migration "
            f"{self.latest}; to go back, use revert"
        )


class VersionTooNew(MigrationError):
    """The target of a revert is newer than what is applied."""

    def __init__(self, version: int, latest: int) -> None:
        super().__init__(version, latest)
        self.version, self.latest = version, latest

    def __str__(self) -> str:
        return (
            f"migration {self.version} is newer than the latest applied migration "
            f"{self.latest}; to go forward, use run"
        )


class Dirty(MigrationError):
    """A migration began and its end is not recorded.

    Args:
        version: The lowest such version.
        table: The history's table, as it is written in SQL.
        committed: What is known to have been committed; empty when nothing is known.
    """

    def __init__(self, version: int, table: str, committed: str = "") -> None:
        super().__init__(version, table, committed)
        self.version, self.table, self.committed = version, table, committed

    def __str__(self) -> str:
        known = f" ({self.committed})" if self.committed else ""
        bare = self.table.replace("`", "")
        return (
            f"migration {self.version} is partially applied{known}; "
            f"fix and remove row from `{bare}` table: complete it by hand and "
            f"UPDATE {self.table} SET success = TRUE WHERE version = {self.version}, "
            f"or undo it by hand and "
            f"DELETE FROM {self.table} WHERE version = {self.version}"
        )


class ExecuteMigration(MigrationError):
    """The database refused a migration's SQL.

    Args:
        version: The migration's version.
        path: Its file.
        line: Line of the failing statement or token, from 1; None when not known.
        column: Column there, from 1.
        source_line: The text of that line.
        cause: What the database said.
        state: What is committed, and the mend.
    """

    def __init__(  # noqa: PLR0913, PLR0917 -- the fields of a report.
        self,
        version: int,
        path: str,
        line: int | None,
        column: int | None,
        source_line: str,
        cause: DatabaseError,
        state: str,
    ) -> None:
        super().__init__(version, path, line, column, source_line, cause, state)
        self.version, self.path, self.state = version, path, state
        self.line, self.column, self.source_line = line, column, source_line
        self.cause = cause

    def __str__(self) -> str:
        where = (
            self.path if self.line is None else f"{self.path}:{self.line}:{self.column}"
        )
        lines = [f"{where}: while executing migration {self.version}: {self.cause}"]
        if self.line is not None and self.column is not None:
            lines += _excerpt(self.source_line, self.column)
        state = [f"state: {self.state}"] if self.state else []
        return "\n".join(lines + _advice(self.cause) + state)


def _advice(cause: DatabaseError | str) -> list[str]:
    """Show what else a server says."""
    detail, hint = getattr(cause, "detail", None), getattr(cause, "hint", None)
    told = {"detail": detail, "hint": hint}
    return [f"{name}: {text}" for name, text in told.items() if text]


def _excerpt(line: str, column: int) -> list[str]:
    """Show a line, or the part of a long one that matters, and a caret below it."""
    begin = max(0, column - 1 - EXCERPT // 2) if len(line) > EXCERPT else 0
    shown = line[begin : begin + EXCERPT].replace("\t", " ")
    return [f"  {shown}", f"  {' ' * (column - 1 - begin)}^"]


class FixtureFailed(SqlxError):
    """A file of SQL that fills a test's database could not be run.

    Args:
        name: The fixture, as the test calls it.
        path: Its file.
        cause: What the database said, or the operating system.
        line: Line of the failing statement or token, from 1; None when not known.
        column: Column there, from 1.
        source_line: The text of that line.
    """

    def __init__(  # noqa: PLR0913, PLR0917 -- the fields of a report.
        self,
        name: str,
        path: str,
        cause: DatabaseError | str,
        line: int | None = None,
        column: int | None = None,
        source_line: str = "",
    ) -> None:
        super().__init__(name, path, cause, line, column, source_line)
        self.name, self.path, self.cause = name, path, cause
        self.line, self.column, self.source_line = line, column, source_line

    def __str__(self) -> str:
        what = f'failed to apply test fixture "{self.name}"'
        if self.line is None or self.column is None:
            return f"{what}: {self.path}: {self.cause}"
        where = f"{self.path}:{self.line}:{self.column}"
        lines = [f"{what}: {where}: {self.cause}"]
        lines += _excerpt(self.source_line, self.column)
        return "\n".join(lines + _advice(self.cause))


class Irreversible(MigrationError):
    """A revert to a target meets an applied migration that has no down file.

    Args:
        reason: Which, and the ways out.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.reason}; nothing was reverted"


class LockTimeout(MigrationError):
    """Somebody else held the migration lock for too long.

    Args:
        waited_seconds: How long was waited.
        holder: Who holds it, in words; empty when nobody could be seen.
    """

    def __init__(self, waited_seconds: float, holder: str) -> None:
        super().__init__(waited_seconds, holder)
        self.waited_seconds, self.holder = waited_seconds, holder

    def __str__(self) -> str:
        who = f" by {self.holder}" if self.holder else ""
        return (
            f"the migration lock is still held{who} after {self.waited_seconds:g} s; "
            "let it finish or end it, or wait longer with --lock-timeout "
            "(lock_timeout_seconds)"
        )


class StillPending(MigrationError):
    """Nobody has applied the migrations that were waited for.

    Args:
        versions: What is pending, ascending.
        descriptions: Of each.
        waited_seconds: How long was waited.
        newest: The newest applied one and since when; empty when none is applied.
        holder: Who holds the migration lock, in words; empty when nobody is seen.
    """

    def __init__(
        self,
        versions: tuple[int, ...],
        descriptions: tuple[str, ...],
        waited_seconds: float,
        newest: str,
        holder: str,
    ) -> None:
        super().__init__(versions, descriptions, waited_seconds, newest, holder)
        self.versions, self.descriptions = versions, descriptions
        self.waited_seconds, self.newest, self.holder = waited_seconds, newest, holder

    def __str__(self) -> str:
        named = _named(self.versions, self.descriptions)
        shown = ", ".join(named[:MOST_NAMED])
        if len(named) > MOST_NAMED:
            shown += f" and {len(named) - MOST_NAMED} more"
        applied = "none is applied"
        if self.newest:
            applied = f"the newest applied one is {self.newest}"
        who = "nobody is seen to migrate: run `sqlx migrate run`"
        if self.holder:
            who = f"the migration lock is held by {self.holder}: let it finish"
        return (
            f"after {self.waited_seconds:g} s, migrations are still pending: {shown}; "
            f"{applied}; {who}, or wait longer (timeout_seconds)"
        )


class InTransaction(MigrationError):
    """The connection given is inside a transaction."""

    def __str__(self) -> str:
        return (
            "the connection is inside a transaction, and migrations need their own; "
            "commit or roll back first, or pass a database URL"
        )


class NotWritable(MigrationError):
    """Migrations are pending and the database may only be read."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason

    def __str__(self) -> str:
        return (
            f"migrations are pending and the database is read-only ({self.reason}); "
            "connect to the primary, or as a role that may write"
        )


class ForceNotSupported(MigrationError):
    """Dropping by force exists on PostgreSQL alone."""

    def __str__(self) -> str:
        return (
            "database driver does not support force-dropping a database "
            "(Only PostgreSQL); leave --force away"
        )


class CreateSchemasNotSupported(MigrationError):
    """SQLite has no schemas to create."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name

    def __str__(self) -> str:
        return (
            "database driver does not support creation of schemas at migrate time: "
            f"cannot create new schema {self.name}; creation of additional schemas in "
            "SQLite requires attaching extra database files"
        )


class QueryError(SqlxError):
    """The root of what a checked query can find wrong when it runs.

    What the database refuses is raised as the driver raises it, with a note that names
    the query.

    Args:
        path: The file that has the query.
        line: The query's line there, from 1.
        name: The function that declares it, or the call: `query_as(User)`.
    """

    def __init__(self, path: str, line: int, name: str) -> None:
        super().__init__(path, line, name)
        self.path, self.line, self.name = path, line, name

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.name}: {self._what()}"

    def _what(self) -> str:
        return "the query failed"


class RowNotFound(QueryError):
    """A query that must find exactly one row has found none."""

    def _what(self) -> str:
        return (
            "no rows returned by a query that expected to return at least one row; "
            "where that may be, let it return `T | None`, or use `.optional()`"
        )


class TooManyRows(QueryError):
    """A query that finds at most one row has found more."""

    def _what(self) -> str:
        return (
            "more than one row returned by a query that expected at most one; "
            "add a condition or LIMIT 1, or let it return `list[T]`, or use `.all()`"
        )


class ColumnMismatch(QueryError):
    """The columns that the server sends are not those that the code takes.

    Args:
        path: The file that has the query.
        line: The query's line there, from 1.
        name: The function that declares it, or the call.
        missing: Fields that no column has.
        extra: Columns that no field takes.
        row: The class of the rows; empty when one value is taken.
    """

    def __init__(  # noqa: PLR0913, PLR0917 -- the fields of a report.
        self,
        path: str,
        line: int,
        name: str,
        missing: tuple[str, ...],
        extra: tuple[str, ...],
        row: str,
    ) -> None:
        super().__init__(path, line, name)
        self.args = (path, line, name, missing, extra, row)
        self.missing, self.extra, self.row = missing, extra, row

    def _what(self) -> str:
        if not self.row:
            found = f"it sends {len(self.extra)} ({', '.join(self.extra)})"
            sent = found if self.extra else "it sends none"
            facts = [f"the query must send one column, and {sent}"]
        else:
            facts = [f"{self.row}.{each} has no column" for each in self.missing]
            facts += [f"column {each} has no field" for each in self.extra]
        return (
            f"{'; '.join(facts)}; the query or its tables have changed since it was "
            "checked: run `sqlx check`"
        )
