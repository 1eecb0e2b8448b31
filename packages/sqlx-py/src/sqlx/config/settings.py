"""The file `sqlx.toml` of SQLx 0.9, and which database is meant.

The file is checked as SQLx checks it: a name that SQLx does not know is an error where
it is one there. SQLx takes any names in `migrate.defaults`, `macros.preferred-crates`
and the tables `drivers.external.<name>`, and nowhere else: sqlx-cli 0.9.0 stops at
`[prepare]`. So our own settings may stand there, or, where Rust reads the file too, in
`[drivers.external.sqlx-py]`.

SQLx's message ends with the name of the file; here line, column and reason follow.

Source:
    SQLx 0.9.0: sqlx-core `config/*.rs`, sqlx-cli `opt.rs`.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

from sqlx.config.grammar import EXAMPLES, quoted
from sqlx.config.schema import Misfit, Path, check
from sqlx.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = [
    "DefaultMigrationType",
    "DefaultVersioning",
    "Settings",
    "SqliteExtension",
    "database_url",
    "load_settings",
    "parse_settings",
    "settings_in",
]

_FILE = "sqlx.toml"
_USUAL_VARIABLE = "DATABASE_URL"


class DefaultMigrationType(Enum):
    """The kind of file that `migrate add` writes when no flag says it."""

    INFERRED = "inferred"
    SIMPLE = "simple"
    REVERSIBLE = "reversible"


class DefaultVersioning(Enum):
    """The kind of version that `migrate add` gives when no flag says it."""

    INFERRED = "inferred"
    TIMESTAMP = "timestamp"
    SEQUENTIAL = "sequential"


@dataclass(frozen=True, slots=True)
class SqliteExtension:
    """An extension to load into SQLite; its entry point, when it has its own."""

    path: str
    entrypoint: str | None = None


@dataclass(frozen=True, slots=True)
class Settings:
    """What `sqlx.toml` says, or the defaults.

    Args:
        database_url_var: The environment variable that holds the database's URL.
        create_schemas: Schemas to create before the history's table, sorted.
        table_name: The history's table, as it is written in SQL.
        migrations_dir: The directory of the migrations.
        ignored_chars: Characters that do not count in a checksum.
        migration_type: What `migrate add` writes.
        migration_versioning: What versions `migrate add` gives.
        sqlite_extensions: Extensions to load into SQLite, in order.
        packages: What `prepare` and `check` look at when no argument says it.
        sqlx_version: The SQLx whose bytes `prepare` writes: "0.8" or "0.9".
        scratch_database: The kind that is made from the migrations when there is no
            URL: "postgres", "sqlite", "mysql", or empty to see it from the queries.
    """

    database_url_var: str = _USUAL_VARIABLE
    create_schemas: tuple[str, ...] = ()
    table_name: str = "_sqlx_migrations"
    migrations_dir: str = "migrations"
    ignored_chars: frozenset[str] = frozenset()
    migration_type: DefaultMigrationType = DefaultMigrationType.INFERRED
    migration_versioning: DefaultVersioning = DefaultVersioning.INFERRED
    sqlite_extensions: tuple[SqliteExtension, ...] = ()
    packages: tuple[str, ...] = ()
    sqlx_version: str = "0.9"
    scratch_database: str = ""


def database_url(
    argument: str | None,
    settings: Settings,
    environ: Mapping[str, str],
    announce: Callable[[str], object],
) -> str:
    """Choose the database's URL: the argument, else the variable of the settings.

    `announce` gets SQLx's line about a variable with a name of its own, for stderr.

    Raises:
        ConfigurationError: There is no URL.
    """
    if argument is not None:
        return argument
    variable, context = settings.database_url_var, ""
    if variable != _USUAL_VARIABLE:
        context = f" (`common.database-url-var` in `{_FILE}`)"
        _refuse_url_as_name(variable)
    url = environ.get(variable)
    if url is None:
        raise ConfigurationError(
            f"`--database-url` or `{variable}`{context} must be set; "
            f"a URL is {EXAMPLES}"
        )
    if re.search("[\ud800-\udfff]", url):
        raise ConfigurationError(
            f"`{variable}`{context} is not valid UTF-8; percent-encode its other bytes"
        )
    if context:
        announce(f"Read database url from `{variable}`{context}")
    return url


def load_settings(path: str | None, announce: Callable[[str], object]) -> Settings:
    """Read the file that `--config` names, else `sqlx.toml` of the working directory.

    `announce` gets SQLx's line that there is a file, for stderr, before it is read.
    Without one the defaults hold.

    Raises:
        ConfigurationError: The file cannot be read, or holds what SQLx would not take.
    """
    if path is not None:
        problem = f"error reading config from {quoted(path)}"
        return _parse(_read(path, problem), path, problem)
    if os.path.exists(_FILE):
        announce(f"Found `{_FILE}` in current directory; reading...")
    return settings_in("")


def settings_in(directory: str) -> Settings:
    """Read the `sqlx.toml` of a directory; without one the defaults hold.

    Raises:
        ConfigurationError: The file cannot be read, or holds what SQLx would not take.
    """
    path = os.path.join(directory, _FILE)
    if not os.path.exists(path):
        return Settings()
    return parse_settings(
        _read(path, f"error reading config file {quoted(path)}"), path
    )


def parse_settings(text: str, path: str = _FILE) -> Settings:
    """Read the text of a `sqlx.toml`; `path` is its name for messages.

    Raises:
        ConfigurationError: It is not TOML, or holds what SQLx would not take.
    """
    return _parse(text, path, f"error parsing config file {quoted(path)}")


def _refuse_url_as_name(variable: str) -> None:
    """Refuse a URL where the name of a variable belongs; its password must not show."""
    if ":" in variable or "@" in variable:
        raise ConfigurationError(
            f"`common.database-url-var` in `{_FILE}` is a URL; it is to be the name of "
            "the environment variable that holds the URL"
        )


def _read(path: str, problem: str) -> str:
    try:
        with open(path, "rb") as file:
            octets = file.read()
    except OSError as error:
        raise ConfigurationError(f"{problem}: {error.strerror}") from error
    try:
        return octets.decode().removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        before = octets[: error.start].decode()
        line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
        reason = "stream did not contain valid UTF-8; save the file as UTF-8"
        raise ConfigurationError(
            f"{problem}: {path}:{line}:{column}: {reason}"
        ) from error


def _parse(text: str, path: str, problem: str) -> Settings:
    import tomllib

    try:
        document = tomllib.loads(text)
        check(document)
    except tomllib.TOMLDecodeError as error:
        reason, line, column = _syntax_error(str(error), text)
    except Misfit as misfit:
        reason, (line, column) = misfit.reason, _position(text, misfit.path)
    else:
        return _settings(document)
    raise ConfigurationError(f"{problem}: {path}:{line}:{column}: {reason}")


def _syntax_error(message: str, text: str) -> tuple[str, int, int]:
    """Split tomllib's message into the reason and the place, which may be the end."""
    reason, _, place = message.rpartition(" (at ")
    numbers = re.findall("[0-9]+", place)
    if not numbers:
        return reason, text.count("\n") + 1, len(text) - text.rfind("\n")
    return reason, int(numbers[0]), int(numbers[1])


def _position(text: str, path: Path) -> tuple[int, int]:
    """Find the line and column of a name, which tomllib does not tell.

    The text is parsed up to each line in turn: the first piece that holds the name ends
    with the statement that brings it. A piece that ends inside a statement is no TOML.
    """
    lines = text.split("\n")
    start = 0
    for end in range(1, len(lines)):
        piece = "\n".join(lines[:end])
        is_whole, is_there = _holds(piece, path)
        if is_there:
            break
        start = end if is_whole else start
    return start + 1, max(lines[start].find(path[-1]), 0) + 1


def _holds(text: str, path: Path) -> tuple[bool, bool]:
    """Tell whether a text is whole TOML, and whether it holds a name."""
    import tomllib

    try:
        found: Any = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return False, False
    for name in path:
        if name not in found:
            return True, False
        found = found[name]
    return True, True


def _settings(document: dict[str, Any]) -> Settings:
    """Make the value of a document that has been checked."""
    common = document.get("common", {})
    migrate = document.get("migrate", {})
    defaults = migrate.get("defaults", {})
    drivers = document.get("drivers", {})
    sqlite = drivers.get("sqlite", {})
    ours = {
        **drivers.get("external", {}).get("sqlx-py", {}),
        **document.get("prepare", {}),
    }
    default = Settings()
    return Settings(
        database_url_var=common.get("database-url-var", default.database_url_var),
        create_schemas=tuple(sorted(set(migrate.get("create-schemas", ())))),
        table_name=migrate.get("table-name", default.table_name),
        migrations_dir=migrate.get("migrations-dir", default.migrations_dir),
        ignored_chars=frozenset(migrate.get("ignored-chars", ())),
        migration_type=DefaultMigrationType(defaults.get("migration-type", "inferred")),
        migration_versioning=DefaultVersioning(
            defaults.get("migration-versioning", "inferred")
        ),
        sqlite_extensions=tuple(
            SqliteExtension(written)
            if isinstance(written, str)
            else SqliteExtension(written["path"], written["entrypoint"])
            for written in sqlite.get("unsafe-load-extensions", ())
        ),
        packages=tuple(ours.get("packages", ())),
        sqlx_version=ours.get("sqlx-version", default.sqlx_version),
        scratch_database=ours.get("database", default.scratch_database),
    )
