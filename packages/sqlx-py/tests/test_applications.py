"""`sqlx.lifespan` migrates before an ASGI application serves, or stops its start.

The frameworks are real; only the server is left out, which docs/applications.md has.
"""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from fastapi import FastAPI
from litestar import Litestar
from starlette.applications import Starlette

import sqlx

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, MutableMapping

    from support import Database, Write

    Message = MutableMapping[str, Any]

PAGE = Path(__file__).parents[3] / "docs" / "applications.md"


@pytest.fixture(autouse=True)
def one_file(write: Write) -> None:
    """Have a migration to run."""
    write("1_a.sql", "CREATE TABLE a (id INT);")


async def lived(app: Any) -> list[Message]:
    """Start an application and stop it, as a server does; give what it says."""
    said: list[Message] = []
    asked = iter(["lifespan.startup", "lifespan.shutdown"])

    async def receive() -> Message:
        return {"type": next(asked)}

    async def send(message: Message) -> None:
        said.append(message)

    scope = {"type": "lifespan", "asgi": {"version": "3.0"}, "app": app, "state": {}}
    await app(scope, receive, send)
    return [*said, scope["state"]]


APPS: dict[str, Callable[[Any], Any]] = {
    "fastapi": lambda lifespan: FastAPI(lifespan=lifespan),
    "starlette": lambda lifespan: Starlette(lifespan=lifespan),
    "litestar": lambda lifespan: Litestar(lifespan=[lifespan]),
}


@pytest.mark.slow
@pytest.mark.parametrize("framework", APPS)
def test_it_migrates_before_the_application_begins(
    database: Database, folder: Path, framework: str
) -> None:
    """The application's own lifespan finds the schema, and is ended with it."""
    seen: list[object] = []

    @asynccontextmanager
    async def own(app: object) -> AsyncIterator[dict[str, object]]:
        seen.extend([app, database.tables()])
        yield {"mine": 7}
        seen.append("ended")

    app = APPS[framework](sqlx.lifespan(database.url, folder, inner=own))
    *said, state = asyncio.run(lived(app))
    assert [message["type"] for message in said] == [
        "lifespan.startup.complete",
        "lifespan.shutdown.complete",
    ]
    assert seen == [app, ["a"], "ended"]
    assert state == ({} if framework == "litestar" else {"mine": 7})


@pytest.mark.parametrize("framework", APPS)
def test_without_a_lifespan_of_its_own(
    on_sqlite: Database, folder: Path, framework: str
) -> None:
    """And a second start has nothing to do."""
    migrator = sqlx.AsyncMigrator(folder)
    for _ in range(2):
        app = APPS[framework](sqlx.lifespan(on_sqlite.url, migrator))
        *said, _ = asyncio.run(lived(app))
        assert said[0] == {"type": "lifespan.startup.complete"}
    assert on_sqlite.versions() == [(1, True)]


@pytest.mark.parametrize("framework", ["fastapi", "starlette"])
def test_a_failure_stops_the_start_in_few_words(
    on_sqlite: Database, write: Write, folder: Path, framework: str
) -> None:
    """The framework's frame, ours, and the message; nothing of the driver's."""
    write("2_b.sql", "SELECT 1;\nINSERT INTO b VALUES (1);")
    began: list[object] = []

    @asynccontextmanager
    async def own(app: object) -> AsyncIterator[None]:
        began.append(app)
        yield

    app = APPS[framework](sqlx.lifespan(on_sqlite.url, folder, inner=own))
    said: list[Message] = []

    async def send(message: Message) -> None:
        said.append(message)

    async def receive() -> Message:
        return {"type": "lifespan.startup"}

    with pytest.raises(sqlx.ExecuteMigration):
        asyncio.run(app({"type": "lifespan", "app": app, "state": {}}, receive, send))
    (failed,) = said
    assert failed["type"] == "lifespan.startup.failed"
    assert failed["message"].count('  File "') == 2
    _, _, words = failed["message"].partition("sqlx.errors.ExecuteMigration: ")
    assert words == (
        f"{folder}/2_b.sql:2:1: while executing migration 2: no such table: b [code 1]"
        "\n  INSERT INTO b VALUES (1);\n  ^\n"
        "state: rolled back, nothing of this migration is applied; mend it and run "
        "again\n"
    )
    assert began == []


def test_an_error_of_the_application_s_is_its_own(
    on_sqlite: Database, folder: Path
) -> None:
    """It reaches the lifespan that is wrapped, and comes out of it."""
    ended: list[BaseException] = []

    @asynccontextmanager
    async def own(_: object) -> AsyncIterator[None]:
        try:
            yield
        except ZeroDivisionError as error:
            ended.append(error)
            raise

    async def failing() -> None:
        async with sqlx.lifespan(on_sqlite.url, folder, inner=own)(None):
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        asyncio.run(failing())
    assert len(ended) == 1


def test_it_may_wait_for_who_migrates(on_sqlite: Database, folder: Path) -> None:
    """And then the time that is up is what stops the start."""
    waits = sqlx.lifespan(on_sqlite.url, folder, wait_seconds=0)

    async def start() -> None:
        async with waits(None):
            pass

    sqlx.Migrator({}).run(on_sqlite.url)
    with pytest.raises(sqlx.StillPending):
        asyncio.run(start())
    sqlx.Migrator(folder).run(on_sqlite.url)
    asyncio.run(start())


@pytest.mark.slow
def test_the_example_of_asyncmy_s_runs(
    on_mysql: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The page that has it is run on PostgreSQL."""
    text = PAGE.read_text(encoding="utf-8")
    found = re.search(r"```python with_asyncmy\.py\n(.*?)```", text, re.DOTALL)
    assert found is not None
    monkeypatch.setenv("DATABASE_URL", on_mysql.url)
    command = [sys.executable, "-W", "error", "-c", found[1]]
    done = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.stderr) == ("Applied notes\n", "")
