"""A line on the terminal that shows, after a second, that a long statement is alive.

It is written by a daemon thread, because the main thread waits inside the driver. There
is no thread and no line when stderr is not a terminal.
"""

from __future__ import annotations

import os
import threading
import time
from contextlib import contextmanager, suppress
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Status"]

QUIET_SECONDS = 1.0
TICK_SECONDS = 0.2
USUAL_COLUMNS = 80
ERASE = "\r\033[K"


class Status:
    """What is under way, shown on a terminal as long as it lasts.

    Args:
        stream: Where the line goes, if it is a terminal.
    """

    def __init__(self, stream: IO[str]) -> None:
        self.stream = stream
        self.text = ""
        self.since = 0.0
        self.shown = False
        self.lock = threading.Lock()
        self.thread: threading.Thread | None = None

    def begin(self, text: str) -> None:
        """Say what is under way from now on."""
        if not self.stream.isatty():
            return
        with self.lock:
            self.text, self.since = text, time.monotonic()
            if self.thread is None:
                self.thread = threading.Thread(target=self._show, daemon=True)
                self.thread.start()

    def end(self) -> None:
        """Say that nothing is under way."""
        with self.hidden():
            self.text = ""

    @contextmanager
    def hidden(self) -> Iterator[None]:
        """Take the line away while something else is written."""
        with self.lock:
            if self.shown:
                self._write(ERASE)
                self.shown = False
            yield

    def _show(self) -> None:
        while True:
            time.sleep(TICK_SECONDS)
            with self.lock:
                if not self.text:
                    self.thread = None
                    return
                self._tick(time.monotonic() - self.since)

    def _tick(self, seconds: float) -> None:
        if seconds < QUIET_SECONDS:
            return
        line = f"{self.text} ({seconds:.0f} s)"
        # A line that wraps could not be taken away again.
        self._write(ERASE + line[: self._columns() - 1])
        self.shown = True

    def _columns(self) -> int:
        # A terminal that does not know its width says 0.
        with suppress(OSError):
            return os.get_terminal_size(self.stream.fileno()).columns or USUAL_COLUMNS
        return USUAL_COLUMNS

    def _write(self, text: str) -> None:
        # The terminal may be gone by now; the work goes on without it.
        with suppress(OSError):
            self.stream.write(text)
            self.stream.flush()
