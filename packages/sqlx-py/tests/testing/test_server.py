"""What one process of a test session asks of a PostgreSQL server."""

from __future__ import annotations

import random
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import psycopg
import pytest
from faults.conftest import bouncer
from faults.servers import Database
from testing.live import (
    ONE,
    admin,
    ask,
    databases,
    holders,
    place_of,
    statements,
    using,
)

from sqlx import opening
from sqlx.config.url import PostgresUrl, parse_url
from sqlx.databases.postgres.connect import Place
from sqlx.errors import ConfigurationError, ConnectionFailed, DatabaseError
from sqlx.testing.postgres.server import PostgresServer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlx import embedded

SECRET = "s3cret"  # noqa: S105 -- nobody asks for it.


@pytest.fixture
def role(server: embedded.Server) -> Iterator[str]:
    """Make a role that may create databases, and nothing else."""
    ask(server, "CREATE ROLE maker LOGIN CREATEDB")
    yield "maker"
    owned = (
        "SELECT datname FROM pg_database JOIN pg_roles ON pg_roles.oid = datdba "
        "WHERE rolname = 'maker'"
    )
    with admin(server) as connection:
        for (name,) in connection.execute(owned).fetchall():
            connection.execute(f"ALTER DATABASE {name} IS_TEMPLATE false".encode())
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())
        connection.execute("DROP ROLE maker")


@pytest.mark.slow
def test_each_database_is_fresh(server: embedded.Server) -> None:
    """Each has the migrations and nothing of another; in the end all are gone."""
    with using(server) as ours:
        first, second = ours.take(ONE), ours.take(ONE)
        ask(server, "INSERT INTO users VALUES ('ada')", database=first)
        assert ask(server, "SELECT * FROM users", database=first) == [("ada",)]
        assert ask(server, "SELECT * FROM users", database=second) == []
    assert databases(server, "test") == set()
    assert holders(server) == []
    assert ours.problems == []


def test_it_tells_what_the_server_is(server: embedded.Server) -> None:
    """The version is the server's, and a database's URL has all that leads there."""
    with using(server) as ours:
        ((version,),) = ask(server, "SHOW server_version")
        assert ours.version == version
        folder = server.socket_directory
        query = f"host={folder}&port=5432&user=postgres"
        assert ours.url("a b") == f"postgresql:///a%20b?{query}"


@pytest.mark.slow
def test_without_migrations_it_is_as_template1(server: embedded.Server) -> None:
    """A database without migrations has what `template1` has."""
    ask(server, "CREATE TABLE added ()", database="template1")
    try:
        with using(server, fresh=True) as ours:
            made = ours.take(None)
            tables = "SELECT relname FROM pg_class WHERE relname IN ('added', 'users')"
            assert ask(server, tables, database=made) == [("added",)]
    finally:
        ask(server, "DROP TABLE added", database="template1")
        with using(server, fresh=True):
            pass


@pytest.mark.slow
def test_a_test_costs_two_statements(server: embedded.Server) -> None:
    """Once its template is there, a test is one CREATE and one DROP, and no more."""
    with using(place_of(server, options="-c log_statement=all")) as ours:
        ours.take(ONE)
        while ours._ready.get(ours._name(ONE)):
            ours.take(ONE)  # What measuring has made.
        ours.take(ONE)  # Its way to copy is set now.
        ours._holder.submit(lambda _: None).result()
        begun = Path(server.log).stat().st_size
        ours.make_ahead(ONE)
        name = ours.take(ONE)
        ours.drop(name)
        ours.drop("the next test's")
        ours._holder.submit(lambda _: None).result()
        copying = ours._templates[ours._name(ONE)].create(name)
        assert statements(server, begun) == [
            copying,
            f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)',
        ]


def test_the_next_database_is_made_ahead(server: embedded.Server) -> None:
    """It is there before it is taken; one that nobody takes is dropped at the end."""
    with using(server) as ours:
        ours.make_ahead(ONE)
        assert ours._coming == {}  # There may be no template yet.
        ours.take(ONE)
        ours._ready.clear()
        ours.make_ahead(ONE)
        ours.make_ahead(ONE)
        (coming,) = ours._coming.values()
        assert coming.result() in databases(server)
        assert ours.take(ONE) == coming.result()
        ours.make_ahead(ONE)
    assert databases(server, "test") == set()


@pytest.mark.parametrize(
    ("processes", "limit", "size"),
    [(1, 100, 5), (8, 100, 4), (8, 37, 1), (2, 20, 3), (1, 12, 4), (99, 37, 1)],
)
def test_a_pool_gets_its_part(
    server: embedded.Server, role: str, processes: int, limit: int, size: int
) -> None:
    """Processes share half of what the server, or its user, may have; SQLx has 5."""
    ask(server, f"ALTER ROLE {role} CONNECTION LIMIT {limit}")
    with using(place_of(server, user=role), processes) as ours:
        assert ours.pool_size == size


def test_a_full_server_is_waited_for(server: embedded.Server, role: str) -> None:
    """Who finds all connections in use waits until there is one."""
    ask(server, f"ALTER ROLE {role} CONNECTION LIMIT 1")
    refused = []

    def leave(message: str) -> str:
        refused.append(message)
        taken.close()
        return message

    with admin(server, user=role) as taken:
        place = Place(server.keywords() | {"user": role}, leave)
        with using(place) as ours:
            assert ours.session >= 0
    assert {message.partition("FATAL: ")[2].strip() for message in refused} == {
        'too many connections for role "maker"'
    }


@pytest.mark.slow
def test_createdb_is_all_that_a_user_needs(server: embedded.Server, role: str) -> None:
    """Such a user makes templates and seals them, clones, drops and sweeps."""
    ask(server, f"CREATE DATABASE _sqlx_test_00000001_1 OWNER {role}")
    with using(place_of(server, user=role)) as ours:
        name = ours.take(ONE)
        template = ours._name(ONE)
        with pytest.raises(psycopg.OperationalError) as caught:
            ask(server, "SELECT", database=template)
        assert str(caught.value).endswith(
            f'FATAL:  database "{template}" is not currently accepting connections'
        )
        ours.drop(name)
        with admin(server, ours.take(ONE), user=role):
            pass
    assert ours.problems == []
    assert databases(server, "test") == set()
    with using(place_of(server, user=role), fresh=True):
        assert template not in databases(server)


def test_a_user_without_createdb_is_told(server: embedded.Server, role: str) -> None:
    """A user who may not create databases learns what to do, and no password."""
    ask(server, f"ALTER ROLE {role} NOCREATEDB")
    with using(place_of(server, user=role)) as ours:
        with pytest.raises(DatabaseError) as caught:
            ours.take(ONE)
        assert str(caught.value) == (
            "permission denied to create database; test databases are made on this "
            "server: give its user CREATEDB, or leave the URL away for an embedded "
            "PostgreSQL [42501]"
        )
    assert ours.problems == []


def test_a_user_without_the_database_postgres_is_told(
    server: embedded.Server, role: str
) -> None:
    """A user who may not connect to `postgres` learns what it is for."""
    ask(server, "REVOKE CONNECT ON DATABASE postgres FROM PUBLIC")
    try:
        with pytest.raises(ConnectionFailed) as caught:
            PostgresServer(place_of(server, user=role))
    finally:
        ask(server, "GRANT CONNECT ON DATABASE postgres TO PUBLIC")
    assert str(caught.value).partition("FATAL: ")[2].strip() == (
        'permission denied for database "postgres" DETAIL: User does not have CONNECT '
        "privilege.; test databases are made from the database postgres: its user must "
        "be allowed to connect to it"
    )


def test_no_message_shows_the_password(server: embedded.Server, role: str) -> None:
    """Neither errors nor what could not be dropped shows the URL's password."""
    url = f"postgresql://{role}:{SECRET}@{quote(server.socket_directory, safe='')}/x"
    parsed = parse_url(url, {})
    assert isinstance(parsed, PostgresUrl)
    place = opening.place_of(parsed)
    ask(server, f"ALTER ROLE {role} NOCREATEDB")
    with using(place) as ours:
        with pytest.raises(DatabaseError) as caught:
            ours.take(ONE)
        refused = f"SELECT '{SECRET}'::int".encode()
        done = ours._holder.submit(lambda c: [str(c.execute(refused))])
        done.add_done_callback(ours._hear)
        ours._holder.submit(lambda _: None).result()
    assert ours.problems == [
        "invalid input syntax for type integer: \"***\" LINE 1: SELECT '***'::int ^"
    ]
    texts = [str(caught.value), repr(caught.value), *ours.problems]
    assert not [text for text in texts if SECRET in text]


def test_our_connections_are_as_we_need_them(
    server: embedded.Server, role: str
) -> None:
    """What is set for the user does not end or hinder our connections."""
    for setting in ("statement_timeout", "lock_timeout", "idle_session_timeout"):
        ask(server, f"ALTER ROLE {role} SET {setting} = '10min'")
    ask(server, f"ALTER ROLE {role} SET default_transaction_read_only = on")
    shown = (
        "SELECT current_setting(name) FROM unnest(array['statement_timeout', "
        "'lock_timeout', 'idle_session_timeout', 'default_transaction_read_only']) name"
    )
    with using(place_of(server, user=role)) as ours:
        for service, limit in ((ours._holder, "1min"), (ours._maker, "0")):
            found = service.run(lambda connection: connection.execute(shown).fetchall())
            assert found == [(limit,), ("0",), ("0",), ("off",)]


def test_a_pooler_is_refused(server: embedded.Server) -> None:
    """Behind PgBouncer a session's locks are nobody's: the mend is its server's URL."""
    there = Database(server.socket_directory, "postgres", server.port)
    with bouncer(there, {"ignore_startup_parameters": "options"}) as pooled:
        place = place_of(server, host=pooled.host)
        with pytest.raises(ConfigurationError) as caught:
            PostgresServer(place)
        with pytest.raises(ConfigurationError):
            PostgresServer(Place(server.keywords(), str, pooled=True))
        with using(Place(place.keywords, str, pooled=False)) as ours:
            assert ours.session >= 0  # Somebody knows better.
    assert str(caught.value) == (
        "a connection pooler such as PgBouncer stands before the server, and test "
        "databases are made on the server itself: set the URL that the pooler connects "
        "to"
    )


def test_processes_have_numbers_of_their_own(server: embedded.Server) -> None:
    """Tests that seed `random` do not make two processes take the same number."""
    random.seed(1)
    with using(server) as first:
        random.seed(1)
        with using(server) as second:
            assert first.session != second.session


def test_a_number_that_lives_is_not_taken(
    server: embedded.Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Should chance give a number twice, the second process takes another."""
    drawn = iter([7, 7, 8])
    monkeypatch.setattr("secrets.randbits", lambda _: next(drawn))
    with using(server) as first, using(server) as second:
        assert (first.session, second.session) == (7, 8)


def test_a_refused_start_leaves_no_connection(
    server: embedded.Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that is refused holds no connection and no lock."""
    monkeypatch.setattr("sqlx.testing.postgres.server.FACTS", "SELECT 1/0")
    with pytest.raises(DatabaseError, match=r"^division by zero \[22012\]$"):
        PostgresServer(place_of(server))
    assert holders(server) == []
