"""SQL fixtures: files that fill a test's database after its migrations."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlx.engine.steps import Query, Script
from sqlx.errors import DatabaseError, FixtureFailed
from sqlx.migrations.splitting import position, split
from sqlx.opening import Setting, open_sync

if TYPE_CHECKING:
    from sqlx.migrations.splitting import Statements

__all__ = ["run_script"]

SETTING = Setting(
    table_name="_sqlx_migrations",
    create_schemas=(),
    locking=False,
    lock_timeout_seconds=10.0,
    connect_timeout_seconds=10.0,
    tell=lambda _: None,
)


def run_script(database: object, name: str, path: str) -> None:
    """Run a file of SQL as one message, in a session as SQLx has it.

    On PostgreSQL and SQLite it happens as a whole or not at all.

    Args:
        database: A URL or a connection.
        name: The file, as the test calls it.
        path: Where it is.

    Raises:
        FixtureFailed: It cannot be read, or the database refuses it.
    """
    text = _read(name, path)
    with open_sync(database, SETTING) as (dialect, connection):
        if dialect.session:
            connection.execute(Query(dialect.session))
        try:
            connection.execute(Script((text,)))
        except DatabaseError as error:
            statements = split(text, dialect.syntax)
            raise _failed(name, path, statements, error) from error


def _read(name: str, path: str) -> str:
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except OSError as error:
        raise FixtureFailed(name, path, error.strerror or str(error)) from None
    except UnicodeDecodeError:
        raise FixtureFailed(name, path, "not UTF-8; save it as UTF-8") from None


def _failed(
    name: str, path: str, statements: Statements, error: DatabaseError
) -> FixtureFailed:
    """Say where in the file the database stopped, as far as it is known."""
    offset = error.offset
    if offset is None and error.completed < len(statements.items):
        offset = statements.items[error.completed].start
    if offset is None:
        return FixtureFailed(name, path, error)
    return FixtureFailed(name, path, error, *position(statements.text, offset))
