"""The site of the documents in a real browser, and without another host."""

from __future__ import annotations

import importlib.util
import runpy
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from browser.conftest import missing
from browser.live import Tab

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    path.relative_to(ROOT / "docs").with_suffix(".html").as_posix()
    for path in ROOT.glob("docs/**/*.md")
)
PHONE = {"color_scheme": "light", "viewport": {"width": 360, "height": 900}}
DESKTOP = {"color_scheme": "dark", "viewport": {"width": 1440, "height": 900}}
STICKS_OUT = """() => {
    const page = document.documentElement;
    return page.scrollWidth - page.clientWidth;
}"""


class Quiet(SimpleHTTPRequestHandler):
    """Serves files, and says nothing of it."""

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- its name.
        """Pass over a request."""


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Build the site, which has to be without fault, and serve it."""
    if importlib.util.find_spec("mkdocs") is None:
        missing("mkdocs (scripts/setup docs)")
    folder = tmp_path_factory.mktemp("site")
    assert runpy.run_path(str(ROOT / "scripts/site"))["main"](folder) == 0
    handler = partial(Quiet, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture
def tab(chromium: Browser, address: str, looks: dict[str, Any]) -> Iterator[Tab]:
    """Open a tab, which has to have asked the site only, and complained of nothing."""
    context = chromium.new_context(**looks)
    one = Tab(context, context.new_page(), address)
    one.watch()
    yield one
    context.close()
    assert [url for url in one.asked if not url.startswith((address, "data:"))] == []
    assert one.complaints == []


@pytest.mark.parametrize("looks", [PHONE], ids=["phone"])
def test_every_page_fits_and_asks_nobody_else(tab: Tab) -> None:
    """Wide tables and long lines scroll by themselves, not the page."""
    wide = {}
    for name in PAGES:
        page = tab.open(f"/{name}")
        page.locator("h1").first.wait_for()
        if sticks_out := page.evaluate(STICKS_OUT):
            wide[name] = sticks_out
    assert wide == {}


@pytest.mark.parametrize("looks", [DESKTOP], ids=["desktop"])
def test_what_is_copied_of_a_console_is_what_is_typed(tab: Tab) -> None:
    """Neither the prompts nor what is printed."""
    tab.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = tab.open("/guide/first-change.html")
    block = page.locator(".highlight:has(.gp)").first
    block.hover()
    block.get_by_role("button").click()
    page.get_by_text("Copied to clipboard").wait_for()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied.splitlines() == [
        "export DATABASE_URL=sqlite:notes.db?mode=rwc",
        "sqlx migrate add create_notes",
    ]


@pytest.mark.parametrize("looks", [DESKTOP], ids=["desktop"])
def test_the_search_finds_an_error_by_its_name(tab: Tab) -> None:
    """It works in the browser, on an index that came with the site."""
    with tab.page.expect_response("**/search_index.json"):
        page = tab.open("/index.html")
    page.get_by_placeholder("Search").click()
    page.get_by_placeholder("Search").press_sequentially("VersionMismatch")
    section = "a[href*='/reference/errors.html'][href$='#versionmismatch']"
    page.locator(section).first.click()
    page.get_by_role("heading", name="VersionMismatch").wait_for()
