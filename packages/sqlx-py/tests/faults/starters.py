"""Processes that migrate: forked from one warm process, released by a barrier.

Python takes 0.3 s to start, more or less, and that hides every race. So one process
imports all that is needed, and each starter is a fork of it that waits at the gate.
"""

from __future__ import annotations

import os
import sys
import traceback
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from multiprocessing.connection import wait
from typing import TYPE_CHECKING, Any, TypeAlias

import psycopg

import sqlx
from sqlx.migrations.files import read_directory

if TYPE_CHECKING:
    import signal
    from collections.abc import Callable, Iterable
    from multiprocessing.connection import Connection
    from multiprocessing.synchronize import Barrier
    from pathlib import Path

__all__ = [
    "Outcome",
    "Starter",
    "Tell",
    "Work",
    "command",
    "herd",
    "migrate",
    "unlocked_peer",
]

Tell: TypeAlias = "Callable[[object], None]"
Work: TypeAlias = "Callable[[Tell], tuple[int, ...]]"

SECONDS = 120.0
CRASHED = 70

forks = get_context("forkserver")
forks.set_forkserver_preload(
    [
        "pytest",  # a child imports the main module again
        "faults.starters",
        "sqlx.cli.dispatch",
        "sqlx.cli.migrate",
        "sqlx.databases.mysql.connect",
        "sqlx.databases.postgres.connect",
        "sqlx.databases.sqlite.connect",
        "sqlx.migrator",
    ]
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a starter ended.

    Args:
        status: Its exit code; negative for the signal that killed it.
        error: The class of what it raised; empty when all went well.
        text: What it said.
        applied: The versions that it applied.
    """

    status: int
    error: str = ""
    text: str = ""
    applied: tuple[int, ...] = ()


class Starter:
    """One process that migrates.

    Args:
        work: What it does.
        gate: Where it waits for the others.
        held: Whether it waits for `release`.
    """

    def __init__(
        self, work: Work, gate: Barrier | None = None, *, held: bool = False
    ) -> None:
        self._gate = gate = forks.Barrier(2) if held else gate
        self._pipe, theirs = forks.Pipe(duplex=False)
        self._process = forks.Process(
            target=_begin, args=(work, theirs, gate), daemon=True
        )
        self._process.start()
        theirs.close()

    @property
    def pid(self) -> int:
        """Its number."""
        assert self._process.pid is not None
        return self._process.pid

    def release(self) -> None:
        """Let it begin."""
        assert self._gate is not None
        self._gate.wait(SECONDS)

    def send(self, order: signal.Signals) -> None:
        """Send it a signal."""
        os.kill(self.pid, order)

    def kill(self) -> None:
        """End it with SIGKILL, if it lives, and wait for its end."""
        self._process.kill()
        assert wait([self._process.sentinel], SECONDS), "it does not end"

    def hear(self) -> str:
        """Wait for the next thing that it tells while it works."""
        assert self._pipe.poll(SECONDS), "it tells nothing"
        kind, fact = self._pipe.recv()
        assert kind == "event", fact
        return str(fact)

    def outcome(self) -> Outcome:
        """Wait for its end."""
        error, text, applied = "killed", "", ()
        while self._pipe.poll(SECONDS):
            try:
                kind, fact = self._pipe.recv()
            except EOFError:
                break
            if kind == "end":
                error, text, applied = fact
        self._process.join(SECONDS)
        status = self._process.exitcode
        assert status is not None, "it does not end"
        self._pipe.close()
        return Outcome(status, error, text, applied)


def herd(works: Iterable[Work]) -> list[Outcome]:
    """Start processes at the same moment, and wait for all."""
    works = list(works)
    gate = forks.Barrier(len(works))
    starters = [Starter(work, gate) for work in works]
    return [starter.outcome() for starter in starters]


def migrate(url: str, directory: Path, **options: Any) -> Work:
    """Run what is pending, as a service does at its start."""
    return partial(_migrate, url=url, directory=directory, options=options)


def command(*arguments: str, output: Path) -> Work:
    """Run the command with all its output in a file."""
    return partial(_command, arguments=arguments, output=output)


def unlocked_peer(url: str, directory: Path) -> Work:
    """Do what Rust's command does: no lock, no second look."""
    return partial(_unlocked_peer, url=url, directory=directory)


def _begin(work: Work, pipe: Connection, gate: Barrier | None) -> None:
    """Do the work in the new process, and tell how it went."""

    def tell(news: object) -> None:
        pipe.send(("event", f"{type(news).__name__}: {news}"))

    if gate is not None:
        gate.wait(SECONDS)
    try:
        end, status = ("", "", work(tell)), 0
    except sqlx.SqlxError as error:
        end, status = (type(error).__name__, str(error), ()), 1
    except Exception as error:  # noqa: BLE001 -- a test asserts that there is none.
        text = "".join(traceback.format_exception(error))
        end, status = (type(error).__name__, text, ()), CRASHED
    pipe.send(("end", end))
    sys.exit(status)


def _migrate(
    tell: Tell, url: str, directory: Path, options: dict[str, Any]
) -> tuple[int, ...]:
    migrator = sqlx.Migrator(directory, on_event=tell, **options)
    return tuple(m.version for m in migrator.run(url).applied)


def _command(tell: Tell, arguments: tuple[str, ...], output: Path) -> tuple[int, ...]:
    from sqlx.cli.main import main

    with output.open("wb") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    tell(arguments)
    sys.exit(main(list(arguments)))


def _unlocked_peer(tell: Tell, url: str, directory: Path) -> tuple[int, ...]:
    """Speak as sqlx-cli's `migrate run` does.

    Source:
        migrations.md 2.1, 2.3, 2.4, 4.3.
    """
    tell("a peer without a lock")
    done = []
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "CREATE TABLE IF NOT EXISTS _sqlx_migrations (version BIGINT PRIMARY KEY,"
            " description TEXT NOT NULL, installed_on TIMESTAMPTZ NOT NULL DEFAULT"
            " now(), success BOOLEAN NOT NULL, checksum BYTEA NOT NULL,"
            " execution_time BIGINT NOT NULL)"
        )
        rows = connection.execute(
            "SELECT version, success FROM _sqlx_migrations"
        ).fetchall()
        if not all(success for _, success in rows):
            raise AssertionError("partially applied")
        applied = {version for version, _ in rows}
        for migration in read_directory(directory, frozenset()):
            if migration.version in applied:
                continue
            with connection.transaction():
                connection.execute(migration.sql.encode())
                connection.execute(
                    "INSERT INTO _sqlx_migrations (version, description, success,"
                    " checksum, execution_time) VALUES (%s, %s, TRUE, %s, -1)",
                    (migration.version, migration.description, migration.checksum),
                )
            connection.execute(
                "UPDATE _sqlx_migrations SET execution_time = 1 WHERE version = %s",
                (migration.version,),
            )
            done.append(migration.version)
    return tuple(done)
