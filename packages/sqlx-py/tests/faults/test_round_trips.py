"""How often a run waits for the server: counted by a proxy, after connecting."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import psycopg
import pytest
from faults.laws import history, put

import sqlx

if TYPE_CHECKING:
    from pathlib import Path

    from faults.proxy import Proxy

# A file that writes rows shares no message.
ROWS = "CREATE TABLE t{0} (id BIGINT);\nINSERT INTO t{0} VALUES ({0});\n"
DDL = "CREATE TABLE t{0} (id BIGINT);\nCREATE INDEX i{0} ON t{0} (id);\n"


def files(sql: str, last: int, first: int = 1) -> dict[str, str]:
    """Make files of a number of versions."""
    return {f"{n:03}_t.sql": sql.format(n) for n in range(first, last + 1)}


def test_nothing_to_do_is_one_round_trip(proxy: Proxy, tmp_path: Path) -> None:
    """A start with nothing to do asks one question, which writes and locks nothing."""
    migrator = sqlx.Migrator(put(tmp_path / "m", files(ROWS, 3)))
    migrator.run(proxy.database.url)
    proxy.wait_closed()
    proxy.reset()
    migrator.run(proxy.database.url)
    proxy.wait_closed()
    assert proxy.round_trips == 1
    assert [message.kind for message in proxy.messages] == ["Q", "X"]
    assert proxy.texts[0].startswith("SELECT ")
    assert ";" not in proxy.texts[0]


def test_nothing_to_do_is_one_round_trip_in_asyncio(
    proxy: Proxy, tmp_path: Path
) -> None:
    """The async door asks the same one question."""
    migrator = sqlx.AsyncMigrator(put(tmp_path / "m", files(ROWS, 3)))
    asyncio.run(migrator.run(proxy.database.url))
    proxy.wait_closed()
    proxy.reset()
    asyncio.run(migrator.run(proxy.database.url))
    proxy.wait_closed()
    assert proxy.round_trips == 1


def test_a_version_without_a_file_is_one_more(proxy: Proxy, tmp_path: Path) -> None:
    """Marked files cost nothing; one that is not here costs a second question."""
    marked = {
        name: f"-- sqlx: compatible\n{sql}" for name, sql in files(DDL, 3).items()
    }
    directory = put(tmp_path / "m", marked)
    sqlx.Migrator(directory).run(proxy.database.url)
    proxy.wait_closed()
    assert proxy.round_trips == 5  # look, lock, look again, one message, give it back
    proxy.reset()
    sqlx.Migrator(directory).run(proxy.database.url)
    proxy.wait_closed()
    assert proxy.round_trips == 1
    proxy.reset()
    (directory / "003_t.sql").unlink()
    report = sqlx.Migrator(directory).run(proxy.database.url)
    proxy.wait_closed()
    assert [warning.code for warning in report.warnings] == ["compatible"]
    assert [message.kind for message in proxy.messages] == ["Q", "Q", "X"]
    assert all(text.startswith("SELECT ") for text in proxy.texts[:2])
    assert ";" not in "".join(proxy.texts[:2])


@pytest.mark.parametrize("number", [1, 5])
@pytest.mark.parametrize("there", [False, True], ids=["fresh", "table"])
def test_files_one_by_one(
    proxy: Proxy, tmp_path: Path, number: int, *, there: bool
) -> None:
    """Applying n files takes at most n + 4 round trips."""
    directory = put(tmp_path / "m", files(ROWS, 2) if there else {})
    if there:
        sqlx.Migrator(directory).run(proxy.database.url)
    last = number + 2 * there
    migrator = sqlx.Migrator(put(directory, files(ROWS, last)))
    proxy.wait_closed()
    proxy.reset()
    migrator.run(proxy.database.url)
    proxy.wait_closed()
    assert proxy.round_trips <= number + 4
    assert history(proxy.target) == dict.fromkeys(range(1, last + 1), True)


@pytest.mark.slow
@pytest.mark.parametrize("number", [50, 200])
def test_files_of_ddl(proxy: Proxy, tmp_path: Path, number: int) -> None:
    """Applying n files of DDL takes at most 0.1 n + 4 round trips."""
    sqlx.Migrator(put(tmp_path / "m", files(DDL, number))).run(proxy.database.url)
    proxy.wait_closed()
    assert proxy.round_trips <= 0.1 * number + 4
    assert len(history(proxy.target)) == number


@pytest.mark.parametrize("number", [1, 5, 50])
def test_a_connection_of_the_users(proxy: Proxy, tmp_path: Path, number: int) -> None:
    """On a connection of the user's the same counts hold, and nothing to do is one."""
    sql = ROWS if number < 50 else DDL
    most = number + 4 if number < 50 else 0.1 * number + 4
    migrator = sqlx.Migrator(put(tmp_path / "m", files(sql, number)))
    with psycopg.connect(proxy.database.url) as connection:
        proxy.reset()
        migrator.run(connection)
        assert proxy.round_trips <= most
        proxy.reset()
        migrator.run(connection)
        assert proxy.round_trips == 1
    proxy.wait_closed()


def test_a_message_that_fails_is_taken_apart(proxy: Proxy, tmp_path: Path) -> None:
    """An error in a shared message is placed exactly, and all before it is applied."""
    wrong = files(DDL, 50) | {
        "031_t.sql": "CREATE TABLE a (id INT);\n\n  CRATE TABLE b;"
    }
    directory = put(tmp_path / "m", wrong)
    with pytest.raises(sqlx.ExecuteMigration) as caught:
        sqlx.Migrator(directory).run(proxy.database.url)
    proxy.wait_closed()
    assert str(caught.value) == (
        f"{directory}/031_t.sql:3:3: while executing migration 31: "
        'syntax error at or near "CRATE" [42601]\n'
        "    CRATE TABLE b;\n"
        "    ^\n"
        "state: rolled back, nothing of this migration is applied; mend it and run "
        "again"
    )
    assert history(proxy.target) == dict.fromkeys(range(1, 31), True)


def test_an_error_at_run_time_is_placed(proxy: Proxy, tmp_path: Path) -> None:
    """An error without a position of the server's is placed at its statement."""
    twice = "ALTER TABLE t1 ADD COLUMN a INT;\n\n ALTER TABLE t1\n ADD COLUMN a INT;\n"
    directory = put(tmp_path / "m", files(DDL, 4) | {"003_t.sql": twice})
    events: list[sqlx.News] = []
    with pytest.raises(sqlx.ExecuteMigration) as caught:
        sqlx.Migrator(directory, on_event=events.append).run(proxy.database.url)
    proxy.wait_closed()
    assert (caught.value.line, caught.value.column) == (3, 2)
    assert history(proxy.target) == {1: True, 2: True}
    changes = [event for event in events if isinstance(event, sqlx.Change)]
    assert [change.migration.version for change in changes] == [1, 2]
