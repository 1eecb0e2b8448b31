"""`sqlx migrate check`: for a pipeline, what is wrong with files or database."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sqlx.cli.base import compare_with_base
from sqlx.cli.findings import (
    Finding,
    Severity,
    as_github,
    as_json,
    as_text,
    summary,
)
from sqlx.cli.project import open_project
from sqlx.engine.news import Change, Outcome, State
from sqlx.engine.plan import COMPATIBLE
from sqlx.errors import (
    Dirty,
    DuplicateVersion,
    MigrationError,
    SourceError,
    VersionMismatch,
    VersionMissing,
)
from sqlx.migrations.migration import SourceWarning, same_but_for_line_endings

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Iterator

    from sqlx.cli.output import Output
    from sqlx.cli.project import Project
    from sqlx.engine.news import Info, InfoRow, News
    from sqlx.migrations.migration import Source
    from sqlx.migrator import Migrator

__all__ = ["check"]

PRINTERS = {"text": as_text, "json": as_json, "github": as_github}
WRONG, PENDING = 1, 3
MISSING = "missing"
PLACE = re.compile(r"(\S[^\n:]*\.sql)(?::(\d+)(?::(\d+))?)?: (.*)", re.DOTALL)


def check(options: argparse.Namespace, output: Output) -> int:
    """Print all findings, and tell by the exit code whether one of them is wrong."""
    findings = list(_findings(open_project(options, output), output))
    for line in PRINTERS[options.format](findings):
        output.line(line)
    output.note(summary(findings))
    severities = {finding.severity for finding in findings}
    if Severity.ERROR in severities:
        return WRONG
    return PENDING if Severity.NOTICE in severities else 0


def _findings(project: Project, output: Output) -> Iterator[Finding]:
    options = project.options
    url = "" if options.offline else project.url()
    migrator = project.migrator(lambda news: _hear(news, output))
    try:
        source = migrator.source
    except SourceError as error:
        yield _refusal(error, project.directory)
        return
    yield from map(_of_warning, source.warnings)
    if options.base is not None:
        yield from compare_with_base(source, project.directory, options.base)
    if not options.offline:
        for finding in _in_database(
            migrator, url, ignore_missing=options.ignore_missing
        ):
            # That a release may run with what it has no file for is as it should be.
            if finding.code == COMPATIBLE:
                output.note(f"{finding.path}: {finding.message}")
            else:
                yield finding


def _hear(news: News, output: Output) -> None:
    # Changes and warnings are findings, when the report is there.
    if not isinstance(news, Change | SourceWarning):
        output.note(str(news))


def _in_database(
    migrator: Migrator, url: str, *, ignore_missing: bool
) -> Iterator[Finding]:
    """Ask the planner of `run`; when it refuses, list all that it could refuse."""
    try:
        report = migrator.run(url, dry_run=True)
    except MigrationError as error:
        info = migrator.info(url)
        found = [*_told_now(info.warnings, migrator), *_wrong(info, migrator.source)]
        if ignore_missing:
            found = [finding for finding in found if finding.code != MISSING]
        if not any(finding.severity is Severity.ERROR for finding in found):
            found.insert(0, _refusal(error, migrator.source.label))
        yield from found
        return
    yield from _told_now(report.warnings, migrator)
    for change in report.changes:
        if change.outcome is Outcome.CAN_APPLY:
            migration = change.migration
            yield _pending(migration.path, migration.version, migration.description)


def _told_now(
    warnings: Iterable[SourceWarning], migrator: Migrator
) -> Iterator[Finding]:
    """Leave out what the files alone have told already."""
    told = migrator.source.warnings
    return (_of_warning(warning) for warning in warnings if warning not in told)


def _wrong(info: Info, source: Source) -> Iterator[Finding]:
    """Turn what `info` lists into findings; an installed version is none."""
    for row in info.rows:
        match row.state:
            case State.PENDING:
                yield _pending(row.path, row.version, row.description)
            case State.CHANGED if not _same(row, source):
                yield _error(
                    row.path, "changed", VersionMismatch(row.version, row.path)
                )
            case State.DIRTY:
                path = row.path or source.label
                yield _error(path, "dirty", Dirty(row.version, info.table))
            case State.MISSING:
                missing = VersionMissing(
                    (row.version,), (row.description,), source.label
                )
                yield _error(source.label, MISSING, missing)


def _same(row: InfoRow, source: Source) -> bool:
    """Tell whether a run would accept the file with a warning."""
    stored = row.stored_checksum or b""
    found = (m for m in source.forward() if m.version == row.version)
    return any(
        same_but_for_line_endings(m, stored, source.ignored_chars) for m in found
    )


def _pending(path: str, version: int, description: str) -> Finding:
    message = (
        f"migration {version} ({description}) is pending; apply it: sqlx migrate run"
    )
    return Finding(path, Severity.NOTICE, "pending", message)


def _error(path: str, code: str, error: MigrationError) -> Finding:
    return Finding(path, Severity.ERROR, code, str(error))


def _of_warning(warning: SourceWarning) -> Finding:
    return Finding(
        warning.path, Severity.WARNING, warning.code, warning.message, warning.line
    )


def _refusal(error: MigrationError, label: str) -> Finding:
    """Take the place from an error's own words, where it has one."""
    code = _code(error)
    if isinstance(error, DuplicateVersion):
        return _error(error.paths[-1], code, error)
    reason = error.reason if isinstance(error, SourceError) else str(error)
    place = PLACE.fullmatch(reason)
    if place is None:
        return Finding(label, Severity.ERROR, code, reason)
    path, line, column, message = place.groups()
    at, over = (None if number is None else int(number) for number in (line, column))
    return Finding(path, Severity.ERROR, code, message, at, over)


def _code(error: MigrationError) -> str:
    """Make `duplicate-version` of `DuplicateVersion`."""
    name = type(error).__name__.removesuffix("Error")
    return re.sub("(?<!^)(?=[A-Z])", "-", name).lower()
