"""Behind PgBouncer with transaction pooling no session is ours, and none is changed."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING

import asyncpg
import pytest
from faults.laws import (
    MIXED,
    complete,
    history,
    holders,
    invalid_indexes,
    put,
    wait_for_row,
)
from faults.proxy import Fault, Moment, Proxy
from faults.starters import Starter, migrate

import sqlx
from sqlx.databases.postgres.advisory import lock_key

if TYPE_CHECKING:
    from pathlib import Path

    from faults.servers import Database

LOOSE = (
    "-- no-transaction\nCREATE INDEX CONCURRENTLY effects_version ON effects (version);"
)
OWN = "CREATE TABLE own (id INT); COMMIT; BEGIN; INSERT INTO own VALUES (1);"
RUDE = (
    "SET statement_timeout = '1h'; SET TimeZone = 'Asia/Tokyo'; SET search_path = '';"
)


def held_between_messages(proxy: Proxy, directory: Path, **parameters: str) -> int:
    """Migrate, and count who holds the lock when the first file is on its way."""
    seen: list[int] = []
    proxy.fault = Fault(
        lambda message: "CREATE TABLE effects" in message.text,
        Moment.BEFORE,
        lambda: seen.extend(holders(proxy.target)),
        cut=False,
    )
    sqlx.Migrator(directory).run(proxy.database.url_with(**parameters))
    assert proxy.fired
    return len(seen)


def test_a_pooler_is_recognised(
    database: Database, pooled: Database, sockets: Path, tmp_path: Path
) -> None:
    """A session's lock is taken directly, and none through a pooler (L15)."""
    directory = put(tmp_path / "m", MIXED)
    with Proxy(pooled, sockets) as proxy:
        assert held_between_messages(proxy, directory) == 0
    complete(database)
    database.ask("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    with Proxy(database, sockets) as proxy:
        assert held_between_messages(proxy, directory) == 1
    complete(database)


def test_a_url_may_say_that_there_is_a_pooler(proxy: Proxy, tmp_path: Path) -> None:
    """With `pooled=true` no session's lock is taken, whatever the pids say (L15)."""
    directory = put(tmp_path / "m", MIXED)
    assert held_between_messages(proxy, directory, pooled="true") == 0
    complete(proxy.target)


def test_nothing_is_set_for_the_session(
    narrow: Database, sockets: Path, tmp_path: Path
) -> None:
    """All that is set ends with its transaction, and nothing is prepared (L16).

    The one connection behind the pooler is the same before and after.
    """
    shown = "SELECT name, setting FROM pg_settings WHERE source <> 'session'"
    before = narrow.ask(shown)
    pid = narrow.ask("SELECT pg_backend_pid()")
    directory = put(tmp_path / "m", MIXED | {"5_rude.sql": RUDE})
    with Proxy(narrow, sockets) as proxy:
        sqlx.Migrator(directory).run(proxy.database.url)
        proxy.wait_closed()
        ours = [text.replace(RUDE, "") for text in proxy.texts]
        assert {message.kind for message in proxy.messages} == {"Q", "X"}
    settings = re.findall(r"\bSET +(\w+)", " ".join(ours), re.IGNORECASE)
    assert set(settings) <= {"LOCAL", "success"}
    assert narrow.ask(shown) == before
    assert narrow.ask("SELECT pg_backend_pid()") == pid


def test_a_guard_excludes_others(
    database: Database, pooled: Database, tmp_path: Path
) -> None:
    """While a no-transaction file runs, a second connection holds the lock (L17)."""
    directory = put(tmp_path / "m", MIXED | {"5_index.sql": LOOSE})
    sqlx.Migrator(directory).run(database.url, target=4)
    with database.connect() as writer:
        writer.execute("BEGIN")
        writer.execute("INSERT INTO effects VALUES (5)")
        starter = Starter(migrate(pooled.url, directory))
        builds = "wait_event = 'virtualxid' AND query LIKE 'CREATE INDEX%'"
        builder = wait_for_row(
            database, f"SELECT pid FROM pg_stat_activity WHERE {builds}"
        )
        (guard,) = holders(database)
        assert guard != builder
        key = lock_key(database.name)
        other = database.ask(f"SELECT pg_try_advisory_lock({key})")
        assert other == [(False,)]
        idle = f"SELECT state, backend_xmin FROM pg_stat_activity WHERE pid = {guard}"
        assert database.ask(idle) == [("idle in transaction", None)]
        writer.execute("ROLLBACK")
    assert starter.outcome().applied == (5,)
    assert invalid_indexes(database) == []
    complete_but_for_the_index(database)


def complete_but_for_the_index(database: Database) -> None:
    """Assert that all five are recorded, and that no lock is left."""
    assert history(database) == dict.fromkeys(range(1, 6), True)
    assert holders(database) == []


def test_a_connection_of_asyncpg_s_through_a_pooler(
    database: Database, pooled: Database, tmp_path: Path
) -> None:
    """It is recognised, guarded, and prepares nothing that another would meet."""
    directory = put(tmp_path / "m", MIXED | {"5_index.sql": LOOSE})

    async def migrated() -> sqlx.Report:
        theirs = await asyncpg.connect(pooled.url, statement_cache_size=0)
        try:
            return await sqlx.AsyncMigrator(directory).run(theirs)
        finally:
            await theirs.close()

    assert len(asyncio.run(migrated()).applied) == len(MIXED) + 1
    assert asyncio.run(migrated()).already_applied == len(MIXED) + 1
    assert holders(database) == []
    assert invalid_indexes(database) == []


@pytest.mark.parametrize(
    "name", ["5_index.sql", pytest.param("5_own.sql", marks=pytest.mark.slow)]
)
def test_one_connection_is_too_few_for_a_guard(
    database: Database, narrow: Database, tmp_path: Path, name: str
) -> None:
    """With one connection behind the pooler, files in transactions run (L17).

    A file that needs a guard fails with the pooler's words and the mend.
    """
    last = {"5_index.sql": LOOSE, "5_own.sql": OWN}[name]
    directory = put(tmp_path / "m", MIXED | {name: last})
    with pytest.raises(sqlx.ExecuteMigration) as caught:
        sqlx.Migrator(directory).run(narrow.url)
    assert str(caught.value) == (
        f"{directory}/{name}: while executing migration 5: query_wait_timeout [08P01]\n"
        "state: the connection was lost before the file began; behind a pooler such a"
        " file needs two connections to the server, one of them to hold the lock: let"
        " the pool have them, or connect to the server itself, and run again"
    )
    assert holders(database) == []
    complete(database)
    sqlx.Migrator(directory).run(database.url)
    complete_but_for_the_index(database)


def test_a_file_that_fails_through_a_pooler(
    database: Database, pooled: Database, tmp_path: Path
) -> None:
    """An error is placed exactly; no lock stays on a pooled connection (L3, L12)."""
    wrong = "CREATE TABLE t5 (id INT);\n  SELECT 1/0;"
    directory = put(tmp_path / "m", MIXED | {"5_wrong.sql": wrong})
    with pytest.raises(sqlx.ExecuteMigration) as caught:
        sqlx.Migrator(directory).run(pooled.url)
    assert (caught.value.line, caught.value.column) == (2, 3)
    complete(database)


def test_waits_for_a_direct_holder(
    database: Database, pooled: Database, tmp_path: Path
) -> None:
    """Through a pooler, too, Rust's lock is waited for and its holder named (L4)."""
    with database.connect() as rust:
        rust.execute(f"SELECT pg_advisory_lock({lock_key(database.name)})".encode())
        starter = Starter(migrate(pooled.url, put(tmp_path / "m", MIXED)))
        assert (
            f"held by pid {rust.info.backend_pid}, user postgres, test, idle since"
            in (starter.hear())
        )
        assert history(database) == {}
    assert starter.outcome().applied == (1, 2, 3, 4)
    complete(database)
