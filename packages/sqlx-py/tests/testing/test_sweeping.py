"""What is dropped of what sessions have left, and what never is."""

from __future__ import annotations

import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from psycopg.conninfo import make_conninfo
from testing.live import (
    ONE,
    admin,
    ask,
    databases,
    no_changes,
    place_of,
    postgres,
    statements,
    using,
    wait_until,
)

from sqlx.testing import sweeping
from sqlx.testing.names import (
    TestName,
    is_template,
    template_name,
)
from sqlx.testing.postgres import server as under_test
from sqlx.testing.postgres.ground import PostgresGround
from sqlx.testing.postgres.words import MAKING, SESSIONS, TEMPLATES, lock_key

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlx import embedded

DEAD, LIVING = "_sqlx_test_0000000a_1", "_sqlx_test_0000000b_1"
KEPT = "COMMENT ON DATABASE {} IS 'kept by sqlx-py: {}'"
SHARE = "SELECT pg_advisory_lock_shared(%s, %s)"


@pytest.mark.parametrize(
    ("name", "parsed"),
    [
        ("_sqlx_test_0000000a_1", TestName(10, 1)),
        ("_sqlx_test_7fffffff_1234567", TestName(0x7FFFFFFF, 1234567)),
        ("_sqlx_test_80000000_1", None),  # 32 bits
        ("_sqlx_test_0000000A_1", None),
        ("_sqlx_test_0000000a_01", None),
        ("_sqlx_test_0000000a_", None),
        ("_sqlx_test_0000000a_1_2", None),
        ("_sqlx_test_+000000a_1", None),
        ("_sqlx_test_a_1", None),
        ("x_sqlx_test_0000000a_1", None),
        ("_sqlx_test_17", None),  # SQLx up to 0.8.3
        # SQLx from 0.8.4 on
        ("_sqlx_test_ZmlsZXM6OnRlc3RfdHdv_aGVsbG9fd29ybGQxMjM0NTY3ODkwMT", None),
        ("_sqlx_template_0123456789abcdef_10", None),
    ],
)
def test_a_name_is_read_as_it_is_written(name: str, parsed: TestName | None) -> None:
    """Only what a process of ours has written is a name of ours."""
    assert TestName.parse(name) == parsed
    assert parsed is None or str(parsed) == name


@pytest.mark.parametrize(
    ("digest", "name"),
    [
        ("0123456789abcdef0123", "_sqlx_template_0123456789abcdef_10"),
        ("", "_sqlx_template_0000000000000000_10"),
    ],
)
def test_a_template_is_known_by_its_name(digest: str, name: str) -> None:
    """It has the digest of the migrations, none of none, and its owner's number."""
    assert template_name(digest, 10) == name
    assert is_template(name)
    assert not is_template(f"{name}x")
    assert not is_template("_sqlx_test_0000000a_1")
    assert -(2**31) <= lock_key(name) < 2**31


@pytest.fixture
def left(server: embedded.Server) -> Iterator[ExitStack]:
    """Leave a database of a dead process and one of a living; it may be let die."""
    with ExitStack() as living:
        connection = living.enter_context(admin(server))
        connection.execute(SHARE, (SESSIONS, 11))
        for name in (DEAD, LIVING):
            connection.execute(f"CREATE DATABASE {name} STRATEGY FILE_COPY".encode())
        yield living
    with using(server):
        pass
    with using(server, fresh=True):
        pass
    assert databases(server, "test") == set()


def test_what_dead_processes_left_is_dropped(
    server: embedded.Server, left: ExitStack
) -> None:
    """A session drops it when it begins or ends; what a living one has stays."""
    with using(server):
        pass
    assert databases(server, "test") == {LIVING}
    with using(server) as ours:
        ours._holder.submit(lambda _: None).result()
        assert databases(server, "test") == {LIVING}
        left.close()
    assert databases(server, "test") == set()


def test_what_is_kept_is_not_swept(server: embedded.Server, left: ExitStack) -> None:
    """It stays, until its test runs again or somebody wants it all fresh."""
    left.close()
    ask(server, KEPT.format(DEAD, "one"))
    ask(server, KEPT.format(LIVING, "two"))
    with using(server) as ours:
        ours.drop_kept("one")
    assert databases(server, "test") == {LIVING}
    with using(server, fresh=True):
        assert databases(server, "test") == set()


def test_the_newest_are_kept(
    server: embedded.Server, left: ExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of what dead processes have kept, the oldest goes when it gets too much."""
    monkeypatch.setattr(sweeping, "MOST_KEPT", 1)
    left.close()
    ask(server, KEPT.format(DEAD, "one"))
    ask(server, KEPT.format(LIVING, "two"))
    with using(server):
        pass
    assert databases(server, "test") == {LIVING}


def test_what_a_living_process_keeps_is_its_own(
    server: embedded.Server, left: ExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither its test in another session, nor a sweep, nor a fresh start drops it."""
    monkeypatch.setattr(sweeping, "MOST_KEPT", 0)
    ask(server, KEPT.format(LIVING, "one"))
    with using(server, fresh=True) as ours:
        assert ours._kept == {"one": [LIVING]}
        ours.drop_kept("one")
    assert databases(server, "test") == {LIVING}
    assert ours.problems == []
    left.close()


@pytest.mark.slow
def test_what_is_kept_is_known_by_its_test(server: embedded.Server) -> None:
    """A test that runs twice leaves one database, whatever is in its name."""
    test = "it's[\\a-%s]"
    with using(server) as ours:
        for _ in range(2):
            ours.drop_kept(test)
            kept = ours.take(ONE)
            ours.keep(kept, test)
        ours.drop_kept("another")
    assert databases(server, "test") == {kept}
    with using(server) as ours:
        ours.drop_kept(test)
    assert databases(server, "test") == set()
    assert ours.problems == []


def test_who_is_connected_is_left_alone(
    server: embedded.Server, left: ExitStack
) -> None:
    """What somebody looks at is not dropped, and neither told of."""
    left.close()
    ask(server, KEPT.format(LIVING, "one"))
    begun = Path(server.log).stat().st_size
    with (
        admin(server, DEAD) as dead,
        admin(server, LIVING) as kept,
        using(place_of(server, options="-c log_statement=ddl"), fresh=True) as ours,
    ):
        ours.drop_kept("one")
        ours.close()
        assert databases(server, "test") == {DEAD, LIVING}
        assert (dead.execute("SELECT 1").fetchone(), kept.closed) == ((1,), False)
        assert ours.problems == []
    # It is not even tried: the server would wait for 5 seconds.
    tried = statements(server, begun)
    assert [text for text in tried if DEAD in text or LIVING in text] == []


def test_a_process_that_ends_may_have_kept_one(
    server: embedded.Server, left: ExitStack
) -> None:
    """What was listed as not kept is looked at again when its process is dead."""
    left.close()
    with admin(server) as connection:
        ground = PostgresGround(connection)
        listed = ground.find()
        ask(server, KEPT.format(DEAD, "one"))
        sweeping._drop_of_dead(ground, listed, set(), [])
    assert databases(server, "test") == {DEAD}


def test_what_is_somebody_elses_is_left_alone(server: embedded.Server) -> None:
    """Databases of SQLx in Rust, of other owners and of no pattern are not ours."""
    names = [
        "_sqlx_test_17",
        "_sqlx_test_ZmlsZXM6OnRlc3RfdHdv_aGVsbG9fd29ybGQxMjM0NTY3ODkwMT",
        "_sqlx_test_ffffffff_1",
        "_sqlx_template_mine",
        "_sqlx_test_0000000a_2",
        "_sqlx_template_0123456789abcdef_9",
    ]
    with admin(server) as connection:
        connection.execute("CREATE ROLE somebody")
        for name in names:
            owner = " OWNER somebody" if name in names[-2:] else ""
            sql = f'CREATE DATABASE "{name}" STRATEGY FILE_COPY{owner}'
            connection.execute(sql.encode())
        try:
            with using(server, fresh=True) as ours:
                pass
            assert ours.problems == []
            assert databases(server) >= {*names}
        finally:
            for name in names:
                connection.execute(f'DROP DATABASE "{name}"'.encode())
            connection.execute("DROP ROLE somebody")


@pytest.fixture
def templates(server: embedded.Server) -> Iterator[list[str]]:
    """Leave eleven templates of today, the first of them incomplete."""
    day = time.strftime("%Y-%m-%d")
    names = [template_name(f"{number:016x}", 10) for number in range(1, 12)]
    with using(server, fresh=True):
        pass
    with admin(server) as connection:
        for name in names:
            make_template(connection, name, f"FILE_COPY/copy used {day} since 1")
        connection.execute(f"COMMENT ON DATABASE {names[0]} IS NULL".encode())
        alter = f"ALTER DATABASE {names[0]} IS_TEMPLATE false ALLOW_CONNECTIONS true"
        connection.execute(alter.encode())
    yield names
    with using(server, fresh=True):
        pass
    assert databases(server) == set()


def make_template(
    connection: psycopg.Connection[Any], name: str, comment: str = ""
) -> None:
    """Make a template as a session does, in short."""
    sql = f"CREATE DATABASE {name} STRATEGY FILE_COPY IS_TEMPLATE true"
    connection.execute(f"{sql} ALLOW_CONNECTIONS false".encode())
    connection.execute(f"COMMENT ON DATABASE {name} IS '{comment}'".encode())


def test_the_newest_templates_stay(
    server: embedded.Server, templates: list[str]
) -> None:
    """Ten of them, and none that a killed maker has left."""
    with using(server) as ours:
        pass
    assert databases(server, "template") == {*templates[1:]}
    with admin(server) as connection:
        make_template(connection, template_name("f", 10), "FILE_COPY/copy used 9999-12")
    with using(server) as ours:
        pass
    newest = {*templates[2:], template_name("f", 10)}
    assert databases(server, "template") == newest
    assert ours.problems == []


def test_old_templates_are_dropped(
    server: embedded.Server, templates: list[str]
) -> None:
    """A template goes when nobody has used it for 14 days."""
    for name, days in ((templates[1], 13), (templates[2], 15)):
        day = time.strftime("%Y-%m-%d", time.localtime(time.time() - days * 86_400))
        ask(
            server, f"COMMENT ON DATABASE {name} IS 'FILE_COPY/copy used {day} since 1'"
        )
    with using(server):
        pass
    assert databases(server, "template") == {templates[1], *templates[3:]}


@pytest.mark.parametrize("lock", [TEMPLATES, MAKING])
def test_a_template_in_use_is_not_dropped(
    server: embedded.Server, templates: list[str], lock: int
) -> None:
    """Whoever makes or uses a template keeps it, also from a fresh start."""
    with admin(server) as connection:
        connection.execute(SHARE, (lock, lock_key(templates[0])))
        with using(server, fresh=True) as ours:
            pass
    assert databases(server) == {templates[0]}
    assert ours.problems == []


def test_a_template_that_somebody_is_in_is_not_dropped(
    server: embedded.Server, templates: list[str]
) -> None:
    """Not even when its maker was killed: it is a matter of the next session."""
    with admin(server, templates[0]) as visitor:
        with using(server, fresh=True) as ours:
            pass
        assert databases(server) == {templates[0]}
        assert visitor.execute("SELECT 1").fetchone() == (1,)
    assert ours.problems == []


def test_a_template_that_was_used_since_is_not_dropped(
    server: embedded.Server, templates: list[str]
) -> None:
    """What a list has told of a template is looked at again when nobody has it."""
    with admin(server) as connection:
        ground = PostgresGround(connection)
        listed = ground.find()
        for name in templates:
            ask(server, f"COMMENT ON DATABASE {name} IS 'FILE_COPY/copy used today'")
        problems = [sweeping._drop_template(ground, found) for found in listed]
    assert problems == [[]] * 11
    assert databases(server) == {*templates}


@pytest.mark.slow
def test_a_fresh_session_uses_what_another_uses(server: embedded.Server) -> None:
    """A living session's template is neither dropped nor made again."""
    with using(server) as first:
        first.take(ONE)
        number = "SELECT oid FROM pg_database WHERE datname = %s"
        made = ask(server, number, first._name(ONE))
        with using(server, fresh=True) as second:
            second.take(ONE)
            assert ask(server, number, first._name(ONE)) == made
    with using(server, fresh=True) as third:
        assert ask(server, number, first._name(ONE)) == []
    assert first.problems + second.problems + third.problems == []


@pytest.fixture(scope="module")
def hard() -> Iterator[embedded.Server]:
    """Start a server that lets databases be held back from being dropped."""
    with postgres(max_prepared_transactions="5", wal_level="logical") as server:
        yield server


@pytest.mark.slow
def test_a_prepared_transaction_is_told_at_the_end(hard: embedded.Server) -> None:
    """A database that is not dropped is told once, and hinders no other's end."""
    with using(hard) as ours:
        name, other = ours.take(ONE), ours.take(ONE)
        ask(hard, "BEGIN; LOCK users; PREPARE TRANSACTION 'it'", database=name)
        ours.drop(name)
        ours.drop(other)
    problem = (
        f'database "{name}" is being used by prepared transactions DETAIL: There is 1 '
        "prepared transaction using the database."
    )
    assert ours.problems == [problem]
    assert databases(hard, "test") == {name}
    ask(hard, "CREATE DATABASE _sqlx_test_7ffffff0_1")  # It is swept after that one.
    with using(hard, fresh=True) as later:
        pass
    problem = (
        f"{name} has a prepared transaction; to end it, ROLLBACK PREPARED 'it' in it"
    )
    assert later.problems == [problem] * 3  # At each look.
    ask(hard, "ROLLBACK PREPARED 'it'", database=name)
    with using(hard):
        pass
    assert databases(hard, "test") == set()


@pytest.mark.slow
def test_a_slot_in_use_is_told_at_the_end(hard: embedded.Server) -> None:
    """A logical replication slot is dropped with its database, unless it is in use."""
    with using(hard) as ours:
        idle, busy = ours.take(ONE), ours.take(ONE)
        for name in (idle, busy):
            slot = f"pg_create_logical_replication_slot('{name[-1]}', 'pgoutput')"
            ask(hard, f"SELECT {slot}", database=name)
        line = make_conninfo("", **hard.keywords(busy), replication="database")
        stream = psycopg.pq.PGconn.connect(line.encode())
        start = f"START_REPLICATION SLOT \"{busy[-1]}\" LOGICAL 0/0 (proto_version '1',"
        done = stream.exec_(f"{start} publication_names 'none')".encode())
        assert done.status == psycopg.pq.ExecStatus.COPY_BOTH
        ours.drop(idle)
        ours.drop(busy)
    (problem,) = ours.problems
    assert problem == (
        f'database "{busy}" is used by an active logical replication slot DETAIL: '
        "There is 1 active slot."
    )
    assert databases(hard, "test") == {busy}
    stream.finish()
    wait_until(hard, "NOT bool_or(active) FROM pg_replication_slots")
    with using(hard):
        pass
    assert databases(hard, "test") == set()


@pytest.mark.slow
def test_open_connections_do_not_keep_a_database(server: embedded.Server) -> None:
    """What a test forgets to close, also within a transaction, is closed for it."""
    with using(server) as ours:
        name = ours.take(ONE)
        with admin(server, name) as idle, admin(server, name) as busy:
            busy.execute("BEGIN; LOCK TABLE users")
            ours.drop(name)
            ours.drop(ours.take(ONE))
            ours._holder.submit(lambda _: None).result()
            assert name not in databases(server)
            for connection in (idle, busy):
                with pytest.raises(psycopg.errors.AdminShutdown):
                    connection.execute("SELECT 1")
    assert ours.problems == []


def test_a_database_that_hangs_is_told_at_the_end(
    server: embedded.Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that does not come to an end with a DROP does not hold the session."""
    monkeypatch.setattr(under_test, "DROP_TIMEOUT", "200ms")
    with using(server) as ours:
        name = ours.take(ONE)
        with no_changes(server):
            ours.drop(name)
            ours.close()
    assert ours.problems == ["canceling statement due to statement timeout"]
    with using(server):
        pass
    assert databases(server, "test") == set()
