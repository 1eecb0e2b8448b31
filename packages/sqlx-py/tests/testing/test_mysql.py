"""A project whose tests have their databases on a server of MySQL's kind."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from testing.live_mysql import databases, using

if TYPE_CHECKING:
    from collections.abc import Iterator

    import mysql_server
    from testing.projects import Project

MIGRATIONS = {
    "migrations/1_users.sql": "CREATE TABLE users (name VARCHAR(20) UNIQUE NOT NULL);",
    "fixtures/ada.sql": """\
DELIMITER //
CREATE TRIGGER shout BEFORE INSERT ON users FOR EACH ROW
BEGIN
    SET NEW.name = UPPER(NEW.name);
END //
DELIMITER ;
INSERT INTO users VALUES ('ada');
""",
    "fixtures/wrong.sql": "INSERT INTO users VALUES ('ada');\nINSERT INTO user\n  (1);",
}


ALL = """
import asyncmy, asyncmy.pool, pymysql, pytest, sqlx

def names(connection):
    with connection.cursor() as cursor:
        cursor.execute("SELECT name FROM users ORDER BY name")
        return [name for (name,) in cursor.fetchall()]

@pytest.mark.parametrize("number", range(2))
def test_fresh(db, db_url, number):
    assert type(db) is pymysql.Connection and db.get_autocommit()
    assert names(db) == []
    db.cursor().execute("INSERT INTO users VALUES ('grace')")
    with pytest.raises(pymysql.IntegrityError):
        db.cursor().execute("INSERT INTO users VALUES ('grace')")
    assert sqlx.Migrator("migrations").run(db_url).changes == ()

@pytest.mark.sqlx(fixtures=["ada"])
def test_fixtures(db):
    assert names(db) == ["ADA"]

@pytest.mark.sqlx(migrations=False, database="mariadb")
def test_empty(db):
    with db.cursor() as cursor:
        assert cursor.execute("SHOW TABLES") == 0

@pytest.mark.sqlx(fixtures=["ada"])
@pytest.mark.asyncio
async def test_async(db, adb, apool):
    async with adb.cursor() as cursor:
        await cursor.execute("INSERT INTO users VALUES ('alan')")
    async with apool.acquire() as connection, connection.cursor() as cursor:
        await cursor.execute("SELECT name FROM users")
        assert await cursor.fetchall() == (("ADA",), ("ALAN",))
    assert names(db) == ["ADA", "ALAN"]
    assert isinstance(apool, asyncmy.pool.Pool) and apool.maxsize == 5

def test_factory(db_factory):
    url = db_factory.create(fixtures=["fixtures/ada.sql"])
    assert sqlx.Migrator("migrations").run(url).changes == ()
    db_factory.drop(url)
"""


@pytest.fixture
def on_mariadb(project: Project, mariadb: mysql_server.Server) -> Iterator[Project]:
    """Let the project's tests have their databases on MariaDB."""
    project.write(MIGRATIONS)
    project.configure(sqlx_database=mariadb.url("mysql"))
    yield project
    with using(mariadb, fresh=True):
        pass


@pytest.mark.slow
def test_each_fixture_has_a_fresh_database(
    on_mariadb: Project, mariadb: mysql_server.Server
) -> None:
    """Connections and pools, sync and async, are those of PyMySQL and asyncmy."""
    ran = on_mariadb.run(ALL)
    assert ran.outcomes == {"passed": 6}
    assert databases(mariadb, "test") == set()
    (line,) = ran.lines("sqlx: ")
    shown = mariadb.url("mysql").partition("?")[0]
    assert re.fullmatch(
        rf"sqlx: MariaDB [0-9.]+ at {shown}, migrations/ \(1 file, "
        rf"digest {on_mariadb.digest}\)",
        line,
    )


SESSION = """
import pytest

@pytest.mark.sqlx(fixtures=["session"])
def test_session(db):
    cursor = db.cursor()
    cursor.execute("SELECT * FROM facts")
    assert cursor.fetchall() == (("ab", "+00:00", "utf8mb4"),)
    cursor.execute("SELECT modes FROM said")
    ((modes,),) = cursor.fetchall()
    assert {"PIPES_AS_CONCAT", "NO_ENGINE_SUBSTITUTION"} <= {*modes.split(",")}
"""


def test_fixtures_run_as_migrations_do(on_mariadb: Project) -> None:
    """Their session is SQLx's: `||` joins texts, and a day begins in UTC."""
    on_mariadb.write(
        {
            "migrations/2_said.sql": "CREATE TABLE said AS SELECT @@sql_mode AS modes;"
            "CREATE TABLE facts (joined TEXT, zone TEXT, client TEXT)",
            "fixtures/session.sql": "INSERT INTO facts SELECT 'a' || 'b', @@time_zone,"
            " @@character_set_client; UPDATE said SET modes = @@sql_mode;",
        }
    )
    assert on_mariadb.run(SESSION).outcomes == {"passed": 1}


REFUSED = {
    "pool": "PyMySQL has no pool; ask for db, or apool, or make a pool of another "
    "package's with db_url",
    "adb": "asyncmy is not installed; run: pip install 'sqlx-py[asyncmy]'",
    "apool": "asyncmy is not installed; run: pip install 'sqlx-py[asyncmy]'",
}


def test_what_is_missing_is_said(
    on_mariadb: Project,
    mariadb: mysql_server.Server,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """PyMySQL has no pool, and asyncmy may not be there."""
    monkeypatch.setattr("sqlx.testing.mysql.server.find_spec", lambda _: None)
    on_mariadb.configure(sqlx_database=mariadb.url(), asyncio_mode="auto")
    tests = [f"def test_{name}({name}): pass" for name in REFUSED]
    assert on_mariadb.run("\n".join(tests)).errors == {
        f"setup of test_{name}": message for name, message in REFUSED.items()
    }


FAILING = """
import pytest

def test_fails(db):
    db.cursor().execute("INSERT INTO users VALUES ('ada')")
    raise AssertionError

@pytest.mark.sqlx(fixtures=["wrong"])
def test_refused(db): pass
"""


@pytest.mark.slow
def test_a_database_of_a_test_that_fails_is_kept(
    on_mariadb: Project, mariadb: mysql_server.Server
) -> None:
    """Its URL is in the report; it goes when the test runs again."""
    ran = on_mariadb.run(FAILING)
    assert ran.outcomes == {"failed": 1, "errors": 1}
    assert ran.errors["setup of test_refused"] == (
        'failed to apply test fixture "wrong": fixtures/wrong.sql:3:4: 1064 (42000): '
        "You have an error in your SQL syntax; check the manual that corresponds to "
        "your MariaDB server version for the right syntax to use near '1)' at line 2\n"
        "    (1);\n"
        "     ^"
    )
    (name,) = databases(mariadb, "test")
    (line,) = ran.lines("kept: ")
    assert line == f"kept: {mariadb.url(name).replace('localhost/', 'localhost:3306/')}"
    assert mariadb.ask(f"SELECT name FROM {name}.users") == [("ada",)]
    assert on_mariadb.run("def test_fails(db): pass").outcomes == {"passed": 1}
    assert databases(mariadb, "test") == set()
    kept = on_mariadb.run("def test_kept(db): pass", "--sqlx-keep")
    (name,) = databases(mariadb, "test")
    assert name in "".join(kept.lines("kept test_it.py::test_kept: "))
    on_mariadb.run("def test_other(db): pass", "--sqlx-fresh")
    assert databases(mariadb, "test") == set()


def test_that_no_copy_can_be_made_is_said_once(
    on_mariadb: Project, mariadb: mysql_server.Server
) -> None:
    """Each test's database is migrated then: the end says why, and the mend."""
    mariadb.ask("CREATE ROLE reader")
    on_mariadb.write({"migrations/2_grant.sql": "GRANT SELECT ON users TO reader;"})
    try:
        ran = on_mariadb.run("def test_one(db): pass\ndef test_two(db): pass")
    finally:
        mariadb.ask("DROP ROLE reader")
    assert ran.outcomes == {"passed": 2}
    assert ran.lines("a test's database") == [
        (
            "a test's database is migrated, for no copy can be made: users: something "
            "is granted on it to 'reader'@''; grant it outside of the migrations"
        )
    ]


@pytest.mark.parametrize(("database", "named"), [("app", "app."), ("", "")])
def test_a_migration_that_fails_is_one_error(
    on_mariadb: Project, mariadb: mysql_server.Server, database: str, named: str
) -> None:
    """As on PostgreSQL, one test has it, and the others are skipped.

    It does not speak of the template, which is gone, nor of a row to be mended there.
    """
    on_mariadb.configure(sqlx_database=mariadb.url(database))
    wrong = "CREATE TABLE more (id INT);\nINSERT INTO nobody VALUES (1);\n"
    on_mariadb.write({"migrations/2_wrong.sql": wrong})
    ran = on_mariadb.run("def test_one(db): pass\ndef test_two(db): pass")
    assert ran.outcomes == {"errors": 1, "skipped": 1}
    assert ran.errors["setup of test_one"] == (
        "migrations/2_wrong.sql:2:1: while executing migration 2: 1146 (42S02): Table "
        f"'{named}nobody' doesn't exist\n  INSERT INTO nobody VALUES (1);\n  ^\n"
        "state: a test's database is made anew each time: mend the file and run again"
    )
    assert databases(mariadb, "test") == set()


@pytest.mark.slow
def test_a_right_that_is_missing_is_one_on_our_names(
    on_mariadb: Project, mariadb: mysql_server.Server
) -> None:
    """The server's word stays as it is, and the mend is no file's."""
    mariadb.ask("CREATE USER poor")
    mariadb.ask(
        r"GRANT CREATE, DROP, SELECT, INSERT, UPDATE, DELETE ON `\_sqlx\_%`.* TO poor"
    )
    on_mariadb.configure(sqlx_database=mariadb.url("app", "poor"))
    on_mariadb.write({"migrations/2_more.sql": "ALTER TABLE users ADD more INT;"})
    ran = on_mariadb.run("def test_one(db): pass")
    mariadb.ask("DROP USER poor")
    told = ran.errors["setup of test_one"]
    assert re.search(r"ALTER command denied .*`_sqlx_template_.*`\.`users`", told), told
    assert told.endswith(
        "state: test databases have names of their own: GRANT what migrations need on "
        r"`\_sqlx\_%`.*"
    )


def test_a_fixture_that_fails_names_no_database_of_ours(
    on_mariadb: Project, mariadb: mysql_server.Server
) -> None:
    """Nobody would find it: it is dropped."""
    on_mariadb.configure(sqlx_database=mariadb.url("app"))
    on_mariadb.write({"fixtures/wrong.sql": "INSERT INTO nobody VALUES (1);"})
    tests = (
        "import pytest\n@pytest.mark.sqlx(fixtures=['wrong'])\ndef test_it(db): pass"
    )
    assert on_mariadb.run(tests).errors["setup of test_it"] == (
        'failed to apply test fixture "wrong": fixtures/wrong.sql:1:1: 1146 (42S02): '
        "Table 'app.nobody' doesn't exist\n  INSERT INTO nobody VALUES (1);\n  ^"
    )


@pytest.mark.slow
def test_processes_of_xdist_share_a_server(
    on_mariadb: Project, mariadb: mysql_server.Server
) -> None:
    """Each makes databases of its own from one template, and drops them."""
    tests = "import pytest\n@pytest.mark.parametrize('number', range(40))\n"
    tests += "def test_it(db, number):\n"
    tests += "    assert db.cursor().execute('SELECT * FROM users') == 0\n"
    tests += "    db.cursor().execute('INSERT INTO users VALUES (1)')\n"
    assert on_mariadb.run_apart(tests, "-n2").outcomes == {"passed": 40}
    assert databases(mariadb, "test") == set()
