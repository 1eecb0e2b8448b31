"""`migrate run|revert|info` and `override skip` on SQLite.

The matrices are those of SQLx's own tests (`sqlx-cli/tests/migrate.rs`).
"""

from __future__ import annotations

import json
import re
import sqlite3
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from cli.conftest import Command, Result
    from support import Write

VERSIONS = tuple(20230001000000 + month * 100000000 for month in range(101, 106))
ONE, TWO, THREE, FOUR, FIVE = VERSIONS
TIME = re.compile(r"\(\d[\d.]*(ns|µs|ms|s)\)$", re.MULTILINE)


@pytest.fixture
def reversible(write: Write) -> None:
    """SQLx's five reversible migrations."""
    for number, version in enumerate(VERSIONS, 1):
        table = f"test{number}"
        write(f"{version}_{table}.up.sql", f"CREATE TABLE {table}(x INTEGER);\n")
        write(f"{version}_{table}.down.sql", f"DROP TABLE {table};\n")


def applied(database: str) -> list[int]:
    """Read which versions the history has, ascending."""
    connection = sqlite3.connect(database)
    try:
        sql = "SELECT version FROM _sqlx_migrations WHERE success ORDER BY version"
        return [version for (version,) in connection.execute(sql)]
    finally:
        connection.close()


def lines(result: Result) -> str:
    """Return what was printed, with `(T)` for each time."""
    assert (result.code, result.err) == (0, "")
    return TIME.sub("(T)", result.out)


def number(version: int) -> int:
    """Tell which of the five a version is."""
    return VERSIONS.index(version) + 1


def up(outcome: str, *versions: int) -> str:
    """Write SQLx's lines of a run."""
    return "".join(f"{outcome} {v}/migrate test{number(v)} (T)\n" for v in versions)


def down(outcome: str, *versions: int) -> str:
    """Write SQLx's lines of a revert."""
    return "".join(f"{outcome} {v}/revert test{number(v)} (T)\n" for v in versions)


@pytest.mark.usefixtures("reversible")
@pytest.mark.parametrize(
    ("words", "outcome"),
    [(["run"], "Applied"), (["override", "skip"], "Skipped on request")],
)
def test_reversible_migrations_are_run_or_skipped(
    sqlx: Command, database: str, words: list[str], outcome: str
) -> None:
    """SQLx's `run_reversible_migrations` and `skip_reversible_migrations`."""

    def act(*more: str) -> Result:
        return sqlx("migrate", *words, *more)

    def target(version: int) -> list[str]:
        return ["--target-version", str(version)]

    assert lines(act("--dry-run")) == up("Can apply", *VERSIONS)
    assert lines(act(*target(ONE))) == up(outcome, ONE) + up("Skipped", *VERSIONS[1:])
    assert lines(act("--dry-run", *target(TWO))) == (
        up("Can apply", TWO) + up("Skipped", THREE, FOUR, FIVE)
    )
    assert applied(database) == [ONE]
    assert lines(act(*target(THREE))) == (
        up(outcome, TWO, THREE) + up("Skipped", FOUR, FIVE)
    )
    older = act(*target(ONE))
    assert (older.code, older.out, older.err) == (
        1,
        "",
        (
            f"error: migration {ONE} is older than the latest applied migration "
            f"{THREE}; to go back, use revert\n"
        ),
    )
    unknown = act(*target(FOUR + 1))
    assert (unknown.code, unknown.out, unknown.err) == (
        1,
        "",
        (
            f"error: migration {FOUR + 1} is not present in the migration source: "
            "migrations; choose a version that `sqlx migrate info` lists\n"
        ),
    )
    assert lines(act()) == up(outcome, FOUR, FIVE)
    assert lines(act(*target(FIVE))) == ""
    assert lines(act()) == ""
    assert applied(database) == list(VERSIONS)


@pytest.mark.usefixtures("reversible")
def test_migrations_are_reverted(sqlx: Command, database: str) -> None:
    """SQLx's `revert_migrations`."""

    def revert(*more: str) -> Result:
        return sqlx("migrate", "revert", *more)

    sqlx("migrate", "run")
    assert lines(revert("--dry-run")) == down("Can apply", FIVE)
    assert applied(database) == list(VERSIONS)
    assert lines(revert()) == down("Applied", FIVE)
    to_two = ["--target-version", str(TWO)]
    assert lines(revert("--dry-run", *to_two)) == (
        down("Can apply", FOUR, THREE) + down("Skipped", TWO, ONE)
    )
    assert applied(database) == [ONE, TWO, THREE, FOUR]
    assert lines(revert(*to_two)) == down("Applied", FOUR, THREE) + down(
        "Skipped", TWO, ONE
    )
    assert lines(revert(*to_two)) == down("Skipped", TWO, ONE)
    newer = revert("--target-version", str(THREE))
    assert (newer.code, newer.out, newer.err) == (
        1,
        "",
        (
            f"error: migration {THREE} is newer than the latest applied migration "
            f"{TWO}; to go forward, use run\n"
        ),
    )
    assert revert("--target-version", "5").code == 1
    assert applied(database) == [ONE, TWO]
    sqlx("migrate", "run")
    assert lines(revert("--target-version", "0")) == down(
        "Applied", *reversed(VERSIONS)
    )
    assert applied(database) == []
    assert lines(revert()) == "No migrations available to revert\n"
    assert lines(revert("--dry-run")) == "No migrations available to revert\n"


IGNORED = {
    "LF": "CREATE TABLE {0} (\n    id INTEGER\n);\n",
    "CRLF": "CREATE TABLE {0} (\r\n    id INTEGER\r\n);\r\n",
    "BOM": "\ufeffCREATE TABLE {0} (\n    id INTEGER\n);\n",
    "tabs": "CREATE\tTABLE\t{0} (\n\tid\tINTEGER\n);\n",
}


@pytest.mark.usefixtures("database")
def test_characters_are_ignored(sqlx: Command, here: Path, write: Write) -> None:
    """SQLx's `ignored_chars`: other white space, and still the same checksums."""
    (here / "sqlx.toml").write_text(
        '[migrate]\nignored-chars = [" ", "\\t", "\\r", "\\n", "\\uFEFF"]\n'
    )
    for variant, sql in IGNORED.items():
        for version, table in enumerate(("user", "post", "comment"), 1):
            write(f"{version}_{table}.sql", sql.format(table))
        run = sqlx("migrate", "run")
        assert run.code == 0
        assert bool(run.out) == (variant == "LF")
        info = sqlx("migrate", "info")
        assert info.out == "1/installed user\n2/installed post\n3/installed comment\n"


def test_a_missing_database_file(sqlx: Command, here: Path, write: Write) -> None:
    """`run` does not create a file, as in SQLx."""
    write("1_a.sql", "CREATE TABLE a (x);")
    result = sqlx("migrate", "run", "-D", "sqlite:x.db")
    assert (result.code, result.out) == (1, "")
    assert result.err.startswith("error: unable to open database file")
    assert not (here / "x.db").exists()


def test_the_refused_statement_is_shown(
    sqlx: Command, write: Write, database: str
) -> None:
    """File, line, column, the line with a caret, and what is applied."""
    write("1_a.sql", "CREATE TABLE a (x);\n")
    write("2_b.sql", "CREATE TABLE b (x);\nCREATE TABLE oops (x;\n")
    result = sqlx("migrate", "run")
    assert result.code == 1
    assert TIME.sub("(T)", result.out) == "Applied 1/migrate a (T)\n"
    assert (
        result.err
        == """\
error: migrations/2_b.sql:2:21: while executing migration 2: near ";": syntax error \
[code 1]
  CREATE TABLE oops (x;
                      ^
state: rolled back, nothing of this migration is applied; mend it and run again
"""
    )
    assert applied(database) == [1]


def test_a_changed_file_is_refused_before_anything_is_applied(
    sqlx: Command, write: Write, database: str
) -> None:
    """SQLx would apply migration 0 first, and then refuse."""
    write("1_a.sql", "CREATE TABLE a (x);\n")
    sqlx("migrate", "run")
    write("1_a.sql", "CREATE TABLE a (y);\n")
    write("0_z.sql", "CREATE TABLE z (x);\n")
    result = sqlx("migrate", "run")
    assert (result.code, result.out, result.err) == (
        1,
        "",
        (
            "error: migration 1 was previously applied but has been modified: "
            "migrations/1_a.sql; restore the file, or put the change in a new "
            "migration\n"
        ),
    )
    assert applied(database) == [1]


def test_out_of_order_files_are_applied(
    sqlx: Command, write: Write, database: str
) -> None:
    """A file that is older than what is applied is applied all the same, as in SQLx."""
    write("2_b.sql", "CREATE TABLE b (x);\n")
    sqlx("migrate", "run")
    write("1_a.sql", "CREATE TABLE a (x);\n")
    assert lines(sqlx("migrate", "run")) == "Applied 1/migrate a (T)\n"
    assert applied(database) == [1, 2]


def test_the_newest_without_a_way_back_is_not_passed_over(
    sqlx: Command, write: Write, database: str
) -> None:
    """SQLx would revert an older migration here; we say what is missing."""
    write("1_a.up.sql", "CREATE TABLE a (x);\n")
    write("1_a.down.sql", "DROP TABLE a;\n")
    write("2_b.sql", "CREATE TABLE b (x);\n")
    sqlx("migrate", "run")
    reason = (
        "migrations/2_b.sql: migration 2 has no down file; write a new migration that "
        "reverses it, or put the SQL that does into migrations/2_b.down.sql"
    )
    newest = sqlx("migrate", "revert")
    assert (newest.code, newest.out, newest.err) == (
        0,
        "No migrations available to revert\n",
        f"warning: {reason}\n",
    )
    all_of_them = sqlx("migrate", "revert", "--target-version", "0")
    assert (all_of_them.code, all_of_them.out) == (1, "")
    assert all_of_them.err == f"error: {reason}; nothing was reverted\n"
    assert applied(database) == [1, 2]


def test_a_down_file_beside_a_simple_one_is_a_way_back(
    sqlx: Command, write: Write, database: str
) -> None:
    """A simple migration becomes revertible when its down file is written."""
    write("1_a.sql", "CREATE TABLE a (x);\n")
    sqlx("migrate", "run")
    write("1_a.down.sql", "DROP TABLE a;\n")
    assert lines(sqlx("migrate", "revert")) == "Applied 1/revert a (T)\n"
    assert applied(database) == []


def test_a_missing_file_is_refused_unless_ignored(
    sqlx: Command, write: Write, database: str
) -> None:
    """`--ignore-missing` lets pass what the history knows and the folder does not."""
    gone = write("1_a.sql", "CREATE TABLE a (x);\n")
    sqlx("migrate", "run")
    gone.unlink()
    write("2_b.sql", "CREATE TABLE b (x);\n")
    result = sqlx("migrate", "run")
    assert (result.code, result.out, result.err) == (
        1,
        "",
        (
            "error: migration 1 was previously applied but is missing in the resolved "
            "migrations: the history knows 1 (a), migrations does not; deploy a "
            "release that has the files, or restore them; if this one runs with them, "
            "pass --ignore-missing (ignore_missing=True), and mark such files "
            "`-- sqlx: compatible` before they are applied\n"
        ),
    )
    ignored = sqlx("migrate", "run", "--ignore-missing")
    assert lines(ignored) == "Applied 2/migrate b (T)\n"
    assert applied(database) == [1, 2]


def test_a_compatible_file_may_be_missing(
    sqlx: Command, write: Write, database: str
) -> None:
    """A run goes on and says so; a revert does not pass over it."""
    write("1_a.sql", "CREATE TABLE a (x);\n")
    write("1_a.down.sql", "DROP TABLE a;\n")
    gone = write("2_b.sql", "-- sqlx: compatible\nCREATE TABLE b (x);\n")
    sqlx("migrate", "run")
    gone.unlink()
    told = (
        "warning: migrations: migration 2 (b) is applied and has no file here; it is "
        "marked compatible, so a run goes on\n"
    )
    for words in (["run"], ["run", "--dry-run"]):
        result = sqlx("migrate", *words)
        assert (result.code, result.out, result.err) == (0, "", told)
    document = json.loads(sqlx("migrate", "run", "--format", "json").out)
    assert document["already_applied"] == 1
    assert [warning["code"] for warning in document["warnings"]] == ["compatible"]
    result = sqlx("migrate", "revert")
    assert (result.code, result.out, result.err) == (
        0,
        "No migrations available to revert\n",
        (
            "warning: migration 2 is the newest applied one and has no file here; "
            "restore its files, or write a new migration that reverses it\n"
        ),
    )
    assert applied(database) == [1, 2]
