"""What the plugin prints at the beginning: server, version and migrations."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

from sqlx.config.url import EmbeddedUrl, MySqlUrl, SqliteUrl
from sqlx.errors import ConnectionFailed, SqlxError
from sqlx.testing.places import configured, place, shown
from sqlx.testing.session import migrator_of, secret, told

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

    from sqlx.config.url import PostgresUrl
    from sqlx.testing.places import SecretUrl

__all__ = ["header", "usual_server"]

HEADER_SECONDS = 2.0


def usual_server(config: pytest.Config) -> SecretUrl:
    """Choose the server: pytest's setting, else what SQLx would take.

    Raises:
        ConfigurationError: `sqlx.toml` is wrong.
    """
    root = str(config.rootpath)
    return secret(configured(config.getini("sqlx_database"), root, os.environ))


def header(config: pytest.Config) -> str | None:
    """Say which server, version and migrations the tests' databases come from.

    None in a project that has neither migrations nor our settings.
    """
    migrations = _found(config, _migrations)
    if not (migrations or config.getini("sqlx_database")):
        return None
    parts = _found(config, _server), migrations or "no migrations"
    return f"sqlx: {', '.join(dict.fromkeys(parts))}"


def _found(config: pytest.Config, find: Callable[[pytest.Config], str]) -> str:
    """Find something, or say why that is not possible, on one line."""
    try:
        return find(config)
    except SqlxError as error:
        return " ".join(told(config, error).split())


def _migrations(config: pytest.Config) -> str:
    migrator = migrator_of(config, None)
    if migrator is None:
        return ""
    count = len(migrator.source.forward())
    where = os.path.relpath(migrator.source.label, str(config.rootpath))
    files = "1 file" if count == 1 else f"{count} files"
    return f"{where}{os.sep} ({files}, digest {migrator.digest[:16]})"


def _server(config: pytest.Config) -> str:
    if _is_overridden(config):
        return "the server of the fixture sqlx_server"
    where = place("", usual_server(config))
    match where:
        case SqliteUrl():
            import sqlite3

            memory = " in memory" if where.in_memory else ""
            return f"SQLite {sqlite3.sqlite_version}{memory}"
        case EmbeddedUrl():
            return f"embedded PostgreSQL {_embedded_version()} in {where.path}"
        case _:
            return _reached(where)


def _embedded_version() -> str:
    """Ask the program, for the server may not run yet."""
    from sqlx.embedded.folder import MAJOR
    from sqlx.embedded.launch import binaries

    program = binaries() / "bin" / "postgres"
    said = subprocess.run(  # noqa: S603 -- the program that will be started.
        [program, "--version"], capture_output=True, text=True, check=False
    ).stdout
    return said.strip().rpartition(" ")[2] or str(MAJOR)


def _reached(where: PostgresUrl | MySqlUrl) -> str:
    try:
        if isinstance(where, MySqlUrl):
            version = _mysql_version(where)
        else:
            version = _postgres_version(where)
    except ConnectionFailed as error:
        return f"no answer from {shown(where)} ({error})"
    return f"{version} at {shown(where)}"


def _postgres_version(where: PostgresUrl) -> str:
    from sqlx.opening import connect, place_of

    there = place_of(where)
    with connect(there, "postgres", timeout_seconds=HEADER_SECONDS) as connection:
        version: str = connection.info.parameter_status("server_version") or ""
    return f"PostgreSQL {version.partition(' ')[0]}"


def _mysql_version(where: MySqlUrl) -> str:
    from sqlx.opening import mysql_place

    there = mysql_place(where)
    from sqlx.testing.mysql.words import connect, version_of

    with connect(there, "", HEADER_SECONDS) as connection:
        return version_of(connection)


def _is_overridden(config: pytest.Config) -> bool:
    """Tell whether a `conftest.py` or a plugin brings the server itself."""
    from sqlx.testing import plugin

    theirs = [found for found in config.pluginmanager.get_plugins() if found != plugin]
    return any(hasattr(found, "sqlx_server") for found in theirs)
