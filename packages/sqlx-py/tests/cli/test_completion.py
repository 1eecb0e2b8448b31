"""The completions that are shipped are those of the parser."""

from __future__ import annotations

import runpy
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sqlx.cli.parser import SHELLS

if TYPE_CHECKING:
    from cli.conftest import Command

SCRIPT = Path(__file__).parents[4] / "scripts" / "completions"


@pytest.mark.parametrize("shell", SHELLS)
def test_completions_are_up_to_date(sqlx: Command, shell: str) -> None:
    """`scripts/completions` would write what `sqlx completions` prints."""
    pytest.importorskip("shtab", reason="shtab makes the completions, at release")
    result = sqlx("completions", shell)
    assert (result.code, result.err) == (0, "")
    assert result.out == runpy.run_path(str(SCRIPT))["script"](shell)


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        (["sqlx", "d"], ["database", "describe"]),
        (["sqlx", "check", "--off"], ["--offline"]),
        (["sqlx", "migrate", "r"], ["run", "revert"]),
        (["sqlx", "migrate", "override", ""], ["skip", "help"]),
        (["sqlx", "migrate", "run", "--lo"], ["--lock-timeout"]),
        (["sqlx", "migrate", "check", "--format", "g"], ["github"]),
        (["sqlx", "completions", "f"], ["fish"]),
    ],
)
def test_bash_completes(
    sqlx: Command, here: Path, typed: list[str], expected: list[str]
) -> None:
    """Bash offers the subcommands, options and values that fit what is typed."""
    script = here / "sqlx.bash"
    script.write_text(sqlx("completions", "bash").out)
    words = " ".join(f"'{word}'" for word in typed)
    done = subprocess.run(
        ["bash", "--norc", "-c", (f"source {script.name}; COMP_WORDS=({words}); "
         f"COMP_CWORD={len(typed) - 1}; _shtab_sqlx; echo ${{COMPREPLY[*]}}")],
        capture_output=True, text=True, check=True, cwd=here,
    )  # fmt: skip
    assert done.stdout.split() == expected
