"""What the tests of the pages share: a service with a history, and a browser."""

from __future__ import annotations

import os
import shutil
import signal
from functools import partial
from typing import TYPE_CHECKING, Any, NoReturn

import pytest
from browser.live import Live, Tab
from service import Smally, ask, smally

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from playwright.sync_api import Browser

    from sqlx.testing import DatabaseFactory

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
# Days ago, key, texts: far enough from the edges of 7, 30 and 90 days that a midnight
# between writing and reading changes no sum.
HISTORY = (
    (1, "laptop", 120),
    (1, "ci", 60),
    (1, "ci", 60),
    (3, "laptop", 480),
    (10, "ci", 30),
    (20, "laptop", 10),
    (40, "ci", 300),
    (80, "laptop", 1000),
)


@pytest.fixture(scope="session")
def live(
    db_factory: DatabaseFactory, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Live]:
    """Serve, with a user who has two keys and a history."""
    url, place = db_factory.create(), tmp_path_factory.mktemp("live")
    service = Smally(place, {"DATABASE_URL": url})
    try:
        address = service.serving()
        command = partial(run, place, url)
        command("user", "add", "ada@example.com")
        laptop = command("key", "add", "ada@example.com", "--name", "laptop")
        command("key", "add", "ada@example.com", "--name", "ci")
        running = Live(address, url, command, laptop)
        remember(running)
        yield running
        assert service.end(signal.SIGTERM) == 0
    finally:
        service.process.kill()
        service.process.wait()


def run(place: Path, url: str, *words: str) -> str:
    """Run a command of smally's, which has to succeed but for a user who is there."""
    done = smally(place, *words, DATABASE_URL=url)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def remember(running: Live) -> None:
    """Write the history of earlier days, and make that of today as a client does."""
    for number, (days_ago, name, size) in enumerate(HISTORY):
        running.sql(
            """
            INSERT INTO usage
                (user_id, key_id, request_id, request_hash, texts, counted_at)
            SELECT user_id, id, 'history-' || %s, sha256(''), %s,
                now() - make_interval(days => %s)
            FROM api_keys WHERE name = %s
            RETURNING 1
            """,
            number,
            size,
            days_ago,
            name,
        )
    for texts in (["one", "two", "three"], "four"):
        status, _, _ = ask(
            running.address, "POST", "/v1/embed", {"input": texts}, key=running.ada
        )
        assert status == 200


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """Start the browser; without it there is nothing to test, which CI has to mend.

    Not for the whole session: Playwright's event loop runs as long, and tests of other
    modules run loops of their own.
    """
    program = shutil.which("chromium")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        missing("playwright (scripts/setup browser)")
    if program is None:
        missing("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=list(FLAGS))
        yield browser
        browser.close()


def missing(what: str) -> NoReturn:
    """Skip, or fail where everything has to be there."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"{what} is missing")
    pytest.skip(f"needs {what}")


@pytest.fixture
def new_tab(chromium: Browser, live: Live) -> Iterator[Callable[..., Tab]]:
    """Open tabs; each has to have asked our own origin only, and complained of nothing.

    Options go to the browser: the colour scheme, the size of the window.
    """
    tabs: list[Tab] = []

    def open_one(**options: Any) -> Tab:
        context = chromium.new_context(reduced_motion="reduce", **options)
        context.set_default_timeout(20_000)
        tab = Tab(context, context.new_page(), live.address)
        tab.watch()
        tabs.append(tab)
        return tab

    yield open_one
    for tab in tabs:
        tab.context.close()
    asked = [url for tab in tabs for url in tab.asked]
    ours = (f"{live.address}/", "data:")
    assert [url for url in asked if not url.startswith(ours)] == []
    assert [complaint for tab in tabs for complaint in tab.complaints] == []


@pytest.fixture
def tab(new_tab: Callable[..., Tab]) -> Tab:
    """Open one tab, as wide as a laptop's."""
    return new_tab(viewport={"width": 1440, "height": 900})
