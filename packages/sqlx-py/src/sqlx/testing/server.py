"""A server that gives each test a database of its own, as one process uses it.

Three connections at most: one tells the others that we live, and drops; one makes
templates and clones, ahead of the test that will ask for them; the third is the test's.
Both of ours work on a thread of their own, so that a test waits for neither the end of
the last one's database nor, as a rule, for the beginning of its own.

What is said here holds for every make of server; how one is asked, its room knows.
"""

from __future__ import annotations

import itertools
import os
import secrets
import time
from abc import ABC, abstractmethod
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from sqlx.errors import ConnectionFailed, DatabaseError
from sqlx.testing.names import KEPT, TestName, template_name
from sqlx.testing.service import C, Service
from sqlx.testing.sweeping import drop_all, drop_kept, drop_own, sweep

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from concurrent.futures import Future
    from contextlib import AbstractAsyncContextManager

    from sqlx.migrator import Migrator
    from sqlx.testing.service import Wire
    from sqlx.testing.sweeping import Ground

__all__ = ["ATTEMPT_SECONDS", "Server"]

Place = TypeVar("Place")
Template = TypeVar("Template")
SERVICE_CONNECTIONS = 2
MOST_POOLED = 5  # as in SQLx
ATTEMPT_SECONDS = 1.0
REACH_SECONDS = 10.0  # for a server that does not answer
BUSY_SECONDS = 60.0  # for one that is starting, or whose connections are all in use
FORKED = "a child that was forked from a test session has no server for databases"


class Server(ABC, Generic[Place, C, Template]):
    """A server that gives each test a database of its own.

    Args:
        place: Where it is.
        processes: How many there are in this test session, which share what
            connections the server has.
        fresh: Whether to drop first what nobody uses.

    Attributes:
        session: The number of this process.
        version: The server's, as it tells it.
        pool_size: How many connections a test's pool may have.
        problems: What could not be dropped or kept, and why.
        notes: What makes tests slower than they could be, and the mend.

    Raises:
        ConnectionFailed: It cannot be reached.
        ConfigurationError: It is no server, but a pooler.
        DatabaseError: It refuses something.
    """

    def __init__(
        self, place: Place, processes: int = 1, *, fresh: bool = False
    ) -> None:
        self.place = place
        self.session = -1
        self.version = ""
        self.problems: list[str] = []
        self.notes: list[str] = []
        self._process = os.getpid()
        self._numbers = itertools.count(1)
        self._names: dict[Migrator | None, str] = {}
        self._templates: dict[str, Template] = {}
        self._ready: dict[str, list[str]] = {}
        self._coming: dict[str, Future[str]] = {}
        self._gone: ConnectionFailed | None = None
        self._closing = False
        self._losses = 0
        self._over = ""  # what is to be dropped next
        self._holder = Service("sqlx-drop", self._open_holder, self._wire())
        self._maker = Service("sqlx-clone", self._open_maker, self._wire())
        try:
            with self._translated():
                self._owner, limit = self._holder.run(self._begin)
                if fresh:
                    found = self._holder.run(lambda c: drop_all(self._ground(c)))
                    self.problems += map(self._told, found)
                self._kept = self._holder.run(self._find_kept)
        except BaseException:
            self._holder.close()
            raise
        part = limit // 2 // processes  # Another session may want the other half.
        self.pool_size = max(1, min(MOST_POOLED, part - SERVICE_CONNECTIONS))
        self._later(lambda ground: sweep(ground, self.session))

    @property
    def told(self) -> list[str]:
        """What is printed when the session ends."""
        return [*self.notes, *(f"not dropped: {text}" for text in self.problems)]

    @abstractmethod
    def url(self, name: str) -> str:
        """Write the URL of one of its databases."""

    @abstractmethod
    def connect(self, name: str) -> Any:  # noqa: ANN401 -- the driver's connection.
        """Connect to one of its databases, in autocommit."""

    @abstractmethod
    def connected_async(self, name: str) -> AbstractAsyncContextManager[Any]:
        """Connect in asyncio.

        Raises:
            DriverMissing: Its package is missing.
        """

    @abstractmethod
    def pool(self, name: str) -> Any:  # noqa: ANN401 -- the driver's pool.
        """Make a pool that opens when it is entered.

        Raises:
            ConfigurationError: Its package is missing, or there is none.
        """

    @abstractmethod
    def pool_async(self, name: str) -> AbstractAsyncContextManager[Any]:
        """Open a pool in asyncio.

        Raises:
            DriverMissing: Its package is missing.
        """

    def make_ahead(self, migrator: Migrator | None) -> None:
        """Begin to make a clone that `take` will be asked for.

        Nothing happens before the first `take`, when there may be no template yet.
        """
        name = self._name(migrator)
        if name in self._templates and not self._ready.get(name):
            self._begin_clone(name, migrator)

    def take(self, migrator: Migrator | None) -> str:
        """Give the name of a database with some migrations applied.

        Raises:
            MigrationError: A migration fails.
            DatabaseError: The server refuses it, or is gone.
        """
        if os.getpid() != self._process:
            raise DatabaseError(FORKED)
        name = self._name(migrator)
        with self._translated():
            self._forget_unguarded()
            if name not in self._templates:
                self._maker.run(partial(self._open, name, migrator))
            if ready := self._ready.get(name):
                return ready.pop()
            self._begin_clone(name, migrator)
            return self._coming.pop(name).result()

    def drop(self, name: str) -> None:
        """Drop a clone with whoever is connected, when the next one is to be dropped.

        For who has just left is still seen for a moment, and the server would wait.
        """
        self._over, name = name, self._over

        def work(ground: Ground) -> list[str]:
            ground.drop(name, force=True)
            return []  # What is refused is tried again, and told, at the end.

        if name:
            self._later(work)

    def keep(self, name: str, test: str) -> None:
        """Let a clone outlive this process, for somebody to look at."""

        def work(ground: Ground) -> list[str]:
            ground.note(name, KEPT + test)
            return []

        self._kept.setdefault(test, []).append(name)
        self._later(work)

    def drop_kept(self, test: str) -> None:
        """Drop what was kept of a test when it ran before: it runs again."""
        if names := self._kept.pop(test, None):
            self._later(lambda ground: drop_kept(ground, names, self.session))

    def close(self) -> None:
        """Drop what is left of this process and of dead ones; then let the locks go.

        What is wrong is in `problems`. In a child that was forked nothing happens: what
        it has of this server is its parent's.
        """
        if self._closing or os.getpid() != self._process:
            return
        self._closing = True
        self._maker.cancel()
        self._maker.close()
        self._submit(lambda ground: drop_own(ground, self.session))
        self._submit(lambda ground: sweep(ground, self.session))
        self._holder.close()

    @abstractmethod
    def _wire(self) -> Wire[C]:
        """Choose the driver of our connections."""

    @abstractmethod
    def _attempt(self) -> C:
        """Try for `ATTEMPT_SECONDS` to connect.

        Raises:
            ConnectionFailed: In vain.
        """

    @abstractmethod
    def _is_busy(self, error: ConnectionFailed) -> bool:
        """Tell whether a server will answer soon."""

    @abstractmethod
    def _begin(self, connection: C) -> tuple[int, int]:
        """Find out who our user is, and how many connections there may be.

        Raises:
            ConfigurationError: It is no server, but a pooler.
        """

    @abstractmethod
    def _be_holder(self, connection: C) -> None:
        """Prepare a connection, and let it show that we live; choose our number."""

    @abstractmethod
    def _be_maker(self, connection: C) -> None:
        """Prepare a connection, and let it show that we live."""

    @abstractmethod
    def _ground(self, connection: C) -> Ground:
        """See what is on the server."""

    @abstractmethod
    def _template(
        self, connection: C, name: str, migrator: Migrator | None
    ) -> Template:
        """Give a template, made if need be."""

    @abstractmethod
    def _copy(self, template: Template, name: str) -> None:
        """Make a clone, by the maker's connection."""

    @abstractmethod
    def _refusal(self, error: Exception) -> DatabaseError | None:
        """Say in our words what the server refuses; None for another error."""

    @abstractmethod
    def _told(self, message: str) -> str:
        """Write a message on one line, without a secret."""

    def _explained(self, error: ConnectionFailed) -> ConnectionFailed:
        """Say more about a server that is gone."""
        return error

    def _drawn(self, try_number: Callable[[int], bool]) -> int:
        """Choose a number that no process has."""
        number = secrets.randbits(31)
        while not try_number(number):
            number = secrets.randbits(31)
        return number

    def _name(self, migrator: Migrator | None) -> str:
        """Name the template of some migrations; a digest takes time, so only once."""
        if migrator not in self._names:
            digest = migrator.digest if migrator else ""
            self._names[migrator] = template_name(digest, self._owner)
        return self._names[migrator]

    def _open(self, name: str, migrator: Migrator | None, connection: C) -> Template:
        if name not in self._templates:
            self._templates[name] = self._template(connection, name, migrator)
        return self._templates[name]

    def _begin_clone(self, name: str, migrator: Migrator | None) -> None:
        if name not in self._coming:
            work = partial(self._clone_of, name, migrator)
            self._coming[name] = self._maker.submit(work)

    def _clone_of(self, name: str, migrator: Migrator | None, connection: C) -> str:
        return self._clone(self._open(name, migrator, connection))

    def _clone(self, template: Template) -> str:
        name = self._new_name()
        self._copy(template, name)
        return name

    def _new_name(self) -> str:
        return str(TestName(self.session, next(self._numbers)))

    def _forget_unguarded(self) -> None:
        """Take no clone that was made before the locks were lost for a while.

        A session that began meanwhile may have dropped it. What it has left is dropped
        at the end.
        """
        losses = self._holder.look() + self._maker.look()
        if losses != self._losses:
            self._losses = losses
            self._ready.clear()
            self._coming.clear()
            self._templates.clear()

    def _later(self, work: Callable[[Ground], list[str]]) -> None:
        """Let the other thread do something; what goes wrong is told at the end."""
        if not self._closing and os.getpid() == self._process:
            self._submit(work)

    def _submit(self, work: Callable[[Ground], list[str]]) -> None:
        done = self._holder.submit(lambda connection: work(self._ground(connection)))
        done.add_done_callback(self._hear)

    def _hear(self, done: Future[list[str]]) -> None:
        error = done.exception()
        found = done.result() if error is None else [str(error)]
        self.problems += map(self._told, found)

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """Say in our words what the server refuses."""
        try:
            yield
        except Exception as error:
            refusal = self._refusal(error)
            if refusal is None:
                raise
            raise refusal from None

    def _find_kept(self, connection: C) -> dict[str, list[str]]:
        """List what is kept, by test."""
        kept: dict[str, list[str]] = {}
        for database in self._ground(connection).find():
            if database.kept_for:
                kept.setdefault(database.kept_for, []).append(database.name)
        return kept

    def _open_holder(self) -> C:
        """Connect, and show by a lock that we live, as the maker does too."""
        with _closed_on_error(self._connect()) as connection:
            self._be_holder(connection)
            return connection

    def _open_maker(self) -> C:
        """Connect; what an earlier connection has locked, it has lost."""
        with _closed_on_error(self._connect()) as connection:
            self._be_maker(connection)
            self._templates.clear()
            return connection

    def _connect(self) -> C:
        """Connect, and wait for a server that starts or is busy, but not twice."""
        if self._gone is not None:
            raise self._gone
        begun = time.monotonic()
        while True:
            try:
                return self._attempt()
            except ConnectionFailed as error:
                limit_seconds = BUSY_SECONDS if self._is_busy(error) else REACH_SECONDS
                waited_seconds = time.monotonic() - begun
                if error.final or self._closing or waited_seconds > limit_seconds:
                    self._gone = self._explained(error)
                    raise self._gone from None


@contextmanager
def _closed_on_error(connection: C) -> Iterator[C]:
    """Let a connection live on, unless something fails."""
    try:
        yield connection
    except BaseException:
        connection.close()
        raise
