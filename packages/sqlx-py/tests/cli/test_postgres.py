"""The command on PostgreSQL: what SQLite has not."""

from __future__ import annotations

import json
import signal
from typing import TYPE_CHECKING
from zlib import crc32

import psycopg
import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from cli.conftest import Command, Start
    from support import Database, Write


@pytest.fixture
def url(here: Path, on_postgres: Database, monkeypatch: pytest.MonkeyPatch) -> str:
    """DATABASE_URL names an empty database; the URL."""
    assert here.is_dir()
    monkeypatch.setenv("DATABASE_URL", on_postgres.url)
    return on_postgres.url


@pytest.mark.usefixtures("url")
def test_the_server_s_words_are_shown(sqlx: Command, write: Write) -> None:
    """SQLSTATE, detail and hint stand under the line that was refused."""
    write("1_a.sql", "CREATE TABLE a (x int PRIMARY KEY);\n")
    write("2_b.sql", "INSERT INTO a\n  VALUES (1), (1);\n")
    write("3_c.sql", "SELECT now() + naw();\n")
    result = sqlx("migrate", "run")
    assert result.code == 1
    assert result.out.startswith("Applied 1/migrate a (")
    assert (
        result.err
        == """\
error: migrations/2_b.sql:1:1: while executing migration 2: duplicate key value \
violates unique constraint "a_pkey" [23505]
  INSERT INTO a
  ^
detail: Key (x)=(1) already exists.
state: rolled back, nothing of this migration is applied; mend it and run again
"""
    )
    write("2_b.sql", "INSERT INTO a VALUES (1);\n")
    third = sqlx("migrate", "run")
    assert (
        third.err
        == """\
error: migrations/3_c.sql:1:16: while executing migration 3: function naw() does not \
exist [42883]
  SELECT now() + naw();
                 ^
hint: No function matches the given name and argument types. You might need to add \
explicit type casts.
state: rolled back, nothing of this migration is applied; mend it and run again
"""
    )


@pytest.mark.usefixtures("url")
def test_the_lock_is_waited_for_as_long_as_it_is_said(
    sqlx: Command, write: Write, on_postgres: Database
) -> None:
    """`--lock-timeout 0` tries once while another session has SQLx's lock."""
    write("1_a.sql", "CREATE TABLE a (x int);\n")
    with psycopg.connect(on_postgres.place, autocommit=True) as other:
        name = other.execute("SELECT current_database()").fetchone()
        assert name is not None
        key = 0x3D32AD9E * crc32(name[0].encode())
        other.execute("SELECT pg_advisory_lock(%s)", [key])
        result = sqlx("migrate", "run", "--lock-timeout", "0")
        assert (result.code, result.out) == (1, "")
        assert result.err.startswith("error: the migration lock is still held by ")
        assert "after 0 s; let it finish or end it, or wait longer" in result.err
    assert sqlx("migrate", "run", "--lock-timeout", "0").code == 0


@pytest.mark.usefixtures("url")
def test_a_database_in_use_is_dropped_by_force(
    sqlx: Command, on_postgres: Database
) -> None:
    """`--force` ends the sessions of others."""
    with psycopg.connect(on_postgres.place):
        assert sqlx("database", "drop", "-y", "--force").code == 0
    missing = sqlx("migrate", "info", "--connect-timeout=0")
    assert missing.code == 1


@pytest.mark.usefixtures("url")
def test_setup_and_reset(sqlx: Command, write: Write) -> None:
    """A database is made, dropped and made again."""
    write("1_a.sql", "CREATE TABLE a (x int);\n")
    sqlx("database", "drop", "-y")
    for word in ("setup", "reset -y", "reset -y --force"):
        result = sqlx("database", *word.split())
        assert (result.code, result.err) == (0, "")
        assert result.out.startswith("Applied 1/migrate a (")
    assert sqlx("database", "setup").out == ""


@pytest.mark.usefixtures("url")
def test_a_schema_qualified_table(sqlx: Command, write: Write, here: Path) -> None:
    """`table-name` and `create-schemas` of sqlx.toml are used."""
    write("1_a.sql", "CREATE TABLE a (x int);\n")
    (here / "sqlx.toml").write_text(
        '[migrate]\ntable-name = "app.history"\ncreate-schemas = ["app"]\n'
    )
    assert sqlx("migrate", "run").code == 0
    document = json.loads(sqlx("migrate", "info", "--format=json").out)
    assert document["table"] == "app.history"
    assert [m["state"] for m in document["migrations"]] == ["installed"]


def test_a_server_that_is_not_there(sqlx: Command, write: Write) -> None:
    """`--connect-timeout 0` tries once; no message shows the password."""
    write("1_a.sql", "CREATE TABLE a (x int);\n")
    url = "postgres://me:s3cret@127.0.0.1:1/db"
    for words in ("migrate run", "migrate check", "database create"):
        result = sqlx(*words.split(), "-D", url, "--connect-timeout", "0")
        assert (result.code, result.out) == (1, "")
        assert result.err.startswith("error: ")
        assert "s3cret" not in result.err


@pytest.mark.usefixtures("url")
def test_check_refuses_what_a_run_would_refuse(sqlx: Command, write: Write) -> None:
    """A file that cannot run as a migration is a finding with its line."""
    write("1_a.sql", "CREATE TABLE a (x int);\nCOPY a FROM STDIN;\n1\n\\.\n")
    result = sqlx("migrate", "check")
    assert result.code == 1
    assert result.out.startswith("migrations/1_a.sql:2:1: error: COPY with STDIN ")
    assert result.out.splitlines()[0].endswith(" [source]")


@pytest.mark.slow
@pytest.mark.usefixtures("url")
@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)]
)
def test_an_interrupted_run_leaves_nothing_half_done(
    start: Start,
    write: Write,
    on_postgres: Database,
    number: signal.Signals,
    code: int,
) -> None:
    """The server's statement ends too, and neither lock nor transaction is left."""
    write("1_a.sql", "CREATE TABLE a (x int);\nSELECT pg_sleep(600);\n")
    process = start("migrate", "run")
    asleep = (
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND "
        "pid <> pg_backend_pid() AND wait_event = 'PgSleep'"
    )
    with psycopg.connect(on_postgres.place, autocommit=True) as other:
        while other.execute(asleep).fetchone() == (0,):
            pass
        process.send_signal(number)
        out, err = process.communicate()
        assert (process.returncode, out, err) == (
            code,
            "",
            "interrupted; transaction ended, lock given back\n",
        )
        assert other.execute(asleep).fetchone() == (0,)
        assert on_postgres.locks() == 0
        tables = "SELECT relname FROM pg_stat_user_tables"
        assert other.execute(tables).fetchall() == [("_sqlx_migrations",)]
        history = "SELECT count(*) FROM _sqlx_migrations"
        assert other.execute(history).fetchone() == (0,)
