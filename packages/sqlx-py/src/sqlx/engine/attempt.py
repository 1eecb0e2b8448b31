"""Send a message, and leave no transaction open when it fails."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlx.engine.steps import Query, Rows, Script, Steps
from sqlx.errors import ConnectionLost, DatabaseError

if TYPE_CHECKING:
    from sqlx.engine.dialect import Dialect

__all__ = ["attempt", "quietly"]


def attempt(dialect: Dialect, script: Script) -> Steps[Rows | DatabaseError]:
    """Send a message; after an error, end its transaction."""
    try:
        return (yield script)
    except DatabaseError as error:
        yield from quietly(Script((dialect.rollback,)), error)
        return error
    except BaseException as error:  # interruption too
        yield from quietly(Script((dialect.rollback,)), error)
        raise


def quietly(step: Query | Script, error: BaseException) -> Steps[None]:
    """Clean up after an error; when that fails too, note it on the first one."""
    if isinstance(error, ConnectionLost | GeneratorExit):  # nobody listens any more
        return
    try:
        yield step
    except DatabaseError as second:
        error.add_note(f"cleaning up failed too: {second}")
