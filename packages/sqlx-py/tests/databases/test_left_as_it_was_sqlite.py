"""A connection of the user's is left as it was, whatever the files and the run do."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from support import Awaited

import sqlx
from sqlx.errors import InTransaction, LockTimeout

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from support import Database, Door, Write

PRAGMAS = (
    "foreign_keys",
    "busy_timeout",
    "recursive_triggers",
    "cache_size",
    "synchronous",
    "temp_store",
    "query_only",
    "ignore_check_constraints",
    "legacy_alter_table",
    "read_uncommitted",
    "secure_delete",
    "trusted_schema",
    "writable_schema",
    "journal_mode",
)
MESS = """
PRAGMA foreign_keys = OFF;
PRAGMA busy_timeout = 1;
PRAGMA recursive_triggers = ON;
PRAGMA cache_size = 77;
PRAGMA ignore_check_constraints = ON;
PRAGMA legacy_alter_table = ON;
PRAGMA read_uncommitted = ON;
PRAGMA secure_delete = ON;
PRAGMA trusted_schema = OFF;
"""
LONG = (
    "WITH RECURSIVE n(i) AS (SELECT sqlx_test_began(1) UNION ALL SELECT i + 1 FROM n)"
    " SELECT max(i) FROM n;"
)


def upper(text: str) -> str:
    """Be a function of the user's."""
    return text.upper()


@pytest.fixture(params=[True, False], ids=["own thread", "any thread"])
def given(
    request: pytest.FixtureRequest, on_sqlite: Database
) -> Iterator[sqlite3.Connection]:
    """A connection of a user who has set everything to his liking."""
    own_thread: bool = request.param
    with closing(
        sqlite3.connect(on_sqlite.place, timeout=3.5, check_same_thread=own_thread)
    ) as connection:
        connection.isolation_level = "IMMEDIATE"
        connection.row_factory = sqlite3.Row
        connection.text_factory = bytes
        connection.create_function("upper_of_mine", 1, upper)
        connection.execute("CREATE TEMP TABLE mine (id INT)")
        connection.execute("INSERT INTO mine VALUES (7)")
        connection.commit()
        connection.execute("PRAGMA recursive_triggers = OFF")
        connection.execute("PRAGMA cache_size = 1234")
        yield connection


@contextmanager
def left_as_it_was(connection: sqlite3.Connection) -> Iterator[None]:
    """Compare all that can be seen, before and after; and that it still works."""

    def seen() -> dict[str, object]:
        pragmas = {
            name: tuple(connection.execute(f"PRAGMA {name}").fetchone())
            for name in PRAGMAS
        }
        return {
            **pragmas,
            "isolation_level": connection.isolation_level,
            "row_factory": connection.row_factory,
            "text_factory": connection.text_factory,
            "in_transaction": connection.in_transaction,
        }

    before = seen()
    yield
    assert seen() == before
    assert connection.in_transaction is False
    row = connection.execute("SELECT id, upper_of_mine('a') AS up FROM mine").fetchone()
    assert (row["id"], row["up"]) == (7, b"A")
    with pytest.raises(sqlite3.OperationalError):  # our functions are gone
        connection.execute("SELECT sqlx_elapsed_ns()")


def test_a_run_that_applies_leaves_it_as_it_was(
    given: sqlite3.Connection, colour: Door, write: Write, folder: Path
) -> None:
    """Files that change every kind of setting, in every mode."""
    write("1_a.sql", f"CREATE TABLE a (id INT);\n{MESS}")
    fast = "PRAGMA synchronous = OFF;\nPRAGMA writable_schema = ON;\n"
    write("2_b.sql", f"-- no-transaction\nCREATE TABLE b (id INT);\n{MESS}{fast}")
    write("3_c.sql", f"CREATE TABLE c (id INT);\nCOMMIT;\n{MESS}")
    write("4_d.up.sql", "CREATE TABLE d (id INT);")
    write("4_d.down.sql", f"-- no-transaction\nDROP TABLE d;\n{MESS}")
    migrator = colour(folder)
    with left_as_it_was(given):
        assert len(migrator.run(given).applied) == 4
    with left_as_it_was(given):
        assert len(migrator.revert(given).applied) == 1
    with left_as_it_was(given):
        assert len(migrator.skip(given).changes) == 1
    with left_as_it_was(given):
        assert migrator.run(given).already_applied == 4
    with left_as_it_was(given):
        assert len(migrator.info(given).rows) == 4


@pytest.mark.parametrize("by", ["url", "connection"])
@pytest.mark.parametrize("marker", ["", "-- no-transaction\n"])
def test_what_a_file_sets_is_not_there_for_the_next(
    on_sqlite: Database,
    colour: Door,
    write: Write,
    folder: Path,
    by: str,
    marker: str,
) -> None:
    """So the result does not depend on how many files run together."""
    seen = "SELECT cache_size, foreign_keys FROM pragma_cache_size, pragma_foreign_keys"
    write("1_a.sql", f"{marker}CREATE TABLE seen AS {seen};\n")
    write("2_b.sql", f"-- no-transaction\n{MESS}INSERT INTO seen {seen};\n")
    write("3_c.sql", f"{marker}INSERT INTO seen {seen};\n")
    with closing(sqlite3.connect(on_sqlite.place)) as connection:
        report = colour(folder).run(on_sqlite.url if by == "url" else connection)
    assert [warning.code for warning in report.warnings] == ["session-settings"]
    first, second, third = on_sqlite.rows("SELECT * FROM seen")
    assert second == (77, 0)
    assert first == third
    assert third[1] == 1


@pytest.mark.parametrize(
    "text",
    [
        f"CREATE TABLE b (id INT);\n{MESS}\nDROP TABLE nowhere;",
        f"-- no-transaction\nCREATE TABLE b (id INT);\n{MESS}\nDROP TABLE nowhere;",
        f"CREATE TABLE b (id INT);\nCOMMIT;\n{MESS}\nDROP TABLE nowhere;",
        f"-- no-transaction\nBEGIN;\n{MESS}\nDROP TABLE nowhere;\nCOMMIT;",
    ],
    ids=["transaction", "statements", "own control", "own transaction"],
)
def test_an_error_in_a_migration_leaves_it_as_it_was(
    given: sqlite3.Connection, colour: Door, write: Write, folder: Path, text: str
) -> None:
    """No transaction is open, and the settings are back."""
    write("1_a.sql", text)
    with left_as_it_was(given), pytest.raises(sqlx.ExecuteMigration) as caught:
        colour(folder).run(given)
    assert caught.value.cause.message == "no such table: nowhere"


def cancelled(
    connection: sqlite3.Connection, folder: Path, began: threading.Event
) -> type[BaseException]:
    """Cancel a task once the long statement has begun; give the error."""

    async def cancel() -> type[BaseException]:
        task = asyncio.create_task(sqlx.AsyncMigrator(folder).run(connection))
        await asyncio.to_thread(began.wait)
        task.cancel()
        (result,) = await asyncio.gather(task, return_exceptions=True)
        assert isinstance(result, BaseException)
        return type(result)

    return asyncio.run(cancel())


@pytest.mark.parametrize(
    "text",
    [
        f"CREATE TABLE b (id INT);\n{LONG}",
        f"-- no-transaction\nCREATE TABLE b (id INT);\n{MESS}\n{LONG}",
        f"CREATE TABLE b (id INT);\n{LONG}\nCOMMIT;",
        f"-- no-transaction\nBEGIN;\n{LONG}\nCOMMIT;",
    ],
    ids=["transaction", "statements", "own control", "own transaction"],
)
@pytest.mark.parametrize("given", [False], indirect=True)
def test_a_cancelled_task_leaves_it_as_it_was(
    given: sqlite3.Connection, write: Write, folder: Path, text: str
) -> None:
    """The statement is ended first, on its thread."""
    write("1_a.sql", text)
    began = threading.Event()

    def began_with(value: int) -> int:
        began.set()
        return value

    given.create_function("sqlx_test_began", 1, began_with)
    with left_as_it_was(given):
        assert cancelled(given, folder, began) is asyncio.CancelledError


def test_a_cancelled_task_ends_a_statement_on_our_own_connection(
    on_sqlite: Database, write: Write, folder: Path
) -> None:
    """By a URL the same: the claim of the transaction is gone."""
    write("1_a.sql", "CREATE TABLE a (id INT);")
    write("2_b.sql", LONG.replace("sqlx_test_began(1)", "1"))

    async def cancel() -> None:
        started = asyncio.Event()

        def hear(news: sqlx.News) -> None:
            if isinstance(news, sqlx.Starting) and news.migrations[0].version == 2:
                started.set()

        migrator = sqlx.AsyncMigrator(folder, on_event=hear)
        task = asyncio.create_task(migrator.run(on_sqlite.url))
        await started.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancel())
    assert on_sqlite.versions() == [(1, True)]


def test_ctrl_c_ends_a_statement_on_our_own_connection(
    on_sqlite: Database, write: Write, folder: Path
) -> None:
    """Python would see the signal only after a statement that never ends."""
    write("1_a.sql", LONG.replace("sqlx_test_began(1)", "1"))

    def press(news: sqlx.News) -> None:
        if isinstance(news, sqlx.Starting):
            threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGINT)).start()

    with pytest.raises(KeyboardInterrupt):
        sqlx.Migrator(folder, on_event=press).run(on_sqlite.url)
    assert on_sqlite.versions() == []


def in_autocommit(connection: sqlite3.Connection) -> None:
    """Let the user's connection be one that never begins by itself."""
    connection.isolation_level = None


@pytest.mark.parametrize("change", [in_autocommit, None], ids=["autocommit", "legacy"])
def test_one_inside_a_transaction_is_refused_with_the_mend(
    on_sqlite: Database,
    colour: Door,
    write: Write,
    folder: Path,
    change: Callable[[sqlite3.Connection], None] | None,
) -> None:
    """It stays open, with what was done in it."""
    write("1_a.sql", "CREATE TABLE a (id INT);")
    with closing(sqlite3.connect(on_sqlite.place)) as connection:
        if change:
            change(connection)
        connection.execute("BEGIN")
        connection.execute("CREATE TABLE mine (id INT)")
        with pytest.raises(InTransaction) as caught:
            colour(folder).run(connection)
        assert str(caught.value) == (
            "the connection is inside a transaction, and migrations need their own; "
            "commit or roll back first, or pass a database URL"
        )
        assert connection.in_transaction
        connection.commit()
        assert len(colour(folder).run(connection).applied) == 1
        assert on_sqlite.tables() == ["a", "mine"]


def test_a_closed_connection_is_refused(
    on_sqlite: Database, colour: Door, write: Write, folder: Path
) -> None:
    """It says so, and is no riddle of the driver's."""
    write("1_a.sql", "CREATE TABLE a (id INT);")
    with closing(sqlite3.connect(on_sqlite.place)) as connection:
        pass
    with pytest.raises(sqlx.ConnectionLost) as caught:
        colour(folder).run(connection)
    assert str(caught.value) == "the connection given is closed"


def test_a_database_in_memory_is_migrated(
    colour: Door, write: Write, folder: Path
) -> None:
    """By the user's connection it can be kept; by a URL it ends with the run."""
    write("1_a.sql", "CREATE TABLE a (id INT);")
    with closing(sqlite3.connect(":memory:")) as connection:
        migrator = colour(folder)
        assert len(migrator.run(connection).applied) == 1
        assert migrator.run(connection).already_applied == 1
    for _ in range(2):
        assert len(migrator.run("sqlite::memory:").applied) == 1


def test_somebody_who_writes_for_too_long_ends_the_run(
    given: sqlite3.Connection,
    on_sqlite: Database,
    colour: Door,
    write: Write,
    folder: Path,
) -> None:
    """The busy timeout is the lock's wait, and the user's comes back."""
    write("1_a.sql", "CREATE TABLE a (id INT);")
    colour(folder).run(given)
    write("2_b.sql", "CREATE TABLE b (id INT);")
    with closing(sqlite3.connect(on_sqlite.place, isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        with left_as_it_was(given), pytest.raises(LockTimeout) as caught:
            colour(folder, lock_timeout_seconds=0).run(given)
        writer.execute("ROLLBACK")
    assert str(caught.value) == (
        "the migration lock is still held after 0 s; let it finish or end it, or wait "
        "longer with --lock-timeout (lock_timeout_seconds)"
    )
    assert len(colour(folder, lock_timeout_seconds=None).run(given).applied) == 1


def test_a_connection_that_may_not_leave_its_thread_works_in_asyncio(
    on_sqlite: Database, write: Write, folder: Path
) -> None:
    """There it is used on the loop's thread, and elsewhere on another one."""
    threads: dict[bool, list[Any]] = {True: [], False: []}
    write("1_a.sql", "SELECT note_thread();")
    for own_thread, found in threads.items():

        def note(found: list[Any] = found) -> None:
            found.append(threading.current_thread())

        path = f"{on_sqlite.place}{own_thread}"
        with closing(sqlite3.connect(path, check_same_thread=own_thread)) as given:
            given.create_function("note_thread", 0, note)
            assert len(Awaited(folder).run(given).applied) == 1
    assert threads[True] == [threading.main_thread()]
    assert [thread.name for thread in threads[False]] == ["sqlx-sqlite_0"]


def test_one_of_another_thread_is_refused(
    on_sqlite: Database, write: Write, folder: Path
) -> None:
    """With the mend, before anything of it is changed."""
    write("1_a.sql", "CREATE TABLE a (id INT);")
    with (
        closing(sqlite3.connect(on_sqlite.place)) as given,
        ThreadPoolExecutor(1) as other,
    ):
        failed = other.submit(sqlx.Migrator(folder).run, given).exception()
        assert isinstance(failed, sqlx.ConnectionFailed)
        assert str(failed) == (
            "the connection given belongs to another thread; open it with "
            "check_same_thread=False, or migrate there"
        )


def test_a_cursor_that_has_rows_to_give_goes_on(
    on_sqlite: Database, colour: Door, write: Write, folder: Path
) -> None:
    """SQLite takes no function off then, nor changes one in the next run."""
    write("1_a.sql", "CREATE TABLE a (id INT);")
    with closing(sqlite3.connect(on_sqlite.place)) as given:
        cursor = given.execute("VALUES (1), (2), (3)")
        assert cursor.fetchone() == (1,)
        assert len(colour(folder).run(given).applied) == 1
        write("2_b.sql", "CREATE TABLE b (id INT);")
        (applied,) = colour(folder).run(given).changes
        assert applied.elapsed_ns > 0
        assert cursor.fetchall() == [(2,), (3,)]


def test_converters_of_the_user_s_never_see_the_history(
    on_sqlite: Database, colour: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are asked for a column by its type, and for an expression never."""

    def convert(_: bytes) -> object:
        raise AssertionError

    for kind in ("BIGINT", "BLOB", "BOOLEAN", "TEXT", "TIMESTAMP"):
        monkeypatch.setitem(sqlite3.converters, kind, convert)
    marked = {
        "1_a.up.sql": "-- sqlx: compatible\nCREATE TABLE a (id INT);",
        "1_a.down.sql": "DROP TABLE a;",
    }
    loose = {
        "2_b.up.sql": "-- no-transaction\nCREATE TABLE b (id INT);",
        "2_b.down.sql": "-- no-transaction\nDROP TABLE b;",
    }
    with closing(
        sqlite3.connect(on_sqlite.place, detect_types=sqlite3.PARSE_DECLTYPES)
    ) as given:
        assert len(colour(marked | loose).run(given).applied) == 2
        assert len(colour(marked | loose).info(given).rows) == 2
        assert colour(loose).run(given).already_applied == 1
        assert len(colour(marked | loose).revert(given, 0).applied) == 2
