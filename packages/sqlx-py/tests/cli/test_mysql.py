"""The command on MySQL and MariaDB: what SQLite and PostgreSQL have not."""

from __future__ import annotations

import json
import signal
from typing import TYPE_CHECKING

import mysql_server
import pytest

from sqlx.databases.mysql.lock import lock_name

if TYPE_CHECKING:
    from pathlib import Path

    from cli.conftest import Command, Start
    from support import Database, Write

PARTLY = (
    "DDL commits at once here: a part of it may be committed; then migration 2 counts "
    "as partially applied, and the next run says what to decide"
)


@pytest.fixture
def url(on_mysql: Database, monkeypatch: pytest.MonkeyPatch, sqlx: Command) -> str:
    """DATABASE_URL names an empty database; the URL."""
    assert sqlx
    monkeypatch.setenv("DATABASE_URL", on_mysql.url)
    return on_mysql.url


@pytest.mark.usefixtures("url")
def test_a_half_applied_file_says_what_to_do(
    sqlx: Command, write: Write, on_mysql: Database
) -> None:
    """What is committed, and the two ways out; then every command refuses to pass."""
    write("1_a.sql", "CREATE TABLE a (x INT);\n")
    write("2_b.sql", "CREATE TABLE b (x INT);\nINSERT INTO b VALUES (1), (z);\n")
    result = sqlx("migrate", "run")
    assert result.code == 1
    assert result.out.startswith("Applied 1/migrate a (")
    table = f"`{on_mysql.name}`._sqlx_migrations"
    way_out = (
        f"complete it by hand and UPDATE {table} SET success = TRUE WHERE version = 2, "
        f"or undo it by hand and DELETE FROM {table} WHERE version = 2\n"
    )
    assert result.err == (
        "error: migrations/2_b.sql:2:1: while executing migration 2: 1054 (42S22): "
        "Unknown column 'z' in 'SELECT'\n"
        "  INSERT INTO b VALUES (1), (z);\n"
        "  ^\n"
        "state: DDL commits at once here: line 1 is committed for good; the statement "
        f"that failed may be done in part; {way_out}"
    )
    shown = sqlx("migrate", "info")
    assert shown.out == "1/installed a\n2/installed b\n"
    assert shown.err == (
        "warning: migration 2 is partially applied; fix and remove row from "
        f"`{on_mysql.name}._sqlx_migrations` table: {way_out}"
    )


@pytest.mark.usefixtures("url")
def test_the_lock_is_waited_for_as_long_as_it_is_said(
    sqlx: Command, write: Write, on_mysql: Database
) -> None:
    """`--lock-timeout 0` tries once while another session has SQLx's lock."""
    write("1_a.sql", "CREATE TABLE a (x INT);\n")
    with mysql_server.connect(on_mysql.place) as other, other.cursor() as cursor:
        cursor.execute(f"SELECT GET_LOCK({lock_name(on_mysql.name)}, 0)")
        assert cursor.fetchall() == ((1,),)
        result = sqlx("migrate", "run", "--lock-timeout", "0")
        assert (result.code, result.out) == (1, "")
        assert result.err.startswith("error: the migration lock is still held by conn")
        assert ", user root, from localhost, Sleep for " in result.err
    assert sqlx("migrate", "run", "--lock-timeout", "0").code == 0


@pytest.mark.usefixtures("url")
def test_setup_and_reset(sqlx: Command, write: Write) -> None:
    """A database is made, dropped and made again; by force it cannot be."""
    write("1_a.sql", "CREATE TABLE a (x INT);\n")
    sqlx("database", "drop", "-y")
    missing = sqlx("migrate", "info", "--connect-timeout=0")
    assert missing.code == 1
    assert "make it with `sqlx database create`" in missing.err
    for word in ("setup", "reset -y"):
        result = sqlx("database", *word.split())
        assert (result.code, result.err) == (0, "")
        assert result.out.startswith("Applied 1/migrate a (")
    assert sqlx("database", "setup").out == ""
    assert sqlx("database", "reset", "-y", "--force").err == (
        "error: database driver does not support force-dropping a database (Only "
        "PostgreSQL); leave --force away\n"
    )


@pytest.mark.usefixtures("url")
def test_all_other_commands(sqlx: Command, write: Write, on_mysql: Database) -> None:
    """`override skip`, `revert`, `check`, and MariaDB's own name of the scheme."""
    write("1_a.up.sql", "CREATE TABLE a (x INT);\n")
    write("1_a.down.sql", "DROP TABLE a;\n")
    assert sqlx("migrate", "check").code == 3
    assert (
        sqlx("migrate", "override", "skip").out
        == "Skipped on request 1/migrate a (0ns)\n"
    )
    assert on_mysql.versions() == [(1, True)]
    on_mysql.execute("CREATE TABLE a (x INT)")
    assert sqlx("migrate", "revert").out.startswith("Applied 1/revert a (")
    assert (on_mysql.versions(), on_mysql.tables()) == ([], [])
    mariadb = on_mysql.url.replace("mysql:", "mariadb:")
    assert sqlx("migrate", "run", "-D", mariadb).out.startswith("Applied 1/migrate a (")
    assert sqlx("migrate", "check", "-D", mariadb).code == 0


def test_a_table_of_another_database(
    sqlx: Command, write: Write, on_mysql: Database, url: str, tmp_path: Path
) -> None:
    """`table-name` and `create-schemas` of sqlx.toml are used."""
    write("1_a.sql", "CREATE TABLE a (x INT);\n")
    other = f"{on_mysql.name}_ops"
    (tmp_path / "sqlx.toml").write_text(
        f'[migrate]\ntable-name = "{other}.history"\ncreate-schemas = ["{other}"]\n'
    )
    assert sqlx("migrate", "run", "-D", url).code == 0
    document = json.loads(sqlx("migrate", "info", "--format=json").out)
    assert document["table"] == f"{other}.history"
    assert [m["state"] for m in document["migrations"]] == ["installed"]
    assert sqlx("migrate", "run").code == 0


@pytest.mark.usefixtures("url")
def test_check_refuses_what_a_run_would_refuse(sqlx: Command, write: Write) -> None:
    """Data that only a client could bring, with its line."""
    write(
        "1_a.sql", "CREATE TABLE a (x INT);\nLOAD DATA LOCAL INFILE 'x' INTO TABLE a;"
    )
    result = sqlx("migrate", "check")
    assert result.code == 1
    assert result.out.startswith(
        "migrations/1_a.sql:2:1: error: LOAD … LOCAL needs a client that carries the "
        "data, and a migration has none; use INSERT, or LOAD from a file of the "
    )


@pytest.mark.usefixtures("url")
@pytest.mark.parametrize(
    ("sql", "told"),
    [
        (
            "INSERT INTO a VALUES (1);\nSELECT SLEEP(60);\n",
            "interrupted; transaction ended, lock given back\n",
        ),
        (
            "CREATE TABLE b (x INT);\nSELECT SLEEP(60);\n",
            f"interrupted; lock given back\nmigrations/2_b.sql: {PARTLY}\n",
        ),
    ],
    ids=["rows", "ddl"],
)
def test_an_interrupted_run_ends_the_server_s_statement(
    start: Start, write: Write, on_mysql: Database, sql: str, told: str
) -> None:
    """It is told what may be left; neither lock nor session is."""
    write("1_a.sql", "CREATE TABLE a (x INT);\n")
    write("2_b.sql", sql)
    process = start("migrate", "run")
    sessions = "SELECT 1 FROM information_schema.processlist WHERE db = DATABASE() AND "
    asleep = f"{sessions}state = 'User sleep'"
    while not on_mysql.rows(asleep):
        pass
    process.send_signal(signal.SIGINT)
    out, err = process.communicate()
    assert out.startswith("Applied 1/migrate a (")
    assert (process.returncode, err) == (130, told)
    while on_mysql.rows(f"{sessions}id <> CONNECTION_ID()"):
        pass
    assert on_mysql.rows("SELECT * FROM a") == []
    dirty = [(2, False)] if "CREATE" in sql else []
    assert on_mysql.versions() == [(1, True), *dirty]
    assert on_mysql.locks() == 0


def test_an_interrupted_run_that_cannot_stop_the_server_says_so(
    start: Start, write: Write, on_mysql: Database
) -> None:
    """The server grants no second session to say it by."""
    user = f"{on_mysql.name}_once"
    on_mysql.execute(f"CREATE USER {user} WITH MAX_USER_CONNECTIONS 1")
    on_mysql.execute(f"GRANT ALL ON *.* TO {user}")
    write("1_a.sql", "DO SLEEP(60);\n")
    url = on_mysql.url.replace("//root@", f"//{user}@")
    process = start("migrate", "run", "-D", url)
    asleep = f"information_schema.processlist WHERE user = '{user}' AND state = "
    while not (found := on_mysql.rows(f"SELECT id FROM {asleep}'User sleep'")):
        pass
    process.send_signal(signal.SIGINT)
    _, err = process.communicate()
    ((number,),) = found
    on_mysql.execute(f"KILL {number}")
    on_mysql.execute(f"DROP USER {user}")
    assert process.returncode == 130
    assert err == (
        f"interrupted; the server could not be told to stop (User '{user}' has "
        "exceeded the 'max_user_connections' resource (current value: 1) [code "
        f"1226]): its session {number} may go on to the end of the file, and hold the "
        "lock until then; sqlx migrate info tells\n"
    )
