"""A run that holds the lock: plan, send, and look again whenever the history moved."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlx.engine.apply import (
    Moved,
    Session,
    apply_alone,
    apply_together,
    unrecorded,
)
from sqlx.engine.attempt import attempt
from sqlx.engine.look import because, read
from sqlx.engine.news import Change, Outcome, Report, Starting
from sqlx.engine.plan import Applied, History, Plan
from sqlx.engine.statements import broken_things
from sqlx.engine.steps import Event, Script, Wait
from sqlx.engine.task import Task, batches, check_size, read_task, warnings
from sqlx.errors import DatabaseError, Dirty, NotWritable

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlx.engine.dialect import Dialect
    from sqlx.engine.look import Wanted
    from sqlx.engine.steps import Steps
    from sqlx.migrations.migration import Migration, Source, SourceWarning

__all__ = ["Course", "Planner", "refuse_read_only", "sum_up"]

Planner = Callable[[History], Plan]
DIRTY_POLL_SECONDS = 0.1
MOST_LOOKS = 5


@dataclass
class Course:
    """A run with the lock: what is done so far, and what was said."""

    session: Session
    planner: Planner
    wanted: Wanted
    source: Source
    record_only: bool
    changes: tuple[Change, ...] = ()
    noticed: tuple[SourceWarning, ...] = ()
    unsure: tuple[Task, ...] = ()
    stuck: int = 0
    last_seen: tuple[Applied, ...] = ()

    def follow(self, history: History) -> Steps[Report]:
        """Apply until the plan is empty; start again whenever the history moved."""
        suspicion = _Suspicion(self.source)
        first: Plan | None = None
        while True:
            yield from self.session.lock.acquire()
            refuse_read_only(self.session.dialect, self.planner, history)
            try:
                history = yield from self._prepare()
                plan = self.planner(history)
                first = first or plan
                yield from self._carry_out(plan)
            except Dirty as dirty:
                yield from suspicion.confirm(dirty, self.session.dialect)
            except Moved as moved:
                self._count(moved, history)
            else:
                return sum_up(first, self.changes, self.noticed)

    def _count(self, moved: Moved, history: History) -> None:
        """Let the error out when looking again shows the same again and again."""
        unchanged = history.rows == self.last_seen and not moved.waited
        self.stuck = self.stuck + 1 if unchanged else 0
        self.last_seen = history.rows
        if self.stuck >= MOST_LOOKS and moved.__cause__ is not None:
            raise moved.__cause__

    def _prepare(self) -> Steps[History]:
        """Make what is missing, and read the history under the lock."""
        session = self.session
        try:
            rows = yield session.dialect.prepare()
        except DatabaseError as error:
            if not session.dialect.is_race(error):
                raise session.dialect.explained(error) from None
            yield from session.lock.patience.wait(session.dialect)
            raise Moved(waited=True) from error
        history, session.lock.dialect = yield from read(
            session.dialect, rows, self.wanted
        )
        session.seen = len(history.rows)
        yield from self._recognise(history)
        return history

    def _recognise(self, history: History) -> Steps[None]:
        """Tell which files of a message that failed are done all the same."""
        unsure, self.unsure = self.unsure, ()
        for task in unsure:
            row = history.by_version.get(task.migration.version)
            elapsed_ns = row.elapsed_ns if row else 0
            yield from self._done(task.migration, Outcome.APPLIED, elapsed_ns)

    def _carry_out(self, plan: Plan) -> Steps[None]:
        paths = {migration.path for migration in plan.todo}
        yield from self._notice(plan.warnings)
        yield from self._notice(w for w in self.source.warnings if w.path in paths)
        yield from self._record(plan) if self.record_only else self._apply(plan)
        for change in plan.changes:
            if change.outcome is Outcome.SKIPPED:
                self.changes += (change,)
                yield Event(change)

    def _apply(self, plan: Plan) -> Steps[None]:
        dialect = self.session.dialect
        tasks = [read_task(migration, dialect.syntax) for migration in plan.todo]
        for task in tasks:
            check_size(task, dialect.message_bytes)
        sharing = self.session.sharing and dialect.shares_messages
        for batch in batches(tasks, sharing=sharing):
            yield from self._send(batch)

    def _send(self, batch: tuple[Task, ...]) -> Steps[None]:
        for task in batch:
            yield from self._notice(warnings(task, self.session.dialect.syntax))
        yield Event(Starting(tuple(task.migration for task in batch)))
        if len(batch) == 1:
            elapsed_ns = yield from apply_alone(self.session, batch[0])
            yield from self._done(batch[0].migration, Outcome.APPLIED, elapsed_ns)
            return
        try:
            rows = yield from apply_together(self.session, batch)
        except Moved as moved:
            self.session.sharing, self.unsure = False, batch[: moved.done]
            raise
        for task, (_, elapsed) in zip(batch, rows, strict=True):
            done_in_ns = int(elapsed or 0)
            yield from self._done(task.migration, Outcome.APPLIED, done_in_ns)

    def _record(self, plan: Plan) -> Steps[None]:
        """Record without a look into the files: what cannot run here may be skipped."""
        for migration in plan.todo:
            yield from self._record_one(migration)
            yield from self._done(migration, Outcome.SKIPPED_ON_REQUEST, 0)

    def _record_one(self, migration: Migration) -> Steps[None]:
        dialect = self.session.dialect
        frame = dialect.record(migration)
        error = yield from attempt(dialect, Script((frame.opening, frame.closing)))
        if not isinstance(error, DatabaseError):
            self.session.noted(migration)
            return
        if dialect.is_race(error):
            raise Moved from error
        raise because(error, unrecorded(dialect)) if frame.at_mark(error) else error

    def _done(self, found: Migration, outcome: Outcome, elapsed_ns: int) -> Steps[None]:
        change = Change(found, outcome, elapsed_ns)
        self.changes += (change,)
        yield Event(change)

    def _notice(self, found: Iterable[SourceWarning]) -> Steps[None]:
        for warning in found:
            if warning not in self.noticed:
                self.noticed += (warning,)
                yield Event(warning)


@dataclass
class _Suspicion:
    """A row that says FALSE: somebody alive, or a migration that never ended.

    Whoever looks without holding the lock through the look asks for the lock once more
    and looks again: only who is dead leaves the row as it is.
    """

    source: Source
    version: int | None = None
    waited_seconds: float = 0.0

    def confirm(self, dirty: Dirty, dialect: Dialect) -> Steps[None]:
        """Raise when it is certain, wait a little when it is not."""
        if dirty.version != self.version:
            self.version, self.waited_seconds = dirty.version, 0.0
        if self.waited_seconds >= dialect.dirty_grace_seconds:
            raise (yield from self._explained(dirty, dialect))
        yield Wait(DIRTY_POLL_SECONDS)
        self.waited_seconds += DIRTY_POLL_SECONDS

    def _explained(self, dirty: Dirty, dialect: Dialect) -> Steps[Dirty]:
        """Say what can be seen of what the migration committed."""
        files = [m for m in self.source.forward() if m.version == dirty.version]
        if not files:
            return dirty
        known = [f"how much of {files[0].path} was committed is not recorded"]
        broken = yield from broken_things(dialect, files[0].body)
        known += [
            f"{name} is INVALID, remove it with: {mend}"
            for name, mend in broken.items()
        ]
        return Dirty(dirty.version, dirty.table, "; ".join(known))


def refuse_read_only(dialect: Dialect, planner: Planner, history: History) -> None:
    """Raise when something is to be written and nothing can be."""
    if dialect.read_only and planner(history).todo:
        raise NotWritable(dialect.read_only)


def sum_up(
    plan: Plan, changes: tuple[Change, ...], noticed: tuple[SourceWarning, ...]
) -> Report:
    """Sum up what was done, by the plan that was made first."""
    return Report(changes, plan.already_applied, noticed, plan.blocked_by)
