"""Say what the engine tells while it works."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sqlx.engine.news import Change, Starting, WaitingForDatabase, WaitingForLock
from sqlx.migrations.migration import Kind, SourceWarning

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlx.cli.output import Output
    from sqlx.engine.news import News, Report
    from sqlx.migrations.migration import Migration

__all__ = ["Telling", "explaining"]


@dataclass(slots=True)
class Telling:
    """Hears the engine's news, writes them, and remembers what was done.

    Args:
        output: Where they go.
        lines: Whether SQLx's lines are written, or a document later.
    """

    output: Output
    lines: bool
    changes: list[Change] = field(default_factory=list)
    warnings: list[SourceWarning] = field(default_factory=list)
    under_way: tuple[Migration, ...] = ()

    def hear(self, news: News) -> None:
        """Write one piece of news."""
        match news:
            case Change():
                self.output.status.end()
                self.under_way = ()
                self.changes.append(news)
                if self.lines:
                    self.output.change(news)
            case SourceWarning():
                self.warnings.append(news)
                self.output.warning(str(news))
            case Starting():
                self.under_way = news.migrations
                self.output.status.begin(_under_way(news))
            case waiting:
                self.output.note(str(waiting))
                if isinstance(waiting, WaitingForLock | WaitingForDatabase):
                    self.output.status.begin("waiting")

    def finish(self, report: Report) -> None:
        """Write what a report holds and nobody told: the plan of a dry run."""
        for change in report.changes[len(self.changes) :]:
            self.hear(change)
        for warning in report.warnings:
            if warning not in self.warnings:
                self.hear(warning)


@contextmanager
def explaining(telling: Telling) -> Iterator[None]:
    """Say of an interruption what it leaves behind, where no transaction undoes it."""
    try:
        yield
    except KeyboardInterrupt as stop:
        for migration in telling.under_way:
            if migration.no_transaction:
                stop.add_note(
                    f"{migration.path} runs outside a transaction: what it had done "
                    f"stays, and migration {migration.version} counts as partially "
                    "applied until you mend it (sqlx migrate info says how)"
                )
        raise


def _under_way(starting: Starting) -> str:
    first, *more = starting.migrations
    verb = "reverting" if first.kind is Kind.DOWN else "applying"
    name = f"{first.version}/{first.description}"
    return f"{verb} {name}" if not more else f"{verb} {name} and {len(more)} more"
