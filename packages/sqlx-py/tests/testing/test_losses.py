"""Connections that are cut, servers that restart or end, processes that are forked."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from testing.live import (
    ONE,
    Fragile,
    ask,
    databases,
    holders,
    no_changes,
    using,
    wait_until_waiting,
)

import sqlx
from sqlx.databases.postgres.connect import Place
from sqlx.errors import ConnectionFailed, DatabaseError
from sqlx.testing import server as under_test

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlx import embedded
    from sqlx.testing.postgres.server import PostgresServer

CUT = (
    "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE pid = ANY(%s)"
)
pytestmark = pytest.mark.slow  # Each loses a server or a process.
USERS = "SELECT count(*) FROM users"
SLOW = sqlx.Migrator(
    {
        "1_wait.sql": "ALTER ROLE CURRENT_USER RESET application_name",
        "2_users.sql": "CREATE TABLE users ()",
    }
)


def pids(ours: PostgresServer) -> list[int]:
    """Give the server's processes of our two connections."""
    return [
        service._connection.info.backend_pid
        for service in (ours._holder, ours._maker)
        if service._connection is not None
    ]


@pytest.mark.parametrize("which", [[0], [1], [0, 1]], ids=["holder", "maker", "both"])
def test_a_cut_connection_is_opened_anew(
    server: embedded.Server, which: list[int]
) -> None:
    """The next database is made, and the locks are held again."""
    with using(server) as ours:
        ours.take(ONE)
        ours.make_ahead(ONE)
        [coming.result() for coming in ours._coming.values()]
        old = pids(ours)
        ask(server, CUT, [old[index] for index in which])
        assert ask(server, USERS, database=ours.take(ONE)) == [(0,)]
        assert sorted(pids(ours)) == holders(server)
        assert [old[i] != pids(ours)[i] for i in (0, 1)] == [i in which for i in (0, 1)]
    assert databases(server, "test") == set()
    assert ours.problems == []


def test_what_lay_ready_is_not_taken_after_a_loss(server: embedded.Server) -> None:
    """While no lock was held, another session may have dropped it."""
    with using(server) as ours:
        ours.take(ONE)
        ours._ready.clear()
        ours.make_ahead(ONE)
        (coming,) = ours._coming.values()
        ready = coming.result()
        ask(server, CUT, pids(ours))
        with using(server):
            pass  # It sweeps.
        assert ready not in databases(server)
        assert ours.take(ONE) != ready


def test_a_drop_is_done_again_after_a_loss(server: embedded.Server) -> None:
    """A connection that is cut between two tests costs no database."""
    with using(server) as ours:
        name = ours.take(ONE)
        ours._holder.submit(lambda _: None).result()
        ask(server, CUT, pids(ours)[:1])
        ours.drop(name)
        ours.drop("the next test's")
        ours._holder.submit(lambda _: None).result()
        assert name not in databases(server)
    assert ours.problems == []


def test_a_template_dropped_after_a_loss_is_made_anew(server: embedded.Server) -> None:
    """Whoever has lost the lock on a template finds out that it is gone."""
    with using(server) as ours:
        ours.take(ONE)
        ask(server, CUT, pids(ours))
        with using(server, fresh=True):
            assert databases(server, "template") == set()
        assert ask(server, USERS, database=ours.take(ONE)) == [(0,)]


def test_a_connection_that_is_cut_during_a_clone(server: embedded.Server) -> None:
    """The database is made anew, under another number, for the first may be there."""
    with using(server) as ours:
        ours.take(ONE)
        ours._ready.clear()
        with no_changes(server):
            ours.make_ahead(ONE)
            wait_until_waiting(server, "CREATE DATABASE")
            ask(server, CUT, pids(ours)[1:])
        (coming,) = ours._coming.values()
        ask(server, f"CREATE DATABASE _sqlx_test_{ours.session:08x}_99")
        assert ask(server, USERS, database=coming.result()) == [(0,)]
    assert databases(server, "test") == set()
    assert ours.problems == []


def test_a_connection_that_is_cut_during_migrations(server: embedded.Server) -> None:
    """The template is made once more, from the beginning."""
    with using(server) as ours, ThreadPoolExecutor(1) as thread:
        with no_changes(server, "pg_db_role_setting"):
            taken = thread.submit(ours.take, SLOW)
            wait_until_waiting(server, "ALTER ROLE")
            ask(server, CUT, pids(ours)[1:])
        assert ask(server, USERS, database=taken.result()) == [(0,)]
    assert ours.problems == []


@pytest.fixture
def fragile() -> Iterator[Fragile]:
    """Start a server that the test may end."""
    server = Fragile()
    yield server
    server.close()


@pytest.mark.parametrize("order", [signal.SIGINT, signal.SIGQUIT])
def test_a_server_that_restarts(fragile: Fragile, order: signal.Signals) -> None:
    """After a shutdown or a crash the next test goes on, and nothing is left."""
    with using(fragile.server) as ours:
        name = ours.take(ONE)
        ours.make_ahead(ONE)
        fragile.end(order)
        fragile.start()
        ours.drop(name)
        ours.keep(ours.take(ONE), "a test")
        name = ours.take(ONE)
        assert ask(fragile.server, USERS, database=name) == [(0,)]
        assert len(holders(fragile.server)) == 2
    assert ours.problems == []
    (kept,) = databases(fragile.server, "test")
    with using(fragile.server) as later:
        assert later._kept == {"a test": [kept]}
        later.drop_kept("a test")
    assert databases(fragile.server, "test") == set()


def test_a_server_that_restarts_while_it_is_asked(
    fragile: Fragile,
) -> None:
    """Whoever comes before the server is back waits for it."""
    refused = []

    def start(message: str) -> str:
        refused.append(message)
        if len(refused) == 1:
            fragile.start()
        return message

    with using(Place(fragile.server.keywords(), start)) as ours:
        ours.take(ONE)
        ours._ready.clear()
        fragile.end(signal.SIGQUIT)
        assert ask(fragile.server, USERS, database=ours.take(ONE)) == [(0,)]
    assert refused != []
    assert ours.problems == []


def test_a_server_that_ends_for_good(
    fragile: Fragile, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is waited for once; after that each request is refused at once, and told."""
    monkeypatch.setattr(under_test, "REACH_SECONDS", 0.0)
    with using(fragile.server) as ours:
        ours.drop(ours.take(ONE))
        ours.make_ahead(ONE)
        fragile.end(signal.SIGQUIT)
        with pytest.raises(ConnectionFailed) as first:
            ours.take(ONE)
        with pytest.raises(ConnectionFailed) as caught:
            ours.take(ONE)
        assert caught.value is first.value
        ours.drop("_sqlx_test_00000001_1")
    assert set(ours.problems) == {str(caught.value)}
    socket = f"{fragile.server.socket_directory}/.s.PGSQL.5432"
    assert str(caught.value) == (
        f'connection is bad: connection to server on socket "{socket}" failed: No such '
        "file or directory Is the server running locally and accepting connections on "
        "that socket?"
    )


def test_a_session_that_ends_does_not_wait(
    fragile: Fragile, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At the end of a session a server that is away is tried once."""
    monkeypatch.setattr(under_test, "ATTEMPT_SECONDS", 0.0)
    messages = []

    def redact(message: str) -> str:
        messages.append(message)
        return message

    with using(Place(fragile.server.keywords(), redact)) as ours:
        ours.take(ONE)
        fragile.end(signal.SIGQUIT)
    assert ours.problems == [str(ours._gone)] * 2
    assert messages == [str(ours._gone)] * 3


# Python 3.12 and later warn of threads; ours hold nothing that a child needs.
forks = pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")


@forks
def test_a_forked_child_does_no_harm(server: embedded.Server) -> None:
    """A child has no server, and what it does, also at its end, is not its parent's."""
    with using(server) as ours:
        name = ours.take(ONE)
        ours.make_ahead(ONE)
        old = pids(ours)
        if (child := os.fork()) == 0:
            status = 1
            try:
                with pytest.raises(DatabaseError) as caught:
                    ours.take(ONE)
                assert str(caught.value) == (
                    "a child that was forked from a test session has no server for "
                    "databases"
                )
                ours.drop(name)
                ours.keep(name, "a test")
                ours.close()
                status = 0
            finally:
                os._exit(status)
        assert os.waitpid(child, 0) == (child, 0)
        assert pids(ours) == old == holders(server)
        assert ask(server, USERS, database=name) == [(0,)]
        assert ask(server, USERS, database=ours.take(ONE)) == [(0,)]
        assert pids(ours) == old
    assert ours.problems == []


@forks
def test_a_child_of_multiprocessing_does_no_harm(server: embedded.Server) -> None:
    """Nor does one that `multiprocessing` forks and ends."""
    with using(server) as ours:
        name = ours.take(ONE)
        old = pids(ours)
        process = multiprocessing.get_context("fork").Process(
            target=ours.drop, args=[name]
        )
        process.start()
        process.join()
        assert process.exitcode == 0
        ours._holder.submit(lambda _: None).result()
        assert ask(server, USERS, database=name) == [(0,)]
        assert pids(ours) == old
    assert ours.problems == []


FORKING = """
import os, sys
import sqlx
from sqlx.databases.postgres.connect import Place
from sqlx.testing.postgres.server import PostgresServer

with sqlx.start_embedded(sys.argv[1]) as server:
    ours = PostgresServer(Place(server.keywords(), str))
    migrator = sqlx.Migrator({"1_a.sql": "CREATE TABLE a ()"})
    ours.take(migrator)
    if not (child := os.fork()):
        sys.exit(0)
    print(os.waitpid(child, 0)[1])
    losses = ours._losses
    ours.take(migrator)
    ours.close()
    print(ours._losses - losses, ours.problems)
"""


def test_a_child_that_ends_as_programs_do(server: embedded.Server) -> None:
    """A child that leaves Python in the usual way ends no connection either."""
    done = subprocess.run(
        [sys.executable, "-c", FORKING, server.directory],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.returncode) == ("0\n0 []\n", 0), done.stderr
