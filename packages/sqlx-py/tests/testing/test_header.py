"""The line at the beginning: server, version and migrations."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

import pytest
from testing.projects import SECRET

from sqlx.testing import header

if TYPE_CHECKING:
    from testing.projects import Project

ONE = "migrations/ (1 file, digest {digest})"
OVERRIDE = """
import pytest

@pytest.fixture(scope="session")
def sqlx_server():
    return "sqlite"
"""
DOUBLE = (
    "while resolving migrations: migration 1 stands in two files: "
    "migrations/1_again.sql and migrations/1_users.sql; give one of them another "
    "version"
)

LINES: dict[str, tuple[dict[str, str], dict[str, str], str]] = {
    "embedded": ({}, {}, f"embedded PostgreSQL {{version}} in {{folder}}, {ONE}"),
    "two files": (
        {},
        {"migrations/2_posts.up.sql": "", "migrations/2_posts.down.sql": ""},
        (
            "embedded PostgreSQL {version} in {folder}, migrations/ (2 files, "
            "digest {digest})"
        ),
    ),
    "url": (
        {"sqlx_database": "{url}"},
        {},
        f"PostgreSQL {{version}} at {{shown}}, {ONE}",
    ),
    "sqlite": ({"sqlx_database": "sqlite"}, {}, f"SQLite {{sqlite}}, {ONE}"),
    "memory": (
        {"sqlx_database": "sqlite::memory:"},
        {},
        f"SQLite {{sqlite}} in memory, {ONE}",
    ),
    "overridden": (
        {},
        {"conftest.py": OVERRIDE},
        f"the server of the fixture sqlx_server, {ONE}",
    ),
    "unreachable": (
        {"sqlx_database": f"postgresql://u:{SECRET}@127.0.0.1:1/d"},
        {},
        (
            "no answer from postgresql://u:***@127.0.0.1:1/d (connection failed: "
            'connection to server at "127.0.0.1", port 1 failed: Connection refused Is '
            "the server running on that host and accepting TCP/IP connections?), " + ONE
        ),
    ),
    "no such server": (
        {"sqlx_database": "oracle"},
        {},
        "database 'oracle': it is a URL, 'postgres', 'embedded' or 'sqlite', " + ONE,
    ),
    "wrong file": (
        {},
        {"migrations/1_again.sql": ""},
        f"embedded PostgreSQL {{version}} in {{folder}}, {DOUBLE}",
    ),
    "wrong toml": (
        {"sqlx_database": ""},
        {"sqlx.toml": "[migrate]\ntable-name = 7"},
        (
            'error parsing config file "sqlx.toml": sqlx.toml:2:1: invalid type: '
            "integer, expected a string for `migrate.table-name`"
        ),
    ),
    "no migrations": (
        {},
        {"sqlx.toml": '[migrate]\nmigrations-dir = "nowhere"'},
        "embedded PostgreSQL {version} in {folder}, no migrations",
    ),
    "setting": (
        {"sqlx_migrations": "other"},
        {"other/1_x.sql": ""},
        "embedded PostgreSQL {version} in {folder}, other/ (1 file, digest {other})",
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("case", LINES)
def test_the_line_says_what_there_is(
    project: Project, case: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each server and each trouble has its line; no trouble stops the session."""
    monkeypatch.setattr(header, "HEADER_SECONDS", 0.0)
    settings, files, line = LINES[case]
    url = project.url()
    project.write(files)
    project.configure(**{name: text.format(url=url) for name, text in settings.items()})
    ran = project.run("def test_it(): pass")
    assert ran.outcomes == {"passed": 1}
    assert SECRET not in ran
    with project.connect() as connection:
        version = connection.execute("SHOW server_version").fetchone()
    words = {
        "version": version and version[0],
        "folder": project.server.directory,
        "shown": url.replace(SECRET, "***").partition("?")[0],
        "sqlite": sqlite3.sqlite_version,
        "digest": project.digest if "digest}" in line else "",
        "other": project.digest_of("other") if "other}" in line else "",
    }
    assert ran.lines("sqlx: ") == [f"sqlx: {line.format(**words)}"]


@pytest.mark.parametrize("settings", [{"sqlx_database": ""}, {"sqlx_migrations": ""}])
def test_a_project_without_migrations(
    project: Project, settings: dict[str, str]
) -> None:
    """Only where our settings are is there a line without migrations."""
    (project.path / "migrations" / "1_users.sql").unlink()
    (project.path / "migrations").rmdir()
    project.configure(**settings)
    ran = project.run("def test_it(): pass")
    has_line = settings.get("sqlx_database") is None
    assert [line[-15:] for line in ran.lines("sqlx: ")] == [
        ", no migrations"
    ] * has_line


@pytest.mark.parametrize(
    "options",
    [["--collect-only"], ["-q"], pytest.param(["-n", "2"], marks=pytest.mark.slow)],
)
def test_it_stands_in_the_header(project: Project, options: list[str]) -> None:
    """`--collect-only` has it, and pytest-xdist once; `-q` has no header."""
    run = project.run_apart if "-n" in options else project.run
    ran = run("def test_it(): pass", *options)
    assert len(ran.lines("sqlx: ")) == (0 if options == ["-q"] else 1)
