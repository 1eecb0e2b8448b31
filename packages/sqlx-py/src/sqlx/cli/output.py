"""What the command writes: SQLx's lines on stdout, everything else on stderr.

Colours are those of SQLx (migrations.md 6.6), decided for each of the two streams by
itself: SQLx asks stdout for both.
"""

from __future__ import annotations

import os
from typing import IO, TYPE_CHECKING

from sqlx.cli.alive import Status

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlx.engine.news import Change, InfoRow

__all__ = ["Output", "duration", "silence"]

CYAN, GREEN, YELLOW, DIM = "\033[36m", "\033[32m", "\033[33m", "\033[2m"
RED, BOLD_RED, PLAIN = "\033[31m", "\033[31m\033[1m", "\033[0m"
UNITS = (("s", 9), ("ms", 6), ("µs", 3))
STATUS_COLOURS = {"installed": GREEN, "pending": YELLOW}


class Output:
    """The two streams of a command, and the line that shows that it is alive.

    A reader who has gone away (`| head`) or a full disk is no reason to stop half-way:
    what is left to say is then dropped, and the work goes on.

    Args:
        stdout: Where SQLx's lines and JSON go.
        stderr: Where all else goes.
        environ: Says whether there are colours.
    """

    def __init__(
        self, stdout: IO[str], stderr: IO[str], environ: Mapping[str, str]
    ) -> None:
        self.stdout, self.stderr = stdout, stderr
        self.colours = {s: _colourful(s, environ) for s in (stdout, stderr)}
        self.status = Status(stderr)
        self.broken: OSError | None = None

    def line(self, text: str) -> None:
        """Write a line to stdout."""
        self._write(self.stdout, text + "\n")

    def note(self, text: str) -> None:
        """Write a line to stderr."""
        self._write(self.stderr, text + "\n")

    def warning(self, text: str) -> None:
        """Write a warning to stderr."""
        self.note(f"{self.paint(self.stderr, YELLOW, 'warning:')} {text}")

    def error(self, text: str) -> None:
        """Write an error to stderr."""
        self.note(f"{self.paint(self.stderr, BOLD_RED, 'error:')} {text}")

    def ask(self, url: str) -> None:
        """Ask whether a database may be dropped; the answer is on the same line."""
        painted = self.paint(self.stderr, CYAN, url)
        self._write(self.stderr, f"Drop database at {painted}? [y/N] ")

    def creating(self, path: str) -> None:
        """Say that a file is created, in SQLx's line."""
        self.line(f"Creating {self.paint(self.stdout, CYAN, path)}")

    def change(self, change: Change) -> None:
        """Say what became of a migration, in SQLx's line."""
        migration = change.migration
        version = self.paint(self.stdout, CYAN, str(migration.version))
        label = self.paint(self.stdout, GREEN, change.direction.value)
        elapsed = self.paint(self.stdout, DIM, f"({duration(change.elapsed_ns)})")
        name = f"{version}/{label} {migration.description}"
        self.line(f"{change.outcome.value} {name} {elapsed}")

    def info(self, row: InfoRow) -> None:
        """Say where a version stands, in SQLx's lines.

        SQLx knows three states: pending, installed, and installed from another text.
        """
        stored, local = row.stored_checksum, row.local_checksum
        changed = stored is not None and stored != local
        status = "pending" if stored is None else "installed"
        if changed:
            status = "installed (different checksum)"
        version = self.paint(self.stdout, CYAN, str(row.version))
        colour = STATUS_COLOURS.get(status, RED)
        painted = self.paint(self.stdout, colour, status)
        self.line(f"{version}/{painted} {row.description}")
        if changed and stored is not None and local is not None:
            self.line(f"applied migration had checksum {stored.hex()}")
            self.line(f"local migration has checksum {local.hex()}")

    def paint(self, stream: IO[str], colour: str, text: str) -> str:
        """Colour a text, where colours are wanted."""
        return f"{colour}{text}{PLAIN}" if self.colours[stream] else text

    def finish(self) -> OSError | None:
        """Hand over what is buffered, and tell what of stdout could not be written."""
        for stream in (self.stdout, self.stderr):
            self._write(stream, "")
        return self.broken

    def _write(self, stream: IO[str], text: str) -> None:
        with self.status.hidden():
            try:
                stream.write(text)
                stream.flush()
            except OSError as error:
                silence(stream)
                if not isinstance(error, BrokenPipeError) and stream is self.stdout:
                    self.broken = error


def duration(elapsed_ns: int) -> str:
    """Write a time as Rust's `Duration` does: `917.872µs`, `3.2ms`, `61s`."""
    for unit, digits in UNITS:
        if elapsed_ns >= 10**digits:
            whole, rest = divmod(elapsed_ns, 10**digits)
            return f"{whole}.{rest:0{digits}}".rstrip("0").rstrip(".") + unit
    return f"{elapsed_ns}ns"


def _colourful(stream: IO[str], environ: Mapping[str, str]) -> bool:
    # The rules of the crate `console`, which SQLx prints with.
    if environ.get("CLICOLOR_FORCE", "0") != "0":
        return True
    return (
        stream.isatty()
        and "NO_COLOR" not in environ
        and environ.get("TERM", "dumb") != "dumb"
        and environ.get("CLICOLOR", "1") != "0"
    )


def silence(stream: IO[str]) -> None:
    """Send what is still buffered, and all that follows, nowhere."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)
