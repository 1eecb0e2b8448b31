"""The page at `/` in a real browser, on a real service."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from service import ask

if TYPE_CHECKING:
    from browser.live import Live, Tab
    from playwright.sync_api import Page

pytestmark = pytest.mark.slow

REFUSED = "The API key is missing, malformed, unknown or revoked."
UNKNOWN = "smk_" + "a" * 49
LAPTOP_30, CI_30 = 120 + 480 + 10 + 4, 120 + 30
STORED = "[localStorage.length, sessionStorage.length, document.cookie, location.href]"


def text(page: Page, selector: str) -> str:
    """Give what can be read there, in one line."""
    return " ".join(page.locator(selector).inner_text().split())


def days(page: Page) -> list[str]:
    """Give what a screen reader says of each day that has figures."""
    labels = page.locator(".day").evaluate_all(
        "days => days.map(day => day.getAttribute('aria-label'))"
    )
    said = [label.split(": ")[1] for label in labels]
    return [label for label in said if not label.startswith("0 texts")]


def test_a_key_shows_limits_usage_and_keys(live: Live, tab: Tab) -> None:
    """The meters say what the service said, and the chart's days what was counted."""
    page = tab.open()
    usage = tab.enter(live.ada)
    requests, texts = usage["used"].values()
    assert page.title() == "ada@example.com · smally"
    assert text(page, "#email") == "ada@example.com"
    assert text(page, "#tier") == "free"
    assert text(page, "#meter-requests .figure") == f"{requests} of 60"
    assert text(page, "#meter-texts .figure") == f"{texts} of 1,000"
    meter = page.get_by_role("meter", name="Texts today")
    assert meter.get_attribute("aria-valuenow") == str(texts)
    assert text(page, "#usage-total") == "764 texts in 8 requests, stacked by key"
    assert days(page) == [
        "10 texts, 1 request",
        "30 texts, 1 request",
        "480 texts, 1 request",
        "240 texts, 3 requests",
        "4 texts, 2 requests",
    ]
    legend = [re.sub(r" smk_.{8}$", "", name) for name in rows(page, "#legend li")]
    assert legend == ["laptop", "ci"]
    keys = rows(page, "#keys tr")
    assert [name.split(" smk_")[0] for name in keys] == ["laptop this key", "ci"]
    assert "active" in keys[0]
    assert keys[1].endswith("never")


def rows(page: Page, selector: str) -> list[str]:
    """Give what stands in each of several."""
    return [
        " ".join(found.split()) for found in page.locator(selector).all_inner_texts()
    ]


def test_bars_are_as_high_as_their_figures(live: Live, tab: Tab) -> None:
    """Heights are to scale within a panel, and a day's parts stand on each other."""
    page = tab.open()
    tab.enter(live.ada)
    days_with_bars = page.locator(".day:has(.bar)").evaluate_all(
        """days => days.map(day => [...day.querySelectorAll('.bar')].map(bar =>
            [bar.getAttribute('class'), bar.y.baseVal.value, bar.height.baseVal.value]
        ))"""
    )
    *_, three_days_ago, yesterday, _today = days_with_bars
    (_, _, of_480), _requests = three_days_ago
    laptop, ci, one_request, two_requests = yesterday
    assert [bar[0] for bar in yesterday] == ["bar colour-1", "bar colour-2"] * 2
    assert laptop[2] == pytest.approx(of_480 / 4)
    assert ci[2] == pytest.approx(laptop[2])
    assert ci[1] + ci[2] == pytest.approx(laptop[1])
    assert two_requests[2] == pytest.approx(2 * one_request[2])


def test_the_figures_stand_in_a_table_too(live: Live, tab: Tab) -> None:
    """Opened, it lists days and keys, newest first, with the sums below."""
    page = tab.open()
    tab.enter(live.ada)
    page.get_by_text("The same figures as a table").click()
    listed = [row.split(" ", 2)[2] for row in rows(page, "#figures-rows tr")]
    figures = [re.sub(r"smk_.{8} ", "", row) for row in listed]
    assert figures == [
        "laptop 4 2",
        "laptop 120 1",
        "ci 120 2",
        "laptop 480 1",
        "ci 30 1",
        "laptop 10 1",
    ]
    assert text(page, "#figures-total") == "Total 764 8"


@pytest.mark.parametrize(
    ("choice", "columns", "total"),
    [
        ("7 days", 7, "724 texts in 6 requests, stacked by key"),
        ("90 days", 90, "2,064 texts in 10 requests, stacked by key"),
    ],
)
def test_the_days_shown_can_be_chosen(
    live: Live, tab: Tab, choice: str, columns: int, total: str
) -> None:
    """Another range is asked for and drawn."""
    page = tab.open()
    tab.enter(live.ada)
    assert page.locator(".day").count() == 30
    page.get_by_label(choice).check()
    page.get_by_text(total, exact=True).first.wait_for()
    assert page.locator(".day").count() == columns


@pytest.mark.parametrize(
    ("key", "message"),
    [
        (UNKNOWN, REFUSED),
        ("smk_ключ", REFUSED),
        ("two words", REFUSED),
        ("  ", "Paste a key first."),
    ],
)
def test_a_wrong_key_is_told_beside_the_field(tab: Tab, key: str, message: str) -> None:
    """The service's words stand there, the field has the focus and says it is wrong."""
    page = tab.open()
    field = page.get_by_label("API key", exact=True)
    field.fill(key)
    field.press("Enter")
    page.locator("#key-error").get_by_text(message, exact=True).wait_for()
    assert field.get_attribute("aria-invalid") == "true"
    assert "key-error" in (field.get_attribute("aria-describedby") or "")
    assert page.evaluate("document.activeElement.id") == "key"
    assert not page.locator("#board").is_visible()
    assert page.evaluate(STORED) == [0, 0, "", f"{tab.address}/"]


def test_a_key_that_is_revoked_meanwhile_ends_the_board(live: Live, tab: Tab) -> None:
    """The next reading is refused: the figures go, and the reason stands there."""
    key = live.new_key("grace@example.com")
    page = tab.open()
    page.get_by_label("Keep it until this tab is closed").check()
    tab.enter(key)
    _, _, listed = ask(live.address, "GET", "/v1/keys", key=key)
    number = listed["keys"][0]["id"]
    assert ask(live.address, "DELETE", f"/v1/keys/{number}", key=key)[0] == 204
    page.get_by_role("button", name="Refresh").click()
    page.locator("#key-error").get_by_text(REFUSED, exact=True).wait_for()
    assert not page.locator("#board").is_visible()
    assert page.title() == "smally"
    assert page.evaluate(STORED) == [0, 0, "", f"{tab.address}/"]


def test_a_reload_forgets_the_key(live: Live, tab: Tab) -> None:
    """It is kept nowhere, and the field is empty again."""
    page = tab.open()
    tab.enter(live.ada)
    assert page.evaluate(STORED) == [0, 0, "", f"{tab.address}/"]
    page.reload()
    page.locator("#start").wait_for()
    assert page.get_by_label("API key", exact=True).input_value() == ""
    assert not page.locator("#board").is_visible()


def test_a_key_is_kept_for_the_tab_when_asked(live: Live, tab: Tab) -> None:
    """Then a reload shows the board again, until the key is forgotten."""
    page = tab.open()
    page.get_by_label("Keep it until this tab is closed").check()
    tab.enter(live.ada)
    assert page.evaluate(STORED) == [0, 1, "", f"{tab.address}/"]
    page.reload()
    page.get_by_role("heading", name="ada@example.com").wait_for()
    page.get_by_role("button", name="Forget key").click()
    page.locator("#start").wait_for()
    assert page.evaluate(STORED) == [0, 0, "", f"{tab.address}/"]
    page.reload()
    page.locator("#start").wait_for()
    assert not page.locator("#board").is_visible()


def test_the_key_is_in_no_address(live: Live, tab: Tab) -> None:
    """Nothing that was asked for carries it, nor does a part of the page show it."""
    page = tab.open()
    tab.enter(live.ada)
    assert any("/v1/usage?from=" in url for url in tab.asked)
    assert not [url for url in tab.asked if live.ada in url]
    assert live.ada not in page.content()


def test_the_key_can_be_looked_at_before_it_is_sent(tab: Tab) -> None:
    """The field hides it; the button shows it and says so."""
    page = tab.open()
    field, button = page.locator("#key"), page.locator("#key-show")
    assert field.get_attribute("autocomplete") == "off"
    assert (field.get_attribute("type"), button.inner_text()) == ("password", "Show")
    button.click()
    assert (field.get_attribute("type"), button.inner_text()) == ("text", "Hide")
    assert button.get_attribute("aria-pressed") == "true"


def test_an_owner_without_usage_sees_how_to_begin(live: Live, tab: Tab) -> None:
    """There is no empty chart, but the command that fills it."""
    page = tab.open()
    tab.enter(live.new_key("edsger@example.com"))
    assert text(page, "#meter-texts .figure") == "0 of 1,000"
    assert f"curl {tab.address}/v1/embed" in text(page, "#usage-empty")
    assert not page.locator("#chart").is_visible()
    assert rows(page, "#keys tr")[0].startswith("laptop this key smk_")


def test_what_another_client_does_shows_at_the_next_reading(
    live: Live, tab: Tab
) -> None:
    """The first embedding makes the chart appear."""
    key = live.new_key("barbara@example.com")
    page = tab.open()
    tab.enter(key)
    ask(live.address, "POST", "/v1/embed", {"input": ["a", "b"]}, key=key)
    page.get_by_role("button", name="Refresh").click()
    page.get_by_text("2 texts in 1 request, stacked by key").first.wait_for()
    assert text(page, "#meter-texts .figure") == "2 of 1,000"
    assert days(page) == ["2 texts, 1 request"]


def test_the_figures_are_read_again_now_and_then(live: Live, tab: Tab) -> None:
    """Half a minute later the page asks by itself, and shows what is new."""
    key = live.new_key("donald@example.com")
    tab.page.clock.install()
    page = tab.open()
    tab.enter(key)
    ask(live.address, "POST", "/v1/embed", {"input": "x"}, key=key)
    page.clock.fast_forward(31_000)
    page.get_by_text("1 text in 1 request, stacked by key").first.wait_for()


def test_another_key_ends_the_keeping_of_the_first(live: Live, tab: Tab) -> None:
    """A key that is pasted without the wish to keep it leaves none behind."""
    tab.page.clock.install()
    page = tab.open()
    tab.stop_clock()
    page.route("**/v1/usage?*", lambda route: route.abort())
    page.get_by_label("Keep it until this tab is closed").check()
    page.get_by_label("API key", exact=True).fill(live.ada)
    page.get_by_role("button", name="Show usage").click()
    page.locator("#notice").wait_for()
    assert page.evaluate(STORED) == [0, 1, "", f"{tab.address}/"]
    page.unroute("**/v1/usage?*")
    page.get_by_label("Keep it until this tab is closed").uncheck()
    tab.enter(live.new_key("niklaus@example.com"))
    assert page.evaluate(STORED) == [0, 0, "", f"{tab.address}/"]


def test_a_full_meter_says_that_nothing_is_left(live: Live, tab: Tab) -> None:
    """In words, and not by its colour alone; the chart has the limit's line."""
    key = live.new_key("alan@example.com")
    for _ in range(8):
        ask(live.address, "POST", "/v1/embed", {"input": ["x"] * 125}, key=key)
    page = tab.open()
    tab.enter(key)
    assert text(page, "#meter-texts .figure") == "1,000 of 1,000"
    assert text(page, "#meter-texts .left") == "Nothing is left"
    assert page.get_by_role("meter", name="Texts today").get_attribute("class") == (
        "meter full"
    )
    assert page.locator("text.limit").text_content() == "Limit 1,000 a day"
