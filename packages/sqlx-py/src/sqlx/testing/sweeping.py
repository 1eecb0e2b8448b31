"""Drop what dead processes have left on a server, and nothing of a living one's.

A process lives as long as it holds the lock on its number. Whoever gets that lock may
drop the databases with the number in their names, except those that are kept; and even
these only while nobody is connected. What a list tells may be over when the lock is
held, so the list is made again then: a process that was just ending may have kept one.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from sqlx.testing.names import KEPT, TestName

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from contextlib import AbstractContextManager

__all__ = ["Found", "Ground", "drop_all", "drop_kept", "drop_own", "sweep"]

MOST_KEPT = 50
MOST_TEMPLATES = 10
UNUSED_DAYS = 14
DAY_SECONDS = 86_400
# PostgreSQL itself looks again for somebody who is just leaving after 0.1 s.
LEAVE_SECONDS, LEAVE_PAUSE_SECONDS = 0.1, 0.002


@dataclass(frozen=True, slots=True)
class Found:
    """A database of ours on the server.

    Args:
        name: Its name.
        comment: What its owner says of it.
        in_use: Whether somebody is connected.
        obstacle: Why it cannot be dropped, and the mend; empty for nothing.
    """

    name: str
    comment: str
    in_use: bool
    obstacle: str = ""

    @property
    def session(self) -> int | None:
        """The number of the process that made it for a test; None for a template."""
        parsed = TestName.parse(self.name)
        return None if parsed is None else parsed.session

    @property
    def kept_for(self) -> str:
        """The test that it is kept for; empty when it is not."""
        is_kept = self.comment.startswith(KEPT)
        return self.comment.removeprefix(KEPT) if is_kept else ""

    @property
    def last_used(self) -> str:
        """The day on which a template was last used; empty when it is not complete."""
        return self.comment.partition(" used ")[2].partition(" ")[0]


class Ground(Protocol):
    """What is to be swept: a server, as one of our connections sees it."""

    def find(self) -> list[Found]:
        """List the databases that are ours, the oldest first."""

    def drop(self, name: str, *, force: bool = False) -> list[str]:
        """Drop a database, with whoever is connected or only without.

        Returns:
            What the server refuses; not that somebody is connected, who may be.
        """

    def drop_template(self, name: str) -> list[str]:
        """Drop a template that nobody uses.

        Returns:
            What the server refuses.
        """

    def note(self, name: str, text: str) -> None:
        """Write a comment on a database."""

    def without_session(self, number: int) -> AbstractContextManager[bool]:
        """Try to hold what a living process holds, and tell whether it is held."""

    def without_users(self, template: str) -> AbstractContextManager[bool]:
        """Try to hold what users and makers of a template hold, and tell so."""


def sweep(ground: Ground, own: int) -> list[str]:
    """Drop what dead processes have left; of what they kept, the newest stay.

    Args:
        ground: The server.
        own: The number of this process, whose databases are left alone.

    Returns:
        What the server refuses.
    """
    found = ground.find()
    too_old = [f.name for f in found if f.kept_for][:-MOST_KEPT]
    left = [f for f in found if f.name in too_old or not f.kept_for]
    problems = _drop_of_dead(ground, left, {own}, too_old)
    oldest_seconds = time.time() - UNUSED_DAYS * DAY_SECONDS
    limit = time.strftime("%Y-%m-%d", time.localtime(oldest_seconds))
    templates = [f for f in found if f.session is None]
    templates.sort(key=lambda f: f.last_used)
    for index, template in enumerate(templates):
        if template.last_used < limit or index < len(templates) - MOST_TEMPLATES:
            problems += _drop_template(ground, template)
    return problems


def drop_own(ground: Ground, own: int) -> list[str]:
    """Drop what this process has made and not kept, with whoever is connected.

    Returns:
        What the server refuses.
    """
    latest = time.monotonic() + LEAVE_SECONDS
    while True:
        ours = [f for f in ground.find() if f.session == own and not f.kept_for]
        if time.monotonic() > latest or not any(f.in_use for f in ours):
            return [text for f in ours for text in ground.drop(f.name, force=True)]
        time.sleep(LEAVE_PAUSE_SECONDS)


def drop_kept(ground: Ground, names: Collection[str], own: int) -> list[str]:
    """Drop what was kept, unless its process lives, and is not this one.

    Returns:
        What the server refuses.
    """
    found = [f for f in ground.find() if f.name in names]
    ours = [f for f in found if f.session == own]
    problems = [text for f in ours for text in _drop_unused(ground, f)]
    return problems + _drop_of_dead(ground, found, {own}, names)


def drop_all(ground: Ground) -> list[str]:
    """Drop all that no living process uses: templates, kept databases, leavings.

    Returns:
        What the server refuses.
    """
    found = ground.find()
    problems = _drop_of_dead(ground, found, set(), {f.name for f in found})
    for template in found:
        if template.session is None:
            problems += _drop_template(ground, template)
    return problems


def _drop_of_dead(
    ground: Ground,
    found: Iterable[Found],
    living: set[int],
    unwanted: Collection[str],
) -> list[str]:
    """Drop databases of processes that do not live; of those kept, the unwanted."""
    problems: list[str] = []
    names = {f.name for f in found}
    sessions = {f.session for f in found if f.session is not None}
    for session in sorted(sessions - living):
        with ground.without_session(session) as is_dead:
            for f in ground.find() if is_dead else ():
                wanted = f.kept_for and f.name not in unwanted
                if f.session == session and f.name in names and not wanted:
                    problems += _drop_unused(ground, f)
    return problems


def _drop_unused(ground: Ground, found: Found) -> list[str]:
    """Drop a database unless it is held: the server would wait for seconds then."""
    if found.in_use:
        return []
    if found.obstacle:
        return [f"{found.name} {found.obstacle}"]
    return ground.drop(found.name)


def _drop_template(ground: Ground, template: Found) -> list[str]:
    """Drop a template unless somebody uses it or makes it, or has used it since."""
    with ground.without_users(template.name) as is_unused:
        if template.in_use or not (is_unused and template in ground.find()):
            return []
        return ground.drop_template(template.name)
