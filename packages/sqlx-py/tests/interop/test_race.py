"""An application of Rust's and one of ours start at the same moment on one database.

SQLx takes no lock on SQLite and, against its will, on MariaDB, and never looks at the
database again, so there two Rust applications make each other fail; what they fail with
is listed, and is all that a Rust application may fail with beside ours. On PostgreSQL
and on MySQL nobody may fail, and ours nowhere.
"""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from interop import tools

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from interop.places import Place

ROUNDS = 40
MIGRATIONS = Path(__file__).with_name("race") / "migrations"
RACER = Path(__file__).with_name("racer.py")

# What a Rust application says that found another one at work on the same database.
LOST = {
    "sqlite": (
        "already exists",
        "UNIQUE constraint failed",
        "database is locked",
        "database schema is locked",
        "duplicate column name",
    ),
    "mysql": ("already exists", "Duplicate entry", "is partially applied"),
}


class Runner:
    """A process that migrates whenever it is told to.

    Args:
        process: It speaks the protocol of race/src/main.rs.
    """

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process

    def tell(self, line: str) -> None:
        """Write a line to it."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{line}\n")
        self.process.stdin.flush()

    def hear(self) -> str:
        """Read a line from it."""
        assert self.process.stdout is not None
        return self.process.stdout.readline().rstrip("\n")


@contextmanager
def runner(*command: str | Path) -> Iterator[Runner]:
    """Start a process, and end it by ending its input."""
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield Runner(process)
        assert process.stdin is not None
        process.stdin.close()
    assert process.returncode == 0


@contextmanager
def runners(names: tuple[str, ...]) -> Iterator[list[Runner]]:
    """Start Rust's and our processes, in this order."""
    commands: dict[str, tuple[str | Path, ...]] = {
        "rust": (tools.race(),),
        "ours": (sys.executable, RACER, MIGRATIONS),
    }
    with ExitStack() as stack:
        yield [stack.enter_context(runner(*commands[name])) for name in names]


def race(runners: list[Runner], place: Place, number: int) -> list[str]:
    """Release all at once; the order and the manner change with the round."""
    manner = "connected" if number % 2 else "apart"
    for each in runners:
        each.tell(f"{manner} {place.url}")
    assert [each.hear() for each in runners] == ["ready"] * len(runners)
    for each in runners if number % 4 < 2 else reversed(runners):
        each.tell("start")
    return [each.hear() for each in runners]


@pytest.mark.parametrize("database", ["postgres", "sqlite", "mysql", "real_mysql"])
def test_one_of_rust_and_ours_applies_and_ours_never_fails(
    database: str, new_place: Callable[[str], Place]
) -> None:
    """On an empty database each migration is applied once, and ours succeeds."""
    alone = new_place(database)
    with runners(("ours",)) as only:
        assert race(only, alone, 1) == ["ok"]
    expected = alone.state()
    failures: Counter[str] = Counter()
    with runners(("rust", "ours")) as both:
        for number in range(ROUNDS):
            place = new_place(database)
            rust, ours = race(both, place, number)
            assert ours == "ok", f"round {number}"
            assert place.state() == expected, f"round {number}"
            failures[rust] += rust != "ok"
    _check(+failures, database)


@pytest.mark.parametrize("database", LOST)
def test_two_of_rust_fail_as_listed(
    database: str, new_place: Callable[[str], Place]
) -> None:
    """What is listed is what Rust's own applications do to each other."""
    failures: Counter[str] = Counter()
    with runners(("rust", "rust")) as both:
        for number in range(ROUNDS):
            failures.update(race(both, new_place(database), number))
    failures.pop("ok", None)
    _check(failures, database)
    assert failures, "two of Rust do not fail any more: the list is not needed"


def _check(failures: Counter[str], database: str) -> None:
    listed = LOST.get(database, ())
    others = [text for text in failures if not any(words in text for words in listed)]
    assert others == []
