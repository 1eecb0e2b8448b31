"""The two commands under comparison, and what each of them says."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["VERSIONS", "Said", "Tool", "built", "ours", "race", "rust"]

VERSIONS = ("0.8.6", "0.9.0")
ELAPSED = re.compile(r"\((?!0ns)[0-9.]+(ns|µs|ms|s)\)")
# Rust tells lines of its own source or of PostgreSQL's, which change with each build.
SOURCE_LINE = re.compile(r"(?m) (at line \d+|\(sqlx_postgres::.*:\d+\))$")
DATABASE = re.compile(r"\binterop_\d+\b")
STAMP = re.compile(r"\b20\d{12}(?=_)")


def built() -> list[Path]:
    """List what scripts/interop has built; empty when it did not start this."""
    told = os.environ.get("SQLX_INTEROP", "")
    return [Path(path) for path in told.split(os.pathsep) if path]


@dataclass(frozen=True, slots=True)
class Said:
    """What a command printed, and its exit code."""

    code: int
    out: str
    err: str

    def __str__(self) -> str:
        """Show it as a terminal session would; times and the database are not told."""
        lines = [self.out]
        lines += [f"stderr: {line}\n" for line in self.err.splitlines()]
        lines += [f"exit {self.code}\n"] if self.code else []
        text = SOURCE_LINE.sub("", ELAPSED.sub("(TIME)", "".join(lines)))
        text = DATABASE.sub("DATABASE", text)
        return STAMP.sub("YYYYMMDDHHMMSS", text)


@dataclass(frozen=True, slots=True)
class Tool:
    """A command that migrates.

    Args:
        name: For test ids.
        program: Its file.
    """

    name: str
    program: Path

    def __call__(self, *words: str, folder: Path, variables: Mapping[str, str]) -> Said:
        """Run it in a folder, with these variables alone, without a terminal."""
        base = {"PATH": os.environ["PATH"], "HOME": str(folder), "LC_ALL": "C.UTF-8"}
        done = subprocess.run(
            [self.program, *words],
            cwd=folder,
            env=base | dict(variables),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            encoding="utf-8",
            check=False,
            timeout=60,
        )
        place = str(folder.resolve())
        out, err = (text.replace(place, "DIR") for text in (done.stdout, done.stderr))
        return Said(done.returncode, out, err)


def ours() -> Tool:
    """Return our command, as it is installed beside this Python."""
    return Tool("ours", Path(sys.executable).with_name("sqlx"))


def rust(version: str) -> Tool:
    """Return Rust's command of a version."""
    found = next(p for p in built() if p.parts[-3] == f"sqlx-cli-{version}")
    return Tool(f"sqlx-cli {version}", found)


def race() -> Path:
    """Return the racing program."""
    return next(path for path in built() if path.stem == "race")
