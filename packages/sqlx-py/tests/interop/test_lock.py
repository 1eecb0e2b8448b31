"""The name of the lock is SQLx's: where Rust locks, it waits for ours."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import mysql_server
from interop import tools
from interop.test_race import runner

from sqlx.databases.mysql.lock import lock_name, take

if TYPE_CHECKING:
    from mysql_server import Server

WAITING = (
    "SELECT object_name FROM performance_schema.metadata_locks"
    " WHERE object_type = 'USER LEVEL LOCK' AND lock_status = 'PENDING'"
)
LIMIT_SECONDS = 60


def test_rust_waits_for_the_lock_that_we_hold(mysql: Server) -> None:
    """On MySQL the server has it wait for this very name, and then it migrates."""
    mysql.ask("CREATE DATABASE locked")
    name = lock_name("locked")
    with (
        mysql_server.connect(mysql.url("locked")) as holder,
        runner(tools.race()) as rust,
    ):
        with holder.cursor() as cursor:
            cursor.execute(f"SELECT {take(name)}")
            assert cursor.fetchall() == ((1,),)
        rust.tell(f"apart {mysql.url('locked')}")
        assert rust.hear() == "ready"
        rust.tell("start")
        deadline = time.monotonic() + LIMIT_SECONDS
        while not (waiting := mysql.ask(WAITING)):
            assert time.monotonic() < deadline, "Rust asks for no lock"
        assert waiting == [(name.strip("'"),)]
        with holder.cursor() as cursor:
            cursor.execute(f"SELECT RELEASE_LOCK({name})")
        assert rust.hear() == "ok"


def test_rust_takes_no_lock_on_mariadb(mariadb: Server) -> None:
    """MariaDB knows no negative timeout: Rust migrates while we hold the lock."""
    mariadb.ask("CREATE DATABASE locked")
    with (
        mysql_server.connect(mariadb.url("locked")) as holder,
        runner(tools.race()) as rust,
    ):
        with holder.cursor() as cursor:
            cursor.execute(f"SELECT {take(lock_name('locked'))}")
            assert cursor.fetchall() == ((1,),)
        rust.tell(f"apart {mariadb.url('locked')}")
        assert rust.hear() == "ready"
        rust.tell("start")
        assert rust.hear() == "ok"
