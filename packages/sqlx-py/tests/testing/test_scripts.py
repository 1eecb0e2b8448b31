"""SQL fixtures: which files they are, their order, and what is said when they fail."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from testing.projects import Project

BOTH = pytest.mark.parametrize("database", ["postgres", "sqlite", "sqlite::memory:"])

ORDER = """
import pathlib, pytest

HERE = pathlib.Path(__file__).parent
pytestmark = [pytest.mark.sqlx(database="%s"), pytest.mark.sqlx(fixtures=["a"])]

def names(db):
    return [name for (name,) in db.execute("SELECT name FROM steps ORDER BY n")]

def test_module(db):
    assert names(db) == ["a"]

@pytest.mark.sqlx(fixtures=["b.sql", pathlib.Path("c")])
class TestClass:
    def test_class(self, db):
        assert names(db) == ["a", "b", "c"]

    @pytest.mark.sqlx(fixtures=("../seeds/d.sql", str(HERE / "fixtures" / "b.sql")))
    def test_function(self, db):
        assert names(db) == ["a", "b", "c", "d", "b"]

@pytest.mark.parametrize("name", [
    pytest.param("b", marks=pytest.mark.sqlx(fixtures=["b"])),
    pytest.param("c", marks=pytest.mark.sqlx(fixtures=["c"])),
    pytest.param("a", marks=pytest.mark.sqlx(fixtures=["./fixtures/a.sql"])),
    pytest.param("x", marks=pytest.mark.sqlx(fixtures=["x.txt"])),
])
def test_parameter(db, name):
    assert names(db) == ["a", name]
"""


@BOTH
def test_fixtures_run_in_order(project: Project, database: str) -> None:
    """A module's come first, then a class's, then a test's, each as they are listed.

    A name is a file beside the test, with `.sql` unless it has an ending; with a
    separator it is a path from the test's folder.
    """
    step = "INSERT INTO steps (name) VALUES ('{}');\n-- Done; or so it seems.\n"
    number = "GENERATED ALWAYS AS IDENTITY" if database == "postgres" else ""
    files = {f"tests/fixtures/{name}.sql": step.format(name) for name in "abc"}
    project.write(
        files
        | {
            "tests/seeds/d.sql": "wrong",
            "seeds/d.sql": step.format("d"),
            "tests/fixtures/x.txt": step.format("x"),
            "migrations/1_users.sql": f"CREATE TABLE steps (n INTEGER {number} "
            "PRIMARY KEY, name TEXT)",
            "tests/test_order.py": ORDER % database,
        }
    )
    assert project.run().outcomes == {"passed": 7}


REFUSED = {
    "syntax": (
        (
            "INSERT INTO users (name) VALUES ('ada');\n\n"
            "INSERT INTO\tusers (nam) VALUES ('é');\n"
        ),
        (
            'tests/fixtures/syntax.sql:3:20: column "nam" of relation "users" does not '
            "exist [42703]\n"
            "  INSERT INTO users (nam) VALUES ('é');\n"
            "                     ^"
        ),
    ),
    "constraint": (
        (
            "INSERT INTO users (name) VALUES ('ada');\n"
            "-- Once more; it is refused.\n"
            "INSERT INTO users (name) VALUES ('ada');\n"
            "INSERT INTO users (name) VALUES ('grace');\n"
        ),
        (
            "tests/fixtures/constraint.sql:3:1: duplicate key value violates unique "
            'constraint "users_name_key" [23505]\n'
            "  INSERT INTO users (name) VALUES ('ada');\n"
            "  ^\n"
            "detail: Key (name)=(ada) already exists."
        ),
    ),
    "nothing": (None, "tests/fixtures/nothing.sql: No such file or directory"),
    "latin": (b"-- \xe9", "tests/fixtures/latin.sql: not UTF-8; save it as UTF-8"),
}


def test_what_is_refused_is_shown_with_its_place(project: Project) -> None:
    """File, line and column, the line and a caret; each test fails by itself.

    The paths are from where pytest was started, and a chain of causes is not printed.
    """
    tests = ["import pytest\n"]
    for name, (text, _) in REFUSED.items():
        path = project.path / "tests" / "fixtures" / f"{name}.sql"
        path.parent.mkdir(parents=True, exist_ok=True)
        if text is not None:
            path.write_bytes(text if isinstance(text, bytes) else text.encode())
        mark = f"@pytest.mark.sqlx(fixtures=[{name!r}])\n"
        tests += [f"{mark}def test_{name}_{again}(db): pass\n" for again in "12"]
    project.write({"tests/test_refused.py": "\n".join(tests)})
    ran = project.run()
    assert ran.errors == {
        f"setup of test_{name}_{again}": (
            f'failed to apply test fixture "{name}": {message}'
        )
        for name, (_, message) in REFUSED.items()
        for again in "12"
    }
    assert project.kept() == {}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "INSERT INTO users VALUES ('ada');\nINSERT INTO users VALUES (1, 2);",
            (
                "fixtures/wrong.sql:2:1: table users has 1 columns but 2 values were "
                "supplied [code 1]\n  INSERT INTO users VALUES (1, 2);\n  ^"
            ),
        ),
        (
            "INSERT INTO users\n  VALUES ('ada');\n  INSERT INTO users VALUES ('ada');",
            (
                "fixtures/wrong.sql:3:3: UNIQUE constraint failed: users.name "
                "[code 2067]\n"
                "    INSERT INTO users VALUES ('ada');\n    ^"
            ),
        ),
        (
            "SELECT nonsense;",
            (
                "fixtures/wrong.sql:1:1: no such column: nonsense [code 1]\n"
                "  SELECT nonsense;\n  ^"
            ),
        ),
    ],
)
def test_what_sqlite_refuses_is_shown_too(
    project: Project, text: str, message: str
) -> None:
    """Where SQLite tells no place, it is the beginning of the statement."""
    project.write({"fixtures/wrong.sql": text})
    tests = """
import pytest

@pytest.mark.sqlx(database="sqlite", fixtures=["wrong"])
def test_it(db): pass
"""
    assert project.run(tests).errors == {
        "setup of test_it": f'failed to apply test fixture "wrong": {message}'
    }


def test_an_empty_fixture_does_nothing(project: Project) -> None:
    """A file without a statement is as good as none."""
    project.write({"fixtures/empty.sql": "", "fixtures/comment.sql": "-- Later.\n"})
    tests = """
import pytest

@pytest.mark.parametrize("_", [
    pytest.param(0, marks=pytest.mark.sqlx(database="sqlite")), 1
])
@pytest.mark.sqlx(fixtures=["empty", "comment"])
def test_it(db, _): pass
"""
    assert project.run(tests).outcomes == {"passed": 2}


def test_a_fixture_s_session_is_sqlx_s(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its times are in UTC, as those of migrations are, wherever it is run."""
    monkeypatch.setenv("PGTZ", "Asia/Tokyo")
    epoch = "extract(epoch FROM '1970-01-01'::timestamptz)::int"
    project.write({"fixtures/time.sql": f"INSERT INTO users VALUES ({epoch});"})
    tests = """
import pytest

@pytest.mark.sqlx(fixtures=["time"])
def test_it(db):
    ((name,),) = db.execute("SELECT current_setting('TimeZone')")
    assert name == "Asia/Tokyo"
    ((seconds,),) = db.execute("SELECT name FROM users")
    assert seconds == "0"
"""
    assert project.run(tests).outcomes == {"passed": 1}
