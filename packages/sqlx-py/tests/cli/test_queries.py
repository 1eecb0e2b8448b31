"""`sqlx prepare` and `sqlx check`: what is said, what is written, and what is asked."""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path
from textwrap import dedent
from typing import TYPE_CHECKING

import pytest

from sqlx.queries.values import query_hash

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cli.conftest import Command

SCHEMA = (
    "CREATE TABLE pets (id INTEGER PRIMARY KEY, name TEXT NOT NULL, age INTEGER);\n"
)
NAMES = "SELECT name FROM pets WHERE age > ?1"
APP = f"""
import sqlite3

import sqlx


@sqlx.query("{NAMES}")
def names(connection: sqlite3.Connection, age: int) -> list[str]:
    raise NotImplementedError
"""
NAME = query_hash(NAMES)
WRITTEN = (
    "query data written to .sqlx in the current directory; "
    "please check this into version control\n"
)
RIGHT = "1 query in 1 module, 0 errors\n"
OLD = "migrations/20250101000000_pets.sql"
NEW = "migrations/20250102000000_more.sql"
FILES = [
    "python",
    f"python/{NAME}.json",
    "python/prepared.json",
    f"query-{NAME}.json",
]


def write(name: str, text: str) -> None:
    """Write a file of the project."""
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(dedent(text).lstrip("\n"))


def files(folder: str = ".sqlx") -> list[str]:
    """List what lies in the cache."""
    found = sorted(Path(folder).rglob("*"))
    return [path.relative_to(folder).as_posix() for path in found]


@pytest.fixture(autouse=True)
def project(here: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """One migration, one module with one query that is right, for SQLite."""
    for name in ("SQLX_OFFLINE", "SQLX_OFFLINE_DIR"):
        monkeypatch.delenv(name, raising=False)
    write(OLD, SCHEMA)
    write("app.py", APP)
    return here


@pytest.fixture
def port(monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """A port that DATABASE_URL names and that nobody may connect to."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(0)
        number = listening.getsockname()[1]
        monkeypatch.setenv("DATABASE_URL", f"postgres://x@127.0.0.1:{number}/x")
        yield listening


def test_prepare_writes_the_cache_and_says_so(sqlx: Command) -> None:
    """SQLx's line is on stdout, the count on stderr."""
    result = sqlx("prepare", "app")
    assert (result.code, result.out, result.err) == (0, WRITTEN, RIGHT)
    assert files() == FILES
    document = json.loads(Path(f".sqlx/query-{NAME}.json").read_text())
    assert document["query"] == NAMES
    assert document["describe"]["columns"] == [
        {
            "name": "name",
            "ordinal": 0,
            "type_info": "Text",
            "origin": {"Table": {"table": "pets", "name": "name"}},
        }
    ]


def test_a_second_prepare_asks_no_database(
    sqlx: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was described is known; a URL that leads nowhere is not noticed."""
    sqlx("prepare", "app")
    monkeypatch.setenv("DATABASE_URL", "sqlite:nowhere.db")
    result = sqlx("prepare", "app")
    assert (result.code, result.out, result.err) == (0, WRITTEN, RIGHT)
    asked = sqlx("prepare", "app", "--fresh")
    assert asked.code == 1
    assert asked.err.startswith("error: nowhere.db cannot be opened: ")


@pytest.mark.parametrize("variable", ["true", "TRUE", "1"])
def test_offline_opens_no_connection(
    sqlx: Command, port: socket.socket, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    """The cache alone is asked, wherever DATABASE_URL leads."""
    sqlx("prepare", "app", "--scratch", "sqlite")
    monkeypatch.setenv("SQLX_OFFLINE", variable)
    result = sqlx("check", "app")
    assert (result.code, result.out, result.err) == (0, "", RIGHT)
    with pytest.raises(BlockingIOError):
        port.accept()


def test_all_queries_of_a_module_are_looked_up(sqlx: Command) -> None:
    """In one cache, however many there are."""
    write("app.py", APP + APP.replace("names", "older").replace("age >", "age <"))
    assert sqlx("prepare", "app").code == 0
    result = sqlx("check", "app", "--offline")
    assert (result.code, result.err) == (0, "2 queries in 1 module, 0 errors\n")


@pytest.mark.slow
def test_the_option_is_offline_too(sqlx: Command, port: socket.socket) -> None:
    """`--offline` needs no variable, and `SQLX_OFFLINE=false` is not offline."""
    sqlx("prepare", "app", "--scratch", "sqlite")
    assert sqlx("check", "app", "--offline").code == 0
    os.environ["SQLX_OFFLINE"] = "false"
    assert sqlx("check", "app", "--connect-timeout", "0").code == 1
    connection, _ = port.accept()
    connection.close()


def test_a_changed_query_is_not_in_the_cache(sqlx: Command) -> None:
    """Offline, the check fails at its line."""
    sqlx("prepare", "app")
    write("app.py", APP.replace("age >", "age <"))
    result = sqlx("check", "app", "--offline")
    assert (result.code, result.err) == (1, "1 query in 1 module, 1 error\n")
    assert result.out == (
        "app.py:6:14: error: there is no cached data for this query: it is new, or was "
        "changed since the cache was made; run `sqlx prepare`, or unset SQLX_OFFLINE "
        "[cache-missing]\n"
    )


def test_a_missing_cache_file_is_named_by_its_query(sqlx: Command) -> None:
    """A file of `.sqlx/` that somebody removed is missed."""
    sqlx("prepare", "app")
    Path(f".sqlx/query-{NAME}.json").unlink()
    result = sqlx("check", "app", "--offline")
    assert result.code == 1
    assert result.out.startswith("app.py:6:14: error: there is no cached data ")


def test_other_migrations_than_the_caches_are_noticed(sqlx: Command) -> None:
    """A new one, a changed one, and one that is gone."""
    sqlx("prepare", "app")
    write(NEW, "CREATE TABLE more (id INTEGER);")
    write(OLD, SCHEMA + "-- changed\n")
    result = sqlx("check", "app", "--offline")
    assert (result.code, result.out) == (
        1,
        (
            f"{OLD}:1:1: error: the cache was made before it changed; run `sqlx "
            "prepare` "
            "[cache-migrations]\n"
            f"{NEW}:1:1: error: the cache was made without it; run `sqlx prepare` "
            "[cache-migrations]\n"
        ),
    )
    sqlx("prepare", "app")
    Path(NEW).unlink()
    result = sqlx("check", "app", "--offline")
    assert (result.code, result.out) == (
        1,
        (
            ".sqlx/python/prepared.json:1:1: error: the cache was made with migration "
            "20250102000000, which is not in migrations; restore its file, or run "
            "`sqlx prepare` [cache-migrations]\n"
        ),
    )


OTHER = APP.replace("SELECT name", "SELECT name AS other")
LEFT_OUT = (
    "other.py:6:14: error: the cache was made for other migrations since, and this "
    "query was left out; run `sqlx prepare` with its package [cache-migrations]\n"
)


def test_a_package_that_was_left_out_is_not_blessed(sqlx: Command) -> None:
    """Its files are from before the migration, whoever was prepared after it."""
    write("other.py", OTHER)
    sqlx("prepare", "app", "other")
    write(NEW, "CREATE TABLE more (id INTEGER);")
    assert sqlx("prepare", "app").code == 0
    assert sqlx("check", "app", "--offline").code == 0
    result = sqlx("check", "app", "other", "--offline")
    assert (result.code, result.out) == (1, LEFT_OUT)
    result = sqlx("prepare", "other", "--check")
    assert (result.code, result.out) == (1, LEFT_OUT)
    assert sqlx("prepare", "app").code == 0
    assert sqlx("check", "other", "--offline").out == LEFT_OUT
    assert sqlx("prepare", "other").code == 0
    assert sqlx("check", "app", "other", "--offline").code == 0


def test_a_query_that_was_left_out_is_asked_again(sqlx: Command) -> None:
    """What the migration broke is found, although its file lies there."""
    write("other.py", OTHER)
    sqlx("prepare", "app", "other")
    write(NEW, "ALTER TABLE pets RENAME COLUMN name TO called;")
    write("app.py", APP.replace("SELECT name", "SELECT called"))
    assert sqlx("prepare", "app").code == 0
    result = sqlx("prepare", "other")
    assert result.code == 1
    assert "no such column: name [code 1] [sql]" in result.out


def test_when_it_is_not_known_how_a_cache_was_made_others_are_outdated(
    sqlx: Command,
) -> None:
    """A broken file tells nothing of the queries that are left out."""
    write("other.py", OTHER)
    sqlx("prepare", "app", "other")
    Path(".sqlx/python/prepared.json").write_text("{")
    assert sqlx("prepare", "app").code == 0
    assert sqlx("check", "other", "--offline").out == LEFT_OUT


def test_pruning_with_no_query_removes_nothing(sqlx: Command) -> None:
    """A package that has lost its queries is more likely a mistake."""
    sqlx("prepare", "app")
    write("app.py", "")
    result = sqlx("prepare", "app", "--prune")
    assert result.code == 0
    assert result.err.splitlines()[1] == "warning: no queries found"
    assert files() == FILES


def test_a_cache_without_its_migrations_is_refused(sqlx: Command) -> None:
    """Where there are none, it cannot be known whether it fits."""
    sqlx("prepare", "app")
    Path("migrations").rename("elsewhere")
    result = sqlx("check", "app", "--offline")
    assert (result.code, result.out) == (
        1,
        (
            ".sqlx/python/prepared.json:1:1: error: the cache was made from "
            "migrations, and "
            "there are none here; say where they are with --source, or as "
            "`migrations-dir` in `sqlx.toml` [cache-migrations]\n"
        ),
    )
    assert sqlx("check", "app", "--offline", "--source", "elsewhere").code == 0


def test_a_cache_that_sqlx_wrote_is_believed(sqlx: Command) -> None:
    """It has no word of ours: how much of it is SQLx's alone is said."""
    sqlx("prepare", "app")
    Path(f".sqlx/python/{NAME}.json").unlink()
    Path(".sqlx/python/prepared.json").unlink()
    result = sqlx("check", "app", "--offline")
    assert (result.code, result.out) == (0, "")
    assert result.err == (
        "1 query in 1 module, 0 errors, what may be NULL in 1 query is SQLx's word\n"
    )


@pytest.mark.parametrize(
    ("name", "text", "where"),
    [
        (f".sqlx/query-{NAME}.json", "{", "app.py:7:5"),
        (".sqlx/python/prepared.json", "[]", ".sqlx/python/prepared.json"),
    ],
)
def test_a_broken_cache_file_is_a_finding(
    sqlx: Command, name: str, text: str, where: str
) -> None:
    """Offline it is one; the next prepare writes it anew."""
    sqlx("prepare", "app")
    right = Path(name).read_bytes()
    Path(name).write_text(text)
    result = sqlx("check", "app", "--offline")
    assert result.code == 1
    assert result.out.startswith(f"{where}: error: {name}")
    assert result.out.endswith("[cache-file]\n")
    assert sqlx("prepare", "app").code == 0
    assert Path(name).read_bytes() == right


def test_a_cache_of_another_database_is_refused(sqlx: Command) -> None:
    """Whose queries they are, the connection's annotation says."""
    sqlx("prepare", "app")
    other = APP.replace("sqlite3.Connection", "Connection").replace(
        "import sqlite3", "from psycopg import Connection"
    )
    write("app.py", other)
    result = sqlx("check", "app", "--offline")
    assert (result.code, result.out) == (
        1,
        (
            "app.py:7:5: error: the cache has this query for SQLite; run `sqlx "
            "prepare` "
            "[cache-database]\n"
        ),
    )


def test_a_wrong_query_leaves_the_cache_as_it_was(sqlx: Command) -> None:
    """Nothing is written, and nothing removed, when something is wrong."""
    sqlx("prepare", "app")
    before = {name: Path(".sqlx", name).stat().st_mtime_ns for name in files()}
    write("app.py", APP.replace("SELECT name", "SELECT nam"))
    result = sqlx("prepare", "app", "--prune")
    assert (result.code, result.out, result.err) == (
        1,
        (
            "app.py:6:21: error: no such column: nam [code 1] [sql]\n"
            "SELECT nam FROM pets WHERE age > ?1\n"
            "       ^\n"
        ),
        "1 query in 1 module, 1 error\nnothing was written: .sqlx is as it was\n",
    )
    after = {name: Path(".sqlx", name).stat().st_mtime_ns for name in files()}
    assert after == before


def test_what_no_query_uses_is_named_and_removed_when_asked(sqlx: Command) -> None:
    """Another program's files may lie there, so it is asked for."""
    sqlx("prepare", "app")
    write("app.py", APP.replace("age >", "age <"))
    result = sqlx("prepare", "app")
    assert result.err == RIGHT + (
        "warning: potentially unused queries found in .sqlx: 2 files belong to none of "
        "these packages; `sqlx prepare --prune` removes them, also when another "
        "program uses them\n"
    )
    Path(".sqlx/README").write_text("ours")
    result = sqlx("prepare", "app", "--prune")
    assert result.err == RIGHT + (
        f"removed .sqlx/query-{NAME}.json\nremoved .sqlx/python/{NAME}.json\n"
    )
    assert [name for name in files() if NAME in name] == []
    assert Path(".sqlx/README").exists()


def test_prepare_check_compares_and_writes_nothing(sqlx: Command) -> None:
    """What is missing, what differs, column by column; and a word that SQLx has."""
    result = sqlx("prepare", "app", "--check")
    assert (result.code, result.out, result.err) == (
        1,
        (
            "app.py:6:14: error: .sqlx is missing this query; run `sqlx prepare` "
            "[cache-missing]\n"
        ),
        (
            "1 query in 1 module, 1 error\n"
            "prepare check failed; you should re-run sqlx prepare\n"
        ),
    )
    assert not Path(".sqlx").exists()
    sqlx("prepare", "app")
    result = sqlx("prepare", "app", "--check")
    assert (result.code, result.out, result.err) == (0, "", RIGHT)
    path = Path(f".sqlx/query-{NAME}.json")
    path.write_text(path.read_text().replace('"Text"', '"Blob"'))
    result = sqlx("prepare", "app", "--check")
    assert (result.code, result.out) == (
        1,
        (
            f'app.py:6:14: error: {path} differs: column 1 "name": '
            "type Blob → Text; run "
            "`sqlx prepare` [cache-changed]\n"
        ),
    )


def test_prepare_check_says_what_is_wrong_with_a_query_once(sqlx: Command) -> None:
    """One that the database refuses has no file that could differ."""
    sqlx("prepare", "app")
    write("app.py", APP.replace("SELECT name", "SELECT nam"))
    result = sqlx("prepare", "app", "--check")
    assert (result.code, result.out.count("error: ")) == (1, 1)
    assert "error: no such column: nam [code 1] [sql]" in result.out


def test_prepare_check_notices_other_migrations(sqlx: Command) -> None:
    """As the offline check does: `prepare` would write how the cache was made."""
    sqlx("prepare", "app")
    Path("migrations/9_more.sql").write_text("CREATE TABLE more (id INTEGER);")
    expected = (
        "migrations/9_more.sql:1:1: error: the cache was made without it; run "
        "`sqlx prepare` [cache-migrations]\n"
    )
    for words in (("prepare", "--check"), ("check", "--offline")):
        result = sqlx(words[0], "app", words[1])
        assert (result.code, result.out) == (1, expected)
    sqlx("prepare", "app")
    assert sqlx("prepare", "app", "--check").code == 0
    how = Path(".sqlx/python/prepared.json")
    how.write_text("[]")
    result = sqlx("prepare", "app", "--check")
    assert (result.code, result.out) == (
        1,
        (
            f"{how}: error: {how}: this is no file of sqlx-py's (there is no JSON "
            "object); run `sqlx prepare` to write it again [cache-file]\n"
        ),
    )


def test_prepare_check_notices_a_proof_that_changed(sqlx: Command) -> None:
    """What we know beyond SQLx is compared where it is there."""
    sqlx("prepare", "app")
    proof = Path(f".sqlx/python/{NAME}.json")
    proof.write_text(proof.read_text().replace("false", "true"))
    result = sqlx("prepare", "app", "--check")
    assert result.code == 1
    assert 'column 1 "name" may be NULL → is never NULL; run' in result.out
    proof.write_text("{")
    result = sqlx("prepare", "app", "--check")
    assert result.out.endswith("[cache-file]\n")
    proof.unlink()
    assert sqlx("prepare", "app", "--check").code == 0


def test_sqlx_0_8_has_no_origin(sqlx: Command) -> None:
    """The option goes before the file, and what is kept is written anew."""
    sqlx("prepare", "app")
    write("sqlx.toml", "[prepare]\nsqlx-version = '0.8'\npackages = ['app']\n")
    assert sqlx("prepare").code == 0
    path = Path(f".sqlx/query-{NAME}.json")
    assert "origin" not in path.read_text()
    assert sqlx("prepare", "--check", "--sqlx-version", "0.9").code == 1


def test_packages_must_be_named(sqlx: Command) -> None:
    """By an argument or by `sqlx.toml`."""
    result = sqlx("check")
    assert (result.code, result.err) == (
        2,
        (
            "error: which packages? Name them, as they are imported or by their "
            "paths, or "
            'put them into `sqlx.toml`: [prepare] packages = ["app"]\n'
        ),
    )
    write("sqlx.toml", "[prepare]\npackages = ['app']\n")
    assert sqlx("check").code == 0
    assert sqlx("check", "nope").code == 2


def test_a_package_without_queries_is_a_warning(sqlx: Command) -> None:
    """As in SQLx, it is no error."""
    write("app.py", "")
    result = sqlx("prepare", "app")
    assert (result.code, result.out, result.err) == (
        0,
        "",
        "0 queries in 0 modules, 0 errors\nwarning: no queries found\n",
    )
    assert not Path(".sqlx").exists()


def test_queries_for_two_databases_need_a_word(sqlx: Command) -> None:
    """A scratch database is of one kind."""
    other = APP.replace("sqlite3.Connection", "Connection").replace(
        "import sqlite3", "from psycopg import Connection"
    )
    write("other.py", other.replace("?1", "$1"))
    result = sqlx("check", "app", "other")
    assert (result.code, result.err) == (
        2,
        (
            "error: these queries are for PostgreSQL and for SQLite: name the "
            "packages of "
            "one kind at a time, and the kind: --scratch postgres, or --scratch "
            "sqlite\n"
        ),
    )
    result = sqlx("check", "app", "other", "--scratch", "sqlite")
    assert (result.code, result.out) == (
        1,
        (
            "other.py:7:5: error: the connection is of PostgreSQL, and it is checked "
            "against SQLite; name the packages of one database at a time [connection]\n"
        ),
    )


def test_a_query_that_names_no_database_is_for_the_caches(sqlx: Command) -> None:
    """What was prepared once says which kind it is."""
    sqlx("prepare", "app")
    write(
        "app.py",
        f"""
        import sqlx

        def names(connection: object) -> object:
            return sqlx.query_scalar(str, {NAMES!r}, 1).all(connection)
        """,
    )
    result = sqlx("check", "app")
    assert (result.code, result.out, result.err) == (0, "", RIGHT)


def test_a_failing_migration_fails_the_check(sqlx: Command) -> None:
    """Its place is told, and what the database was for."""
    write(NEW, "CREATE TABEL more (id INTEGER);")
    result = sqlx("check", "app")
    assert result.code == 1
    assert result.err.startswith(f"error: {NEW}:1:8: while executing migration ")
    assert result.err.endswith(
        "this was for a scratch database, which is made from the migrations; to ask "
        "another one, set DATABASE_URL or give --database-url\n"
    )


def test_the_cache_of_a_database_that_lacks_migrations_says_so(
    sqlx: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the database has is kept, not what lies there."""
    monkeypatch.setenv("DATABASE_URL", "sqlite:x.db")
    assert sqlx("database", "setup").code == 0
    write(NEW, "CREATE TABLE more (id INTEGER);")
    assert sqlx("prepare", "app").code == 0
    result = sqlx("check", "app", "--offline")
    assert (result.code, result.out) == (
        1,
        (
            f"{NEW}:1:1: error: the cache was made without it; run `sqlx prepare` "
            "[cache-migrations]\n"
        ),
    )


def test_a_database_without_a_history_makes_no_claim(
    sqlx: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is known of its migrations, so nothing is compared."""
    import sqlite3
    from contextlib import closing

    with closing(sqlite3.connect("x.db")) as connection:
        connection.executescript(SCHEMA)
    monkeypatch.setenv("DATABASE_URL", "sqlite:x.db")
    assert sqlx("prepare", "app").code == 0
    assert '"migrations": null' in Path(".sqlx/python/prepared.json").read_text()
    assert sqlx("check", "app", "--offline").code == 0


def test_a_database_in_memory_is_made_from_the_migrations(
    sqlx: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There is nothing else that it could hold."""
    monkeypatch.setenv("DATABASE_URL", "sqlite::memory:")
    assert sqlx("check", "app").code == 0


def test_the_offline_folder_goes_first(
    sqlx: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`SQLX_OFFLINE_DIR` is written and read; then `.sqlx` of the package."""
    monkeypatch.setenv("SQLX_OFFLINE_DIR", "kept")
    result = sqlx("prepare", "app")
    assert result.out == WRITTEN.replace(".sqlx", "kept")
    assert files("kept") == FILES
    assert sqlx("check", "app", "--offline").code == 0
    Path("kept").rename(".sqlx")
    assert sqlx("check", "app", "--offline").code == 0


def test_arguments_that_are_not_checked_are_counted(sqlx: Command) -> None:
    """Their type is not evident where they stand."""
    write(
        "app.py",
        f"""
        import sqlx

        def names(connection: object, ages: dict) -> object:
            return sqlx.query_scalar(str, {NAMES!r}, ages["x"]).all(connection)
        """,
    )
    result = sqlx("check", "app", "--scratch", "sqlite")
    assert (result.code, result.err) == (
        0,
        (
            "1 query in 1 module, 0 errors, "
            "1 argument not checked, whose type is not evident\n"
        ),
    )


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        (
            "json",
            json.dumps(
                {
                    "findings": [
                        {
                            "path": "app.py",
                            "severity": "error",
                            "code": "sql",
                            "message": "no such table: pet [code 1]",
                            "line": 6,
                            "column": 31,
                            "excerpt": "SELECT name FROM pet WHERE age > ?1\n"
                            "                 ^",
                        }
                    ]
                },
                indent=2,
            ),
        ),
        (
            "github",
            (
                "::error file=app.py,line=6,col=31,title=sqlx%3A sql::"
                "no such table: pet [code 1]"
            ),
        ),
    ],
)
def test_findings_are_printed_for_machines(
    sqlx: Command, form: str, expected: str
) -> None:
    """JSON, and the commands of a GitHub workflow."""
    write("app.py", APP.replace("FROM pets", "FROM pet"))
    result = sqlx("check", "app", "--format", form)
    assert (result.code, result.out) == (1, expected + "\n")


def test_extensions_of_sqlx_toml_are_loaded(sqlx: Command) -> None:
    """One that cannot be is named."""
    write("sqlx.toml", "[drivers.sqlite]\nunsafe-load-extensions = ['nowhere']\n")
    result = sqlx("check", "app")
    assert result.code == 1
    assert "error: nowhere cannot be loaded: " in result.err
