"""`prepare`, `check` and `describe` on MariaDB: on its own, a scratch one, offline."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sqlx.queries.values import query_hash

if TYPE_CHECKING:
    from cli.conftest import Command
    from mysql_server import Server
    from support import Database

SCHEMA = """
CREATE TABLE pets (
    id INT PRIMARY KEY AUTO_INCREMENT,
    name VARCHAR(20) NOT NULL,
    tier ENUM('free', 'pro') NOT NULL DEFAULT 'free',
    age MEDIUMINT,
    note VARCHAR(9) COLLATE utf8mb4_bin,
    data JSON
);
"""
PET = "SELECT id, name AS `name!`, tier, age, note, data FROM pets WHERE name = ?"
APP = f"""
from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import pymysql
import sqlx


@dataclass
class Pet:
    id: int
    name: str
    tier: Literal["free", "pro"]
    age: int | None
    note: str | None
    data: dict[str, Any] | None


@sqlx.query("{PET}")
def pet(connection: pymysql.Connection, name: str) -> Pet | None:
    raise NotImplementedError


@sqlx.query("INSERT INTO pets (name) VALUES (?) RETURNING id")
def add(connection: pymysql.Connection, name: str) -> int:
    raise NotImplementedError
"""
WRONG = '''
from __future__ import annotations

from asyncmy import Connection, Pool
import sqlx


@sqlx.query("SELECT age FROM pets WHERE id = ?")
async def age(connection: Connection, id: int) -> int:
    raise NotImplementedError


@sqlx.query("SELECT tier FROM pets LIMIT 1")
async def tier(connection: Pool) -> bytes:
    raise NotImplementedError


@sqlx.query("SELECT id FROM pets WHERE id = ?")
async def more(connection: Pool, a: int, b: int) -> int:
    raise NotImplementedError


@sqlx.query("SELECT ? + 1")
async def one(connection: Pool, a: int) -> int:
    raise NotImplementedError


@sqlx.query("""
    SELECT id
    FROM pets
    WHER id = 1
""")
async def broken(connection: Pool) -> int:
    raise NotImplementedError
'''
FOUND = (
    'wrong.py:9:51: error: column "age" may be NULL (the column allows NULL) but age '
    'returns int; write "int | None" or alias it AS "age!" [nullable]\n'
    "wrong.py:14:37: error: column \"tier\" is enum('free','pro') but tier returns "
    'bytes; write "Literal["free", "pro"]" or "str" [column-type]\n'
    "wrong.py:19:11: error: the query has 1 parameter, the function takes 2 after the "
    "connection [param-count]\n"
    'wrong.py:24:44: notice: column "? + 1" is of a type that is not known, so one '
    "returns int unchecked; CAST it to be sure [unchecked]\n"
    'wrong.py:24:44: error: column "? + 1" may be NULL but one returns int; write '
    '"int | None" or alias it AS "value!" [nullable]\n'
    "wrong.py:31:10: error: 1064 (42000): You have an error in your SQL syntax; check "
    "the manual that corresponds to your MariaDB server version for the right syntax "
    "to use near 'id = 1' at line 3 [sql]\n"
    "    WHER id = 1\n"
    "         ^\n"
)
RIGHT = "2 queries in 1 module, 0 errors\n"
ADD = query_hash("INSERT INTO pets (name) VALUES (?) RETURNING id")


@pytest.fixture(autouse=True)
def project(here: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """One migration, one module with one query that is right."""
    for name in ("SQLX_OFFLINE", "SQLX_OFFLINE_DIR"):
        monkeypatch.delenv(name, raising=False)
    (here / "migrations").mkdir()
    (here / "migrations/20250101000000_pets.sql").write_text(SCHEMA)
    (here / "app.py").write_text(APP)
    (here / "wrong.py").write_text(WRONG)
    return here


def cached() -> dict[str, str]:
    """Read what lies in the cache."""
    files = (path for path in Path(".sqlx").rglob("*") if path.is_file())
    return {path.name: path.read_text() for path in files}


def test_a_scratch_database_gives_what_the_url_s_gives(
    sqlx: Command, on_mysql: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has other tables and another name, of which nothing is told."""
    monkeypatch.setenv("DATABASE_URL", on_mysql.url)
    assert sqlx("migrate", "run").code == 0
    asked = sqlx("prepare", "app")
    assert (asked.code, asked.err) == (0, RIGHT)
    files = cached()
    scratch = sqlx("prepare", "app", "--scratch", "mysql", "--fresh")
    assert (scratch.code, scratch.err) == (0, RIGHT)
    assert cached() == files
    assert set(files) == {
        "prepared.json",
        *(
            f"{query}{digest}.json"
            for digest in (ADD, query_hash(PET))
            for query in ("", "query-")
        ),
    }
    assert json.loads(files[f"query-{ADD}.json"])["describe"]["columns"] == []
    document = json.loads(files[f"query-{query_hash(PET)}.json"])
    tables = {c["origin"]["Table"]["table"] for c in document["describe"]["columns"]}
    assert tables == {on_mysql.url.partition("?")[0].rpartition("/")[2] + ".pets"}
    assert json.loads(files["prepared.json"])["database"] == "MySQL"


def test_offline_the_labels_and_the_collation_are_known(
    sqlx: Command, mariadb: Server
) -> None:
    """SQLx 0.8's files have neither: what we know lies beside them."""
    words = ("--scratch", "mysql", "--database-url", mariadb.url())
    assert sqlx("prepare", "app", "--sqlx-version", "0.8", *words).code == 0
    result = sqlx("check", "app", "--offline")
    assert (result.code, result.out, result.err) == (0, "", RIGHT)
    app = Path("app.py").read_text()
    Path("app.py").write_text(app.replace('Literal["free", "pro"]', 'Literal["free"]'))
    wrong = sqlx("check", "app", "--offline")
    assert wrong.out == (
        "app.py:22:55: error: column \"tier\" is enum('free','pro') but Pet.tier is "
        'Literal[\'free\']: it has no "pro"; add it, or write "str" [column-type]\n'
    )


def test_what_is_wrong_is_told_at_its_place(sqlx: Command, mariadb: Server) -> None:
    """Types, NULL, the number of parameters, and the server's own words."""
    words = ("--scratch", "mysql", "--database-url", mariadb.url())
    result = sqlx("check", "wrong", *words)
    assert (result.code, result.out) == (1, FOUND)


def test_a_query_is_told_with_its_python(sqlx: Command, mariadb: Server) -> None:
    """Parameters have their columns' names, and no types."""
    words = ("--scratch", "mysql", "--database-url", mariadb.url())
    sql = "SELECT name, age, age + 1 AS next FROM pets WHERE `id` = ?"
    result = sqlx("describe", sql, *words)
    assert (result.code, result.err) == (0, "")
    assert result.out == (
        "parameters\n"
        "  ?  any\n"
        "columns\n"
        "  name  VARCHAR    NOT NULL\n"
        "  age   MEDIUMINT  may be NULL: the column allows NULL\n"
        "  next  BIGINT     may be NULL\n"
        "\n"
        "from dataclasses import dataclass\n"
        "\n"
        "import sqlx\n"
        "from pymysql import Connection\n"
        "\n"
        "\n"
        "@dataclass(frozen=True, slots=True)\n"
        "class Query:\n"
        "    name: str\n"
        "    age: int | None\n"
        "    next: int | None\n"
        "\n"
        "\n"
        f'@sqlx.query("{sql}")\n'
        "def query(connection: Connection, id: str | int | float | bytes | None) -> "
        "list[Query]:\n"
        "    raise NotImplementedError\n"
    )


def test_a_scratch_database_needs_a_server(sqlx: Command) -> None:
    """The connections show that it is to be MySQL's, and nothing where that is."""
    result = sqlx("check", "app")
    assert (result.code, result.err) == (
        2,
        (
            "error: a scratch database of MySQL is made on a server of yours: give "
            "its URL, with --database-url or in DATABASE_URL, and --scratch mysql\n"
        ),
    )
