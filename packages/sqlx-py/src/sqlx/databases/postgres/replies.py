"""What PostgreSQL's replies mean, whichever driver hears them."""

from __future__ import annotations

from sqlx.engine.steps import Query, Script

__all__ = ["COPY_REFUSED", "REPLY", "is_lost", "one_line", "place", "text_of"]

REPLY = (b"sqlx_version", b"sqlx_execution_time")
COPY_REFUSED = "COPY with STDIN or STDOUT cannot be answered here"
GONE = "57P0"  # admin_shutdown, crash_shutdown, cannot_connect_now, …


def text_of(step: Query | Script) -> str:
    """The text of a step's one message."""
    return step.sql if isinstance(step, Query) else "".join(step.parts)


def place(position: str | None, step: Query | Script) -> tuple[int | None, int | None]:
    """Turn the server's position, in characters from 1, into a part and an offset."""
    if position is None:
        return None, None
    offset = int(position) - 1
    parts = (step.sql,) if isinstance(step, Query) else step.parts
    for number, part in enumerate(parts):
        if offset < len(part):
            return number, offset
        offset -= len(part)
    return len(parts) - 1, len(parts[-1])


def is_lost(sqlstate: str | None) -> bool:
    """Tell whether an error of the server's ends the session."""
    return (sqlstate or "").startswith(GONE)


def one_line(message: str) -> str:
    """Bring a driver's message, often of several lines, into one."""
    return " ".join(message.split())
