"""What the plugin prints at the end: databases that were kept, and what to know."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

__all__ = ["KEPT", "summarise"]

KEPT = "sqlx_database"  # a property of a test's report


def summarise(reporter: pytest.TerminalReporter, told: list[str]) -> None:
    """Print what processes have told, once, and what was kept if no report shows it."""
    option = reporter.config.option
    lines = [*dict.fromkeys(told)]
    if option.sqlx_keep or option.tbstyle == "no" or option.showcapture != "all":
        lines = _kept(reporter) + lines
    if lines:
        reporter.write_sep("=", "sqlx: test databases")
    for line in lines:
        reporter.write_line(line)


def _kept(reporter: pytest.TerminalReporter) -> list[str]:
    return [
        f"kept {report.nodeid}: {url}"
        for reports in reporter.stats.values()
        for report in reports
        for name, url in getattr(report, "user_properties", ())
        if name == KEPT
    ]
