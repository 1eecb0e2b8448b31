"""The line that shows on a terminal that something is under way."""

from __future__ import annotations

import io
import os
import threading
from typing import IO, TYPE_CHECKING

import pytest

from sqlx.cli.alive import Status

if TYPE_CHECKING:
    from collections.abc import Iterator

ERASE = b"\r\033[K"


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[int, IO[str]]]:
    """A terminal of 20 columns: what it shows, and the stream to write to."""
    pty = pytest.importorskip("pty", reason="a pseudo-terminal")
    termios = pytest.importorskip("termios", reason="its size")
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, 20))
    monkeypatch.setattr("sqlx.cli.alive.QUIET_SECONDS", 0.0)
    monkeypatch.setattr("sqlx.cli.alive.TICK_SECONDS", 0.001)
    with os.fdopen(theirs, "w") as stream:
        yield ours, stream
    os.close(ours)


def shown(ours: int, end: bytes) -> bytes:
    """Read what a terminal shows, up to what is waited for."""
    seen = b""
    while not seen.endswith(end):
        seen += os.read(ours, 1)
    return seen


def test_the_line_appears_and_makes_way(terminal: tuple[int, IO[str]]) -> None:
    """Each tick writes the line anew; what else is written takes it away first."""
    ours, stream = terminal
    status = Status(stream)
    status.begin("working")
    assert shown(ours, b")") == ERASE + b"working (0 s)"
    with status.hidden():
        stream.write("!")
        stream.flush()
        assert shown(ours, b"!").endswith(ERASE + b"!")
    assert shown(ours, b")") == ERASE + b"working (0 s)"
    status.end()
    stream.write("!")
    stream.flush()
    assert shown(ours, b"!").endswith(ERASE + b"!")


def test_a_long_line_is_cut(terminal: tuple[int, IO[str]]) -> None:
    """A line that wraps could not be taken away again."""
    ours, stream = terminal
    status = Status(stream)
    status.begin("applying 20250114000000/initial schema")
    assert shown(ours, b"2025011400") == ERASE + b"applying 2025011400"
    assert shown(ours, b"a") == ERASE + b"a"
    status.end()


def test_nothing_moves_where_there_is_no_terminal() -> None:
    """Neither a line nor a thread."""
    before = threading.active_count()
    stream = io.StringIO()
    status = Status(stream)
    status.begin("working")
    with status.hidden():
        pass
    status.end()
    assert (stream.getvalue(), threading.active_count()) == ("", before)
