"""Which database and which files: `.env`, `sqlx.toml`, the environment, the options."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from cli.conftest import Command
    from support import Write

NO_URL = (
    "error: `--database-url` or `DATABASE_URL` must be set; a URL is "
    "postgres://user:password@host:5432/database, "
    "mysql://user:password@host:3306/database, sqlite://app.db?mode=rwc or "
    "embedded:.postgres\n"
)
FOUND = "Found `sqlx.toml` in current directory; reading...\n"


def test_without_a_url_it_is_said(sqlx: Command) -> None:
    """No option, no variable, no `.env`: misuse, in SQLx's words."""
    for words in ("migrate run", "migrate info", "database create", "migrate check"):
        result = sqlx(*words.split())
        assert (result.code, result.out, result.err) == (2, "", NO_URL)


def test_the_url_is_read_from_dotenv(sqlx: Command, here: Path) -> None:
    """`.env` is read, unless `--no-dotenv` stands anywhere."""
    (here / ".env").write_text("DATABASE_URL=sqlite:x.db\n")
    assert sqlx("database", "create", "--no-dotenv").err == NO_URL
    assert sqlx("--no-dotenv", "database", "create").err == NO_URL
    assert sqlx("database", "create").code == 0
    assert (here / "x.db").exists()


def test_the_option_goes_before_the_environment_before_dotenv(
    sqlx: Command, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`-D` wins over the variable, which wins over `.env`."""
    (here / ".env").write_text("DATABASE_URL=sqlite:dotenv.db\n")
    monkeypatch.setenv("DATABASE_URL", "sqlite:variable.db")
    sqlx("database", "create", "-D", "sqlite:option.db")
    assert sorted(path.name for path in here.glob("*.db")) == ["option.db"]
    sqlx("database", "create")
    assert sorted(path.name for path in here.glob("*.db")) == [
        "option.db",
        "variable.db",
    ]


def test_a_broken_dotenv_is_a_warning(sqlx: Command, here: Path) -> None:
    """What stood before the mistake holds, as in SQLx."""
    (here / ".env").write_text("DATABASE_URL=sqlite:x.db\na b\n")
    result = sqlx("database", "create")
    assert result.code == 0
    assert result.err.startswith("Warning: error loading `.env` file: ")
    assert f"{here}/.env:2:" in result.err


def test_sqlx_toml_names_the_variable(
    sqlx: Command, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`database-url-var` is read, and said, in SQLx's lines on stderr."""
    (here / "sqlx.toml").write_text('[common]\ndatabase-url-var = "FOO"\n')
    assert sqlx("database", "create").err == (
        f"{FOUND}error: `--database-url` or `FOO` (`common.database-url-var` in "
        "`sqlx.toml`) must be set; a URL is "
        "postgres://user:password@host:5432/database, "
        "mysql://user:password@host:3306/database, sqlite://app.db?mode=rwc or "
        "embedded:.postgres\n"
    )
    monkeypatch.setenv("FOO", "sqlite:x.db")
    result = sqlx("database", "create")
    assert (result.code, result.out, result.err) == (
        0,
        "",
        (
            f"{FOUND}Read database url from `FOO` (`common.database-url-var` in "
            "`sqlx.toml`)\n"
        ),
    )


@pytest.mark.usefixtures("database")
def test_sqlx_toml_names_table_and_folder(sqlx: Command, here: Path) -> None:
    """`table-name` and `migrations-dir` hold for every command, from --config too."""
    (here / "db").mkdir()
    (here / "db" / "1_a.sql").write_text("CREATE TABLE a (x);")
    (here / "my.toml").write_text(
        '[migrate]\ntable-name = "history"\nmigrations-dir = "db"\n'
    )
    result = sqlx("migrate", "run", "--config", "my.toml")
    assert (result.code, result.err) == (0, "")
    assert sqlx("migrate", "info", "--config", "my.toml").out == "1/installed a\n"
    with closing(sqlite3.connect(here / "x.db")) as connection:
        assert connection.execute("SELECT version FROM history").fetchall() == [(1,)]


@pytest.mark.usefixtures("database")
def test_the_option_goes_before_the_configured_folder(
    sqlx: Command, here: Path, write: Write
) -> None:
    """`--source` wins over `migrations-dir`."""
    write("1_a.sql", "CREATE TABLE a (x);")
    (here / "sqlx.toml").write_text('[migrate]\nmigrations-dir = "db"\n')
    result = sqlx("migrate", "info", "--source", "migrations")
    assert result.out == "1/pending a\n"


def test_a_wrong_configuration_is_misuse(sqlx: Command, here: Path) -> None:
    """A mistake in sqlx.toml ends every command with 2, and its place."""
    (here / "sqlx.toml").write_text("[migrate]\ntable = 1\n")
    result = sqlx("migrate", "add", "x")
    assert (result.code, result.out) == (2, "")
    assert result.err.startswith(
        f'{FOUND}error: error parsing config file "sqlx.toml": sqlx.toml:2:1: '
    )


def test_no_message_shows_a_password(sqlx: Command, write: Write) -> None:
    """A wrong URL is never quoted where a password could stand."""
    write("1_a.sql", "CREATE TABLE a (x);")
    for url in (
        "postgres://me:s3cret@:x/db",
        "postgres://me:s3cret@localhost:99999/db",
        "mysql://me:s3cret@localhost:x/db",
        "redis://me:s3cret@localhost/db",
        "//me:s3cret@localhost/db",
        "postgres://me:s3cret@localhost/db?sslmode=nope",
    ):
        for words in ("migrate info", "database drop", "database reset"):
            result = sqlx(*words.split(), "-D", url, "--connect-timeout", "0")
            assert result.code == 2
            assert "s3cret" not in result.out + result.err
