"""Many messages in one exchange: what comes back, and what ends it."""

from __future__ import annotations

import os
import signal
import socket
import threading
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from sqlx.databases.postgres.describing.pipeline import (
    Describe,
    Execute,
    Prepare,
    Reply,
    ServerError,
    Unit,
    ask,
)
from sqlx.errors import ConnectionLost

if TYPE_CHECKING:
    from psycopg.pq.abc import PGresult

FAILS = Execute("SELECT 1 / 0")
BY_ZERO = ServerError("division by zero", "22012")


def value(result: PGresult) -> str:
    """Read the first value of a result."""
    return (result.get_value(0, 0) or b"").decode()


def values(replies: list[Reply]) -> list[list[str]]:
    """Read the first value of each result of each reply."""
    return [[value(result) for result in reply.results] for reply in replies]


def test_an_error_ends_its_unit_alone(connection: psycopg.Connection[Any]) -> None:
    """What came before it in its unit is kept, what comes after it is not done."""
    first, second, third = ask(
        connection,
        [
            (Execute("SELECT 1"), FAILS, Execute("SELECT 2"), FAILS),
            (),
            (Execute("SELECT 3"),),
        ],
    )
    assert values([first, second, third]) == [["1"], [], ["3"]]
    assert [first.refusal, second.refusal, third.refusal] == [BY_ZERO, None, None]


def test_a_refusal_has_what_the_server_said(
    connection: psycopg.Connection[Any],
) -> None:
    """Position (in characters, from 1), hint and detail are the server's."""
    (hinted,) = ask(connection, [(Prepare("", "SELECT 'é', texts FROM tweet"),)])
    assert hinted.refusal == ServerError(
        'column "texts" does not exist',
        "42703",
        13,
        'Perhaps you meant to reference the column "tweet.text".',
    )
    (detailed,) = ask(connection, [(Execute("SELECT '{1'::json"),)])
    assert detailed.refusal == ServerError(
        "invalid input syntax for type json",
        "22P02",
        8,
        None,
        'Expected string or "}", but found "1".',
    )


def test_parameters_are_text(connection: psycopg.Connection[Any]) -> None:
    """A parameter's type is the server's to find; None is NULL."""
    sql = "SELECT concat_ws(',', $1::int + 1, $2::text, $3::text)"
    (reply,) = ask(connection, [(Execute(sql, ("41", None, "é")),)])
    assert values([reply]) == [["42,é"]]


def test_a_statement_is_described(connection: psycopg.Connection[Any]) -> None:
    """The second result has the numbers of parameters and columns."""
    sql = "SELECT id, $1::int FROM tweet"
    (reply,) = ask(connection, [(Prepare("one", sql), Describe("one"))])
    parsed, told = reply.results
    assert parsed.nfields == 0
    assert [told.param_type(n) for n in range(told.nparams)] == [23]
    assert [told.ftype(n) for n in range(told.nfields)] == [20, 23]
    assert (told.ftablecol(0), told.ftable(1)) == (1, 0)


def test_a_unit_is_a_transaction(connection: psycopg.Connection[Any]) -> None:
    """What a unit wrote before its error is undone; other units' work stays."""
    connection.execute("CREATE TEMP TABLE kept (id INT)")
    one, two = (Execute(f"INSERT INTO kept VALUES ({n})") for n in (1, 2))
    ask(connection, [(one,), (two, FAILS)])
    assert connection.execute("SELECT id FROM kept").fetchall() == [(1,)]


def test_a_transaction_begun_in_sql_stays_open(
    connection: psycopg.Connection[Any],
) -> None:
    """It is for a later unit to end it, after an error too."""
    asked = [(Execute("BEGIN"), FAILS), (Execute("SELECT 1"),), (Execute("ROLLBACK"),)]
    _begun, inside, ended = ask(connection, asked)
    assert inside.refusal is not None
    assert inside.refusal.sqlstate == "25P02"
    assert ended.refusal is None
    assert connection.info.transaction_status is psycopg.pq.TransactionStatus.IDLE


@pytest.mark.parametrize("at_once", [1, 7, 100])
def test_replies_are_in_order_whatever_is_under_way(
    connection: psycopg.Connection[Any], at_once: int
) -> None:
    """The number of units sent together does not change what comes back."""
    units: list[Unit] = [(Execute(f"SELECT {number}"),) for number in range(50)]
    expected = [[str(number)] for number in range(50)]
    assert values(ask(connection, units, at_once)) == expected
    assert connection.info.pipeline_status is psycopg.pq.PipelineStatus.OFF


def test_full_buffers_block_nobody(connection: psycopg.Connection[Any]) -> None:
    """Megabytes go both ways at once: more than the sockets between hold."""
    units: list[Unit] = [(Execute("SELECT $1::text", ("x" * 20_000,)),)] * 500
    replies = ask(connection, units, at_once=500)
    assert {len(value(reply.results[0])) for reply in replies} == {20_000}


def test_a_server_that_goes_is_lost(connection: psycopg.Connection[Any]) -> None:
    """The server's last words are told, and the connection is closed."""
    going = Execute("SELECT pg_terminate_backend(pg_backend_pid())")
    with pytest.raises(ConnectionLost) as raised:
        ask(connection, [(going,), (Execute("SELECT 1"),)])
    assert raised.value.message == (
        "terminating connection due to administrator command"
    )
    assert raised.value.sqlstate == "57P01"
    assert connection.closed


def test_a_cut_connection_is_lost(connection: psycopg.Connection[Any]) -> None:
    """A socket that ends without a word is told as libpq tells it."""
    with socket.socket(fileno=os.dup(connection.fileno())) as theirs:
        theirs.shutdown(socket.SHUT_RDWR)
    with pytest.raises(ConnectionLost, match="server closed the connection"):
        ask(connection, [(Execute("SELECT 1"),)])
    assert connection.closed


def test_a_closed_connection_is_lost(connection: psycopg.Connection[Any]) -> None:
    """A connection that is closed cannot be asked."""
    connection.close()
    with pytest.raises(ConnectionLost, match=r"^the connection is closed"):
        ask(connection, [(Execute("SELECT 1"),)])


def test_an_interrupted_exchange_closes_the_connection(
    connection: psycopg.Connection[Any],
) -> None:
    """After Ctrl-C no later question can get an earlier one's answer."""
    timer = threading.Timer(0.1, signal.raise_signal, [signal.SIGINT])
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        ask(connection, [(Execute("SELECT pg_sleep(60)"),), (Execute("SELECT 1"),)])
    timer.join()
    assert connection.closed
