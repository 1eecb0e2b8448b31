"""Files and tables that are not as they should be: refused before anything is done."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pytest
from faults.laws import MIXED, check, history, put

import sqlx

if TYPE_CHECKING:
    from pathlib import Path

    from faults.proxy import Proxy
    from faults.servers import Database


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("5_nul.sql", b"SELECT 1;\n\0DROP TABLE t2;", r"5_nul\.sql:2:1: a NUL byte"),
        ("5_latin.sql", b"SELECT '\xfcbel';", "did not contain valid UTF-8"),
        ("04_twice.sql", b"SELECT 1;", "migration 4 stands in two files: "),
        ("5_copy.sql", b"COPY t2 FROM STDIN;", r"5_copy\.sql:1:1: COPY with STDIN"),
        ("9223372036854775808_big.sql", b"", "9223372036854775808_big.sql"),
        ("5_open.sql", b"-- no-transaction\nBEGIN;", "leaves a transaction open"),
    ],
)
def test_a_file_that_cannot_run(
    proxy: Proxy, tmp_path: Path, name: str, content: bytes, words: str
) -> None:
    """One bad file, and none of the files is applied (F1, F2, F5, F6)."""
    directory = put(tmp_path / "m", MIXED)
    (directory / name).write_bytes(content)
    with pytest.raises(sqlx.SourceError, match=words):
        sqlx.Migrator(directory).run(proxy.database.url)
    assert history(proxy.target) == {}
    if name not in {"5_copy.sql", "5_open.sql"}:
        assert proxy.sessions == 0


def test_bytes_decide_the_checksum(database: Database, tmp_path: Path) -> None:
    """The checksum is that of the file's bytes, its line endings included (F4)."""
    directory = put(tmp_path / "m", {})
    content = b"CREATE TABLE t (id INT);\r\n-- a comment\rINSERT INTO t VALUES (1);\r\n"
    (directory / "1_t.sql").write_bytes(content)
    sqlx.Migrator(directory).run(database.url)
    stored = database.ask("SELECT checksum FROM _sqlx_migrations")
    assert stored == [(hashlib.sha384(content).digest(),)]
    # A lone CR ends a comment in PostgreSQL.
    assert database.ask("SELECT id FROM t") == [(1,)]


def test_an_applied_file_was_edited(database: Database, tmp_path: Path) -> None:
    """A changed file stops the run before a later one is applied (F8)."""
    directory = put(tmp_path / "m", MIXED)
    sqlx.Migrator(directory).run(database.url, target=3)
    put(directory, {"2_second.sql": "CREATE TABLE t2 (id INT);\n"})
    with pytest.raises(sqlx.VersionMismatch) as caught:
        sqlx.Migrator(directory).run(database.url)
    assert caught.value.version == 2
    assert str(directory / "2_second.sql") in str(caught.value)
    assert check(database) == [1, 2, 3]


def test_an_applied_file_was_deleted(database: Database, tmp_path: Path) -> None:
    """A missing file stops the run before a later one is applied (F8)."""
    directory = put(tmp_path / "m", MIXED)
    sqlx.Migrator(directory).run(database.url, target=3)
    (directory / "2_second.sql").unlink()
    with pytest.raises(sqlx.VersionMissing) as caught:
        sqlx.Migrator(directory).run(database.url)
    assert caught.value.versions == (2,)
    assert check(database) == [1, 2, 3]


def test_a_row_of_the_history_was_deleted(database: Database, tmp_path: Path) -> None:
    """A file that is run again meets what it made, and is rolled back (F13)."""
    directory = put(tmp_path / "m", MIXED)
    sqlx.Migrator(directory).run(database.url, target=3)
    database.ask("DELETE FROM _sqlx_migrations WHERE version = 1")
    with pytest.raises(sqlx.ExecuteMigration, match="already exists"):
        sqlx.Migrator(directory).run(database.url)
    assert history(database) == {2: True, 3: True}
    assert database.ask("SELECT version FROM effects") == [(1,)]


def test_a_view_in_the_place_of_the_table(database: Database, tmp_path: Path) -> None:
    """What is no table is not taken for the history, and nothing is changed (F13)."""
    directory = put(tmp_path / "m", MIXED)
    sqlx.Migrator(directory).run(database.url, target=3)
    database.ask(
        "ALTER TABLE _sqlx_migrations RENAME TO old;"
        "CREATE VIEW _sqlx_migrations AS SELECT * FROM old"
    )
    with pytest.raises(sqlx.DatabaseError) as caught:
        sqlx.Migrator(directory).run(database.url)
    assert str(caught.value) == (
        "public._sqlx_migrations is not a table, so it cannot be the history of"
        " migrations; rename it, or choose another table name"
    )
    assert database.ask("SELECT count(*) FROM old") == [(3,)]


def test_a_column_of_the_table_is_gone(database: Database, tmp_path: Path) -> None:
    """A history that cannot be read stops the run (F13)."""
    directory = put(tmp_path / "m", MIXED)
    sqlx.Migrator(directory).run(database.url, target=3)
    database.ask("ALTER TABLE _sqlx_migrations DROP COLUMN checksum")
    with pytest.raises(sqlx.DatabaseError, match=r"h\.checksum does not exist"):
        sqlx.Migrator(directory).run(database.url)
    assert database.ask("SELECT to_regclass('effects') IS NULL") == [(False,)]


MARKS = "%s % ? $1 :a {0} {} %(b)s \\n"


def test_marks_of_drivers_mean_nothing(database: Database, tmp_path: Path) -> None:
    """What drivers take for parameters goes to the server as it stands (F10)."""
    sql = f"CREATE TABLE t (word TEXT);\nINSERT INTO t VALUES ('{MARKS}');"
    sqlx.Migrator(put(tmp_path / "m", {"1_t.sql": sql})).run(database.url)
    assert database.ask("SELECT word FROM t") == [(MARKS,)]


def test_a_description_is_only_text(database: Database, tmp_path: Path) -> None:
    """A file's name goes into the history letter by letter, whatever it holds (F9)."""
    name = 'it\'s %s {} $1 \\x41 "q"; DROP TABLE t; -- übel'
    files = {f"1_{name}.sql": "CREATE TABLE t (id INT);"}
    sqlx.Migrator(put(tmp_path / "m", files)).run(database.url)
    assert database.ask("SELECT description FROM _sqlx_migrations") == [(name,)]
    assert database.ask("SELECT count(*) FROM t") == [(0,)]
