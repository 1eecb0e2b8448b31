"""Ctrl-C at a chosen line: a signal comes between any two of them."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

__all__ = ["ctrl_c"]


@contextmanager
def ctrl_c(file: str | None, at: int) -> Iterator[list[int]]:
    """Interrupt before a line of a module's.

    Args:
        file: The module's.
        at: Which of the lines that are met, from 1; all are given.
    """
    lines: list[int] = []

    def trace(frame: FrameType, event: str, _: object) -> Any:
        if frame.f_code.co_filename != file:
            return None
        if event == "line":
            lines.append(frame.f_lineno)
            if len(lines) == at:
                raise KeyboardInterrupt
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        yield lines
    finally:
        sys.settrace(before)
