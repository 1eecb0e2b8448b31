"""What the words of MySQL's statements tell, and whether MariaDB agrees."""

from __future__ import annotations

from typing import TYPE_CHECKING

import mysql_server
import pymysql
import pytest

from sqlx.migrations.statements import (
    Syntax,
    client_copy,
    commits_implicitly,
    ends_transaction,
    leaves_settings,
    split,
    transaction_control,
)

if TYPE_CHECKING:
    from support import Database

MYSQL, SLOW = Syntax.MYSQL, pytest.mark.slow

COMMIT = [
    "CREATE TABLE new (a INT)",
    "create or replace view v as select 1",
    "CREATE INDEX i ON t (a)",
    "CREATE DATABASE IF NOT EXISTS test_1",
    "CREATE PROCEDURE p() BEGIN END",
    "/*!50003 CREATE*/ /*!50003 FUNCTION f() RETURNS INT RETURN 1 */",
    "CREATE TRIGGER r BEFORE INSERT ON t FOR EACH ROW SET @a = 1",
    "CREATE USER IF NOT EXISTS words",
    "ALTER TABLE t ADD b INT",
    "ALTER TABLE nowhere ADD b INT",
    "DROP TABLE IF EXISTS nowhere",
    "DROP USER IF EXISTS nobody",
    "RENAME TABLE t TO u",
    "TRUNCATE t",
    "GRANT SELECT ON *.* TO root@localhost",
    "REVOKE SELECT ON test_1.* FROM nobody@localhost",
    "LOCK TABLES t READ",
    "ANALYZE TABLE t",
    "ANALYZE LOCAL TABLE t",
    "CHECK TABLE t",
    "OPTIMIZE NO_WRITE_TO_BINLOG TABLE t",
    "REPAIR TABLE t",
    "FLUSH TABLES",
    "BEGIN",
    "BEGIN WORK",
    "START TRANSACTION READ ONLY",
    "SET PASSWORD FOR root@localhost = ''",
    "RESET QUERY CACHE",
]
COMMIT_NOTHING = [
    "CREATE TEMPORARY TABLE new (a INT)",
    "CREATE OR REPLACE TEMPORARY TABLE new (a INT)",
    "DROP TEMPORARY TABLE IF EXISTS nowhere",
    "INSERT INTO t VALUES (1)",
    "REPLACE INTO t VALUES (1)",
    "UPDATE t SET a = 2",
    "DELETE FROM t",
    "SELECT * FROM t",
    "ANALYZE SELECT 1",
    "SET @a = 1, sql_mode = ''",
    "SET autocommit = 1",
    "BEGIN NOT ATOMIC INSERT INTO t VALUES (1); END",
    "SAVEPOINT a",
    "ROLLBACK TO nowhere",
    "PREPARE a FROM 'SELECT 1'",
    "DROP PREPARE nothing",
    "USE mysql",
    "SHOW TABLES",
    "START nothing",
    "COMMIT nothing",
]
# What only MariaDB understands.
ITS_OWN = {
    "RESET QUERY CACHE",
    "CREATE OR REPLACE TEMPORARY TABLE new (a INT)",
    "ANALYZE SELECT 1",
    "BEGIN NOT ATOMIC INSERT INTO t VALUES (1); END",
}


def on_each(statements: list[str]) -> pytest.MarkDecorator:
    """Run a test on MariaDB, and with the slow ones on MySQL itself."""
    theirs = [sql for sql in statements if sql not in ITS_OWN]
    cases = [pytest.param("on_mysql", sql) for sql in statements]
    cases += [pytest.param("on_real_mysql", sql, marks=SLOW) for sql in theirs]
    return pytest.mark.parametrize(("server", "sql"), cases)


@on_each(COMMIT)
def test_what_commits_is_known_as_the_server_knows_it(
    server: str, sql: str, request: pytest.FixtureRequest
) -> None:
    """A row that stands before it cannot be rolled back any more."""
    assert commits_implicitly(split(sql, MYSQL).items[0])
    assert survives(request.getfixturevalue(server), sql)


@on_each(COMMIT_NOTHING)
def test_what_commits_nothing_is_known_as_the_server_knows_it(
    server: str, sql: str, request: pytest.FixtureRequest
) -> None:
    """A row that stands before it is rolled back with it."""
    told = commits_implicitly(split(sql, MYSQL).items[0])
    # Where autocommit was on before, nothing happens; its value is no word.
    assert told is (sql == "SET autocommit = 1")
    assert not survives(request.getfixturevalue(server), sql)


def survives(database: Database, sql: str) -> bool:
    """Put a row before a statement, roll back behind it, and look for the row."""
    with mysql_server.connect(database.place) as connection:
        cursor = connection.cursor()
        cursor.execute("CREATE TABLE claim (a INT) ENGINE InnoDB")
        cursor.execute("CREATE TABLE t (a INT)")
        cursor.execute("START TRANSACTION")
        cursor.execute("INSERT INTO claim VALUES (1)")
        try:
            cursor.execute(sql)
        except pymysql.MySQLError:
            assert "no" in sql  # nowhere, nobody, nothing
        cursor.execute("ROLLBACK")
        cursor.execute("UNLOCK TABLES")
    return bool(database.rows("SELECT * FROM claim"))


@pytest.mark.parametrize(
    ("sql", "controls", "ends"),
    [
        ("BEGIN", True, False),
        ("begin work", True, False),
        ("BEGIN NOT ATOMIC SELECT 1; END", False, False),
        ("START TRANSACTION WITH CONSISTENT SNAPSHOT", True, False),
        ("START SLAVE", False, False),
        ("COMMIT AND CHAIN", True, True),
        ("ROLLBACK WORK", True, True),
        ("ROLLBACK TO a", False, False),
        ("ROLLBACK WORK TO SAVEPOINT a", False, False),
        ("SAVEPOINT a", False, False),
        ("SET autocommit = 0", True, True),
        ("SET sql_mode = ''", False, False),
        ("XA START 'a'", True, False),
        ("XA COMMIT 'a'", True, True),
        ("CREATE PROCEDURE p() BEGIN COMMIT; END", False, False),
        ("ABORT", False, False),
    ],
)
def test_transaction_control(sql: str, *, controls: bool, ends: bool) -> None:
    """A block is none, and savepoints are none."""
    found = split(f"SELECT 1; {sql}; SELECT 2", MYSQL)
    statement = found.items[1]
    assert transaction_control(found, MYSQL) == ((statement,) if controls else ())
    if controls:
        assert ends_transaction(statement) is ends


@pytest.mark.parametrize(
    ("sql", "local"),
    [
        ("LOAD DATA LOCAL INFILE 'a' INTO TABLE t", True),
        ("load data low_priority local infile 'a' into table t", True),
        ("LOAD XML CONCURRENT LOCAL INFILE 'a' INTO TABLE t", True),
        ("LOAD DATA INFILE 'local' INTO TABLE t", False),
        ("LOAD INDEX INTO CACHE t", False),
        ("SELECT 'LOAD DATA LOCAL'", False),
    ],
)
def test_data_of_the_clients_is_found(sql: str, *, local: bool) -> None:
    """What the server reads itself is none."""
    found = split(sql, MYSQL)
    assert client_copy(found) == (found.items[0] if local else None)


@pytest.mark.parametrize(
    "sql",
    [
        "SET sql_mode = 'ANSI'",
        "set session sql_mode := ''",
        "SET LOCAL time_zone = '+00:00'",
        "SET @@sql_mode = ''",
        "SET @@session.sql_mode = ''",
        "SET @a = 'b, c = d', foreign_key_checks = 0",
        "SET NAMES latin1",
        "SET CHARACTER SET latin1",
        "SET SESSION TRANSACTION READ ONLY",
        "SET ROLE a",
        "USE mysql",
        "/*!40101 SET SQL_MODE='NO_AUTO_VALUE_ON_ZERO' */",
    ],
)
def test_a_setting_that_stays_is_found(sql: str) -> None:
    """It would change what the files that follow mean."""
    found = split(f"SELECT 1; {sql};", MYSQL)
    assert leaves_settings(found, MYSQL) == (found.items[1],)


@pytest.mark.parametrize(
    "sql",
    [
        "SET @a = 1, @b := 'sql_mode = 1, x = 2'",
        "SET GLOBAL sql_mode = ''",
        "SET @@global.sql_mode = '', PERSIST time_zone = ''",
        "SET TRANSACTION READ ONLY",
        "SET STATEMENT sql_mode = '' FOR SELECT 1",
        "SET PASSWORD = ''",
        "SET sql_mode = ''; SELECT 1; SET sql_mode = DEFAULT",
        (
            "/*!40101 SET @OLD=@@CHARACTER_SET_CLIENT */; /*!40101 SET NAMES utf8 */;"
            "/*!40101 SET @OLD_SQL_MODE=@@SQL_MODE, SQL_MODE='x' */; SELECT 1;"
            "/*!40101 SET SQL_MODE=@OLD_SQL_MODE */;"
            "/*!40101 SET CHARACTER_SET_CLIENT=@OLD */;"
        ),
        "UPDATE t SET a = 1, b = 2",
        "CREATE PROCEDURE p() SET sql_mode = ''",
    ],
)
def test_what_is_set_back_is_fine(sql: str) -> None:
    """Neither is a user's variable a setting, nor one of the server's the session's."""
    assert leaves_settings(split(sql, MYSQL), MYSQL) == ()
