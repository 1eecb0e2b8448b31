"""Say what the engine tells while it works."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sqlx.engine.news import Change, Starting, WaitingForDatabase, WaitingForLock
from sqlx.migrations.migration import Kind, SourceWarning

if TYPE_CHECKING:
    from sqlx.cli.output import Output
    from sqlx.engine.news import News, Report

__all__ = ["Telling"]


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

    def hear(self, news: News) -> None:
        """Write one piece of news."""
        match news:
            case Change():
                self.output.status.end()
                self.changes.append(news)
                if self.lines:
                    self.output.change(news)
            case SourceWarning():
                self.warnings.append(news)
                self.output.warning(str(news))
            case Starting():
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


def _under_way(starting: Starting) -> str:
    first, *more = starting.migrations
    verb = "reverting" if first.kind is Kind.DOWN else "applying"
    name = f"{first.version}/{first.description}"
    return f"{verb} {name}" if not more else f"{verb} {name} and {len(more)} more"
