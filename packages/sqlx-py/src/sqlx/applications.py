"""What applications call when they start: migrate, or wait for who does.

Both take all that `AsyncMigrator` takes. No framework is imported: what those of ASGI
call a lifespan is an async context manager, made from the application.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Any, TypeAlias

from sqlx.errors import SqlxError
from sqlx.migrator import AsyncMigrator

if TYPE_CHECKING:
    from types import TracebackType

    from sqlx.engine.news import Report
    from sqlx.migrator import Given

__all__ = ["lifespan", "wait_until_migrated"]

Lifespan: TypeAlias = Callable[[Any], AbstractAsyncContextManager[Any]]


async def wait_until_migrated(
    database: object,
    source: Given | AsyncMigrator = "migrations",
    *,
    timeout_seconds: float = 300.0,
    **options: Any,  # noqa: ANN401 -- the keywords of the class.
) -> Report:
    """Wait until somebody else has applied everything: for workers that must not.

    One read-only statement is enough where all is applied, also for a role that may
    only read, and on a standby.

    Args:
        database: A URL, or a connection, a pool or an engine, as for `AsyncMigrator`.
        source: What `AsyncMigrator` takes, or one.
        timeout_seconds: How long, also for a database that is not there yet; 0 looks
            once.
        options: The keywords of `AsyncMigrator`.

    Returns:
        The report of a run that has nothing to do.

    Raises:
        StillPending: The time is up; says what is pending and who holds the lock.
        MigrationError: Waiting does not help: what is applied is not what the files
            say, or a migration never ended.
        DatabaseError: The database refused, or could not be reached in time.
    """
    migrator = _migrator(source, options)
    return await migrator.wait(database, timeout_seconds=timeout_seconds)


def lifespan(
    database: object,
    source: Given | AsyncMigrator = "migrations",
    *,
    inner: Lifespan | None = None,
    wait_seconds: float | None = None,
    **options: Any,  # noqa: ANN401 -- the keywords of the class.
) -> Lifespan:
    """Make the `lifespan` of an ASGI application: it migrates before it serves.

    For FastAPI and Starlette it is the argument itself, for Litestar one of a list. An
    error stops the start, and its message is what the server prints last.

    Args:
        database: A URL, or a connection, a pool or an engine, as for `AsyncMigrator`.
        source: What `AsyncMigrator` takes, or one.
        inner: The application's own lifespan, which begins once all is applied.
        wait_seconds: How long to wait for somebody else to migrate; None migrates.
        options: The keywords of `AsyncMigrator`.
    """
    migrator = _migrator(source, options)
    return lambda app: _Lifespan(app, database, migrator, inner, wait_seconds)


class _Lifespan(AbstractAsyncContextManager[Any]):
    """One life of one application.

    A class, and no generator, so that a traceback that a server insists on is short.
    """

    def __init__(
        self,
        app: Any,  # noqa: ANN401 -- a framework's.
        database: object,
        migrator: AsyncMigrator,
        inner: Lifespan | None,
        wait_seconds: float | None,
    ) -> None:
        self._app, self._database, self._migrator = app, database, migrator
        self._inner, self._wait_seconds = inner, wait_seconds
        self._entered: AbstractAsyncContextManager[Any] | None = None

    async def __aenter__(self) -> Any:  # noqa: ANN401 -- the state that a framework keeps.
        failed = await self._failed()
        if failed is not None:
            raise failed.with_traceback(None) from None
        if self._inner is None:
            return None
        self._entered = self._inner(self._app)
        return await self._entered.__aenter__()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool | None:
        if self._entered is None:
            return None
        return await self._entered.__aexit__(kind, error, traceback)

    async def _failed(self) -> SqlxError | None:
        """Migrate, or wait; an error of ours says all that is to be said."""
        try:
            if self._wait_seconds is None:
                await self._migrator.run(self._database)
            else:
                await self._migrator.wait(
                    self._database, timeout_seconds=self._wait_seconds
                )
        except SqlxError as error:
            return error
        return None


def _migrator(source: Given | AsyncMigrator, options: dict[str, Any]) -> AsyncMigrator:
    if isinstance(source, AsyncMigrator):
        if options:
            raise TypeError(
                f"an AsyncMigrator has its options: give it {', '.join(options)}"
            )
        return source
    return AsyncMigrator(source, **options)
