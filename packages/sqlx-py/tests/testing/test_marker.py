"""What the marker says, and the configuration where it says nothing."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from testing.projects import SECRET

from sqlx.migrations.migration import checksum
from sqlx.testing import places

if TYPE_CHECKING:
    from collections.abc import Iterator

    from testing.projects import Project

TABLES = """
from pathlib import Path

import pytest
from sqlx import Migrator

TABLES = '''
    SELECT table_schema || '.' || table_name FROM information_schema.tables
    WHERE table_schema !~ '^(pg_|information_schema)' ORDER BY 1
'''

def tables(db):
    return [name for (name,) in db.execute(TABLES) if name[-11:] != "_migrations"]
"""

MIGRATIONS = """
in_code = Migrator({"1_x.sql": "CREATE TABLE x ()"})

def of(tables, *marks):
    return pytest.param(tables, marks=[pytest.mark.sqlx(migrations=m) for m in marks])

@pytest.mark.parametrize("expected", [
    "users",
    of("users", None),
    of("users", True),
    of("posts", "other"),
    of("posts", Path("other")),
    of("posts", str(Path("other").absolute())),
    of("x", in_code),
    of("", False),
])
def test_one(db, expected):
    assert tables(db) == [f"public.{expected}" for _ in expected[:1]]

def test_none_at_all(db):
    made = [("public._sqlx_migrations",), ("public.users",)]
    assert db.execute(TABLES).fetchall() == made

@pytest.mark.sqlx(migrations=False)
class TestClosest:
    def test_class(self, db):
        assert db.execute(TABLES).fetchall() == []

    @pytest.mark.sqlx(migrations="other")
    def test_function(self, db):
        assert tables(db) == ["public.posts"]

    @pytest.mark.sqlx(fixtures=[])
    def test_other_argument(self, db):
        assert tables(db) == []
"""


@pytest.mark.slow
def test_migrations_are_chosen_by_the_closest_marker(project: Project) -> None:
    """A directory is from rootdir; a `Migrator`, and False for none at all, will do."""
    project.write({"other/1_posts.sql": "CREATE TABLE posts ()"})
    assert project.run(TABLES + MIGRATIONS).outcomes == {"passed": 12}


NOWHERE = (
    "while resolving migrations: error canonicalizing path nowhere: No such file or "
    "directory; create the directory with `sqlx migrate add`, or name another one"
)
REFUSED = [
    ("'users'", "the marker sqlx takes keywords only: {}; not 'users'"),
    ("migration='x'", "the marker sqlx knows no 'migration'; it takes {}"),
    ("migrations=7", "migrations=7: it is a directory, a Migrator, or False"),
    (
        "migrations='nowhere'",
        NOWHERE,
    ),
    (
        "fixtures='users'",
        "fixtures='users': it is a list of names or paths, as in ['users', 'posts']",
    ),
    (
        "fixtures=['users', 7]",
        (
            "fixtures=['users', 7]: it is a list of names or paths, "
            "as in ['users', 'posts']"
        ),
    ),
    (
        "database='oracle'",
        "database 'oracle': it is a URL, 'postgres', 'embedded' or 'sqlite'",
    ),
    (
        "database=None",
        "database=None: it is a URL, 'postgres', 'embedded' or 'sqlite'",
    ),
    (
        f"database='oracle://u:{SECRET}@h/d'",
        (
            'error with configuration: no driver found for URL scheme "oracle"; write '
            "postgres://user:password@host:5432/database, "
            "mysql://user:password@host:3306/database, sqlite://app.db?mode=rwc or "
            "embedded:.postgres"
        ),
    ),
]
KNOWN = "migrations, fixtures and database"


def test_what_a_marker_cannot_mean_is_said(project: Project) -> None:
    """Each wrong marker fails its test with our message alone, and no password."""
    tests = [
        f"@pytest.mark.sqlx({arguments})\ndef test_{number}(db): pass\n"
        for number, (arguments, _) in enumerate(REFUSED)
    ]
    ran = project.run("import pytest\n" + "\n".join(tests))
    assert ran.errors == {
        f"setup of test_{number}": message.format(KNOWN)
        for number, (_, message) in enumerate(REFUSED)
    }
    assert SECRET not in ran


DATABASES = """
import sqlite3, psycopg, pytest

def of(database, kind, place):
    return pytest.param(kind, place, marks=pytest.mark.sqlx(database=database))

@pytest.mark.parametrize(("kind", "place"), [
    of("sqlite", sqlite3.Connection, ""),
    of("sqlite::memory:", sqlite3.Connection, ""),
    of("sqlite:anything.db", sqlite3.Connection, ""),
    of("postgres", psycopg.Connection, "%(here)s"),
    of("postgresql", psycopg.Connection, "%(here)s"),
    of("%(url)s", psycopg.Connection, "%(here)s"),
    of("embedded:%(here)s", psycopg.Connection, "%(here)s"),
])
def test_one(db, kind, place):
    assert type(db) is kind
    assert kind is sqlite3.Connection or db.info.host.startswith(place)
    db.execute("INSERT INTO users VALUES ('ada')")
"""


@pytest.mark.slow
def test_the_database_is_chosen_by_a_word_or_a_url(project: Project) -> None:
    """`sqlite`, `sqlite::memory:`, `postgres` and URLs each give their own kind.

    A file that a URL of SQLite names is left alone, as is the database of a server.
    """
    words = {"here": project.server.directory, "url": project.url()}
    assert project.run(DATABASES % words).outcomes == {"passed": 7}
    assert not (project.path / "anything.db").exists()


@pytest.fixture
def memory(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Make another place for the machine user's server."""
    parent = places.MEMORY if Path(places.MEMORY).is_dir() else None
    with tempfile.TemporaryDirectory(prefix="sqlx-plugin-", dir=parent) as folder:
        monkeypatch.setattr(places, "MEMORY", folder)
        yield folder


@pytest.mark.slow
@pytest.mark.parametrize(
    ("configured", "variable"),
    [("", ""), ("embedded", "mysql://nobody"), ("", "embedded:.postgres")],
)
def test_without_a_server_one_is_brought_up(
    project: Project,
    memory: str,
    monkeypatch: pytest.MonkeyPatch,
    configured: str,
    variable: str,
) -> None:
    """With none configured, or `embedded`, the machine user's own server is started.

    It has stopped when the session has ended; an `embedded:` in the environment, which
    is on a disk, is passed over.
    """
    if variable:
        monkeypatch.setenv("DATABASE_URL", variable)
    project.configure(sqlx_database=configured)
    tests = f"""
import pytest

def test_usual(db):
    assert db.info.host.startswith({memory!r})

@pytest.mark.sqlx(database="embedded")
def test_marked(db):
    assert db.info.host.startswith({memory!r})
"""
    ran = project.run(tests)
    assert ran.outcomes == {"passed": 2}
    (folder,) = Path(memory).iterdir()
    assert ran.lines("sqlx: embedded PostgreSQL 18.") == [
        (
            f"sqlx: embedded PostgreSQL 18.4 in {folder}, migrations/ (1 file, digest "
            f"{project.digest})"
        )
    ]
    assert not (folder / "data" / "postmaster.pid").exists()
    assert not (project.path / ".postgres").exists()


TOML = """
[common]
database-url-var = "APP_DATABASE_URL"

[migrate]
migrations-dir = "db/migrations"
table-name = "app.history"
create-schemas = ["app"]
ignored-chars = ["\\r"]
"""


@pytest.mark.slow
def test_sqlx_toml_is_heeded(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Directory, table, schemas, ignored characters and variable are `sqlx.toml`'s."""
    monkeypatch.setenv("APP_DATABASE_URL", project.url())
    monkeypatch.setenv("DATABASE_URL", "mysql://nobody")
    project.configure(sqlx_database="")
    project.write({"sqlx.toml": TOML})
    folder = project.path / "db" / "migrations"
    folder.mkdir(parents=True)
    text = "CREATE TABLE posts ();\n"
    (folder / "1_posts.sql").write_text(text, newline="\r\n")
    tests = f"""
def test_it(db):
    assert tables(db) == ["app.history", "public.posts"]
    history = db.execute("SELECT checksum FROM app.history").fetchall()
    assert history == [(bytes.fromhex({checksum(text).hex()!r}),)]
"""
    ran = project.run(TABLES + tests)
    assert ran.outcomes == {"passed": 1}
    assert "db/migrations/ (1 file, digest " in ran


@pytest.mark.slow
@pytest.mark.parametrize(
    ("toml", "ini", "expected"),
    [
        ('[migrate]\nmigrations-dir = "nowhere"', "", []),
        ('[migrate]\nmigrations-dir = "nowhere"', "other", ["public.posts"]),
        ("", "", ["public.users"]),
    ],
)
def test_the_migrations_are_those_that_are_configured(
    project: Project, toml: str, ini: str, expected: list[str]
) -> None:
    """A setting of pytest goes before `sqlx.toml`, whose directory may be missing.

    Both are relative to rootdir, wherever pytest is started.
    """
    project.write({"other/1_posts.sql": "CREATE TABLE posts ()", "sqlx.toml": toml})
    project.configure(sqlx_migrations=ini)
    tests = f"{TABLES}\ndef test_it(db): assert tables(db) == {expected}"
    project.write({"tests/test_it.py": tests})
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(project.path / "tests")
        assert project.run().outcomes == {"passed": 1}


@pytest.mark.parametrize(
    ("settings", "files", "message"),
    [
        (
            {"sqlx_migrations": "nowhere"},
            {},
            NOWHERE,
        ),
        (
            {"sqlx_database": "oracle"},
            {},
            "database 'oracle': it is a URL, 'postgres', 'embedded' or 'sqlite'",
        ),
        (
            {"sqlx_database": ""},
            {"sqlx.toml": "[migrate]\nmigrations-dir = 7"},
            (
                'error parsing config file "sqlx.toml": sqlx.toml:2:1: '
                "invalid type: integer, expected a string for `migrate.migrations-dir`"
            ),
        ),
        (
            {},
            {"migrations/1_again.sql": ""},
            (
                "while resolving migrations: migration 1 stands in two files: "
                "migrations/1_again.sql and migrations/1_users.sql; "
                "give one of them another version"
            ),
        ),
    ],
)
def test_a_wrong_configuration_is_one_error(
    project: Project, settings: dict[str, str], files: dict[str, str], message: str
) -> None:
    """The first test fails with the message, which the header has too; others skip."""
    project.configure(**settings)
    project.write(files)
    tests = """
import pytest

@pytest.mark.parametrize("number", range(3))
def test_it(db, number): pass

def test_without(): pass
"""
    ran = project.run(tests)
    assert ran.outcomes == {"passed": 1, "errors": 1, "skipped": 2}
    assert ran.errors == {"setup of test_it[0]": message}
    assert message in ran.lines("sqlx: ")[0]
