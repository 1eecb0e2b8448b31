"""Counting, on a real database: every limit holds, and nothing is counted twice."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from hashlib import sha256
from typing import TYPE_CHECKING

import psycopg
import pytest

from smally.config import Settings
from smally.database import Database, DatabaseUnavailable
from smally.metering.meter import Meter
from smally.metering.values import Charge, Outcome, Verdict
from smally.tiers import Tier

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine, Iterable

    from service import Connection

SMALL = Tier("small", 6, 20)
HASH = sha256(b"a text").digest()
COUNTED, REFUSED = Verdict.COUNTED, Verdict.REFUSED


def charge(request_id: str, texts: int = 1, **changed: object) -> Charge:
    """Make a charge of the first user's."""
    values: dict[str, object] = {
        "user_id": 1,
        "key_id": 1,
        "tier": SMALL,
        "request_id": request_id,
        "may_be_retry": False,
        "request_hash": HASH,
        "texts": texts,
    }
    return Charge(**values | changed)  # type: ignore[arg-type] # values of any field


@pytest.fixture
def place(db: Connection, db_url: str) -> str:
    """Fill a database with two users who have a key each."""
    db.execute("INSERT INTO users (email) VALUES ('a@b'), ('c@d')")
    db.execute(
        "INSERT INTO api_keys (user_id, name, key_hash, prefix)"
        " SELECT id, 'key', sha256(email::bytea), 'smk_' FROM users ORDER BY id"
    )
    return db_url


@asynccontextmanager
async def opened(place: str) -> AsyncIterator[Database]:
    """Open the service's database, as a process does."""
    database = Database(Settings(database_url=place))
    await database.open()
    try:
        yield database
    finally:
        await database.close()


def run(place: str, work: Callable[[Database], Coroutine[None, None, None]]) -> None:
    """Do something with the service's database."""

    async def main() -> None:
        async with opened(place) as database:
            await work(database)

    asyncio.run(main())


async def counted(meter: Meter, charges: Iterable[Charge]) -> list[Outcome]:
    """Count all of these at once."""
    return list(await asyncio.gather(*(meter.count(each) for each in charges)))


def verdicts(outcomes: Iterable[Outcome]) -> list[Verdict]:
    """Take the verdicts."""
    return [outcome.verdict for outcome in outcomes]


def rows(place: str, sql: str) -> list[tuple[object, ...]]:
    """Ask the database."""
    with psycopg.connect(place) as connection:
        return connection.execute(sql.encode()).fetchall()


def test_requests_that_come_together_are_counted_by_one_statement(
    place: str,
) -> None:
    """The first goes alone; what came meanwhile is counted by the next, together."""

    async def work(database: Database) -> None:
        meter = Meter(database)
        outcomes = await counted(meter, [charge(f"r{n}") for n in range(5)])
        assert verdicts(outcomes) == [COUNTED] * 5
        assert {outcome.standing.requests for outcome in outcomes} == {5}

    run(place, work)
    assert rows(place, "SELECT count(*), count(DISTINCT xmin::text) FROM usage") == [
        (5, 1)
    ]
    assert rows(place, "SELECT minute_requests, day_texts FROM meters") == [(5, 5)]


def test_exactly_as_many_as_the_limit_are_counted(place: str) -> None:
    """Of many at once in two processes, six requests: the rest is told when to try."""

    async def work(database: Database) -> None:
        async with opened(place) as other:
            outcomes = await asyncio.gather(
                counted(Meter(database), [charge(f"here {n}") for n in range(20)]),
                counted(Meter(other), [charge(f"there {n}") for n in range(20)]),
            )
        found = verdicts(outcomes[0] + outcomes[1])
        assert found.count(COUNTED) == 6
        assert found.count(REFUSED) == 34
        refused = next(o for o in outcomes[0] + outcomes[1] if o.verdict is REFUSED)
        assert refused.standing.requests == 6

    run(place, work)
    assert rows(place, "SELECT count(*) FROM usage") == [(6,)]


def test_a_batch_that_does_not_fit_leaves_room_for_a_smaller_one(
    place: str,
) -> None:
    """Twenty texts a day: 15 fit, 6 do not, 5 do, and then nothing."""

    async def work(database: Database) -> None:
        meter = Meter(database)
        outcomes = [
            await meter.count(charge(f"r{texts}", texts)) for texts in (15, 6, 5, 1)
        ]
        assert verdicts(outcomes) == [COUNTED, REFUSED, COUNTED, REFUSED]

    run(place, work)
    assert rows(place, "SELECT sum(texts) FROM usage") == [(20,)]


def test_what_is_refused_for_good_asks_the_database_nothing(place: str) -> None:
    """A new request is refused from memory; one that may be a retry is looked up."""

    async def work(database: Database) -> None:
        meter = Meter(database)
        await counted(meter, [charge(f"r{n}") for n in range(6)])
        await meter.count(charge("r6"))
        await database.close()
        assert (await meter.count(charge("r7"))).verdict is REFUSED
        with pytest.raises(DatabaseUnavailable):
            await meter.count(charge("r0", may_be_retry=True))

    run(place, work)


def test_a_request_id_is_counted_once(place: str) -> None:
    """At once, in two processes, and later; with another body it is refused."""

    async def work(database: Database) -> None:
        async with opened(place) as other:
            retry = charge("same", may_be_retry=True)
            outcomes = await asyncio.gather(
                *(counted(Meter(d), [retry] * 3) for d in (database, other))
            )
        found = verdicts(outcomes[0] + outcomes[1])
        assert found.count(COUNTED) == 1
        assert found.count(Verdict.REPLAYED) == 5
        changed = charge("same", may_be_retry=True, request_hash=sha256().digest())
        assert (await Meter(database).count(changed)).verdict is Verdict.REUSED

    run(place, work)
    assert rows(place, "SELECT count(*), sum(texts) FROM usage") == [(1, 1)]
    assert rows(place, "SELECT minute_requests, day_texts FROM meters") == [(1, 1)]


def test_a_race_of_retries_costs_nothing(place: str) -> None:
    """Many ids at once in two processes: the meter has what is counted, no more."""
    wide = Tier("wide", 1000, 1000)

    async def work(database: Database) -> None:
        ids = [f"r{number}" for number in range(100)]
        retries = [charge(name, may_be_retry=True, tier=wide) for name in ids]
        async with opened(place) as other:
            here, there = Meter(database), Meter(other)
            for some in (retries[i : i + 5] for i in range(0, 100, 5)):
                await asyncio.gather(counted(here, some), counted(there, some))

    run(place, work)
    assert rows(place, "SELECT count(*) FROM usage") == [(100,)]
    assert rows(place, "SELECT minute_requests, day_texts FROM meters") == [(100, 100)]


def test_one_user_at_the_limit_does_not_hinder_another(place: str) -> None:
    """Both are in one statement; the one is refused, the other counted."""

    async def work(database: Database) -> None:
        meter = Meter(database)
        await counted(meter, [charge(f"r{n}") for n in range(6)])
        both = [
            charge("more", may_be_retry=True),
            charge("first", user_id=2, key_id=2),
        ]
        assert verdicts(await counted(meter, both)) == [REFUSED, COUNTED]

    run(place, work)


def test_a_minute_begins_with_its_first_request(place: str) -> None:
    """When it has passed, and when a day has, the counting begins anew."""

    async def work(database: Database) -> None:
        await counted(Meter(database), [charge(f"r{n}", 3) for n in range(6)])
        with psycopg.connect(place, autocommit=True) as connection:
            connection.execute(
                "UPDATE meters SET minute_started_at = now() - interval '60 seconds'"
            )
            (outcome,) = await counted(Meter(database), [charge("next")])
            assert (outcome.standing.requests, outcome.standing.texts) == (1, 19)
            connection.execute("UPDATE meters SET day = day - 1")
            (outcome,) = await counted(Meter(database), [charge("tomorrow", 20)])
            assert (outcome.standing.requests, outcome.standing.texts) == (2, 20)

    run(place, work)


def test_a_lost_connection_counts_nothing_twice(place: str) -> None:
    """Every connection is ended by the server, and the request is sent again."""

    async def work(database: Database) -> None:
        meter = Meter(database)
        await meter.count(charge("before"))
        rows(
            place,
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE application_name = 'smally' AND datname = current_database()",
        )
        assert (await meter.count(charge("after"))).verdict is COUNTED

    run(place, work)
    assert rows(place, "SELECT request_id FROM usage ORDER BY 1") == [
        ("after",),
        ("before",),
    ]


@pytest.mark.slow
def test_a_database_that_hangs_is_given_up(place: str) -> None:
    """A locked table: the server ends the statement, and nothing is counted."""

    async def work(database: Database) -> None:
        meter = Meter(database)
        with psycopg.connect(place) as locking:
            locking.execute("LOCK TABLE meters")
            with pytest.raises(DatabaseUnavailable) as refused:
                await meter.count(charge("waits"))
        assert str(refused.value) == "the database is too slow"

    run(place, work)
    assert rows(place, "SELECT count(*) FROM usage") == [(0,)]


def test_too_many_who_wait_are_told_so(
    place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There is a bound, and what comes above it fails at once."""
    monkeypatch.setattr("smally.metering.meter.MOST_WAITING", 2)

    async def work(database: Database) -> None:
        charges = [charge(f"r{n}") for n in range(4)]
        meter = Meter(database)
        found = await asyncio.gather(
            *(meter.count(each) for each in charges), return_exceptions=True
        )
        assert [str(each) for each in found[2:]] == [
            "too many requests wait for the database"
        ] * 2

    run(place, work)
