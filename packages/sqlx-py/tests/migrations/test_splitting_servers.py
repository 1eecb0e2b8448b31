"""MySQL's splitter against MariaDB, MySQL itself, and what they write themselves."""

from __future__ import annotations

import re
import subprocess
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import mysql_server
import pymysql
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pymysql.constants import CLIENT

from sqlx.migrations.statements import Syntax, split

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mysql_server import Server
    from support import Database

Connections: TypeAlias = "tuple[pymysql.Connection[Any], pymysql.Connection[Any]]"


@pytest.fixture(scope="module")
def connections(mariadb: Server) -> Iterator[Connections]:
    """Connect to a database of MariaDB's."""
    yield from connected(mariadb)


@pytest.fixture(scope="module")
def connections_of_mysql(mysql: Server) -> Iterator[Connections]:
    """Connect to a database of MySQL's."""
    yield from connected(mysql)


def connected(server: Server) -> Iterator[Connections]:
    """Connect twice: for many statements a message, and for one."""
    server.ask("CREATE DATABASE splitting")
    for_many, for_one = (
        pymysql.connect(
            unix_socket=server.socket,
            user="root",
            database="splitting",
            autocommit=True,
            client_flag=flags,
            ssl_disabled=True,
        )
        for flags in (CLIENT.MULTI_STATEMENTS, 0)
    )
    with for_many, for_one:
        yield for_many, for_one


def run(connection: pymysql.Connection[Any], *texts: str) -> tuple[list[Any], int]:
    """Run texts up to the first error: all rows, and the error's number."""
    rows: list[Any] = []
    with connection.cursor() as cursor:
        try:
            for text in texts:
                cursor.execute(text)
                rows += cursor.fetchall()
                while cursor.nextset():
                    rows += cursor.fetchall()
        except pymysql.MySQLError as error:
            return rows, error.args[0]
    return rows, 0


SIMPLE = st.sampled_from(
    [
        *("SELECT 1", "DO 0", "SELECT 2 -- ;\n", "SELECT 3 # ;\n", "SELECT /* ; */ 4"),
        *("SELECT 'a\\';', \"b;\\\"\"", "SELECT `end` FROM (SELECT 5 AS end) AS begin"),
        *("SET @a = CASE WHEN 1 THEN 2 END", "SELECT IF(1, ';', 7), REPEAT(';', 2)"),
        *("SELECT /*! 8 */", "SELECT CASE end WHEN 1 THEN end ELSE end END FROM"),
        *(
            "SELECT (CASE WHEN 1 THEN (9) END)",
            "SELECT end FROM (SELECT 1 AS end) AS x",
        ),
    ]
)


BLOCKS = [
    "BEGIN {}; {}; END",
    "l: BEGIN {}; END l",
    "IF 1 THEN {}; ELSEIF CASE WHEN 1 THEN 0 END THEN {}; ELSE {}; END IF",
    "IF 0 THEN {}; END IF",
    "CASE 1 WHEN CASE 1 WHEN 2 THEN 3 END THEN {}; ELSE {}; END CASE",
    "CASE WHEN 1 THEN {}; {}; END CASE",
    "WHILE 0 DO {}; END WHILE",
    "REPEAT {}; UNTIL CASE WHEN 1 THEN 1 END END REPEAT",
    "m: LOOP {}; LEAVE m; END LOOP m",
    "BEGIN DECLARE end INT; DECLARE EXIT HANDLER FOR 1, NOT FOUND {}; {}; END",
]
PROGRAMS = [
    "PROCEDURE p() {}",
    "PROCEDURE p(a INT) COMMENT 'a''b;' NO SQL {}",
    "FUNCTION f() RETURNS ENUM(';') DETERMINISTIC BEGIN {}; RETURN 1; END",
    "TRIGGER t BEFORE INSERT ON a FOR EACH ROW {}",
    "EVENT e ON SCHEDULE EVERY 1 DAY DISABLE DO {}",
]


def blocks(forms: list[str], inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Put statements into blocks."""
    return st.sampled_from(forms).flatmap(
        lambda form: st.tuples(*[inner] * form.count("{}")).map(
            lambda chosen: form.format(*chosen)
        )
    )


def programs(block: str, forms: list[str]) -> st.SearchStrategy[str]:
    """Make what a file may hold of a statement that is or is not a block."""
    return st.sampled_from([form.replace("{}", block) for form in forms])


def statements(of_blocks: list[str], of_programs: list[str]) -> st.SearchStrategy[str]:
    """Make statements of all kinds."""
    nested = st.recursive(SIMPLE, partial(blocks, of_blocks), max_leaves=5)
    return SIMPLE | nested.flatmap(lambda block: programs(block, of_programs))


OF_MARIADB = statements(
    [*BLOCKS, "FOR i IN 1..2 DO {}; {}; END FOR"],
    [
        *(f"CREATE OR REPLACE {form}" for form in PROGRAMS),
        "BEGIN NOT ATOMIC {}; END",
        "/*!50003 CREATE OR REPLACE*/ /*!50003 PROCEDURE p() {} */",
    ],
)
# One behind the other: there is no OR REPLACE.
OF_MYSQL = statements(
    BLOCKS,
    [
        f"DROP {' IF EXISTS '.join(form.split('(')[0].split()[:2])};;CREATE {form}"
        for form in PROGRAMS
    ],
)
on_a_server = settings(
    deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.mark.slow
@given(st.lists(OF_MARIADB, min_size=1, max_size=4))
@on_a_server
def test_mariadb_ends_statements_where_we_do(
    connections: Connections, written: list[str]
) -> None:
    """Statement by statement: the same rows and the same error as in one message."""
    agree(connections, written)


@pytest.mark.slow
@given(st.lists(OF_MYSQL, min_size=1, max_size=4))
@on_a_server
def test_mysql_ends_statements_where_we_do(
    connections_of_mysql: Connections, written: list[str]
) -> None:
    """MySQL itself does, too."""
    alone = [text for texts in written for text in texts.split(";;")]
    agree(connections_of_mysql, alone)


def agree(connections: Connections, written: list[str]) -> None:
    """Hold our statements against a server's."""
    for_many, for_one = connections
    text = "; ".join(written)
    found = split(text, Syntax.MYSQL)
    assert found.certain
    assert len(found.items) == len(written)
    alone = run(for_one, *map(found.sql, found.items))
    assert alone == run(for_many, text)


SCHEMA = r"""
CREATE TABLE a (id INT PRIMARY KEY, `b;` VARCHAR(20) COMMENT 'it''s;', c BLOB);
INSERT INTO a VALUES (1, 'a\';b', x'00275c3b'), (2, '-- "', 'DELIMITER ;;');
CREATE TABLE log (at DATETIME, what TEXT);
CREATE VIEW v AS SELECT id AS `end`, 'a;' AS begin FROM a;
CREATE TRIGGER t AFTER INSERT ON a FOR EACH ROW BEGIN
  IF NEW.id > 1 THEN INSERT INTO log VALUES (NOW(), ';'); END IF; -- END;
END;
CREATE PROCEDURE p(OUT n INT) COMMENT 'it''s;' BEGIN
  DECLARE done INT DEFAULT 0;
  DECLARE c CURSOR FOR SELECT id FROM a;
  DECLARE CONTINUE HANDLER FOR NOT FOUND SET done = 1;
  OPEN c;
  l: LOOP FETCH c INTO n; IF done THEN LEAVE l; END IF; END LOOP;
  SET n = CASE WHEN n > 1 THEN 2 ELSE n END;
END;
CREATE FUNCTION f(a INT) RETURNS VARCHAR(9) DETERMINISTIC RETURN REPEAT(';', a);
CREATE EVENT e ON SCHEDULE EVERY 1 DAY DISABLE DO BEGIN DELETE FROM log; END;
"""


def test_a_dump_is_restored_statement_by_statement(
    on_mysql: Database, mariadb: Server
) -> None:
    """`mariadb-dump` writes for the client: DELIMITER, and code in comments."""
    on_mysql.execute(SCHEMA)
    dumped = dump(mariadb, on_mysql.name)
    found = split(dumped, Syntax.MYSQL)
    assert found.certain
    assert found.cuts
    copy = f"{on_mysql.name}_copy"
    mariadb.ask(f"CREATE DATABASE {copy}")
    with mysql_server.connect(mariadb.url(copy)) as connection:
        assert run(connection, *map(found.sql, found.items)) == ([], 0)
    assert dump(mariadb, copy).replace(copy, on_mysql.name) == dumped


def dump(server: Server, database: str) -> str:
    """Write a database as SQL, with all its programs."""
    command = [mysql_server.client("mariadb-dump"), "--no-defaults", "-uroot"]
    options = ["--routines", "--events", "--triggers", "--skip-dump-date"]
    done = subprocess.run(
        [*command, f"-S{server.socket}", *options, database],
        capture_output=True,
        text=True,
        check=True,
    )
    return re.sub("(?m)^-- Host: .*$", "", done.stdout)


def test_the_servers_own_programs_are_cut_where_they_end(mariadb: Server) -> None:
    """The `sys` schema as MariaDB brings it can be created again, one by one."""
    scripts = [*Path("/usr/share").glob("m*/m*_sys_schema.sql")]
    if not scripts:
        pytest.skip("the sys schema of MariaDB is not in /usr/share")
    found = split(scripts[0].read_text(encoding="utf-8"), Syntax.MYSQL)
    assert found.certain
    count = (
        "SELECT COUNT(*) FROM information_schema.routines WHERE routine_schema='sys'"
    )
    ((before,),) = mariadb.ask(count)
    with mysql_server.connect(mariadb.url("sys")) as connection:
        assert run(connection, *map(found.sql, found.items))[1] == 0
    assert mariadb.ask(count) == [(before,)]
    assert before > 40
