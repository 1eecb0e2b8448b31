"""Run, skip and revert: look, lock, look again, apply, give the lock back.

Follow one run: `look` may conclude that nothing is to do, and then nothing else is
asked (of a version without a file: whether it is marked compatible). Otherwise the lock
is taken, the history is read again, the plan is made, and message by message is sent;
whoever finds that the history has moved looks again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlx.engine.apply import Session
from sqlx.engine.attempt import quietly
from sqlx.engine.course import Course, refuse_read_only, sum_up
from sqlx.engine.lock import Lock, Patience
from sqlx.engine.look import look, matters
from sqlx.engine.plan import History, Plan, plan_info, plan_revert, plan_run
from sqlx.engine.steps import Event, Steps
from sqlx.engine.task import read_task, warnings
from sqlx.errors import MigrationError

if TYPE_CHECKING:
    from sqlx.engine.course import Planner
    from sqlx.engine.dialect import Dialect
    from sqlx.engine.news import Change, Info, Report
    from sqlx.migrations.migration import Source, SourceWarning

__all__ = ["Options", "info", "revert", "run", "skip"]


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
    history, _ = yield from look(dialect, lambda _: True, details=True)
    return plan_info(source, history)


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
    wanted = matters(source, ignore_missing=options.ignore_missing)
    history, dialect = yield from look(dialect, wanted)
    if options.dry_run:
        plan = planner(history)
        todo = () if record_only else plan.todo
        tasks = [read_task(migration, dialect.syntax) for migration in todo]
        found = [w for task in tasks for w in warnings(task, dialect.syntax)]
        return sum_up(plan, plan.changes, (*plan.warnings, *found))
    settled = _settled(planner, history)
    if settled is not None:
        yield from _tell((*settled.warnings, *settled.changes))
        return sum_up(settled, settled.changes, settled.warnings)
    refuse_read_only(dialect, planner, history)
    lock = Lock(dialect, Patience(options.lock_wait_seconds))
    session = Session(lock, options.retry_seconds)
    course = Course(session, planner, wanted, source, record_only)
    try:
        report = yield from course.follow(history)
    except BaseException as error:
        if lock.taken:
            yield from quietly(lock.dialect.release(), error)
        raise
    yield from _release(lock)
    return report


def _release(lock: Lock) -> Steps[None]:
    """Give the lock back; again where that was interrupted."""
    try:
        yield lock.dialect.release()
    except Exception:
        raise
    except BaseException as stop:
        yield from quietly(lock.dialect.release(), stop)
        raise


def _settled(planner: Planner, history: History) -> Plan | None:
    """The plan, when it is certain without the lock that nothing is to do."""
    try:
        plan = planner(history)
    except MigrationError:
        return None
    return None if plan.todo else plan


def _tell(news: tuple[Change | SourceWarning, ...]) -> Steps[None]:
    for item in news:
        yield Event(item)
