"""Databases are created, found and dropped, as often as one likes."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from threading import Barrier, Thread
from typing import TYPE_CHECKING
from urllib.parse import quote

import psycopg
import pytest

import sqlx
from sqlx import create_database, database_exists, drop_database
from sqlx.errors import ForceNotSupported

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from support import Database


@pytest.fixture(params=["fresh", 'with "quotes" and ü'])
def url(request: pytest.FixtureRequest, on_postgres: Database) -> Iterator[str]:
    """Name a PostgreSQL database that does not exist; drop what is made of it."""
    name = on_postgres.name
    found = on_postgres.url.replace(name, quote(f"{request.param} {name}"), 1)
    yield found
    drop_database(found, force=True)


def test_a_database_is_created_once_and_dropped_once(url: str) -> None:
    """Each says whether it did something."""
    assert not database_exists(url)
    assert not drop_database(url)
    assert create_database(url)
    assert database_exists(url)
    assert not create_database(url)
    assert drop_database(url)
    assert not database_exists(url)


def made_at_once(url: str) -> list[bool]:
    """Let four make a database at the same moment, and drop it."""
    barrier = Barrier(4)
    made: list[bool] = []

    def create() -> None:
        barrier.wait()
        made.append(create_database(url))

    threads = [Thread(target=create) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    drop_database(url)
    return sorted(made)


def test_many_who_create_it_at_once_all_succeed(on_postgres: Database) -> None:
    """One makes it; for the others it is there."""
    url = on_postgres.url.replace(on_postgres.name, f"{on_postgres.name}_at_once")
    assert made_at_once(url) == [False, False, False, True]


@pytest.mark.slow
def test_a_database_in_use_is_dropped_by_force_only(on_postgres: Database) -> None:
    """The server's refusal, for which it takes five seconds, is told in its words."""
    with psycopg.connect(on_postgres.place) as user:
        user.execute("SELECT 1")
        with pytest.raises(sqlx.DatabaseError) as caught:
            drop_database(on_postgres.url)
        assert caught.value.sqlstate == "55006"
        assert str(caught.value).endswith("is being accessed by other users [55006]")
        assert drop_database(on_postgres.url, force=True)
        user.close()


def test_the_maintenance_database_itself_is_asked_for_from_another(
    on_postgres: Database,
) -> None:
    """`postgres` is looked for from `template1`, as in SQLx."""
    name = on_postgres.name
    url = on_postgres.url.replace(name, "postgres", 1)
    assert database_exists(url)
    assert not create_database(url)


def test_a_role_that_may_not_create_one_is_told(on_postgres: Database) -> None:
    """No error but the server's."""
    name = on_postgres.name
    on_postgres.execute(f"CREATE ROLE may_not_{name} LOGIN")
    url = on_postgres.url.replace(name, f"{name}_never", 1)
    try:
        with pytest.raises(sqlx.DatabaseError) as caught:
            create_database(f"{url}&user=may_not_{name}")
        assert str(caught.value) == "permission denied to create database [42501]"
    finally:
        on_postgres.execute(f"DROP ROLE may_not_{name}")


def test_a_server_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    """All three say so, after the time that one gave them."""
    url = f"postgres:///app?host={tmp_path}&user=ann"
    for call in (database_exists, create_database, drop_database):
        with pytest.raises(sqlx.ConnectionFailed, match="No such file or directory"):
            call(url, connect_timeout_seconds=0)


def test_a_file_is_created_once_and_dropped_once(tmp_path: Path) -> None:
    """With what SQLite leaves beside it."""
    path = tmp_path / "a b.db"
    url = f"sqlite://{path}"
    assert not database_exists(url)
    assert create_database(url)
    assert not create_database(url)
    assert database_exists(url)
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        connection.execute("CREATE TABLE a (id INT)")
        assert (tmp_path / "a b.db-wal").exists()
        with pytest.raises(ForceNotSupported) as caught:
            drop_database(url, force=True)
        assert str(caught.value) == (
            "database driver does not support force-dropping a database (Only "
            "PostgreSQL); leave --force away"
        )
        assert path.exists()
        assert drop_database(url)
    assert list(tmp_path.iterdir()) == []
    assert not drop_database(url)
    assert not drop_database(url, force=True)


def test_a_file_may_do_without_a_write_ahead_log(tmp_path: Path) -> None:
    """`--sqlite-create-db-wal false`."""
    path = tmp_path / "a.db"
    assert create_database(f"sqlite://{path}", wal=False)
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("delete",)
    assert drop_database(f"sqlite://{path}")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_is_not_made_for_a_file(tmp_path: Path) -> None:
    """As in SQLx."""
    with pytest.raises(sqlx.ConnectionFailed, match="unable to open database file"):
        create_database(f"sqlite://{tmp_path}/nowhere/a.db")


def test_a_database_in_memory_always_exists() -> None:
    """There is nothing to create or to drop."""
    url = "sqlite::memory:"
    assert database_exists(url)
    assert not create_database(url)
    assert not drop_database(url)


@pytest.mark.slow
def test_a_database_of_an_embedded_server(tmp_path: Path) -> None:
    """The server runs for as long as it is asked."""
    url = f"embedded:{tmp_path / 'pg'}"
    there = database_exists(url)
    assert create_database(url) is not there
    assert database_exists(url)
    assert drop_database(url)
    assert not database_exists(url)
    assert not (tmp_path / "pg" / "data" / "postmaster.pid").exists()


def test_a_directory_is_no_database_to_drop(tmp_path: Path) -> None:
    """What cannot be removed is an error of ours, and stays."""
    with pytest.raises(sqlx.DatabaseError, match=r" cannot be removed: "):
        sqlx.drop_database(f"sqlite:{tmp_path}")
    assert tmp_path.is_dir()


@pytest.fixture(params=["fresh", "with `quotes` and ü"])
def mysql_url(request: pytest.FixtureRequest, on_mysql: Database) -> Iterator[str]:
    """Name a MariaDB database that does not exist; drop what is made of it."""
    name = on_mysql.name
    found = on_mysql.url.replace(name, quote(f"{request.param} {name}"), 1)
    yield found
    drop_database(found)


def test_a_database_of_mysql_is_created_once_and_dropped_once(mysql_url: str) -> None:
    """Each says whether it did something; a drop by force exists nowhere here."""
    assert not database_exists(mysql_url)
    assert not drop_database(mysql_url)
    assert create_database(mysql_url)
    assert database_exists(mysql_url)
    assert not create_database(mysql_url)
    with pytest.raises(ForceNotSupported):
        drop_database(mysql_url, force=True)
    assert drop_database(mysql_url)
    assert not database_exists(mysql_url)


def test_many_who_create_it_at_once_on_mysql_all_succeed(on_mysql: Database) -> None:
    """One makes it; for the others it is there."""
    url = on_mysql.url.replace(on_mysql.name, f"{on_mysql.name}_at_once")
    assert made_at_once(url) == [False, False, False, True]


def test_a_user_of_mysql_who_may_not_create_one_is_told(on_mysql: Database) -> None:
    """No error but the server's."""
    user = f"may_not_{on_mysql.name}"
    on_mysql.execute(f"CREATE USER {user}")
    url = on_mysql.url.replace(on_mysql.name, "never").replace("root@", f"{user}@")
    try:
        with pytest.raises(sqlx.DatabaseError) as caught:
            create_database(url)
        assert str(caught.value) == (
            f"1044 (42000): Access denied for user '{user}'@'%' to database 'never'"
        )
    finally:
        on_mysql.execute(f"DROP USER {user}")


def test_a_url_of_mysql_must_name_a_database(on_mysql: Database) -> None:
    """SQLx's words, and the mend."""
    for call in (database_exists, create_database, drop_database):
        with pytest.raises(sqlx.ConfigurationError) as caught:
            call(on_mysql.url.replace(on_mysql.name, ""))
        assert str(caught.value) == (
            "DATABASE_URL does not specify a database; write its name at the end: "
            "mysql://user:password@host:3306/database"
        )
