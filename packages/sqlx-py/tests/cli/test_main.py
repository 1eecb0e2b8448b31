"""`sqlx --version`, and what is imported to say it."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from sqlx.version import __version__

if TYPE_CHECKING:
    from pathlib import Path

    from cli.conftest import Command

VERSION = f"sqlx-py {__version__} (compatible with SQLx 0.8 and 0.9)\n"
SAY = """
import sys
before = set(sys.modules)
from sqlx.cli.main import main
main(["--version"])
print(sorted(set(sys.modules) - before))
"""


@pytest.mark.parametrize(
    "words", [["--version"], ["-V"], ["-V", "migrate"], ["--no-dotenv", "-V"]]
)
def test_the_version_is_printed(sqlx: Command, words: list[str]) -> None:
    """`-V` prints the version on stdout, whatever follows it."""
    result = sqlx(*words)
    assert (result.code, result.out, result.err) == (0, VERSION, "")


def test_the_version_is_no_word_of_a_subcommand(sqlx: Command) -> None:
    """`-V` belongs to the whole command, as in SQLx."""
    assert sqlx("migrate", "run", "-V").code == 2


def test_saying_the_version_imports_four_modules() -> None:
    """Nothing is loaded for `--version` but the way to `main` and the version."""
    done = subprocess.run(
        [sys.executable, "-I", "-c", SAY], capture_output=True, text=True, check=True
    )
    loaded = ["sqlx", "sqlx.cli", "sqlx.cli.main", "sqlx.version"]
    assert done.stdout == f"{VERSION}{loaded}\n"


@pytest.mark.parametrize(
    "words",
    [
        ["migrate", "add", "x"],
        ["migrate", "info", "--help"],
        ["migrate", "check", "--offline"],
        ["completions", "bash"],
    ],
)
def test_no_driver_is_imported_without_a_database(here: Path, words: list[str]) -> None:
    """Neither psycopg nor sqlite3 is loaded for files alone."""
    (here / "migrations").mkdir()
    code = (
        f"import sys; from sqlx.cli.main import main; main({words!r}); "
        "print(sorted({m.partition('.')[0] for m in sys.modules} "
        "& {'psycopg', 'sqlite3', 'rich'}))"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=here,
    )
    assert done.stdout.splitlines()[-1] == "[]"
