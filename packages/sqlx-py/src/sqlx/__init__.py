"""SQLx for Python: plain-SQL migrations and checked queries, as Rust's SQLx has them.

The names are loaded when they are first used, so that `import sqlx` costs nothing. Each
error of `sqlx.errors` and all that `on_event` may hear is here, too. The commands
`prepare`, `check` and `describe` are functions in `sqlx.prepare`. All else is ours to
change.
"""

from sqlx.version import __version__

TYPE_CHECKING = False
if TYPE_CHECKING:
    from sqlx.applications import lifespan, wait_until_migrated
    from sqlx.checked import (
        query,
        query_as,
        query_file,
        query_scalar,
        unchecked,
    )
    from sqlx.config.url import (
        EmbeddedUrl,
        MySqlUrl,
        PostgresUrl,
        SqliteUrl,
        parse_url,
    )
    from sqlx.database import (
        create_database,
        database_exists,
        drop_database,
    )
    from sqlx.embedded import start as start_embedded
    from sqlx.engine.news import *  # noqa: F403 -- those that `__all__` has no room for.
    from sqlx.engine.news import (
        Change,
        Info,
        News,
        Outcome,
        Report,
        State,
    )
    from sqlx.errors import *  # noqa: F403 -- those that `__all__` has no room for.
    from sqlx.errors import (
        ColumnMismatch,
        ConfigurationError,
        DatabaseError,
        MigrationError,
        QueryError,
        RowNotFound,
        SqlxError,
        TooManyRows,
    )
    from sqlx.migrations.migration import (
        Direction,
        Kind,
        Migration,
        Source,
        SourceWarning,
    )
    from sqlx.migrator import (
        AsyncMigrator,
        Migrator,
    )
    from sqlx.queries.running.affected import RowsAffected

__all__ = [
    "AsyncMigrator",
    "Change",
    "ColumnMismatch",
    "ConfigurationError",
    "DatabaseError",
    "Direction",
    "EmbeddedUrl",
    "Info",
    "Kind",
    "Migration",
    "MigrationError",
    "Migrator",
    "MySqlUrl",
    "News",
    "Outcome",
    "PostgresUrl",
    "QueryError",
    "Report",
    "RowNotFound",
    "RowsAffected",
    "Source",
    "SourceWarning",
    "SqliteUrl",
    "SqlxError",
    "State",
    "TooManyRows",
    "__version__",
    "create_database",
    "database_exists",
    "drop_database",
    "lifespan",
    "parse_url",
    "query",
    "query_as",
    "query_file",
    "query_scalar",
    "start_embedded",
    "unchecked",
    "wait_until_migrated",
]

_MODULES = {
    "lifespan": "sqlx.applications",
    "wait_until_migrated": "sqlx.applications",
    "query": "sqlx.checked",
    "query_as": "sqlx.checked",
    "query_file": "sqlx.checked",
    "query_scalar": "sqlx.checked",
    "unchecked": "sqlx.checked",
    "EmbeddedUrl": "sqlx.config.url",
    "MySqlUrl": "sqlx.config.url",
    "PostgresUrl": "sqlx.config.url",
    "SqliteUrl": "sqlx.config.url",
    "parse_url": "sqlx.config.url",
    "create_database": "sqlx.database",
    "database_exists": "sqlx.database",
    "drop_database": "sqlx.database",
    "start_embedded": "sqlx.embedded",
    "Direction": "sqlx.migrations.migration",
    "Kind": "sqlx.migrations.migration",
    "Migration": "sqlx.migrations.migration",
    "Source": "sqlx.migrations.migration",
    "SourceWarning": "sqlx.migrations.migration",
    "AsyncMigrator": "sqlx.migrator",
    "Migrator": "sqlx.migrator",
    "RowsAffected": "sqlx.queries.running.affected",
}

_OPEN = ("sqlx.errors", "sqlx.engine.news")
"""Modules whose public names are all names of ours."""


def __getattr__(name: str) -> object:
    """Load a public name when it is first used."""
    from importlib import import_module

    module = _MODULES.get(name)
    if module is None:
        module = next((m for m in _OPEN if name in import_module(m).__all__), None)
    if module is None:
        raise AttributeError(f"module 'sqlx' has no attribute {name!r}")
    found = "start" if name == "start_embedded" else name
    value: object = getattr(import_module(module), found)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """List the public names, loaded or not."""
    return sorted({*globals(), *__all__})
