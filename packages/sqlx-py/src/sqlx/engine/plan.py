"""Decide what a run, a revert or an info will do: values in, values out.

Everything is checked here before anything is applied, in SQLx's order: dirty, missing,
target, changed. The plan is a value: `--dry-run` prints it, `run` carries it out.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from sqlx.engine.news import Change, Info, InfoRow, Outcome, State
from sqlx.errors import (
    Dirty,
    Irreversible,
    VersionMismatch,
    VersionMissing,
    VersionNotPresent,
    VersionTooNew,
    VersionTooOld,
)
from sqlx.migrations.migration import (
    Migration,
    Source,
    SourceWarning,
    same_but_for_line_endings,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "COMPATIBLE",
    "Applied",
    "History",
    "Plan",
    "check_target",
    "plan_info",
    "plan_revert",
    "plan_run",
]

COMPATIBLE = "compatible"
"""The code of the warning that a release runs with what it has no file for."""


@dataclass(frozen=True, slots=True)
class Applied:
    """One row of the history.

    Args:
        version: The version.
        description: As it was when the migration was applied.
        success: False while it runs, and for ever when that was interrupted.
        checksum: Of the up or simple file, 48 bytes.
        installed_on: ISO 8601, UTC; empty when it was not asked for.
        elapsed_ns: `execution_time`; -1 when it was not measured or asked for.
    """

    version: int
    description: str
    success: bool
    checksum: bytes
    installed_on: str = ""
    elapsed_ns: int = -1


@dataclass(frozen=True)
class History:
    """The rows of the history, ascending.

    Args:
        rows: All of them; none when there is no table.
        table: The table's name as it is written in SQL.
        compatible: The versions that are recorded as compatible, where that matters.
    """

    rows: tuple[Applied, ...]
    table: str
    compatible: frozenset[int] = frozenset()

    @cached_property
    def by_version(self) -> dict[int, Applied]:
        """The rows by their version."""
        return {row.version: row for row in self.rows}

    @property
    def latest(self) -> int:
        """The newest applied version; 0 when there is none, as in SQLx."""
        return max(self.by_version, default=0)

    @property
    def dirty(self) -> int | None:
        """The lowest version whose end is not recorded."""
        return next((row.version for row in self.rows if not row.success), None)

    def missing(self, source: Source) -> tuple[Applied, ...]:
        """The rows whose version has no file of any kind."""
        known = source.versions()
        return tuple(row for row in self.rows if row.version not in known)


@dataclass(frozen=True, slots=True)
class Plan:
    """What will be done, in order, if it is carried out.

    Args:
        changes: `CAN_APPLY` and `SKIPPED` lines, in the order they will be printed.
        already_applied: How many of the source's versions are in the history.
        warnings: What a person should know.
        blocked_by: Why a revert does nothing; empty when it can.
    """

    changes: tuple[Change, ...]
    already_applied: int = 0
    warnings: tuple[SourceWarning, ...] = ()
    blocked_by: str = ""

    @property
    def todo(self) -> tuple[Migration, ...]:
        """The migrations to carry out."""
        wanted = (c for c in self.changes if c.outcome is Outcome.CAN_APPLY)
        return tuple(change.migration for change in wanted)


def check_target(source: Source, target: int | None) -> None:
    """Refuse a target that has no file; needs no database.

    Raises:
        VersionNotPresent: No file has the version (0 is "before all" in a revert).
    """
    if target is not None and target not in source.versions():
        raise VersionNotPresent(target, source.label)


def plan_run(
    source: Source,
    history: History,
    target: int | None = None,
    *,
    ignore_missing: bool = False,
) -> Plan:
    """Choose what `run` will apply, oldest first.

    Args:
        source: The files.
        history: What has been applied.
        target: Last version to apply, inclusive; None for the newest.
        ignore_missing: Let pass what the history knows and the source does not.

    Raises:
        Dirty: A migration began and did not end.
        VersionMissing: The history knows a version that has no file, and that is not
            recorded as compatible.
        VersionTooOld: The target is older than what is applied.
        VersionMismatch: An applied file's SHA-384 has changed.
    Source:
        SQLx's command (migrations.md 4.3); here all checks come before the first file.
    """
    _check_history(source, history, ignore_missing=ignore_missing)
    if target is not None and target < history.latest:
        raise VersionTooOld(target, history.latest)
    warnings = (*_going_on(source, history), *_check_files(source, history))
    pending = [m for m in source.forward() if m.version not in history.by_version]
    return Plan(
        tuple(
            _planned(m, within=target is None or m.version <= target) for m in pending
        ),
        already_applied=len(source.forward()) - len(pending),
        warnings=warnings,
    )


def plan_revert(
    source: Source,
    history: History,
    target: int | None = None,
    *,
    ignore_missing: bool = False,
) -> Plan:
    """Choose what `revert` will undo, newest first.

    Args:
        source: The files.
        history: What has been applied.
        target: Newest version that stays; None reverts the newest applied one alone.
        ignore_missing: Let pass what the history knows and the source does not.

    Raises:
        Dirty: A migration began and did not end.
        VersionMissing: The history knows a version that has no file, and that is not
            recorded as compatible.
        VersionTooNew: The target is newer than what is applied.
        Irreversible: A version on the way to the target has no down file.
    Source:
        SQLx's command (migrations.md 4.4), which passes over what has no down file.
    """
    _check_history(source, history, ignore_missing=ignore_missing)
    if target is not None and target > history.latest:
        raise VersionTooNew(target, history.latest)
    newest_first = [row.version for row in reversed(history.rows)]
    if target is None:
        newest_first = newest_first[:1]
    wanted = [v for v in newest_first if target is None or v > target]
    blocked = next((v for v in wanted if source.down(v) is None), None)
    if blocked is None:
        downs = ((v, source.down(v)) for v in newest_first)
        changes = (_planned(d, within=v in wanted) for v, d in downs if d is not None)
        return Plan(tuple(changes), warnings=tuple(_going_on(source, history)))
    reason = _no_way_back(source, blocked)
    if target is not None:
        raise Irreversible(reason)
    return Plan((), blocked_by=reason)


def plan_info(source: Source, history: History) -> Info:
    """Put the files and the history beside each other, by version."""
    rows = [_info_row(migration, history) for migration in source.forward()]
    rows += [_row_without_file(row, history) for row in history.missing(source)]
    rows.sort(key=lambda row: row.version)
    warnings = (*source.warnings, *_going_on(source, history))
    return Info(tuple(rows), history.table, warnings)


def _planned(migration: Migration, *, within: bool) -> Change:
    return Change(migration, Outcome.CAN_APPLY if within else Outcome.SKIPPED)


def _check_history(source: Source, history: History, *, ignore_missing: bool) -> None:
    if history.dirty is not None:
        raise Dirty(history.dirty, history.table)
    missing = [
        row for row in history.missing(source) if row.version not in history.compatible
    ]
    if missing and not ignore_missing:
        raise VersionMissing(
            tuple(row.version for row in missing),
            tuple(row.description for row in missing),
            source.label,
        )


def _going_on(source: Source, history: History) -> Iterator[SourceWarning]:
    """Name what is applied and has no file here, and is no hindrance."""
    for row in history.missing(source):
        if row.version in history.compatible and row.success:
            yield SourceWarning(
                COMPATIBLE,
                source.label,
                f"migration {row.version} ({row.description}) is applied and has no "
                "file here; it is marked compatible, so a run goes on",
            )


def _check_files(source: Source, history: History) -> Iterator[SourceWarning]:
    for migration in source.forward():
        row = history.by_version.get(migration.version)
        if row is None or row.checksum == migration.checksum:
            continue
        if not same_but_for_line_endings(migration, row.checksum, source.ignored_chars):
            raise VersionMismatch(migration.version, migration.path)
        yield SourceWarning(
            "line-endings",
            migration.path,
            "differs from what was applied, by line endings or a byte order mark only; "
            "restore it (`*.sql text eol=lf` in .gitattributes): SQLx refuses it",
        )


def _no_way_back(source: Source, version: int) -> str:
    forward = (m for m in source.forward() if m.version == version)
    migration = next(forward, None)
    if migration is None:
        return (
            f"migration {version} is the newest applied one and has no file here; "
            f"restore its files, or write a new migration that reverses it"
        )
    down = migration.path.removesuffix(migration.kind.value) + ".down.sql"
    return (
        f"{migration.path}: migration {version} has no down file; write a new "
        f"migration that reverses it, or put the SQL that does into {down}"
    )


def _info_row(migration: Migration, history: History) -> InfoRow:
    row = history.by_version.get(migration.version)
    if row is None:
        state = State.PENDING
    elif not row.success:
        state = State.DIRTY
    elif row.checksum != migration.checksum:
        state = State.CHANGED
    else:
        state = State.INSTALLED
    return InfoRow(
        migration.version,
        migration.description,
        state,
        migration.path,
        migration.checksum,
        row.checksum if row else None,
        row.installed_on if row else "",
        row.elapsed_ns if row else -1,
        row.version in history.compatible if row else migration.compatible,
    )


def _row_without_file(row: Applied, history: History) -> InfoRow:
    compatible = row.version in history.compatible
    state = State.COMPATIBLE if compatible else State.MISSING
    return InfoRow(
        row.version,
        row.description,
        state if row.success else State.DIRTY,
        stored_checksum=row.checksum,
        installed_on=row.installed_on,
        elapsed_ns=row.elapsed_ns,
        compatible=compatible,
    )
