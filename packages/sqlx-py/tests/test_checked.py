"""The door to checked queries: what it costs, what it keeps, where it finds files."""

from __future__ import annotations

import pickle
import sqlite3
import subprocess
import sys
import textwrap
from contextlib import closing
from importlib.util import module_from_spec, spec_from_file_location
from typing import TYPE_CHECKING, NamedTuple

import pytest

import sqlx
from sqlx import checked
from sqlx.databases import inline

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from types import ModuleType


@pytest.fixture
def connection() -> Iterator[sqlite3.Connection]:
    """Open a database in memory."""
    with closing(sqlite3.connect(":memory:")) as connection:
        yield connection


def imported(path: Path) -> ModuleType:
    """Import a file as a module of its own."""
    spec = spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_no_driver_is_imported() -> None:
    """Before a query meets a connection, and none but its own then."""
    code = """
    import sys, sqlite3
    from sqlx import checked
    drivers = {"psycopg", "asyncpg", "pymysql", "asyncmy", "apsw"}
    before = {*drivers, "asyncio"} & {*sys.modules}
    checked.query("SELECT 1").one(sqlite3.connect(":memory:"))
    print(before, drivers & {*sys.modules})
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        check=True,
        capture_output=True,
        text=True,
    )
    assert done.stdout == "set() set()\n"


def test_a_declaration_does_next_to_nothing() -> None:
    """Nothing is resolved, compiled or read before the first call."""

    @checked.query_file("no/such/file.sql")
    def find(connection: object, key: NoSuchName) -> NoSuchName:  # type: ignore[name-defined]  # noqa: F821 -- not resolved.
        raise NotImplementedError

    @checked.query("SELECT 1")
    def other(connection: object, *, unlike: int = 0) -> None:
        raise NotImplementedError

    assert find.__code__ is other.__code__  # All have one, until they are called.


def test_the_number_of_rows_is_an_int() -> None:
    """It compares, adds and pickles as one."""
    affected = checked.RowsAffected(3)
    again = pickle.loads(pickle.dumps(affected))  # noqa: S301 -- ours.
    assert affected == 3 == again
    assert (affected + 1, bool(checked.RowsAffected(0))) == (4, False)
    assert type(again) is sqlx.RowsAffected is checked.RowsAffected
    assert checked.RowsAffected.__module__ == "sqlx.checked"


def test_an_error_names_the_line_of_the_call(connection: sqlite3.Connection) -> None:
    """Of a call inline, however many there are in one function."""
    query = checked.query_scalar(int, "SELECT 1 WHERE FALSE")
    line = sys._getframe().f_lineno - 1
    with pytest.raises(sqlx.RowNotFound) as caught:
        query.one(connection)
    error = caught.value
    assert (error.path, error.line, error.name) == (
        __file__,
        line,
        "query_scalar(int)",
    )


def test_a_declared_query_s_line_is_its_decorator_s(
    connection: sqlite3.Connection,
) -> None:
    """There its SQL stands."""
    line = sys._getframe().f_lineno + 2

    @checked.query("SELECT 1 WHERE FALSE")
    def none(connection: sqlite3.Connection) -> int:
        raise NotImplementedError

    with pytest.raises(sqlx.RowNotFound) as caught:
        none(connection)
    assert (caught.value.path, caught.value.line) == (__file__, line)


class Word(NamedTuple):
    """A row."""

    a: str


class Number(NamedTuple):
    """A row of the same column."""

    a: int


def test_one_place_can_have_several_texts_and_classes(
    connection: sqlite3.Connection,
) -> None:
    """A query that a program chooses, in a loop."""
    for _ in range(2):
        for number in range(3):
            for row in (Word, Number):
                sql = checked.unchecked(f"SELECT {number} AS a")
                found = checked.query_as(row, sql).one(connection)
                assert (found, type(found)) == ((number,), row)


def test_what_is_kept_has_a_bound(
    connection: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Texts that never come again do not fill the memory."""
    monkeypatch.setattr(inline, "MOST", 10)
    monkeypatch.setattr(inline, "_BY_PLACE", {})
    monkeypatch.setattr(inline, "_BY_TEXT", {})
    for number in range(50):
        sql = checked.unchecked(f"SELECT {number}")
        assert checked.query_scalar(int, sql).one(connection) == number
        assert len(inline._BY_TEXT) <= 10
    assert len(inline._BY_PLACE) >= 1


def test_the_same_call_is_compiled_once(connection: sqlite3.Connection) -> None:
    """What is kept is found by the place."""
    sites = set()
    for key in range(5):
        query = checked.query_scalar(int, "SELECT ?", key)
        assert query.one(connection) == key
        sites.add(id(query._site))
    assert len(sites) == 1


SOURCE = """
import sqlite3
from sqlx import checked

@checked.query_file("{path}")
def find(connection: sqlite3.Connection) -> str:
    raise NotImplementedError

def inline(connection: sqlite3.Connection) -> object:
    return checked.query_file("{path}").one(connection)
"""
SQL = "SELECT 'ä' || '\r\n'\r\n"


@pytest.mark.parametrize(
    ("project", "package", "path", "place"),
    [
        ("pyproject.toml", "", "sql/a.sql", "sql/a.sql"),
        ("pyproject.toml", "src/app/store", "src/app/a.sql", "src/app/a.sql"),
        ("pyproject.toml", "src/app/store", "app/a.sql", "src/app/a.sql"),
        ("", "app", "app/a.sql", "app/a.sql"),
        (
            "pyproject.toml",
            "lib/site-packages/app",
            "app/a.sql",
            "lib/site-packages/app/a.sql",
        ),
    ],
)
def test_a_file_is_read_as_it_is(
    tmp_path: Path,
    connection: sqlite3.Connection,
    project: str,
    package: str,
    path: str,
    place: str,
) -> None:
    """From the project, or beside the outermost package, as when it is installed."""
    if project:
        (tmp_path / project).touch()
    folder = tmp_path / package
    folder.mkdir(parents=True, exist_ok=True)
    for above in (folder, folder.parent):
        if above.name in {"app", "store"}:
            (above / "__init__.py").touch()
    (folder / "queries.py").write_text(SOURCE.format(path=path), encoding="utf-8")
    module = imported(folder / "queries.py")
    file = tmp_path / place
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(SQL.encode())  # After the import: it is read at the first call.
    assert module.find(connection) == module.find(connection) == "ä\r\n"
    assert module.inline(connection) == ("ä\r\n",)


def test_an_installed_package_has_no_project(
    tmp_path: Path, connection: sqlite3.Connection
) -> None:
    """The project around `site-packages` is somebody else's, and so are its files."""
    package = tmp_path / "venv" / "site-packages" / "app"
    for folder, text in ((package, "'ours'"), (tmp_path / "app", "'theirs'")):
        folder.mkdir(parents=True)
        (folder / "a.sql").write_text(f"SELECT {text}", encoding="utf-8")
    (tmp_path / "pyproject.toml").touch()
    (package / "__init__.py").touch()
    source = SOURCE.format(path="app/a.sql")
    (package / "queries.py").write_text(source, encoding="utf-8")
    assert imported(package / "queries.py").find(connection) == "ours"


def test_a_file_that_is_not_there(
    tmp_path: Path, connection: sqlite3.Connection
) -> None:
    """The error names where it was looked for, at the first call and again."""
    (tmp_path / "pyproject.toml").touch()
    package = tmp_path / "src" / "app"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "queries.py").write_text(
        SOURCE.format(path="app/a.sql"), encoding="utf-8"
    )
    module = imported(package / "queries.py")
    for call in (module.find, module.find, module.inline):
        with pytest.raises(FileNotFoundError) as caught:
            call(connection)
        assert str(caught.value) == (
            f"failed to read query file: there is no {tmp_path}/app/a.sql and "
            f"{tmp_path}/src/app/a.sql"
        )


def test_the_run_time_imports_no_collector() -> None:
    """Who calls queries does not pay for what finds them in source."""
    code = (
        "import sys, sqlx.checked;"
        "sys.exit(any('.collecting' in name for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
