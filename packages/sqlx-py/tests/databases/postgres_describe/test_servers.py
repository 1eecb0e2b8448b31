"""Describing on other servers, and through what stands before one."""

from __future__ import annotations

import socket
import struct
import threading
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from databases.postgres_describe.golden import cases, written
from faults.conftest import bouncer, need_postgres_15, removed
from faults.servers import Database, DebianServer
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from support import new_folder

from sqlx.databases.postgres.describing.describe import describe
from sqlx.queries.values import SqlxVersion

if TYPE_CHECKING:
    from collections.abc import Iterator

SCHEMA = Path(__file__).parent / "schema.sql"
LEFT_OVER = b"""SELECT current_setting('plan_cache_mode'), count(*)
FROM pg_prepared_statements"""


def differences(connection: psycopg.Connection[Any]) -> list[str]:
    """Name the cases, of all versions, where it is not as its file says."""
    known = cases()
    return [
        f"{case.name} {version.value}"
        for version in SqlxVersion
        for case, found in zip(
            known,
            describe(connection, [case.sql for case in known], version),
            strict=True,
        )
        if written(found) != case.expected[version]
    ]


@pytest.mark.slow
def test_postgres_15_says_the_same() -> None:
    """The oldest server that we try gives the same descriptions, to the letter."""
    need_postgres_15()
    with removed(new_folder()) as folder:
        server = DebianServer(folder)
        try:
            with server.database("postgres").connect() as connection:
                connection.execute(SCHEMA.read_bytes())
                assert differences(connection) == []
        finally:
            server.stop()


@pytest.mark.slow
def test_a_transaction_pooler_changes_nothing(described_place: str) -> None:
    """Behind PgBouncer it is the same, and its server keeps nothing of us."""
    words = conninfo_to_dict(described_place)
    target = Database(str(words["host"]), str(words["dbname"]), int(words["port"] or 0))
    with bouncer(target, {"default_pool_size": "1"}) as pooled:
        with pooled.connect() as connection:
            assert differences(connection) == []
        with pooled.connect() as connection:
            assert connection.execute(LEFT_OVER).fetchall() == [("auto", 0)]


@contextmanager
def announcing(place: str, folder: Path, name: bytes) -> Iterator[str]:
    """Stand in front of a server, and tell of a parameter that it does not have."""
    words = conninfo_to_dict(place)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(folder / ".s.PGSQL.5432"))
    listener.listen()

    def copy(source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(1 << 16):
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)

    def serve() -> None:
        client, _address = listener.accept()
        server = socket.socket(socket.AF_UNIX)
        server.connect(f"{words['host']}/.s.PGSQL.{words['port']}")
        with closing(client), closing(server):
            back = threading.Thread(target=copy, args=(client, server))
            back.start()
            client.sendall(server.recv(9, socket.MSG_WAITALL))  # it trusts us
            told = name + b"\0v1\0"
            client.sendall(b"S" + struct.pack("!I", 4 + len(told)) + told)
            copy(server, client)
            back.join()

    thread = threading.Thread(target=serve)
    thread.start()
    yield make_conninfo(place, host=str(folder), port=5432)
    thread.join()
    listener.close()


@pytest.mark.parametrize("name", [b"crdb_version", b"mz_version", b"questdb_version"])
def test_another_server_is_not_asked_for_plans(
    described_place: str, tmp_path_factory: pytest.TempPathFactory, name: bytes
) -> None:
    """CockroachDB, Materialize and QuestDB have plans that SQLx does not read."""
    sql = "SELECT a.id, b.id FROM tweet a LEFT JOIN tweet b ON false"
    folder = tmp_path_factory.mktemp("s")
    with (
        announcing(described_place, folder, name) as place,
        psycopg.connect(place, autocommit=True) as connection,
    ):
        (found,) = describe(connection, [sql], SqlxVersion.V0_9)
    assert written(found) == ["id INT8! <- tweet.id", "id INT8! <- tweet.id"]
