"""The database, for a command: reach it, wait for it, and say why it cannot be had."""

from __future__ import annotations

import os
import pwd
import shlex
from contextlib import asynccontextmanager
from pathlib import Path
from time import monotonic, sleep
from typing import TYPE_CHECKING, TypeVar

import psycopg
from psycopg import AsyncConnection
from psycopg.conninfo import make_conninfo

import sqlx
from smally.database import CONNECT_TIMEOUT_SECONDS, read_url

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence
    from contextlib import ExitStack

    from smally.config import Settings

__all__ = [
    "NotAllowed",
    "NotMigrated",
    "NotThere",
    "connected",
    "patiently",
    "reach",
    "reason_of",
]

T = TypeVar("T")

ACCOUNT = "smally"
PAUSE_SECONDS = 0.2
# Of libpq, which passes on the system's word, and of the server.
DENIED = ("Permission denied", "Peer authentication failed")


class NotThere(Exception):
    """The database cannot be used yet, or not now."""


class NotMigrated(NotThere):
    """The service has never started on this database."""

    def __str__(self) -> str:
        where = f" ({self.args[0]})" if self.args else ""
        return f"schema not migrated yet: start the service first{where}"


class NotAllowed(Exception):
    """This account may not use the database; the message says why."""


def patiently(
    deadline: float, on_wait: Callable[[NotThere], None], attempt: Callable[[], T]
) -> T:
    """Try until the database can be used, or the time is over.

    Args:
        deadline: By the monotonic clock.
        on_wait: Told once, when there is something to wait for.
        attempt: What to try.

    Raises:
        NotThere: Why it could not be used the last time.
    """
    waiting = False
    while True:
        try:
            return attempt()
        except NotThere as error:
            if monotonic() >= deadline:
                raise
            if not waiting:
                waiting = True
                on_wait(error)
            sleep(PAUSE_SECONDS)


def reach(
    settings: Settings, held: ExitStack, on_event: Callable[[str], None]
) -> dict[str, str]:
    """Give libpq's keywords; an embedded server runs until `held` is closed.

    Raises:
        NotMigrated: There is no embedded server, and a command makes none.
        NotAllowed: It is not this account's.
        SqlxError: It cannot be started.
    """
    name, text = "DATABASE_URL", settings.database_url
    if settings.runtime_database_url:
        name, text = "RUNTIME_DATABASE_URL", settings.runtime_database_url
    url = read_url(name, text)
    if isinstance(url, sqlx.PostgresUrl):
        return url.keywords()
    if not Path(url.path).exists():
        raise NotMigrated(f"there is no {url.path} in the working directory")
    try:
        server = held.enter_context(sqlx.start_embedded(url.path, on_event=on_event))
    except sqlx.SqlxError as error:
        if isinstance(error.__cause__, PermissionError):
            raise NotAllowed(str(error)) from error
        raise
    return server.keywords(url.database)


@asynccontextmanager
async def connected(keywords: dict[str, str]) -> AsyncIterator[AsyncConnection]:
    """Connect, in autocommit.

    Raises:
        NotThere: The database does not answer, or has no tables.
        NotAllowed: It does not let this account in.
    """
    conninfo = make_conninfo(**{"application_name": "smally", **keywords})
    try:
        connection = await AsyncConnection.connect(
            conninfo, autocommit=True, connect_timeout=CONNECT_TIMEOUT_SECONDS
        )
    except psycopg.OperationalError as error:
        reason = on_one_line(error)
        is_denied = any(words in reason for words in DENIED)
        raise (NotAllowed if is_denied else NotThere)(reason) from error
    async with connection:
        try:
            yield connection
        except psycopg.errors.UndefinedTable as error:
            raise NotMigrated from error


def reason_of(error: Exception, words: Sequence[str]) -> str:
    """Say on one line why something failed, and as whom it may work."""
    if not isinstance(error, NotAllowed | PermissionError):
        return on_one_line(error)
    denied = "permission denied" if isinstance(error, OSError) else on_one_line(error)
    return f"{denied}; run: {as_account(words)}" if may_help() else denied


def may_help() -> bool:
    """Say whether there is an account of the service's, and this is another."""
    try:
        return pwd.getpwnam(ACCOUNT).pw_uid != os.geteuid()
    except KeyError:
        return False


def as_account(words: Sequence[str]) -> str:
    """Write the command for that account, as it was typed.

    `scripts/init_db.sh` says how it was called; it stands for `smally init`.
    """
    script = os.environ.get("SMALLY_CALLED_AS")
    called = (
        [script, *words[1:]] if script and words[0] == "init" else ["smally", *words]
    )
    return shlex.join(["sudo", "-u", ACCOUNT, *called])


def on_one_line(error: Exception) -> str:
    """Write a message that may have several lines."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    return " ".join(str(error).split())
