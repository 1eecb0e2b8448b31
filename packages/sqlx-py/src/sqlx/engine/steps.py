"""All that the engine may ask of the world, and all that it hears back.

A run is a generator of steps: it yields one, is sent the reply, and is thrown the error
when there is one. `databases/drive.py` carries steps out, sync and async.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias, TypeVar

if TYPE_CHECKING:
    from sqlx.engine.news import News

__all__ = ["Event", "Query", "Row", "Rows", "Script", "Step", "Steps", "Value", "Wait"]

T = TypeVar("T")
Value: TypeAlias = str | int | float | bytes | None
Row: TypeAlias = tuple[Value, ...]
Rows: TypeAlias = Sequence[Row]


@dataclass(frozen=True, slots=True)
class Query:
    """Ask for rows; the reply is those of the last statement.

    Args:
        sql: One statement or several. Values of ours stand in it as numbers and hex: a
            file may have changed how the server reads literals.
        guard: Ask on the second connection, which is opened when first needed.
    """

    sql: str
    guard: bool = False


@dataclass(frozen=True, slots=True)
class Script:
    """Run several statements, in one message where the database has messages.

    The reply holds a row `(version, execution_time)` for each statement whose columns
    are named `sqlx_version` and `sqlx_execution_time`: ours, which end a migration. No
    decision depends on it. An error says how many statements were complete, and where
    in which part it is, as far as the database tells.

    Args:
        parts: Texts that are sent one after the other as they are.
    """

    parts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Wait:
    """Let time pass: the engine has no clock.

    Args:
        seconds: How long; whoever carries it out adds jitter.
    """

    seconds: float


@dataclass(frozen=True, slots=True)
class Event:
    """Tell the caller something that it may show."""

    news: News


Step: TypeAlias = Query | Script | Wait | Event
Steps: TypeAlias = Generator[Step, Rows, T]
