"""Copies on servers of MySQL's kind: equal in everything, or not made at all."""

from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING

import mysql_server
import pytest
from testing.live_mysql import using

import sqlx
from sqlx.testing.mysql import capture as capturing
from sqlx.testing.mysql import templates
from sqlx.testing.mysql.words import NOTE

if TYPE_CHECKING:
    from collections.abc import Iterator

ONE = sqlx.Migrator({"1_users.sql": "CREATE TABLE users (name TEXT)"})


@pytest.fixture
def server(either_mysql: mysql_server.Server) -> mysql_server.Server:
    """Give a MariaDB, and a MySQL, on which nothing of ours is."""
    return either_mysql


EVERYTHING = {
    "1_tables.sql": r"""
ALTER DATABASE COLLATE utf8mb4_bin;
CREATE TABLE `o'dd ``one "` (id BIGINT PRIMARY KEY AUTO_INCREMENT, other BIGINT,
    CONSTRAINT loops FOREIGN KEY (other) REFERENCES `o'dd ``one "` (id));
SET sql_mode = 'NO_AUTO_VALUE_ON_ZERO';
CREATE TABLE things (
    id BIGINT PRIMARY KEY AUTO_INCREMENT,
    name VARCHAR(20) CHARACTER SET latin1 COLLATE latin1_german2_ci DEFAULT 'it\'s',
    twice VARCHAR(40) AS (CONCAT(name, name)) VIRTUAL,
    number INT DEFAULT 7 INVISIBLE,
    more INT AS (number + 1) STORED,
    at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP,
    zero DATE NOT NULL DEFAULT '0000-00-00',
    f FLOAT, d DOUBLE, b BLOB, bits BIT(3), place POINT, j JSON,
    kind ENUM ('a', 'ä') COMMENT 'a ''kind''',
    CHECK (name <> 'y'), FULLTEXT (name), UNIQUE (name, number));
INSERT INTO things (id, name, number, at, f, d, b, bits, place, j, kind) VALUES
    (0, 'ß', 3, '2020-10-25 00:30:00', 16777217, 0.1, x'00FF27', b'101',
     POINT(1, 2), '{"a": [1]}', 'ä'),
    (5, 'x\\', NULL, '2020-10-25 01:30:00', 1e-30, 1e300, NULL, NULL, NULL, NULL, 'a');
ALTER TABLE things AUTO_INCREMENT = 100;
CREATE TABLE parts (thing BIGINT, FOREIGN KEY (thing) REFERENCES things (id)
    ON DELETE CASCADE);
CREATE TABLE plain (a INT, b TEXT, KEY (b(3))) ENGINE = MyISAM;
CREATE TABLE counted (id BIGINT, v INT) PARTITION BY HASH (id) PARTITIONS 3;
INSERT INTO counted VALUES (1, 1), (2, 2);
""",
    "2_views.sql": """
CREATE FUNCTION twice(x INT) RETURNS INT DETERMINISTIC RETURN x * 2;
CREATE VIEW last AS SELECT id, twice(id) AS t, 'ä' AS things FROM things;
CREATE VIEW first AS SELECT l.t AS last FROM last AS l JOIN things ON l.id = things.id;
""",
    "3_code.sql": """
SET sql_mode = 'ANSI_QUOTES,PIPES_AS_CONCAT';
DELIMITER //
CREATE PROCEDURE fill(IN n INT)
BEGIN
    INSERT INTO plain (a, b) VALUES (n, 'a' || '\\\\;'); -- "plain"
    INSERT INTO "plain" (a) VALUES (n + 1);
END //
CREATE TRIGGER zz BEFORE INSERT ON plain FOR EACH ROW SET NEW.b = CONCAT(NEW.b, 'z') //
CREATE TRIGGER aa BEFORE INSERT ON plain FOR EACH ROW SET NEW.b = CONCAT(NEW.b, 'a')
-- The second one.
//
CREATE EVENT hourly ON SCHEDULE EVERY 1 HOUR STARTS '2020-01-01 00:00:00' DISABLE
    DO CALL fill(1) //
""",
}
MORE = {
    "4_mariadb.sql": """
CREATE SEQUENCE numbers START WITH 5 INCREMENT BY 3;
DO NEXTVAL(numbers);
CREATE TABLE numbered (id BIGINT DEFAULT NEXTVAL(numbers), v INT);
INSERT INTO numbered (v) VALUES (1), (2);
CREATE TABLE versioned (a INT) WITH SYSTEM VERSIONING;
"""
}


def dump(server: mysql_server.Server, database: str) -> str:
    """Write a database out as MariaDB's own program does, but for our history."""
    done = subprocess.run(
        [
            *("mariadb-dump", "--no-defaults", f"--socket={server.socket}"),
            *("--user=root", "--routines", "--events", "--hex-blob", "--skip-comments"),
            f"--ignore-table={database}._sqlx_migrations",
            *("--databases", database),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    text = re.sub(" CHARACTER SET [a-z0-9]+(?= COLLATE )", "", done.stdout)
    lines = text.replace(database, "_").splitlines()
    # What a sequence has in its cache is not in the dump.
    return "\n".join(line for line in lines if not line.startswith("DO SETVAL"))


@pytest.mark.slow
def test_a_clone_is_what_migrations_make(server: mysql_server.Server) -> None:
    """Each object and each row is that of a database migrated anew."""
    is_mariadb = server.flavour is mysql_server.MARIADB
    migrator = sqlx.Migrator(EVERYTHING | (MORE if is_mariadb else {}))
    with using(server) as ours:
        cloned, anew = ours.take(migrator), ours._new_name()
        template = ours._templates[ours._name(migrator)]
        assert template.obstacle == ""
        server.ask(f"CREATE DATABASE {anew}")
        migrator.run(ours.url(anew))
        expected = dump(server, anew)
        assert dump(server, cloned) == expected
        for name in ("loops", "counted", "first", "fill", "zz", "hourly"):
            assert name in expected
        for database in (anew, cloned):
            checked = f"SELECT version, success, checksum FROM {database}"
            rows = server.ask(f"{checked}._sqlx_migrations ORDER BY version")
            assert [row[:2] for row in rows][:3] == [(1, 1), (2, 1), (3, 1)]
            numbers = [f"SELECT NEXTVAL({database}.numbers)"] * 2 * is_mariadb
            assert [*map(server.ask, numbers)] == [[(14,)], [(17,)]][: len(numbers)]
        server.ask(f"SELECT last FROM {cloned}.first")
        with using(server) as other:
            assert dump(server, other.take(migrator)) == expected
            assert other._templates[other._name(migrator)].pieces == template.pieces


OBSTACLES = {
    "granted": (
        "GRANT SELECT ON things TO reader",
        (
            "things: something is granted on it to 'reader'@'%'; grant it outside of "
            "the migrations"
        ),
    ),
    "history": (
        "ALTER TABLE things ADD SYSTEM VERSIONING",
        "things: it has rows with a history; let a fixture insert them",
    ),
    "charset": (
        "SET NAMES latin1; CREATE FUNCTION f() RETURNS TEXT DETERMINISTIC RETURN 'ä'",
        "f: it was written in latin1; make it with SET NAMES utf8mb4",
    ),
    "collation": (
        (
            "ALTER DATABASE COLLATE utf8mb4_unicode_ci;"
            "CREATE FUNCTION f() RETURNS INT DETERMINISTIC RETURN 1;"
            "ALTER DATABASE COLLATE utf8mb4_bin"
        ),
        (
            "f: it was made in a database of utf8mb4_unicode_ci; choose the database's "
            "collation before"
        ),
    ),
    "broken": (
        "CREATE VIEW v AS SELECT * FROM things; RENAME TABLE things TO others",
        "the copy: Table '{trial}things' doesn't exist; mend or drop what needs it",
    ),
}


@pytest.fixture
def reader(server: mysql_server.Server) -> Iterator[None]:
    """Make the role that a migration speaks of."""
    server.ask("CREATE USER reader")
    yield
    server.ask("DROP USER reader")


@pytest.mark.slow
@pytest.mark.usefixtures("reader")
@pytest.mark.parametrize("name", OBSTACLES)
def test_what_cannot_be_copied_is_migrated(
    server: mysql_server.Server, name: str
) -> None:
    """A test's database is then made by the migrations, and it is said why."""
    if (name, server.flavour) == ("history", mysql_server.MYSQL):
        pytest.skip("MySQL keeps no history of rows")
    sql, obstacle = OBSTACLES[name]
    table = "CREATE TABLE things AS SELECT 1 AS one;"
    migrator = sqlx.Migrator({"1_a.sql": table, "2_b.sql": sql})
    with using(server) as ours, using(server) as other:
        made = [each.take(migrator) for each in (ours, ours, other)]
        for each in (ours, other):
            template = each._templates[each._name(migrator)]
            trial = f"_sqlx_test_{ours.session:08x}_1."
            assert template.obstacle == obstacle.format(trial=trial)
            assert each.told == [
                "a test's database is migrated, for no copy can be made: "
                + obstacle.format(trial="mysql.")
            ]
        anew = ours._new_name()
        server.ask(f"CREATE DATABASE {anew}")
        migrator.run(ours.url(anew))
        if name not in {"history", "broken"}:  # Its dump has times, or fails.
            assert {dump(server, each) for each in made} == {dump(server, anew)}


def test_what_is_copied_is_compared(
    server: mysql_server.Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A row that the server would not copy as it is has another checksum."""
    table = "CREATE TABLE numbers (id INT PRIMARY KEY AUTO_INCREMENT);"
    zero = "SET sql_mode = 'NO_AUTO_VALUE_ON_ZERO'; INSERT INTO numbers VALUES (0)"
    migrator = sqlx.Migrator({"1_a.sql": table + zero})
    numbered = capturing.SETTINGS.replace("NO_AUTO_VALUE_ON_ZERO", "")
    monkeypatch.setattr(templates, "SETTINGS", numbered)
    with using(server) as ours:
        made = ours.take(migrator)
        told = ours._templates[ours._name(migrator)].obstacle
        assert "numbers: what is made by these statements differs" in told
        assert server.ask(f"SELECT id FROM {made}.numbers") == [(0,)]


def test_views_that_are_named_like_columns(server: mysql_server.Server) -> None:
    """Where it is not known which view comes first, they are migrated at worst."""
    sql = """
        CREATE TABLE t (a INT, b INT);
        CREATE VIEW a AS SELECT b.b, 1 AS `(b` FROM t b;
        CREATE VIEW b AS SELECT a.a FROM t a;
    """
    with using(server) as ours:
        migrator = sqlx.Migrator({"1_a.sql": sql})
        made = ours.take(migrator)
        assert ours._templates[ours._name(migrator)].obstacle == ""
        assert server.ask(f"SELECT * FROM {made}.a, {made}.b") == []


def test_events_do_not_run_in_the_template(server: mysql_server.Server) -> None:
    """They are in each copy, where a test may want them."""
    sql = "CREATE EVENT `an event` ON SCHEDULE EVERY 1 YEAR DO DELETE FROM users"
    migrator = sqlx.Migrator({"1_event.sql": sql})
    events = (
        "SELECT event_schema FROM information_schema.events"
        " WHERE event_schema LIKE '\\_sqlx\\_%'"
    )
    with using(server) as ours:
        made = {ours.take(migrator), ours.take(migrator)}
        assert {name for (name,) in server.ask(events)} == made


@pytest.mark.slow
def test_a_large_database_takes_several_messages(server: mysql_server.Server) -> None:
    """No message is larger than a server takes that has little memory."""
    begin = "SET GLOBAL max_allowed_packet = {}"
    tables = {
        f"{n}_t.sql": f"CREATE TABLE t{n} (a INT COMMENT '{'x' * 1000}') "
        f"COMMENT '{'y' * 2000}'"
        for n in range(1, 201)
    }
    server.ask(begin.format(1 << 20))
    try:
        with using(server) as ours:
            made = ours.take(sqlx.Migrator(tables))
            assert server.ask(f"SELECT count(*) FROM {made}.t200") == [(0,)]
    finally:
        server.ask(begin.format(1 << 24))


def test_the_note_is_not_copied(server: mysql_server.Server) -> None:
    """A test's database has no table of ours but the history."""
    with using(server) as ours:
        tables = server.ask(f"SHOW TABLES FROM {ours.take(ONE)}")
        assert tables == [("_sqlx_migrations",), ("users",)]
        assert (NOTE,) in server.ask(f"SHOW TABLES FROM {ours._name(ONE)}")
