"""`sqlx describe`: a query, a file or a folder of them, printed in three forms."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sqlx.queries.values import query_hash

if TYPE_CHECKING:
    from cli.conftest import Command

PET = "SELECT id, name, age FROM pets WHERE name = ?1"


@pytest.fixture(autouse=True)
def project(here: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project for SQLite, which its `sqlx.toml` says."""
    for name in ("SQLX_OFFLINE", "SQLX_OFFLINE_DIR"):
        monkeypatch.delenv(name, raising=False)
    Path("migrations").mkdir()
    Path("migrations/1_pets.sql").write_text(
        "CREATE TABLE pets (id INTEGER PRIMARY KEY, name TEXT NOT NULL, age INTEGER);"
    )
    table = "[drivers.external.sqlx-py]"
    Path("sqlx.toml").write_text(f"{table}\ndatabase = 'sqlite'\n")
    return here


NOTE = "Found `sqlx.toml` in current directory; reading...\n"


def test_a_query_is_told_with_its_python(sqlx: Command) -> None:
    """Parameters, columns, what may be NULL, and what to paste."""
    result = sqlx("describe", PET)
    assert (result.code, result.err) == (0, NOTE)
    assert result.out == (
        "parameters\n"
        "  $1  any\n"
        "columns\n"
        "  id    INTEGER  NOT NULL\n"
        "  name  TEXT     NOT NULL\n"
        "  age   INTEGER  may be NULL: the column allows NULL\n"
        "\n"
        "from dataclasses import dataclass\n"
        "from sqlite3 import Connection\n"
        "\n"
        "import sqlx\n"
        "\n"
        "\n"
        "@dataclass(frozen=True, slots=True)\n"
        "class Query:\n"
        "    id: int\n"
        "    name: str\n"
        "    age: int | None\n"
        "\n"
        "\n"
        f'@sqlx.query("{PET}")\n'
        "def query(connection: Connection, parameter_1: str | int | float | bytes "
        "| None) -> list[Query]:\n"
        "    raise NotImplementedError\n"
    )
    Path("app.py").write_text(result.out.partition("\n\n")[2])
    checked = sqlx("check", "app")
    assert (checked.code, checked.out) == (0, "")


def test_a_folder_is_described_file_by_file(sqlx: Command) -> None:
    """Sorted by name, folders below included; what is refused is told on stderr."""
    Path("queries/more").mkdir(parents=True)
    Path("queries/b.sql").write_text("DELETE FROM pets;\n")
    Path("queries/more/a.sql").write_text("SELECT nam\nFROM pets")
    Path("queries/notes.txt").write_text("no query")
    result = sqlx("describe", "queries")
    assert (result.code, result.err) == (
        1,
        NOTE + "queries/more/a.sql:1:8: error: no such column: nam [code 1] [sql]\n"
        "SELECT nam\n"
        "       ^\n"
        "1 described, 1 refused\n",
    )
    assert result.out == (
        "queries/b.sql\n"
        "no parameters\n"
        "no columns\n"
        "\n"
        "from sqlite3 import Connection\n"
        "\n"
        "import sqlx\n"
        "\n"
        "\n"
        '@sqlx.query_file("queries/b.sql")\n'
        "def b(connection: Connection) -> sqlx.RowsAffected:\n"
        "    raise NotImplementedError\n"
    )


def test_json_has_the_same_facts(sqlx: Command) -> None:
    """One document, for one query or for many; a refusal is an error in it."""
    result = sqlx("describe", "SELECT max(age) AS age FROM pets", "--format", "json")
    (query,) = json.loads(result.out)["queries"]
    python = query.pop("python")
    assert python.startswith("from sqlite3 import Connection\n")
    assert query == {
        "path": None,
        "query": "SELECT max(age) AS age FROM pets",
        "database": "SQLite",
        "parameters": 0,
        "columns": [
            {
                "name": "age",
                "type": "of no known type",
                "origin": None,
                "may_be_null": True,
                "reason": query["columns"][0]["reason"],
                "sqlx_nullable": True,
            }
        ],
    }
    result = sqlx("describe", "SELECT", "--format", "json")
    (query,) = json.loads(result.out)["queries"]
    assert (result.code, query) == (
        1,
        {
            "path": None,
            "query": "SELECT",
            "error": {
                "message": "incomplete input",
                "offset": query["error"]["offset"],
                "sqlstate": "1",
                "hint": None,
                "detail": None,
            },
        },
    )


def test_the_files_of_the_cache_are_written(sqlx: Command) -> None:
    """As `prepare` would, for SQL without Python around it, its bytes unchanged."""
    text = b"SELECT name\r\nFROM pets\r\n"
    Path("q.sql").write_bytes(text)
    result = sqlx("describe", "q.sql", "--format", "sqlx", "--out", "kept")
    name = query_hash(text.decode())
    assert (result.code, result.out) == (
        0,
        f"kept/query-{name}.json\nkept/python/{name}.json\nkept/python/prepared.json\n",
    )
    kept = json.loads(Path(f"kept/query-{name}.json").read_text())
    assert kept["query"] == text.decode()
    sqlx("describe", "q.sql", "--format", "sqlx", "--sqlx-version", "0.8")
    assert "origin" not in Path(f".sqlx/query-{name}.json").read_text()


def test_offline_the_cache_is_asked(sqlx: Command) -> None:
    """It has an answer for what was prepared, and nothing can be written."""
    sqlx("describe", PET, "--format", "sqlx")
    os.environ["SQLX_OFFLINE"] = "true"
    os.environ["DATABASE_URL"] = "sqlite:nowhere.db"
    result = sqlx("describe", PET)
    assert (result.code, result.out.splitlines()[3]) == (0, "  id    INTEGER  NOT NULL")
    name, result = query_hash("SELECT 1"), sqlx("describe", "SELECT 1")
    assert (result.code, result.err) == (
        1,
        (
            f"{NOTE}error: .sqlx/query-{name}.json: there is no cached data for this "
            "query: it is new, or was changed since the cache was made; run "
            "`sqlx prepare`, or unset SQLX_OFFLINE\n"
        ),
    )
    result = sqlx("describe", PET, "--format", "sqlx")
    assert (result.code, result.err) == (
        2,
        f"{NOTE}error: --format sqlx asks a database: unset SQLX_OFFLINE\n",
    )


@pytest.mark.parametrize("nullable", ["true", "false", "null"])
def test_what_sqlx_alone_says_is_told_as_its_word(sqlx: Command, nullable: str) -> None:
    """A cache of SQLx's has no proof."""
    sqlx("describe", "SELECT name FROM pets", "--format", "sqlx")
    name = query_hash("SELECT name FROM pets")
    Path(f".sqlx/python/{name}.json").unlink()
    path = Path(f".sqlx/query-{name}.json")
    document = json.loads(path.read_text())
    document["describe"]["nullable"] = [json.loads(nullable)]
    path.write_text(json.dumps(document))
    os.environ["SQLX_OFFLINE"] = "true"
    word = {"true": "NULL", "false": "NOT NULL", "null": "unknown"}[nullable]
    said = sqlx("describe", "SELECT name FROM pets").out.splitlines()
    assert said[2] == f"  name  TEXT  {word}, says SQLx"
    assert ("list[str]" in said[-2]) is (nullable == "false")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("nope.sql",), "nope.sql: there is no such file or folder"),
        (("empty",), "empty: there is no `.sql` file in this folder"),
        (("bad.sql",), "bad.sql:2: this is no UTF-8; save the file as UTF-8"),
        (("SELECT 1", "--out", "x"), "--out is for --format sqlx, and for no other"),
    ],
)
def test_what_cannot_be_described_is_misuse(
    sqlx: Command, words: tuple[str, ...], message: str
) -> None:
    """A file that is not there, an empty folder, bytes that are no text."""
    Path("empty").mkdir()
    Path("bad.sql").write_bytes(b"SELECT\n\xff")
    result = sqlx("describe", *words)
    assert (result.code, result.err) == (2, f"error: {message}\n")
