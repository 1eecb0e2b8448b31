"""Who is let in, for how long it is remembered, and what it costs the database."""

from __future__ import annotations

import asyncio
import gc
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import psycopg
import pytest
from psycopg.conninfo import make_conninfo
from service import PATIENCE_SECONDS

from smally.auth.authenticator import Authenticator, Caller, KeyRefused
from smally.auth.keys import hash_key, new_key
from smally.database import DatabaseUnavailable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from service import Connection

KEYS = [new_key() for _ in range(4)]
ADA = Caller(1, 1, "ada@example.org", "admin", "pro", "key 1")
NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)


class Lender:
    """Lends real connections, and counts them.

    Args:
        db: A connection to the database, which is not lent.
        url: Where the others go.
    """

    def __init__(self, db: Connection, url: str) -> None:
        self.db, self.url = db, url
        self.loans = 0
        # Unset, it keeps back what the database has said already.
        self.gate = asyncio.Event()
        self.gate.set()
        self.answered = asyncio.Event()

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[psycopg.AsyncConnection]:
        """Lend a new connection, in autocommit."""
        self.loans += 1
        try:
            async with await psycopg.AsyncConnection.connect(
                self.url, autocommit=True
            ) as connection:
                yield connection
                self.answered.set()
                await self.gate.wait()
        except psycopg.OperationalError as error:
            raise DatabaseUnavailable("the database does not answer") from error


class Clock:
    """A clock that goes when it is told to."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        """Tell the time."""
        return self.seconds


@pytest.fixture
def lender(db: Connection, db_url: str) -> Lender:
    """Lend connections to a database with an admin who has four keys."""
    db.execute(
        "INSERT INTO users (email, role, tier) VALUES (%s, 'admin', 'pro')",
        (ADA.email,),
    )
    for number, key in enumerate(KEYS, 1):
        db.execute(
            "INSERT INTO api_keys (user_id, name, key_hash, prefix)"
            " VALUES (1, %s, %s, 'smk_')",
            (f"key {number}", hash_key(key)),
        )
    return Lender(db, db_url)


async def is_let_in(
    authenticator: Authenticator, lender: Lender, key: str = KEYS[0]
) -> bool:
    """Say whether a key opens the door."""
    try:
        await authenticator.authenticate(lender, f"Bearer {key}")
    except KeyRefused:
        return False
    return True


def test_a_key_says_who_asks(lender: Lender) -> None:
    """The caller has a role, a tier and the key's name; the scheme has no case."""

    async def work() -> None:
        for scheme in ("Bearer", "bearer", "BEARER "):
            found = await Authenticator().authenticate(lender, f"{scheme} {KEYS[0]}")
            assert found == ADA
            assert found.is_admin

    asyncio.run(work())


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        KEYS[0],
        "Bearer",
        "Bearer ",
        f"Basic {KEYS[0]}",
        f"Bearer {KEYS[0]} {KEYS[0]}",
        f"Bearer {KEYS[0][:-1]}",
        f"Bearer {KEYS[0][:-1]}\u00e9",
        "Bearer smk_" + "A" * 49,
    ],
    ids=str.split(  # Names, for the keys are new in each process.
        "none empty bare scheme space basic two short accent checksum"
    ),
)
def test_what_is_no_key_is_refused_without_the_database(
    header: str | None, lender: Lender
) -> None:
    """Missing, another scheme, a typo: nothing is asked."""
    with pytest.raises(KeyRefused):
        asyncio.run(Authenticator().authenticate(lender, header))
    assert lender.loans == 0


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE api_keys SET revoked_at = now()",
        "UPDATE users SET is_active = FALSE",
        "DELETE FROM api_keys",
    ],
)
def test_what_is_known_holds_for_three_seconds_from_before_it_was_asked(
    lender: Lender, sql: str
) -> None:
    """A key that another process has revoked opens nothing three seconds later."""
    clock = Clock()
    authenticator = Authenticator(clock)

    async def work() -> None:
        assert await is_let_in(authenticator, lender)
        lender.db.execute(sql.encode())
        clock.seconds += 2.99
        assert await is_let_in(authenticator, lender)
        assert lender.loans == 1
        clock.seconds += 0.01
        assert not await is_let_in(authenticator, lender)
        assert lender.loans == 2

    asyncio.run(work())


def test_a_slow_look_up_holds_no_longer(lender: Lender) -> None:
    """The time that the database took counts: its word is as old as the question."""
    clock = Clock()
    authenticator = Authenticator(clock)

    async def work() -> None:
        with held(lender.url):
            asked = asyncio.create_task(is_let_in(authenticator, lender))
            await waiting(lender, 1)
            clock.seconds += 2
        assert await asked
        clock.seconds += 1
        assert await is_let_in(authenticator, lender)
        assert lender.loans == 2

    asyncio.run(work())


def held(url: str) -> Connection:
    """Keep everybody from the keys, until the connection is closed."""
    connection = psycopg.connect(url)
    connection.execute("LOCK api_keys IN ACCESS EXCLUSIVE MODE")
    return connection


async def waiting(lender: Lender, count: int) -> None:
    """Wait until so many sessions wait for a lock, each with a look-up."""
    seen: object = 0
    async with asyncio.timeout(PATIENCE_SECONDS):
        while seen != count:
            row = lender.db.execute(
                "SELECT count(*) FROM pg_stat_activity"
                " WHERE datname = current_database() AND wait_event_type = 'Lock'"
            ).fetchone()
            seen = row and row[0]
            await asyncio.sleep(0.01)


def test_requests_with_one_key_wait_for_one_look_up(lender: Lender) -> None:
    """A hundred at once cost a statement; one that leaves takes nobody along."""
    authenticator = Authenticator()

    async def work() -> None:
        with held(lender.url):
            tasks = [
                asyncio.create_task(is_let_in(authenticator, lender))
                for _ in range(100)
            ]
            await waiting(lender, 1)
            for task in tasks[:50]:
                task.cancel()
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        assert [type(outcome) for outcome in outcomes[:50]] == [
            asyncio.CancelledError
        ] * 50
        assert outcomes[50:] == [True] * 50
        assert lender.loans == 1

    asyncio.run(work())


def test_a_look_up_whom_all_have_left_is_no_error(
    lender: Lender, caplog: pytest.LogCaptureFixture
) -> None:
    """Its refusal has nobody to be told to, and the log stays empty."""
    authenticator = Authenticator()

    async def work() -> None:
        with held(lender.url):
            task = asyncio.create_task(is_let_in(authenticator, lender, new_key()))
            await waiting(lender, 1)
            task.cancel()
        await asyncio.wait(authenticator._tasks)

    asyncio.run(work())
    gc.collect()
    assert caplog.messages == []


@pytest.mark.parametrize("forget", ["forget_key", "forget_user"])
def test_what_changes_through_this_process_holds_at_once(
    lender: Lender, forget: str
) -> None:
    """The next request asks anew, though it is remembered and being looked up."""
    clock = Clock()
    authenticator = Authenticator(clock)

    async def work() -> None:
        assert await is_let_in(authenticator, lender)
        getattr(authenticator, forget)(1)
        lender.gate.clear()
        lender.answered.clear()
        before = asyncio.create_task(is_let_in(authenticator, lender))
        await lender.answered.wait()
        lender.db.execute("UPDATE api_keys SET revoked_at = now() WHERE id = 1")
        getattr(authenticator, forget)(1)
        after = asyncio.create_task(is_let_in(authenticator, lender))
        await asyncio.sleep(0)
        lender.gate.set()
        # The first was let in before the change; nothing of that is kept.
        assert await before
        assert not await after
        assert not await is_let_in(authenticator, lender)
        assert lender.loans == 4

    asyncio.run(work())


def test_others_are_not_forgotten(lender: Lender) -> None:
    """A change asks the database anew about nobody else."""
    authenticator = Authenticator(Clock())

    async def work() -> None:
        assert await is_let_in(authenticator, lender)
        authenticator.forget_key(2)
        authenticator.forget_user(2)
        assert await is_let_in(authenticator, lender)
        assert lender.loans == 1

    asyncio.run(work())


def test_what_opens_nothing_takes_no_room(lender: Lender) -> None:
    """Unknown keys are asked for each time, and nothing of them stays."""
    authenticator = Authenticator(Clock())

    async def work() -> None:
        unknown = [new_key() for _ in range(5)]
        for key in unknown * 2:
            assert not await is_let_in(authenticator, lender, key)
        assert lender.loans == 10
        await asyncio.sleep(0)
        assert not authenticator._remembered
        assert not authenticator._looking
        assert not authenticator._tasks
        assert not authenticator._touched

    asyncio.run(work())


def test_the_keys_used_last_are_remembered(lender: Lender) -> None:
    """With room for two, the third drives out the one that was used longest ago."""
    authenticator = Authenticator(Clock(), capacity=2)
    first, second, third, _ = KEYS

    async def work() -> None:
        for key in (first, second, first, third, first):
            assert await is_let_in(authenticator, lender, key)
        assert lender.loans == 3
        assert await is_let_in(authenticator, lender, second)
        assert lender.loans == 4

    asyncio.run(work())


def test_a_database_that_fails_is_told_to_all_who_wait_and_then_asked_anew(
    lender: Lender,
) -> None:
    """Nobody is let in, nobody is called unknown, and the next request may succeed."""
    authenticator = Authenticator()
    header = f"Bearer {KEYS[0]}"
    url = lender.url

    async def work() -> None:
        lender.url = make_conninfo(url, dbname="not_there")
        outcomes = await asyncio.gather(
            *(authenticator.authenticate(lender, header) for _ in range(3)),
            return_exceptions=True,
        )
        assert [type(outcome) for outcome in outcomes] == [DatabaseUnavailable] * 3
        assert lender.loans == 1
        lender.url = url
        assert await is_let_in(authenticator, lender)

    asyncio.run(work())


def last_used(db: Connection) -> list[datetime | None]:
    """Read when the keys were used last."""
    rows = db.execute("SELECT last_used_at FROM api_keys ORDER BY id").fetchall()
    return [row[0] for row in rows]  # type: ignore[misc] # a timestamptz


def flushed(lender: Lender, *authenticators: Authenticator) -> None:
    """Let these write what they know, one after the other."""

    async def work() -> None:
        for authenticator in authenticators:
            async with lender.connection() as connection:
                await authenticator.flush(connection)

    asyncio.run(work())


def using(lender: Lender, now: datetime, *keys: str) -> Authenticator:
    """Make an authenticator that lets these keys in at a time."""
    authenticator = Authenticator(now=lambda: now)
    for key in keys:
        asyncio.run(is_let_in(authenticator, lender, key))
    return authenticator


def test_when_keys_were_used_is_written_for_all_at_once(lender: Lender) -> None:
    """The later time stays, whichever process writes last; each is written once."""
    later = using(lender, NOON + timedelta(seconds=5), KEYS[1], KEYS[0])
    earlier = using(lender, NOON, KEYS[2], KEYS[1])
    assert last_used(lender.db) == [None] * 4
    flushed(lender, later, earlier)
    expected = [NOON + timedelta(seconds=5)] * 2 + [NOON, None]
    assert last_used(lender.db) == expected
    lender.db.execute("UPDATE api_keys SET last_used_at = NULL")
    flushed(lender, later, earlier)
    assert last_used(lender.db) == [None] * 4


def test_what_cannot_be_written_is_kept(lender: Lender) -> None:
    """After a failure both the old times and those since are written."""
    authenticator = using(lender, NOON, KEYS[0])
    lender.db.execute("ALTER TABLE api_keys RENAME TO hidden")
    with pytest.raises(psycopg.errors.UndefinedTable):
        flushed(lender, authenticator)
    lender.db.execute("ALTER TABLE hidden RENAME TO api_keys")
    authenticator._now = lambda: NOON + timedelta(seconds=9)
    asyncio.run(is_let_in(authenticator, lender, KEYS[1]))
    flushed(lender, authenticator)
    assert last_used(lender.db) == [NOON, NOON + timedelta(seconds=9), None, None]


@pytest.mark.slow
def test_processes_that_write_at_once_do_not_wait_for_each_other(
    lender: Lender,
) -> None:
    """Both lock the keys in order, whatever way they are found: no deadlock."""
    lender.db.execute(
        "INSERT INTO api_keys (user_id, name, key_hash, prefix)"
        " SELECT 1, 'many', sha256(n::text::bytea), 'smk_'"
        " FROM generate_series(1, 500) n"
    )
    # Where they lie on the disk is the reverse of their ids.
    for number in range(504, 0, -1):
        lender.db.execute("UPDATE api_keys SET name = 'moved' WHERE id = %s", (number,))
    ids = range(1, 505)

    async def write(setting: str) -> None:
        authenticator = Authenticator()
        async with lender.connection() as connection:
            await connection.execute(setting.encode())
            for _ in range(20):
                authenticator._touched = dict.fromkeys(ids, datetime.now(UTC))
                await authenticator.flush(connection)

    async def work() -> None:
        await asyncio.gather(
            write("SET enable_seqscan = off; SET enable_hashjoin = off"),
            write("SET enable_indexscan = off; SET enable_nestloop = off"),
        )

    asyncio.run(work())
    assert None not in last_used(lender.db)
