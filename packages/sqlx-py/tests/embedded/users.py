"""What the tests ask of embedded servers, and of programs that use them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg.conninfo import make_conninfo

if TYPE_CHECKING:
    import subprocess

    from sqlx import embedded

__all__ = ["ask", "do", "hear", "leave", "parent", "postmaster"]


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
