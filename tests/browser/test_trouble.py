"""The page while the service, its database or the network is not there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from service import PATIENCE_SECONDS, connect

if TYPE_CHECKING:
    from browser.live import Live, Tab

pytestmark = pytest.mark.slow


def test_the_page_says_that_the_database_is_away_and_comes_back_by_itself(
    live: Live, tab: Tab
) -> None:
    """The figures stay under a notice with the reason; later the notice goes."""
    page = tab.open()
    tab.enter(live.ada)
    name = conninfo_to_dict(live.database)["dbname"]
    notice = page.locator("#notice")
    with connect(make_conninfo(live.database, dbname="postgres")) as admin:
        admin.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false".encode())
        try:
            admin.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
                " WHERE datname = %s",
                (name,),
            )
            page.get_by_role("button", name="Refresh").click()
            notice.get_by_text("The database does not answer.").wait_for()
            notice.get_by_text("Trying again in").wait_for()
            assert page.locator("#board").is_visible()
        finally:
            admin.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true".encode())
    notice.wait_for(state="hidden", timeout=PATIENCE_SECONDS * 1000)
    assert page.locator("#board").is_visible()


def test_the_page_says_that_it_is_offline_and_comes_back_with_the_network(
    live: Live, tab: Tab
) -> None:
    """A key pasted meanwhile is tried again as soon as there is a network."""
    tab.page.clock.install()
    page = tab.open()
    tab.stop_clock()
    tab.context.set_offline(offline=True)
    page.get_by_label("API key", exact=True).fill(live.ada)
    page.get_by_role("button", name="Show usage").click()
    notice = page.locator("#notice")
    notice.get_by_text("The service cannot be reached.").wait_for()
    assert not page.locator("#board").is_visible()
    tab.context.set_offline(offline=False)
    page.locator("#board").wait_for()
    assert not notice.is_visible()


def test_a_try_can_be_made_at_once(live: Live, tab: Tab) -> None:
    """Whoever does not want to wait presses the button."""
    tab.page.clock.install()
    page = tab.open()
    tab.stop_clock()
    page.route("**/v1/usage?*", lambda route: route.abort())
    page.get_by_label("API key", exact=True).fill(live.ada)
    page.get_by_role("button", name="Show usage").click()
    page.locator("#notice").wait_for()
    page.unroute("**/v1/usage?*")
    page.get_by_role("button", name="Try now").click()
    page.locator("#board").wait_for()
    assert not page.locator("#notice").is_visible()
