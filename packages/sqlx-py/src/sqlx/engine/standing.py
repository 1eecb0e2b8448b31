"""Where a database stands, for somebody who waits and changes nothing.

One look, and while something is left to do, who holds the migration lock. A row that
says FALSE belongs to a migration that runs now, or to one that never ended; it is the
second when nobody can be seen who holds the lock, for a while.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlx.engine.course import sum_up
from sqlx.engine.look import look, matters
from sqlx.engine.plan import History, plan_run
from sqlx.errors import Dirty

if TYPE_CHECKING:
    from sqlx.engine.dialect import Dialect
    from sqlx.engine.news import Report
    from sqlx.engine.run import Options
    from sqlx.engine.steps import Steps
    from sqlx.migrations.migration import Migration, Source

__all__ = ["Standing", "stand"]


@dataclass(frozen=True, slots=True)
class Standing:
    """What one look found.

    Args:
        report: Of a run with nothing to do; None while there is something.
        pending: What a run would apply; none while a row says FALSE.
        dirty: What a run would raise, for a row that says FALSE.
        newest: What the history has last, in words; empty when it has nothing.
        holder: Who holds the migration lock, in words; empty when nobody is seen.
        sees_holders: False where somebody may hold it all the same: on a standby.
    """

    report: Report | None = None
    pending: tuple[Migration, ...] = ()
    dirty: Dirty | None = None
    newest: str = ""
    holder: str = ""
    sees_holders: bool = True


def stand(source: Source, dialect: Dialect, options: Options) -> Steps[Standing]:
    """Look once, read-only.

    Raises:
        MigrationError: A run would refuse, and waiting does not help.
    """
    wanted = matters(source, ignore_missing=options.ignore_missing)
    history, dialect = yield from look(dialect, wanted, details=True)
    pending: tuple[Migration, ...] = ()
    dirty = None
    try:
        plan = plan_run(source, history, ignore_missing=options.ignore_missing)
    except Dirty as found:
        dirty = found
    else:
        if not plan.todo:
            return Standing(sum_up(plan, (), plan.warnings))
        pending = plan.todo
    holder = dialect.holder_words((yield dialect.holder()))
    sees = not dialect.read_only
    return Standing(None, pending, dirty, _newest(history), holder, sees)


def _newest(history: History) -> str:
    if not history.rows:
        return ""
    row = history.rows[-1]
    return f"{row.version} ({row.description}), {row.installed_on}"
