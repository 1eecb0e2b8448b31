"""Users, servers and keepers that are killed, and programs that are interrupted."""

from __future__ import annotations

import os
import select
import signal
import socket
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest
from embedded.users import ask, hear, leave, parent, postmaster
from psycopg.conninfo import make_conninfo

from sqlx import embedded
from sqlx.embedded.folder import Folder
from sqlx.errors import EmbeddedError

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable

    Run = Callable[..., subprocess.Popen[str]]
    Wait = Callable[[int], None]

pytestmark = pytest.mark.slow  # Each starts servers of its own.


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


def test_a_socket_that_outlives_its_server_is_no_server(
    folder: Path, wait_for_end: Wait
) -> None:
    """A child that was just forked has it for a moment; its keeper is there, too."""
    with embedded.start(folder) as server:
        dead = postmaster(folder)
        keeper = parent(dead)
        os.kill(keeper, signal.SIGSTOP)
        os.kill(dead, signal.SIGKILL)
        wait_for_end(dead)
        path = Path(server.socket_directory, f".s.PGSQL.{server.port}")
        path.unlink()
        with socket.socket(socket.AF_UNIX) as child:
            child.bind(str(path))
            child.listen()
            found = Folder.at(str(folder)).running()
        os.kill(keeper, signal.SIGCONT)
        assert found is None
        with embedded.start(folder) as again:
            assert ask(again.keywords(), "SELECT 1") == 1


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
    first = postmaster(folder)
    os.kill(parent(first), signal.SIGKILL)
    wait_for_end(first)  # The kernel ends it.
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


def test_a_half_made_cluster_is_made_again(tmp_path: Path, wait_for_end: Wait) -> None:
    """What a keeper that was killed during initdb has left is swept away."""
    folder = tmp_path / "postgres"

    def kill(_event: str) -> None:
        while not list(folder.glob("data.new-*/base")):
            os.sched_yield()
        keeper = keeper_of(folder)
        os.kill(keeper, signal.SIGKILL)
        while others := processes_below(folder):  # initdb may just begin another one
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
    assert not left.exists()  # what a dying initdb still writes, the next start sweeps


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
    return process.pid


def read_both(*users: subprocess.Popen[str]) -> list[subprocess.Popen[str]]:
    """Return the users that have something to say first."""
    outputs = [user.stdout for user in users if user.stdout is not None]
    ready, _, _ = select.select(outputs, [], [], 60)
    return [user for user in users if user.stdout in ready]


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
