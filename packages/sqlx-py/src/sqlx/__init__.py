"""SQLx for Python: plain-SQL migrations, interchangeable with Rust's SQLx.

The names are loaded when they are first used, so that `import sqlx` costs nothing. What
is not here is in `sqlx.errors`, and else ours to change.
"""

from sqlx.version import __version__

TYPE_CHECKING = False
if TYPE_CHECKING:
    from sqlx.config.url import EmbeddedUrl, PostgresUrl, SqliteUrl, parse_url
    from sqlx.database import (
        create_database,
        database_exists,
        drop_database,
    )
    from sqlx.embedded import start as start_embedded
    from sqlx.engine.news import (
        Change,
        Info,
        InfoRow,
        News,
        Outcome,
        Report,
        Retrying,
        Starting,
        State,
        WaitingForDatabase,
        WaitingForLock,
    )
    from sqlx.errors import (
        ConfigurationError,
        ConnectionFailed,
        ConnectionLost,
        DatabaseError,
        Dirty,
        ExecuteMigration,
        LockTimeout,
        MigrationError,
        SourceError,
        SqlxError,
        VersionMismatch,
        VersionMissing,
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

__all__ = [
    "AsyncMigrator",
    "Change",
    "ConfigurationError",
    "ConnectionFailed",
    "ConnectionLost",
    "DatabaseError",
    "Direction",
    "Dirty",
    "EmbeddedUrl",
    "ExecuteMigration",
    "Info",
    "InfoRow",
    "Kind",
    "LockTimeout",
    "Migration",
    "MigrationError",
    "Migrator",
    "News",
    "Outcome",
    "PostgresUrl",
    "Report",
    "Retrying",
    "Source",
    "SourceError",
    "SourceWarning",
    "SqliteUrl",
    "SqlxError",
    "Starting",
    "State",
    "VersionMismatch",
    "VersionMissing",
    "WaitingForDatabase",
    "WaitingForLock",
    "__version__",
    "create_database",
    "database_exists",
    "drop_database",
    "parse_url",
    "start_embedded",
]

_MODULES = {
    "parse_url": "sqlx.config.url",
    "SqliteUrl": "sqlx.config.url",
    "PostgresUrl": "sqlx.config.url",
    "EmbeddedUrl": "sqlx.config.url",
    "create_database": "sqlx.database",
    "database_exists": "sqlx.database",
    "drop_database": "sqlx.database",
    "Change": "sqlx.engine.news",
    "Info": "sqlx.engine.news",
    "InfoRow": "sqlx.engine.news",
    "News": "sqlx.engine.news",
    "Outcome": "sqlx.engine.news",
    "Report": "sqlx.engine.news",
    "Retrying": "sqlx.engine.news",
    "Starting": "sqlx.engine.news",
    "State": "sqlx.engine.news",
    "WaitingForDatabase": "sqlx.engine.news",
    "WaitingForLock": "sqlx.engine.news",
    "ConfigurationError": "sqlx.errors",
    "ConnectionFailed": "sqlx.errors",
    "ConnectionLost": "sqlx.errors",
    "DatabaseError": "sqlx.errors",
    "Dirty": "sqlx.errors",
    "ExecuteMigration": "sqlx.errors",
    "LockTimeout": "sqlx.errors",
    "MigrationError": "sqlx.errors",
    "SourceError": "sqlx.errors",
    "SqlxError": "sqlx.errors",
    "VersionMismatch": "sqlx.errors",
    "VersionMissing": "sqlx.errors",
    "Direction": "sqlx.migrations.migration",
    "Kind": "sqlx.migrations.migration",
    "Migration": "sqlx.migrations.migration",
    "Source": "sqlx.migrations.migration",
    "SourceWarning": "sqlx.migrations.migration",
    "AsyncMigrator": "sqlx.migrator",
    "Migrator": "sqlx.migrator",
    "start_embedded": "sqlx.embedded",
}


def __getattr__(name: str) -> object:
    """Load a public name when it is first used."""
    module = _MODULES.get(name)
    if module is None:
        raise AttributeError(f"module 'sqlx' has no attribute {name!r}")
    from importlib import import_module

    found = "start" if name == "start_embedded" else name
    value: object = getattr(import_module(module), found)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """List the public names, loaded or not."""
    return sorted({*globals(), *__all__})
