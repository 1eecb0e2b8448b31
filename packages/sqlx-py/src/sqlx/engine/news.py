"""What an engine tells while it works, and what it reports in the end."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias

from sqlx.migrations.migration import Direction, Kind, Migration, SourceWarning

__all__ = [
    "Change",
    "Info",
    "InfoRow",
    "News",
    "Outcome",
    "Report",
    "Retrying",
    "Starting",
    "State",
    "WaitingForDatabase",
    "WaitingForLock",
    "WaitingForMigrations",
]


class Outcome(Enum):
    """What became of a migration in a run or a revert; the value is SQLx's word."""

    APPLIED = "Applied"
    CAN_APPLY = "Can apply"
    SKIPPED = "Skipped"
    SKIPPED_ON_REQUEST = "Skipped on request"


@dataclass(frozen=True, slots=True)
class Change:
    """One migration and what became of it: a line of SQLx's output.

    Args:
        migration: The file; a down file when it was reverted.
        outcome: What was done.
        elapsed_ns: How long its SQL took; 0 when nothing ran.
    """

    migration: Migration
    outcome: Outcome
    elapsed_ns: int = 0

    @property
    def direction(self) -> Direction:
        """Whether the migration went up or down."""
        down = self.migration.kind is Kind.DOWN
        return Direction.DOWN if down else Direction.UP

    def __str__(self) -> str:
        verb = self.outcome.value.lower()
        if self.direction is Direction.DOWN:
            verb = verb.replace("applied", "reverted").replace("apply", "revert")
        name = f"{verb} {self.migration.version} {self.migration.description}"
        if self.outcome is not Outcome.APPLIED:
            return name
        return f"{name} ({self.elapsed_ns / 1_000_000:.0f} ms)"


@dataclass(frozen=True, slots=True)
class Report:
    """What a run, a revert or a skip did, in order.

    Args:
        changes: One for each migration that was applied, skipped or could be applied.
        already_applied: How many of the source's versions were in the history before.
        warnings: What a person should know; nothing failed.
        blocked_by: What a revert of the newest migration lacks, with the ways out;
            empty when nothing stood in the way.
    """

    changes: tuple[Change, ...] = ()
    already_applied: int = 0
    warnings: tuple[SourceWarning, ...] = ()
    blocked_by: str = ""

    @property
    def applied(self) -> tuple[Migration, ...]:
        """The migrations that were applied (or reverted) just now."""
        done = (c.migration for c in self.changes if c.outcome is Outcome.APPLIED)
        return tuple(done)


class State(Enum):
    """Where a version stands; the value is the word that `info` prints.

    MISSING and COMPATIBLE are applied and have no file; the first stops a run.
    """

    PENDING = "pending"
    INSTALLED = "installed"
    CHANGED = "installed (different checksum)"
    DIRTY = "dirty"
    MISSING = "missing"
    COMPATIBLE = "compatible"


@dataclass(frozen=True, slots=True)
class InfoRow:
    """One version: what the files and the history say of it.

    Args:
        version: The version.
        description: From the file, or from the history where there is no file.
        state: Where it stands.
        path: The up or simple file; empty when it is missing.
        local_checksum: Of the file; None when it is missing.
        stored_checksum: Of the history; None when it is pending.
        installed_on: ISO 8601, UTC, from the history; empty when pending.
        elapsed_ns: The history's `execution_time`; -1 when it was not measured.
        compatible: Whether it is recorded as compatible; of a pending one, whether its
            file is marked so.
    """

    version: int
    description: str
    state: State
    path: str = ""
    local_checksum: bytes | None = None
    stored_checksum: bytes | None = None
    installed_on: str = ""
    elapsed_ns: int = -1
    compatible: bool = False


@dataclass(frozen=True, slots=True)
class Info:
    """All versions, of the files and of the history, in order.

    Args:
        rows: One for each up or simple file and for each version without one.
        table: The history's table as it is written in SQL; as configured, while it does
            not exist.
        warnings: What was noticed in the files, and what has none and is compatible.
    """

    rows: tuple[InfoRow, ...]
    table: str
    warnings: tuple[SourceWarning, ...] = ()


@dataclass(frozen=True, slots=True)
class Starting:
    """These migrations are sent to the database now, at times in one message."""

    migrations: tuple[Migration, ...]

    def __str__(self) -> str:
        down = self.migrations[0].kind is Kind.DOWN
        names = (f"{each.version} {each.description}" for each in self.migrations)
        return f"{'reverting' if down else 'applying'} {', '.join(names)}"


@dataclass(frozen=True, slots=True)
class WaitingForLock:
    """Somebody else migrates; we wait.

    Args:
        holder: Who holds the lock, in words; empty when nobody could be seen.
        waited_seconds: How long we have waited so far.
    """

    holder: str
    waited_seconds: float

    def __str__(self) -> str:
        who = f" held by {self.holder}" if self.holder else ""
        return (
            f"waiting for the migration lock{who} ({self.waited_seconds:.0f} s so far)"
        )


@dataclass(frozen=True, slots=True)
class Retrying:
    """A migration could not get a lock on a table in time; it is tried again.

    Args:
        migration: Which.
        reason: The database's words.
        attempt: How many times it has been tried.
        limit_ms: The `lock_timeout` that was in force.
    """

    migration: Migration
    reason: str
    attempt: int
    limit_ms: int

    def __str__(self) -> str:
        return (
            f"{self.migration.path}: {self.reason} (lock_timeout {self.limit_ms} ms); "
            f"rolled back, trying again after attempt {self.attempt}"
        )


@dataclass(frozen=True, slots=True)
class WaitingForDatabase:
    """The database cannot be reached yet; it is tried again.

    Args:
        reason: What the last attempt met.
        waited_seconds: How long we have waited so far.
    """

    reason: str
    waited_seconds: float

    def __str__(self) -> str:
        return f"waiting for the database: {self.reason}"


@dataclass(frozen=True, slots=True)
class WaitingForMigrations:
    """Somebody else is to migrate; we wait until it is done.

    Args:
        pending: What has not been applied yet.
        holder: Who holds the migration lock, in words; empty when nobody is seen.
        waited_seconds: How long we have waited so far.
    """

    pending: tuple[Migration, ...]
    holder: str
    waited_seconds: float

    def __str__(self) -> str:
        many = f"{len(self.pending)} pending" if self.pending else "the running one"
        who = f", the lock is held by {self.holder}" if self.holder else ""
        return (
            f"waiting for migrations: {many}{who} ({self.waited_seconds:.0f} s so far)"
        )


News: TypeAlias = (
    Change
    | Starting
    | WaitingForLock
    | WaitingForDatabase
    | WaitingForMigrations
    | Retrying
    | SourceWarning
)
