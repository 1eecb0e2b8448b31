"""What the tests of the command share: a here, a database file, and the command."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import pytest

from sqlx.cli.main import main

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MAIN = "import sys; from sqlx.cli.main import main; sys.exit(main())"
FOREIGN = (
    "DATABASE_URL",
    "CLICOLOR",
    "CLICOLOR_FORCE",
    "NO_COLOR",
    "SQLX_BACKTRACE",
    "TERM",
)


@dataclass(frozen=True)
class Result:
    """How a command ended, and what it wrote."""

    code: int
    out: str
    err: str


class Start(Protocol):
    """Starts `sqlx` in a process of its own."""

    def __call__(self, *words: str, **streams: int) -> subprocess.Popen[str]:
        """Start one command; its streams are pipes unless others are given."""


class Command(Protocol):
    """Runs `sqlx` in this process."""

    def __call__(self, *words: str) -> Result:
        """Run one command."""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory, and an environment that says nothing to sqlx."""
    environ = {k: v for k, v in os.environ.items() if k not in FOREIGN}
    monkeypatch.setattr(os, "environ", environ)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def sqlx(here: Path, capsys: pytest.CaptureFixture[str]) -> Command:
    """The command, run in the working directory."""
    assert here.is_dir()

    def run(*words: str) -> Result:
        code = main(list(words))
        written = capsys.readouterr()
        return Result(code, written.out, written.err)

    return run


@pytest.fixture
def start(here: Path) -> Iterator[Start]:
    """The command as a process of its own; killed when the test leaves it running."""
    running: list[subprocess.Popen[str]] = []

    def begin(*words: str, **streams: Any) -> subprocess.Popen[str]:
        pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
        process = subprocess.Popen(
            [sys.executable, "-c", MAIN, *words],
            **(pipes | streams),
            text=True,
            encoding="utf-8",
            env=os.environ,
            cwd=here,
        )
        running.append(process)
        return process

    yield begin
    for process in running:
        process.kill()
        process.communicate()


@pytest.fixture
def database(here: Path, monkeypatch: pytest.MonkeyPatch, sqlx: Command) -> str:
    """A file as `database create` makes it, named by DATABASE_URL; the path of it."""
    monkeypatch.setenv("DATABASE_URL", "sqlite:x.db")
    assert sqlx("database", "create") == Result(0, "", "")
    return str(here / "x.db")
