"""`sqlx migrate run|revert|info` and `sqlx migrate override skip`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from sqlx.cli.documents import info_document, report_document
from sqlx.cli.project import open_project
from sqlx.cli.telling import Telling
from sqlx.engine.news import State
from sqlx.errors import ConfigurationError, Dirty, SqlxError, VersionMissing
from sqlx.migrator import Migrator

if TYPE_CHECKING:
    import argparse

    from sqlx.cli.output import Output
    from sqlx.cli.project import Project
    from sqlx.engine.news import Info, Report

__all__ = ["apply_pending", "build_script", "info", "revert", "run", "skip"]


class Act(Protocol):
    """What `Migrator.run`, `skip` and `revert` look like."""

    def __call__(
        self,
        migrator: Migrator,
        /,
        database: object,
        target: int | None = ...,
        *,
        dry_run: bool = ...,
    ) -> Report:
        """Change the database."""


def run(options: argparse.Namespace, output: Output) -> int:
    """Apply what is pending."""
    return _change(options, output, Migrator.run)


def skip(options: argparse.Namespace, output: Output) -> int:
    """Record what is pending as applied."""
    return _change(options, output, Migrator.skip)


def revert(options: argparse.Namespace, output: Output) -> int:
    """Undo the newest applied migration, or all down to a version."""
    return _change(options, output, Migrator.revert)


def info(options: argparse.Namespace, output: Output) -> int:
    """List all migrations; what SQLx does not show goes to stderr."""
    project = open_project(options, output)
    url = project.url()
    found = project.migrator(Telling(output, lines=False).hear).info(url)
    if options.format == "json":
        output.line(info_document(found))
        return 0
    for row in found.rows:
        if row.local_checksum is not None:
            output.info(row)
    for warning in found.warnings:
        output.warning(str(warning))
    for problem in _problems(found, project.directory):
        output.warning(str(problem))
    return 0


def apply_pending(project: Project, url: str) -> None:
    """Run all pending migrations, in SQLx's lines: the end of `database setup`."""
    telling = Telling(project.output, lines=True)
    telling.finish(project.migrator(telling.hear).run(url))


def build_script(_options: argparse.Namespace, _output: Output) -> int:
    """Say that a build script is for Rust alone.

    Raises:
        ConfigurationError: Always.
    """
    raise ConfigurationError(
        "`sqlx migrate build-script` writes a build script for Cargo, which Python has "
        "no use for; leave it away"
    )


def _change(options: argparse.Namespace, output: Output, act: Act) -> int:
    as_json = options.format == "json"
    telling = Telling(output, lines=not as_json)
    try:
        report = _act(open_project(options, output), telling, act)
    except SqlxError as error:
        if as_json:
            output.line(report_document(telling.changes, telling.warnings, error))
        raise
    if as_json:
        output.line(report_document(report.changes, report.warnings, report))
    elif act is Migrator.revert and not report.changes:
        output.line("No migrations available to revert")
    if report.blocked_by:
        output.warning(report.blocked_by)
    return 0


def _act(project: Project, telling: Telling, act: Act) -> Report:
    options = project.options
    url = project.url()
    migrator = project.migrator(telling.hear)
    report = act(migrator, url, options.target_version, dry_run=options.dry_run)
    telling.finish(report)
    return report


def _problems(found: Info, directory: str) -> list[SqlxError]:
    """What a run would refuse and SQLx's lines do not show."""
    missing = [row for row in found.rows if row.state is State.MISSING]
    problems: list[SqlxError] = [
        Dirty(row.version, found.table)
        for row in found.rows
        if row.state is State.DIRTY
    ]
    if missing:
        versions = tuple(row.version for row in missing)
        descriptions = tuple(row.description for row in missing)
        problems.append(VersionMissing(versions, descriptions, directory))
    return problems
