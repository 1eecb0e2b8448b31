"""The history is SQLx's to the byte: its table, its rows, its names."""

from __future__ import annotations

import hashlib
import re
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from support import ADVISORY_LOCKS

import sqlx
from sqlx.databases.postgres.advisory import lock_key
from sqlx.errors import ExecuteMigration

if TYPE_CHECKING:
    from pathlib import Path

    from support import Database, Door, Write

SQL = "CREATE TABLE test1(x INTEGER PRIMARY KEY);\n"
SQL_CHECKSUM = (
    "d405902250e0b05857014783cd7c02e59250a799fcd242e4937c4febf775a847"
    "77fd4d0937db997c495ad67dbb7115e6"
)
COLUMNS = "version, description, success, checksum, execution_time"


def test_sqlite_keeps_the_text_of_sqlx(
    on_sqlite: Database, colour: Door, write: Write, folder: Path
) -> None:
    """`sqlite_master` holds exactly what SQLx leaves there, and its index."""
    write("1_a.sql", SQL)
    colour(folder).run(on_sqlite.url)
    sql = "SELECT type, name, sql FROM sqlite_master WHERE tbl_name LIKE '%sqlx%'"
    assert on_sqlite.rows(sql) == [
        (
            "table",
            "_sqlx_migrations",
            (
                "CREATE TABLE _sqlx_migrations (\n"
                "    version BIGINT PRIMARY KEY,\n"
                "    description TEXT NOT NULL,\n"
                "    installed_on TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,\n"
                "    success BOOLEAN NOT NULL,\n"
                "    checksum BLOB NOT NULL,\n"
                "    execution_time BIGINT NOT NULL\n"
                ")"
            ),
        ),
        ("index", "sqlite_autoindex__sqlx_migrations_1", None),
    ]


def test_postgres_gets_the_columns_of_sqlx(
    on_postgres: Database, colour: Door, write: Write, folder: Path
) -> None:
    """Names, types, defaults and the primary key."""
    write("1_a.sql", SQL)
    colour(folder).run(on_postgres.url)
    assert on_postgres.rows(
        "SELECT a.attname::text, format_type(a.atttypid, a.atttypmod), a.attnotnull,"
        " pg_get_expr(d.adbin, d.adrelid) FROM pg_attribute a"
        " LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum"
        " WHERE a.attrelid = '_sqlx_migrations'::regclass AND a.attnum > 0"
        " ORDER BY a.attnum"
    ) == [
        ("version", "bigint", True, None),
        ("description", "text", True, None),
        ("installed_on", "timestamp with time zone", True, "now()"),
        ("success", "boolean", True, None),
        ("checksum", "bytea", True, None),
        ("execution_time", "bigint", True, None),
    ]
    assert on_postgres.rows(
        "SELECT conname::text, pg_get_constraintdef(oid) FROM pg_constraint"
        " WHERE conrelid = '_sqlx_migrations'::regclass AND contype = 'p'"
    ) == [("_sqlx_migrations_pkey", "PRIMARY KEY (version)")]


def test_the_table_on_mysql_is_sqlx_s(
    on_mysql: Database, colour: Door, write: Write, folder: Path
) -> None:
    """Names, types, defaults and the primary key."""
    write("1_a.sql", SQL)
    colour(folder).run(on_mysql.url)
    ((_, text),) = on_mysql.rows("SHOW CREATE TABLE _sqlx_migrations")
    assert text.partition(" ENGINE=InnoDB")[0] == (
        "CREATE TABLE `_sqlx_migrations` (\n"
        "  `version` bigint(20) NOT NULL,\n"
        "  `description` text NOT NULL,\n"
        "  `installed_on` timestamp NOT NULL DEFAULT current_timestamp(),\n"
        "  `success` tinyint(1) NOT NULL,\n"
        "  `checksum` blob NOT NULL,\n"
        "  `execution_time` bigint(20) NOT NULL,\n"
        "  PRIMARY KEY (`version`)\n"
        ")"
    )


def test_a_row_says_what_sqlx_would_say(
    database: Database, colour: Door, write: Write, folder: Path
) -> None:
    """Version, description with spaces, TRUE, SHA-384 of the raw bytes, ns."""
    write("0001_add_the_table.sql", SQL)
    colour(folder).run(database.url)
    ((version, description, success, checksum, elapsed_ns),) = database.rows(
        f"SELECT {COLUMNS} FROM _sqlx_migrations"
    )
    assert (version, description, success) == (1, "add the table", True)
    assert checksum.hex() == SQL_CHECKSUM
    assert 1_000 < elapsed_ns < 60_000_000_000


def test_execution_time_is_in_nanoseconds(
    on_postgres: Database, colour: Door, write: Write, folder: Path
) -> None:
    """A file that sleeps for 50 ms took 50 million; the report says the same."""
    write("1_slow.sql", "SELECT pg_sleep(0.05);")
    write("2_slow.sql", "-- no-transaction\nSELECT pg_sleep(0.05);")
    report = colour(folder).run(on_postgres.url)
    stored = on_postgres.rows(
        "SELECT execution_time FROM _sqlx_migrations ORDER BY version"
    )
    assert [(change.elapsed_ns,) for change in report.changes] == stored
    assert all(50_000_000 <= elapsed_ns < 60_000_000_000 for (elapsed_ns,) in stored)


def test_execution_time_of_mysql_is_in_nanoseconds(
    on_mysql: Database, colour: Door, write: Write, folder: Path
) -> None:
    """The server counts microseconds; a down file's time is told, too."""
    write("1_slow.sql", "DO SLEEP(0.05);")
    write("2_slow.up.sql", "-- no-transaction\nDO SLEEP(0.05);")
    write("2_slow.down.sql", "DO SLEEP(0.05);")
    report = colour(folder).run(on_mysql.url)
    times = "SELECT execution_time FROM _sqlx_migrations ORDER BY version"
    taken = [change.elapsed_ns for change in report.changes]
    assert on_mysql.rows(times) == [(elapsed_ns,) for elapsed_ns in taken]
    taken += [c.elapsed_ns for c in colour(folder).revert(on_mysql.url).changes[:1]]
    assert all(50_000_000 <= elapsed_ns < 60_000_000_000 for elapsed_ns in taken)


def test_execution_time_of_sqlite_is_in_nanoseconds(
    on_sqlite: Database, colour: Door, write: Write, folder: Path
) -> None:
    """A file of some work takes more than a tenth of a millisecond."""
    work = (
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 30000)"
        " SELECT max(i) FROM n;"
    )
    write("1_work.sql", work)
    write("2_work.sql", f"-- no-transaction\n{work}")
    report = colour(folder).run(on_sqlite.url)
    stored = on_sqlite.rows(
        "SELECT execution_time FROM _sqlx_migrations ORDER BY version"
    )
    assert [(change.elapsed_ns,) for change in report.changes] == stored
    assert all(100_000 <= elapsed_ns < 60_000_000_000 for (elapsed_ns,) in stored)


def test_installed_on_is_the_database_s_clock(
    database: Database, colour: Door, write: Write, folder: Path
) -> None:
    """SQLite stores the text that SQLx's default stores; both within this hour."""
    write("1_a.sql", SQL)
    migrator = colour(folder)
    migrator.run(database.url)
    now = "now()" if database.is_postgres else "CURRENT_TIMESTAMP"
    text = "CHAR" if database.is_mysql else "TEXT"
    ((moment, this_moment),) = database.rows(
        f"SELECT CAST(installed_on AS {text}), CAST({now} AS {text})"
        " FROM _sqlx_migrations"
    )
    assert moment[:11] <= this_moment[:11]
    if not database.is_postgres:
        assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", moment)
    (row,) = migrator.info(database.url).rows
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{6})?Z", row.installed_on)


def test_a_table_of_one_s_own_may_hold_nothing(
    database: Database, colour: Door, write: Write, folder: Path
) -> None:
    """As to SQLx: a checksum may not, and what is not FALSE is done."""
    write("1_a.sql", SQL)
    checksum = {"postgres": f"'\\x{SQL_CHECKSUM}'"}.get(
        database.kind, f"x'{SQL_CHECKSUM}'"
    )
    database.execute(
        "CREATE TABLE _sqlx_migrations (version BIGINT PRIMARY KEY, description TEXT,"
        " installed_on TIMESTAMP NULL, success BOOLEAN, execution_time BIGINT,"
        f" checksum {'BYTEA' if database.is_postgres else 'BLOB'});"
        "INSERT INTO _sqlx_migrations (version, success, checksum)"
        f" VALUES (1, TRUE, {checksum})"
    )
    migrator = colour(folder)
    assert migrator.run(database.url).already_applied == 1
    (row,) = migrator.info(database.url).rows
    assert (row.installed_on, row.elapsed_ns) == ("", -1)
    database.execute("UPDATE _sqlx_migrations SET success = NULL")
    assert migrator.run(database.url).already_applied == 1
    database.execute("UPDATE _sqlx_migrations SET checksum = NULL")
    with pytest.raises(sqlx.VersionMismatch):
        migrator.run(database.url)


def test_a_down_file_takes_the_row_away(
    database: Database, colour: Door, write: Write, folder: Path
) -> None:
    """After a revert, nothing is left of the migration."""
    write("1_a.up.sql", SQL)
    write("1_a.down.sql", "DROP TABLE test1;\n")
    migrator = colour(folder)
    migrator.run(database.url)
    migrator.revert(database.url)
    assert database.versions() == []
    assert database.tables() == []


def test_a_description_is_stored_as_it_is(
    database: Database, colour: Door, write: Write, folder: Path
) -> None:
    """Quotes, placeholders, SQL, other alphabets, and an empty one."""
    names = {
        1: 'it\'s "quoted" %s ? $1 :a {}',
        2: "'); DROP TABLE x; --",
        3: "naïve ünïcode 日本",
        4: "",
        5: "back\\slash",
    }
    for version, name in names.items():
        write(f"{version}_{name.replace(' ', '_')}.sql", "SELECT 1;\n")
    colour(folder).run(database.url)
    rows = database.rows("SELECT version, description FROM _sqlx_migrations ORDER BY 1")
    assert rows == list(names.items())


@pytest.mark.parametrize(
    "sql",
    [
        "",
        "\n",
        "-- only a comment",
        "-- only a comment\n",
        "/* a block */",
        ";;",
        "SELECT '%s', '100%', ':a', '{}', '?'; -- $1",
        "SELECT 1 -- ends in a comment",
        "SELECT 1;\r\nSELECT 2;\r\n",
        "-- no-transaction\n",
        "-- no-transaction",
    ],
)
def test_any_text_is_applied_as_it_stands(
    database: Database, colour: Door, write: Write, folder: Path, sql: str
) -> None:
    """Empty files, comments and placeholders are recorded with their own checksum."""
    write("1_a.sql", sql)
    colour(folder).run(database.url)
    checksum = hashlib.sha384(sql.encode()).digest()
    assert database.rows("SELECT success, checksum FROM _sqlx_migrations") == [
        (True, checksum)
    ]


def test_versions_are_64_bit_numbers(
    database: Database, colour: Door, write: Write, folder: Path
) -> None:
    """The smallest, -1, 0 and the largest, applied in the order of numbers."""
    for version in (9223372036854775807, 0, -1, -9223372036854775808):
        write(f"{version}_a.sql", "SELECT 1;")
    report = colour(folder).run(database.url)
    versions = [-9223372036854775808, -1, 0, 9223372036854775807]
    assert [m.version for m in report.applied] == versions
    assert database.versions() == [(version, True) for version in versions]


def test_files_are_applied_in_the_order_of_versions(
    database: Database, colour: Door, write: Write, folder: Path
) -> None:
    """10 comes after 9, however the names sort."""
    for version in ("10", "9", "0011", "2"):
        write(f"{version}_a.sql", f"CREATE TABLE t{int(version)} (id INT);")
    report = colour(folder).run(database.url)
    assert [m.version for m in report.applied] == [2, 9, 10, 11]


@pytest.mark.parametrize("table", ["my_history", '"My ""own"" table"', "History"])
def test_the_table_has_the_name_that_was_chosen(
    database: Database, colour: Door, write: Write, folder: Path, table: str
) -> None:
    """Raw, as SQLx's `table-name`: quotes are the caller's."""
    table = table.replace('"', "`") if database.is_mysql else table
    write("1_a.up.sql", SQL)
    write("1_a.down.sql", "DROP TABLE test1;\n")
    write("2_b.sql", "-- no-transaction\nSELECT 1;")
    migrator = colour(folder, table_name=table)
    assert migrator.info(database.url).table == table
    assert len(migrator.run(database.url).applied) == 2
    assert migrator.run(database.url).already_applied == 2
    assert database.versions(table) == [(1, True), (2, True)]
    migrator.info(database.url)
    with pytest.raises(ExecuteMigration, match=r"test1.* already exists"):
        colour(folder).run(database.url)


def test_two_tables_are_two_histories(
    database: Database, colour: Door, write: Write, folder: Path
) -> None:
    """What one knows, the other does not."""
    write("1_a.sql", "SELECT 1;")
    colour(folder, table_name="one").run(database.url)
    assert len(colour(folder, table_name="two").run(database.url).applied) == 1


def test_mysql_s_names_differ_by_case(
    on_mysql: Database, colour: Door, write: Write, folder: Path
) -> None:
    """Where the server's files tell them apart, its catalog finds both."""
    on_mysql.execute("CREATE TABLE _SQLX_MIGRATIONS (a INT)")
    write("1_a.sql", "SELECT 1;")
    assert len(colour(folder).run(on_mysql.url).applied) == 1
    assert colour(folder).run(on_mysql.url).already_applied == 1


def test_schemas_are_created_before_the_table(
    on_postgres: Database, colour: Door, write: Write, folder: Path
) -> None:
    """`create_schemas` lets the table live in a schema of its own, run after run."""
    write("1_a.up.sql", "CREATE TABLE app.t (id INT);")
    write("1_a.down.sql", "DROP TABLE app.t;")
    migrator = colour(
        folder, table_name="ops._sqlx_migrations", create_schemas=["ops", "app"]
    )
    assert len(migrator.run(on_postgres.url).applied) == 1
    assert migrator.run(on_postgres.url).already_applied == 1
    assert on_postgres.versions("ops._sqlx_migrations") == [(1, True)]
    assert migrator.info(on_postgres.url).table == "ops._sqlx_migrations"
    assert len(migrator.revert(on_postgres.url).applied) == 1
    assert on_postgres.rows("SELECT to_regclass('app.t')::text") == [(None,)]


def test_sqlite_makes_no_schemas(
    on_sqlite: Database, colour: Door, write: Write, folder: Path
) -> None:
    """One that is not attached is refused with SQLx's words; `main` always is."""
    write("1_a.sql", "SELECT 1;")
    assert len(colour(folder, create_schemas=["main"]).run(on_sqlite.url).applied) == 1
    write("2_b.sql", "SELECT 1;")
    with pytest.raises(sqlx.SqlxError) as caught:
        colour(folder, create_schemas=["app"]).run(on_sqlite.url)
    assert str(caught.value) == (
        "database driver does not support creation of schemas at migrate time: cannot "
        "create new schema app; creation of additional schemas in SQLite requires "
        "attaching extra database files"
    )


def test_an_attached_file_is_a_schema_of_sqlite(
    on_sqlite: Database, colour: Door, write: Write, folder: Path, tmp_path: Path
) -> None:
    """On a connection of the user's, the history may live in an attached file."""
    write("1_a.sql", "SELECT 1;")
    with closing(sqlite3.connect(":memory:", check_same_thread=False)) as connection:
        connection.execute(f"ATTACH '{tmp_path / 'extra.db'}' AS extra")
        migrator = colour(folder, table_name="extra.h", create_schemas=["extra"])
        migrator.run(connection)
        assert migrator.run(connection).already_applied == 1
        assert connection.execute("SELECT version FROM extra.h").fetchall() == [(1,)]
    assert on_sqlite.tables() == []


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("test", 3729328775749822312),
        ("smally", 2188748821271895390),
        ("postgres", 368907709894077238),
        ("todos", 3540040711452107126),
        ("naïve", 3670116330669853428),
    ],
)
def test_the_lock_is_that_of_sqlx(name: str, key: int) -> None:
    """0x3d32ad9e times the CRC-32 of the database's name (migrations.md 3.1)."""
    assert lock_key(name) == key


def test_the_lock_is_held_while_a_file_runs_and_gone_after(
    on_postgres: Database, colour: Door, write: Write, folder: Path
) -> None:
    """Every kind of file sees SQLx's lock; afterwards none is left."""
    held = (
        "SELECT count(*) n, min(classid::int8 << 32 | objid::int8) k, min(objsubid) s"
        f" FROM {ADVISORY_LOCKS}"
    )
    write("1_a.sql", f"CREATE TABLE seen AS {held};")
    write("2_b.sql", f"-- no-transaction\nINSERT INTO seen {held};")
    colour(folder).run(on_postgres.url)
    key = lock_key(on_postgres.name)
    assert on_postgres.rows("SELECT * FROM seen") == [(1, key, 1), (1, key, 1)]
    assert on_postgres.rows(held) == [(0, None, None)]


def test_without_locking_no_lock_is_taken(
    on_postgres: Database, colour: Door, write: Write, folder: Path
) -> None:
    """`locking=False` leaves the advisory lock alone, and runs all kinds of files."""
    held = f"SELECT count(*) FROM {ADVISORY_LOCKS}"
    write("1_a.sql", f"CREATE TABLE seen AS {held};")
    write("2_b.sql", f"-- no-transaction\nINSERT INTO seen {held};")
    write("3_c.sql", "CREATE TABLE c ();")
    report = colour(folder, locking=False).run(on_postgres.url)
    assert len(report.applied) == 3
    assert on_postgres.rows("SELECT * FROM seen") == [(0,), (0,)]
