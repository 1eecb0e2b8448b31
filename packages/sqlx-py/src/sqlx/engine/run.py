"""Run, skip and revert: look, lock, look again, apply, give the lock back.

Follow one run: `look` may conclude that nothing is to do, and then nothing else is
asked. Otherwise the lock is taken, the history is read again, the plan is made, and
message by message is sent; whoever finds that the history has moved looks again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlx.engine.apply import Moved, Session, apply_alone, apply_together, quietly
from sqlx.engine.lock import Lock, Patience
from sqlx.engine.news import Change, Info, Outcome, Report, Starting
from sqlx.engine.plan import (
    Applied,
    History,
    Plan,
    plan_info,
    plan_revert,
    plan_run,
)
from sqlx.engine.steps import Event, Steps, Wait
from sqlx.engine.task import Task, batches, read_task, warnings
from sqlx.errors import (
    ConnectionLost,
    DatabaseError,
    Dirty,
    MigrationError,
    NotWritable,
)

if TYPE_CHECKING:
    from sqlx.engine.dialect import Dialect
    from sqlx.migrations.migration import Source, SourceWarning

__all__ = ["Options", "info", "revert", "run", "skip"]

Planner = Callable[[History], Plan]
DIRTY_POLL_SECONDS = 0.1
MOST_LOOKS = 5


@dataclass(frozen=True, slots=True)
class Options:
    """What may be chosen for a run.

    Args:
        target: Last version to apply, or newest to keep; None: see `plan_run`.
        dry_run: Plan, and change nothing.
        ignore_missing: Let pass what the history knows and the source does not.
        lock_wait_seconds: For the migration lock; 0 tries once, None waits for ever.
        retry_seconds: How long a migration that meets a table's lock is tried.
    """

    target: int | None = None
    dry_run: bool = False
    ignore_missing: bool = False
    lock_wait_seconds: float | None = 300.0
    retry_seconds: float = 600.0


def run(source: Source, dialect: Dialect, options: Options) -> Steps[Report]:
    """Apply what is pending, oldest first; a look is enough when nothing is."""
    return (
        yield from _conduct(source, dialect, options, _run_planner(source, options))
    )


def skip(source: Source, dialect: Dialect, options: Options) -> Steps[Report]:
    """Record what is pending as applied, without running it."""
    planner = _run_planner(source, options)
    return (yield from _conduct(source, dialect, options, planner, record_only=True))


def revert(source: Source, dialect: Dialect, options: Options) -> Steps[Report]:
    """Undo the newest applied migration, or all that are newer than the target."""

    def planner(history: History) -> Plan:
        return plan_revert(
            source, history, options.target, ignore_missing=options.ignore_missing
        )

    return (yield from _conduct(source, dialect, options, planner))


def info(source: Source, dialect: Dialect, _options: Options) -> Steps[Info]:
    """Put the files and the history beside each other; read-only."""
    history, _ = yield from _look(dialect, details=True)
    return plan_info(source, history)


@dataclass
class _Suspicion:
    """A row that says FALSE: somebody alive, or a migration that never ended.

    Whoever looks without holding the lock through the look asks for the lock once more
    and looks again: only who is dead leaves the row as it is.
    """

    version: int | None = None
    waited_seconds: float = 0.0

    def confirm(self, dirty: Dirty, dialect: Dialect) -> Steps[None]:
        """Raise when it is certain, wait a little when it is not."""
        if dirty.version != self.version:
            self.version, self.waited_seconds = dirty.version, 0.0
        if self.waited_seconds >= dialect.dirty_grace_seconds:
            raise dirty
        yield Wait(DIRTY_POLL_SECONDS)
        self.waited_seconds += DIRTY_POLL_SECONDS


def _run_planner(source: Source, options: Options) -> Planner:
    def planner(history: History) -> Plan:
        return plan_run(
            source, history, options.target, ignore_missing=options.ignore_missing
        )

    return planner


def _conduct(
    source: Source,
    dialect: Dialect,
    options: Options,
    planner: Planner,
    *,
    record_only: bool = False,
) -> Steps[Report]:
    history, dialect = yield from _look(dialect)
    plan = planner(history) if options.dry_run else _settled(planner, history)
    if plan is not None:
        yield from _tell(plan.warnings)
        skipped = () if options.dry_run else plan.changes
        yield from _tell(skipped)
        return _report(plan, plan.changes, plan.warnings)
    _refuse_read_only(dialect, planner, history)
    lock = Lock(dialect, Patience(options.lock_wait_seconds))
    course = _Course(Session(lock, options.retry_seconds), planner, source, record_only)
    try:
        report = yield from course.follow(history)
    except BaseException as error:
        if lock.taken:
            yield from quietly(lock.dialect.release(), error)
        raise
    yield lock.dialect.release()
    return report


def _look(dialect: Dialect, *, details: bool = False) -> Steps[tuple[History, Dialect]]:
    try:
        rows = yield dialect.look(details=details)
    except DatabaseError as error:
        if isinstance(error, ConnectionLost) or not dialect.has_no_table(error):
            raise
        return History((), dialect.table), dialect
    known, found = dialect.seen(rows)
    return History(tuple(Applied(*row) for row in found), known.table), known


def _settled(planner: Planner, history: History) -> Plan | None:
    """The plan, when it is certain without the lock that nothing is to do."""
    try:
        plan = planner(history)
    except MigrationError:
        return None
    return None if plan.todo else plan


def _refuse_read_only(dialect: Dialect, planner: Planner, history: History) -> None:
    if dialect.read_only and planner(history).todo:
        raise NotWritable(dialect.read_only)


def _tell(news: tuple[Change | SourceWarning, ...]) -> Steps[None]:
    for item in news:
        yield Event(item)


def _report(
    plan: Plan, changes: tuple[Change, ...], noticed: tuple[SourceWarning, ...]
) -> Report:
    return Report(changes, plan.already_applied, noticed, plan.blocked_by)


@dataclass
class _Course:
    """A run with the lock: what is done so far, and what was said."""

    session: Session
    planner: Planner
    source: Source
    record_only: bool
    changes: tuple[Change, ...] = ()
    noticed: tuple[SourceWarning, ...] = ()
    unsure: tuple[Task, ...] = ()
    stuck: int = 0
    last_seen: tuple[Applied, ...] = ()

    def follow(self, history: History) -> Steps[Report]:
        """Apply until the plan is empty; start again whenever the history moved."""
        suspicion = _Suspicion()
        first: Plan | None = None
        while True:
            yield from self.session.lock.acquire()
            _refuse_read_only(self.session.dialect, self.planner, history)
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
                return _report(first, self.changes, self.noticed)

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
                raise
            yield from session.lock.patience.wait(session.dialect)
            raise Moved(waited=True) from error
        session.lock.dialect, found = session.dialect.seen(rows)
        history = History(tuple(Applied(*row) for row in found), session.dialect.table)
        session.seen = len(history.rows)
        unsure, self.unsure = self.unsure, ()
        for task in unsure:
            row = history.by_version.get(task.migration.version)
            if row is not None:
                yield from self._done(task, Outcome.APPLIED, row.elapsed_ns)
        return history

    def _carry_out(self, plan: Plan) -> Steps[None]:
        syntax = self.session.dialect.syntax
        tasks = [read_task(migration, syntax) for migration in plan.todo]
        paths = {task.migration.path for task in tasks}
        yield from self._notice(plan.warnings)
        yield from self._notice(w for w in self.source.warnings if w.path in paths)
        if self.record_only:
            yield from self._record(tasks)
        else:
            sharing = self.session.sharing and self.session.dialect.shares_messages
            for batch in batches(tasks, sharing=sharing):
                yield from self._send(batch)
        for change in plan.changes:
            if change.outcome is Outcome.SKIPPED:
                self.changes += (change,)
                yield Event(change)

    def _send(self, batch: tuple[Task, ...]) -> Steps[None]:
        for task in batch:
            yield from self._notice(warnings(task, self.session.dialect.syntax))
        yield Event(Starting(tuple(task.migration for task in batch)))
        if len(batch) == 1:
            elapsed_ns = yield from apply_alone(self.session, batch[0])
            yield from self._done(batch[0], Outcome.APPLIED, elapsed_ns)
            return
        try:
            rows = yield from apply_together(self.session, batch)
        except ConnectionLost:
            raise
        except DatabaseError as error:
            self.session.sharing, self.unsure = False, batch
            raise Moved from error
        for task, (_, elapsed) in zip(batch, rows, strict=True):
            yield from self._done(task, Outcome.APPLIED, int(elapsed or 0))

    def _record(self, tasks: list[Task]) -> Steps[None]:
        for task in tasks:
            try:
                yield self.session.dialect.record(task.migration)
            except DatabaseError as error:
                if self.session.dialect.is_race(error):
                    raise Moved from error
                raise
            yield from self._done(task, Outcome.SKIPPED_ON_REQUEST, 0)

    def _done(self, task: Task, outcome: Outcome, elapsed_ns: int) -> Steps[None]:
        change = Change(task.migration, outcome, elapsed_ns)
        self.changes += (change,)
        yield Event(change)

    def _notice(self, found: Iterable[SourceWarning]) -> Steps[None]:
        for warning in found:
            if warning not in self.noticed:
                self.noticed += (warning,)
                yield Event(warning)
