"""What the tests of the pages hold: a running service, and a tab of the browser."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from service import connect

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import BrowserContext, ConsoleMessage, Page

__all__ = ["Live", "Tab"]


@dataclass(frozen=True, slots=True)
class Live:
    """A running service on a database of its own.

    Args:
        address: Where it answers.
        database: The URL of its database.
        command: Runs `smally` with words, and gives what it printed.
        ada: The key "laptop" of ada@example.com, who has a history.
    """

    address: str
    database: str
    command: Callable[..., str]
    ada: str

    def new_key(self, email: str, name: str = "laptop") -> str:
        """Make a user, who may be there already, and a key."""
        self.command("user", "add", email)
        return self.command("key", "add", email, "--name", name)

    def sql(self, statement: str, *values: object) -> list[tuple[object, ...]]:
        """Ask the database itself."""
        with connect(self.database) as connection:
            return connection.execute(statement.encode(), values).fetchall()


@dataclass(slots=True)
class Tab:
    """A tab of the browser that remembers what the page did.

    Args:
        context: Its profile, empty at first.
        page: What is shown.
        address: The only origin that may be asked.
        asked: The addresses asked for.
        complaints: What the console and the page's scripts complained of.
    """

    context: BrowserContext
    page: Page
    address: str
    asked: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def watch(self) -> None:
        """Remember from now on."""
        self.page.on("request", lambda request: self.asked.append(request.url))
        # A bound method would be given a mark, for which a slotted class has no room.
        self.page.on("console", lambda message: self._heard(message))  # noqa: PLW0108
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def _heard(self, message: ConsoleMessage) -> None:
        # The browser itself tells a refused or broken request, which tests ask for.
        expected = message.text.startswith("Failed to load resource: ")
        if message.type in {"error", "warning"} and not expected:
            self.complaints.append(message.text)

    def open(self, path: str = "/") -> Page:
        """Go to a page."""
        self.page.goto(f"{self.address}{path}")
        return self.page

    def enter(self, key: str) -> dict[str, Any]:
        """Paste a key and see the board; give the usage that the page was told."""
        with self.page.expect_response("**/v1/usage?*") as told:
            self.page.get_by_label("API key", exact=True).fill(key)
            self.page.get_by_role("button", name="Show usage").click()
        self.settled()
        self.page.locator("#board").wait_for()
        usage: dict[str, Any] = told.value.json()
        return usage

    def stop_clock(self) -> None:
        """Let no timer of the page run from now on: it does nothing by itself."""
        self.page.clock.pause_at(datetime.now(UTC) + timedelta(minutes=1))

    def settled(self) -> None:
        """Wait until nothing is being asked."""
        self.page.locator("main[aria-busy=false]").wait_for()
