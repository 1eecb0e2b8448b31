"""A database that is not there yet is waited for, with a bound, saying so."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from sqlx import ConnectionFailed, Migrator, WaitingForDatabase
from sqlx.databases.reach import Reach

if TYPE_CHECKING:
    from pathlib import Path

    from support import Database, Door, Write

    from sqlx import News

REFUSED = ConnectionFailed("connection refused")


def begun_before(seconds: float, budget_seconds: float, told: list[News]) -> Reach:
    """Be some seconds into the budget."""
    begun = time.monotonic() - seconds
    return Reach(budget_seconds, told.append, begun=begun)


def test_pauses_grow_to_two_seconds() -> None:
    """From a twentieth of a second on, each twice the one before, jittered by half."""
    reach = begun_before(0, 1000, [])
    pauses = [reach.pause(REFUSED, final=False) for _ in range(8)]
    for seconds, base in zip(
        pauses, [0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 2.0, 2.0], strict=True
    ):
        assert base * 0.5 <= seconds <= base * 1.5


def test_what_waiting_would_not_help_is_raised_at_once() -> None:
    """A wrong password stays wrong."""
    with pytest.raises(ConnectionFailed) as caught:
        begun_before(0, 1000, []).pause(REFUSED, final=True)
    assert caught.value is REFUSED


@pytest.mark.parametrize(
    ("seconds", "budget"), [(0, 0), (0, 0.01), (9.99, 10), (11, 10)]
)
def test_the_budget_is_not_exceeded(seconds: float, budget: float) -> None:
    """When the next attempt would come too late, the error is raised."""
    with pytest.raises(ConnectionFailed) as caught:
        begun_before(seconds, budget, []).pause(REFUSED, final=False)
    assert caught.value is REFUSED


def test_what_is_left_never_grows() -> None:
    """The budget less the time since the first attempt."""
    reach = begun_before(4, 10, [])
    assert 5.0 < reach.left_seconds <= 6.0


def test_a_wait_is_told_once_it_lasts_and_then_ever_more_rarely() -> None:
    """Not in the first second; then after each doubling of the time."""
    told: list[News] = []
    begun_before(0.5, 1000, told).pause(REFUSED, final=False)
    assert told == []
    reach = begun_before(1.5, 1000, told)
    reach.pause(REFUSED, final=False)
    reach.pause(REFUSED, final=False)
    (news,) = told
    assert isinstance(news, WaitingForDatabase)
    assert news.reason == "connection refused"
    assert 1.5 <= news.waited_seconds < 2.5
    reach.begun -= 5
    reach.pause(REFUSED, final=False)
    assert len(told) == 2


@pytest.mark.slow
def test_a_server_that_comes_late_is_reached(
    on_postgres: Database, colour: Door, write: Write, folder: Path, tmp_path: Path
) -> None:
    """The wait is told, the server appears, and the run goes on."""
    write("1_a.sql", "CREATE TABLE a (id INT);")
    host = on_postgres.url.partition("?host=")[2].partition("&")[0]
    place = tmp_path / "s"
    told: list[News] = []

    def appear(news: News) -> None:
        told.append(news)
        if isinstance(news, WaitingForDatabase):
            place.symlink_to(host)

    url = on_postgres.url.replace(f"host={host}", f"host={place}")
    report = colour(folder, on_event=appear, connect_timeout_seconds=60).run(url)
    assert len(report.applied) == 1
    waits = [news for news in told if isinstance(news, WaitingForDatabase)]
    assert len(waits) == 1
    assert "No such file or directory" in waits[0].reason


def test_a_server_that_never_comes_is_an_error_with_its_reason(
    colour: Door, write: Write, folder: Path, tmp_path: Path
) -> None:
    """With a budget of 0 there is one attempt."""
    write("1_a.sql", "CREATE TABLE a (id INT);")
    with pytest.raises(ConnectionFailed) as caught:
        colour(folder, connect_timeout_seconds=0).run(
            f"postgres:///app?host={tmp_path}&user=ann&password=S3cret"
        )
    message = str(caught.value)
    assert f'connection to server on socket "{tmp_path}/.s.PGSQL.5432"' in message
    assert "No such file or directory" in message
    assert "S3cret" not in message
    assert "\n" not in message


def test_a_database_that_does_not_exist_is_no_reason_to_wait(
    on_postgres: Database, write: Write, folder: Path
) -> None:
    """The server is there and says no: a budget of an hour is not used."""
    write("1_a.sql", "CREATE TABLE a (id INT);")
    url = on_postgres.url.replace(on_postgres.name, "no_such_database")
    with pytest.raises(ConnectionFailed) as caught:
        Migrator(folder, connect_timeout_seconds=3600).run(url)
    assert str(caught.value).endswith(
        '"no_such_database" does not exist; make it with `sqlx database create`'
    )


def test_a_file_that_does_not_exist_is_an_error_of_sqlite(
    colour: Door, write: Write, folder: Path, tmp_path: Path
) -> None:
    """`mode=rwc` would make it."""
    write("1_a.sql", "CREATE TABLE a (id INT);")
    path = tmp_path / "none.db"
    with pytest.raises(ConnectionFailed) as caught:
        colour(folder).run(f"sqlite://{path}")
    assert caught.value.message.startswith("unable to open database file: file:")
    assert caught.value.message.endswith(
        "; make it with `sqlx database create`, or add ?mode=rwc to the URL"
    )
    assert caught.value.code == 14
    assert not path.exists()


def test_a_file_that_is_no_database_is_an_error(
    colour: Door, write: Write, folder: Path, tmp_path: Path
) -> None:
    """It is left as it is."""
    write("1_a.sql", "CREATE TABLE a (id INT);")
    path = tmp_path / "text.db"
    path.write_bytes(b"not a database at all" * 100)
    with pytest.raises(ConnectionFailed) as caught:
        colour(folder).run(f"sqlite://{path}?mode=rwc")
    assert caught.value.message.startswith("file is not a database: file:")
    assert caught.value.code == 26
    assert path.stat().st_size == 2100
