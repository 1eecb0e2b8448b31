"""What the plugin prints: the line at the beginning, and the summary at the end."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

from sqlx.config.url import EmbeddedUrl, SqliteUrl
from sqlx.errors import SqlxError
from sqlx.testing.places import configured, place, shown
from sqlx.testing.session import KEPT, migrator_of

if TYPE_CHECKING:
    import pytest

    from sqlx.config.url import PostgresUrl

__all__ = ["header", "summarise", "usual_server"]

HEADER_SECONDS = 2.0


def usual_server(config: pytest.Config) -> str:
    """Choose the server: pytest's setting, else what SQLx would take."""
    root = str(config.rootpath)
    return configured(config.getini("sqlx_database"), root, os.environ)


def header(config: pytest.Config) -> str | None:
    """Say which server, version and migrations the tests' databases come from.

    None in a project that has neither migrations nor our settings.
    """
    try:
        migrations = _migrations(config)
        if migrations is None and not config.getini("sqlx_database"):
            return None
        return f"sqlx: {_server(config)}, {migrations or 'no migrations'}"
    except SqlxError as error:
        return f"sqlx: {error}"


def _migrations(config: pytest.Config) -> str | None:
    migrator = migrator_of(config, None)
    if migrator is None:
        return None
    count = len(migrator.source.forward())
    where = os.path.relpath(migrator.source.label, str(config.rootpath))
    return f"{count} migrations of {where}, digest {migrator.digest[:16]}"


def _server(config: pytest.Config) -> str:
    if _is_overridden(config):
        return "the server of the fixture sqlx_server"
    where = place("", usual_server(config))
    match where:
        case SqliteUrl():
            import sqlite3

            return f"SQLite {sqlite3.sqlite_version}"
        case EmbeddedUrl():
            return f"embedded {_embedded_version()} in {where.path}"
        case _:
            return f"PostgreSQL {_version(where)} at {shown(where)}"


def _embedded_version() -> str:
    """Ask the program, for the server may not run yet: `PostgreSQL 18.4`."""
    from sqlx.embedded.launch import binaries

    program = binaries() / "bin" / "postgres"
    told = subprocess.run(  # noqa: S603 -- the program that will be started.
        [program, "--version"], capture_output=True, text=True, check=False
    ).stdout
    return told.strip().replace("postgres (PostgreSQL)", "PostgreSQL")


def _version(where: PostgresUrl) -> str:
    from sqlx.opening import connect, place_of

    reached = place_of(where)
    with connect(reached, "postgres", timeout_seconds=HEADER_SECONDS) as connection:
        told: str = connection.info.parameter_status("server_version") or ""
        return told.partition(" ")[0]


def summarise(reporter: pytest.TerminalReporter, problems: list[str]) -> None:
    """Print where databases were kept, and what could not be dropped."""
    reports = [report for found in reporter.stats.values() for report in found]
    kept = [
        f"{report.nodeid}: {url}"
        for report in reports
        for name, url in getattr(report, "user_properties", ())
        if name == KEPT and report.when != "teardown"
    ]
    reporter.write_sep("=", "sqlx: test databases")
    for line in kept:
        reporter.write_line(f"kept {line}")
    for problem in dict.fromkeys(problems):
        reporter.write_line(f"not dropped: {problem}")


def _is_overridden(config: pytest.Config) -> bool:
    """Tell whether a `conftest.py` or a plugin brings the server itself."""
    from sqlx.testing import plugin

    theirs = [found for found in config.pluginmanager.get_plugins() if found != plugin]
    return any(hasattr(found, "sqlx_server") for found in theirs)
