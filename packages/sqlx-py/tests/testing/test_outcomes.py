"""What is left when a test has failed, and what a whole session is told."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest
from testing.projects import SECRET

from sqlx.testing import header, server
from sqlx.testing.postgres.ground import PostgresGround

if TYPE_CHECKING:
    from testing.projects import Project

ENDS = """
import pytest

@pytest.fixture
def breaks():
    raise AssertionError

@pytest.fixture
def breaks_late():
    yield
    raise AssertionError

@pytest.fixture(autouse=True)
def name(request, db):
    db.execute("INSERT INTO users VALUES (%s)", [request.node.name])

def test_passes():
    pass

@pytest.mark.parametrize("text", ["it's $$%s"])
def test_fails(text):
    raise AssertionError

def test_setup(breaks):
    pass

def test_teardown(breaks_late):
    pass

@pytest.mark.xfail
def test_xfail():
    raise AssertionError

@pytest.mark.xfail(strict=True)
def test_xpass():
    pass

def test_skips():
    pytest.skip()

def test_subtests(subtests):
    with subtests.test():
        raise AssertionError

def test_last(breaks_late):
    pass
"""
KEPT = ["fails[it's $$%s]", "last", "setup", "subtests", "teardown", "xpass"]


@pytest.mark.slow
def test_what_fails_is_kept_with_its_rows(project: Project) -> None:
    """A test that fails, as do its fixtures at either end, leaves its database.

    Its URL is in the report, and leads to what the test wrote. What passes, is skipped
    or is expected to fail leaves nothing.
    """
    ran = project.run(ENDS)
    kept = {
        name.removeprefix("test_it.py::"): at for name, at in project.kept().items()
    }
    assert sorted(kept) == [f"test_{name}" for name in KEPT]
    lines = ran.lines("kept: ")
    for test, found in kept.items():
        with project.connect(found.name) as connection:
            rows = connection.execute("SELECT name FROM users").fetchall()
        assert rows == [(test,)]
        line = next(line for line in lines if f"/{found.name}?" in line)
        url, _, hint = line.removeprefix("kept: ").partition("  ")
        place = f"embedded:{project.server.directory}"
        assert hint == f"(its server runs while `python -m sqlx.testing {place}` does)"
        with psycopg.connect(url) as connection:
            assert connection.info.dbname == found.name
    assert len({*lines}) == len(KEPT)


AGAIN = """
import os

def test_one(db):
    db.execute("INSERT INTO users VALUES ('ada')")
    assert "FIRST" not in os.environ

def test_two(db):
    raise AssertionError
"""


@pytest.mark.slow
def test_a_kept_database_goes_when_its_test_runs_again(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another run of a test leaves at most its own database; other tests' stay."""
    with monkeypatch.context() as first:
        first.setenv("FIRST", "1")
        project.run(AGAIN)
    before = project.kept()
    assert [*before] == ["test_it.py::test_one", "test_it.py::test_two"]
    project.run("", "-k", "test_one")
    assert project.kept() == {"test_it.py::test_two": before["test_it.py::test_two"]}
    project.run("", "-k", "test_two")
    after = project.kept()
    assert [*after] == ["test_it.py::test_two"]
    assert after != {"test_it.py::test_two": before["test_it.py::test_two"]}


SOME = """
import pytest

def test_passes(db):
    db.execute("INSERT INTO users VALUES ('ada')")

def test_fails(db_url):
    raise AssertionError

def test_without():
    pass

@pytest.mark.sqlx(database="sqlite")
def test_file(db_url):
    pass

@pytest.mark.sqlx(database="sqlite::memory:")
def test_memory(db):
    pass
"""


@pytest.mark.parametrize(
    ("options", "count"),
    [
        (("--sqlx-keep",), 3),
        (("--tb=no",), 1),
        (("--show-capture=no",), 1),
        ((), 0),
        pytest.param(("--sqlx-keep", "-n", "2"), 3, marks=pytest.mark.slow),
    ],
)
def test_a_list_at_the_end(
    project: Project, options: tuple[str, ...], count: int
) -> None:
    """`--sqlx-keep` keeps all, and lists them; so does a report that shows no URL."""
    ran = (project.run_apart if "-n" in options else project.run)(SOME, *options)
    names = ["fails", "passes", "file"][:count]
    listed = sorted(line.split(": ")[0] for line in ran.lines("kept test_it.py"))
    assert listed == sorted(f"kept test_it.py::test_{name}" for name in names)
    assert len(project.kept()) == max(1, count - 1)
    assert ("=== sqlx: test databases ===" in ran) is bool(count)
    hidden = options and options[0] != "--sqlx-keep"
    assert len(ran.lines("kept: ")) == (0 if hidden else 1)


@pytest.mark.slow
def test_fresh_makes_all_anew(project: Project) -> None:
    """`--sqlx-fresh` drops the templates and what was kept, and makes new ones."""
    templates = "SELECT oid FROM pg_database WHERE datname ~ %s"
    pattern = f"^_sqlx_template_{project.digest}_"
    oids = []
    for options in ([], [], ["--sqlx-fresh"]):
        project.run(SOME, "-k", "not file", *options)
        with project.connect() as connection:
            oids += connection.execute(templates, [pattern]).fetchall()
    assert oids[0] == oids[1] != oids[2]
    project.run("def test_it(db): pass", "--sqlx-fresh")
    assert project.kept() == {}


INTERRUPTED = """
import pathlib, pytest

@pytest.mark.sqlx(database="%s")
def test_it(db, db_url, db_factory):
    db_factory.create()
    pathlib.Path("told").write_text(db_url)
    %s
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("database", "way"),
    [("postgres", "raise KeyboardInterrupt"), ("sqlite", "pytest.exit('enough')")],
)
def test_an_interrupted_test_leaves_nothing(
    project: Project, database: str, way: str
) -> None:
    """Ctrl-C drops the database of the test that ran."""
    project.write({"test_it.py": INTERRUPTED % (database, way)})
    result = project.pytester.runpytest_inprocess(no_reraise_ctrlc=True)
    assert result.ret == pytest.ExitCode.INTERRUPTED
    url = (project.path / "told").read_text()
    assert not Path(url.removeprefix("sqlite://").partition("?")[0]).exists()
    assert project.databases() == 0


STUCK = """
def test_it(db):
    db.execute(f'ALTER DATABASE "{db.info.dbname}" IS_TEMPLATE true')
"""


@pytest.mark.parametrize(
    "processes", [(), pytest.param(("-n", "1"), marks=pytest.mark.slow)]
)
def test_what_cannot_be_dropped_is_told(
    project: Project, processes: tuple[str, ...]
) -> None:
    """The session passes, and says at its end what the server refused."""
    ran = (project.run_apart if processes else project.run)(STUCK, *processes)
    assert ran.lines("not dropped") == ["not dropped: cannot drop a template database"]
    assert ran.code == 0
    with project.connect() as connection:
        for found in PostgresGround(connection).find():
            if found.name.startswith("_sqlx_test_"):
                undo = f'ALTER DATABASE "{found.name}" IS_TEMPLATE false'
                connection.execute(undo.encode())
    assert "not dropped" not in project.run("def test_it(db): pass")


MANY = """
import pytest

@pytest.mark.xfail
def test_xfail(db): pass

@pytest.mark.parametrize("number", range(3))
class TestMany:
    def test_db(self, db, number): pass

    def test_url(self, db_url, number): pass

    def test_without(self, number): pass

@pytest.mark.sqlx(migrations=False, database="sqlite")
def test_other(db): pass
"""
XDIST = [(), pytest.param(("-n", "2"), marks=pytest.mark.slow)]


@pytest.mark.parametrize("processes", XDIST)
def test_a_migration_that_fails_is_one_error(
    project: Project, processes: tuple[str, ...]
) -> None:
    """One test of the session has the error, with its place; others that need it skip.

    That holds over all processes. What needs no database, or another, runs. It is no
    test that is expected to fail, for nobody would see it.
    """
    wrong = "CREATE TABLE posts (\n  name TEXT,\n  user BIGINT REFERENCES nobody\n);\n"
    project.write({"migrations/2_posts.sql": wrong})
    run = project.run_apart if processes else project.run
    ran = run(MANY, *processes)
    assert ran.outcomes == {"passed": 4, "errors": 1, "skipped": 6}
    ((title, error),) = ran.errors.items()
    assert error == (
        "migrations/2_posts.sql:3:3: while executing migration 2: syntax error at or "
        'near "user" [42601]\n'
        "    user BIGINT REFERENCES nobody\n"
        "    ^\n"
        "state: a test's database is made anew each time: mend the file and run again"
    )
    test = re.sub(r"setup of (.+)\.(.+)", r"test_it.py::\1::\2", title)
    reason = "its database could not be made: see the error of "
    told = {line.partition(reason)[2] for line in ran.lines("SKIPPED")}
    assert told in ({test}, {test, "another test"})  # The first cannot know it.


def test_the_error_stays_with_the_test_that_has_it(project: Project) -> None:
    """Run again by a plugin, the test fails again: it is not skipped then."""
    project.write(
        {
            "migrations/2_posts.sql": "nonsense",
            "conftest.py": """
from _pytest.runner import runtestprotocol

def pytest_runtest_protocol(item, nextitem):
    runtestprotocol(item, nextitem=nextitem, log=False)
""",
        }
    )
    ran = project.run("def test_one(db): pass\ndef test_two(db): pass")
    assert ran.outcomes == {"errors": 1, "skipped": 1}


@pytest.mark.slow
@pytest.mark.parametrize("processes", XDIST)
def test_a_server_that_is_not_there_is_one_error(
    project: Project, processes: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that cannot be reached is waited for, and then told once."""
    monkeypatch.setattr(server, "REACH_SECONDS", 0.0)
    monkeypatch.setattr(header, "HEADER_SECONDS", 0.0)
    with tempfile.TemporaryDirectory() as empty:
        url = f"postgresql://u:{SECRET}@{empty.replace('/', '%2F')}/postgres"
        project.configure(sqlx_database=url)
        ran = (project.run_apart if processes else project.run)(MANY, *processes)
    assert ran.outcomes == {"passed": 4, "errors": 1, "skipped": 6}
    (error,) = ran.errors.values()
    reason = (
        f'connection is bad: connection to server on socket "{empty}/.s.PGSQL.5432" '
        "failed: No such file or directory Is the server running locally and accepting "
        "connections on that socket?"
    )
    assert error == reason
    assert ran.lines("sqlx: ") == [
        (
            f"sqlx: no answer from {url.replace(SECRET, '***')} ({reason}), "
            f"migrations/ (1 file, digest {project.digest})"
        )
    ]
    assert SECRET not in ran


HIDDEN = """
import psycopg, pytest

def test_given(db_url, sqlx_server, db, pool):
    assert db_url == sqlx_server

def test_compared(db_url):
    assert db_url == "postgresql:///other"

def test_in_a_list(db_url):
    assert [db_url] == ["postgresql:///other"]

def test_of_the_driver(db_url):
    psycopg.connect(db_url, nonsense="1")

def test_factory(db_factory, db_url):
    made = db_factory.create()
    assert made is db_url

@pytest.mark.sqlx(fixtures=["wrong"])
def test_fixture(db): pass

@pytest.mark.sqlx(migrations="wrong")
def test_migration(db): pass

@pytest.mark.sqlx(database="%(wrong)s")
def test_database(db): pass

@pytest.mark.asyncio
async def test_async(adb, apool):
    raise AssertionError
"""


@pytest.mark.slow
@pytest.mark.parametrize("where", ["sqlx_database", "DATABASE_URL"])
def test_no_password_is_ever_printed(
    project: Project, where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Header, arguments of a failing test, comparisons, errors and lists hide it."""
    if where == "DATABASE_URL":
        project.configure(sqlx_database="")
        monkeypatch.setenv(where, project.url())
    else:
        project.configure(sqlx_database=project.url())
    project.write({"fixtures/wrong.sql": "nonsense", "wrong/1_x.sql": "nonsense"})
    wrong = f"postgresql://u:{SECRET}@h:port/d"
    ran = project.run(HIDDEN % {"wrong": wrong}, "--sqlx-keep", "-vv")
    assert ran.outcomes == {"failed": 6, "errors": 3}
    assert ran.out.count("***") > 15
    assert SECRET not in ran
    wrong = f"postgresql://u:{SECRET}@h:port/d"
    project.configure(sqlx_database=wrong)
    assert SECRET not in project.run("def test_it(db): pass", "-vv")


@pytest.mark.slow
def test_the_server_is_started_to_look_at_what_was_kept(project: Project) -> None:
    """`python -m sqlx.testing` lists what is kept, and runs until Ctrl-C.

    It names each database by its test and by a URL that works meanwhile.
    """
    memory = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108 -- fresh.
    with tempfile.TemporaryDirectory(prefix="sqlx-plugin-", dir=memory) as folder:
        project.configure(sqlx_database=f"embedded:{folder}")
        told = [_served(folder)]
        for test in ("test_one", "test_two"):
            project.run(f"def {test}(db): raise AssertionError")
            told.append(_served(folder))
        assert not Path(folder, "data", "postmaster.pid").exists()
    root = f"{project.path}::test_it.py::"
    assert told[0] == ["nothing is kept; Ctrl-C stops the server"]
    assert told[1][::2] == [
        f"{root}test_one",
        "1 database is kept; Ctrl-C stops the server",
    ]
    assert told[2][::2] == [
        f"{root}test_one",
        f"{root}test_two",
        "2 databases are kept; Ctrl-C stops the server",
    ]


def _served(folder: str) -> list[str]:
    """Start the server, connect to what it lists, and interrupt it."""
    command = [sys.executable, "-m", "sqlx.testing", f"embedded:{folder}"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        lines: list[str] = []
        while not lines or "Ctrl-C" not in lines[-1]:
            lines.append(process.stdout.readline().rstrip())
        for url in lines[1::2]:
            psycopg.connect(url.strip()).close()
        process.send_signal(signal.SIGINT)
        assert process.wait() == 130
    return lines


@pytest.mark.parametrize("arguments", [["sqlite"], ["embedded", "embedded"]])
def test_only_an_embedded_server_is_started(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """Anything else on its command line is answered with its usage."""
    from sqlx.testing.__main__ import main

    before = signal.getsignal(signal.SIGTERM)
    assert main(arguments) == 2
    signal.signal(signal.SIGTERM, before)
    assert capsys.readouterr() == (
        "",
        "error: usage: python -m sqlx.testing [embedded:PATH]\n",
    )


@pytest.mark.slow
def test_an_empty_database_explains_itself(project: Project) -> None:
    """Where a test has failed and there are no migrations, the report says so."""
    (project.path / "migrations" / "1_users.sql").unlink()
    (project.path / "migrations").rmdir()
    ran = project.run("def test_it(db):\n    db.execute('TABLE users')\n")
    assert ran.outcomes == {"failed": 1}
    told = f"it is empty: there are no migrations in {project.path / 'migrations'}"
    assert ran.lines("it is empty") == [told]
