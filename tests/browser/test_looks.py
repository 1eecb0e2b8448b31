"""How the page looks, and how it is used without a mouse or without eyes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from browser.live import Live, Tab
    from playwright.sync_api import Locator, Page

pytestmark = pytest.mark.slow

LOOKS = Path(__file__).with_name("looks.js").read_text()
FAULTLESS: dict[str, list[str]] = {
    "overlaps": [],
    "overflows": [],
    "contrasts": [],
    "unnamed": [],
    "small": [],
}
FOCUSED = "document.activeElement.id || document.activeElement.textContent.trim()"


@pytest.fixture(scope="module")
def busy(live: Live) -> str:
    """Make a user with more keys than there are colours, long names, and 90 days."""
    email = "a.long.address.of.somebody@department.of.analytical.engines.example.com"
    names = ["search backend, production (eu-central-1)", "x" * 100]
    names += [f"worker {number}" for number in range(6)]
    live.command("user", "add", email, "--tier", "free")
    keys = [live.command("key", "add", email, "--name", name) for name in names]
    live.sql(
        """
        INSERT INTO usage
            (user_id, key_id, request_id, request_hash, texts, counted_at)
        SELECT user_id, id, 'busy-' || id || '-' || days, sha256(''),
            1 + (id * 37 + days * 53) %% 110, now() - make_interval(days => days)
        FROM api_keys
        CROSS JOIN generate_series(0, 85) days
        WHERE user_id = (SELECT id FROM users WHERE email = %s)
            AND (id + days) %% 3 > 0
        RETURNING 1
        """,
        email,
    )
    (revoked,) = live.sql("SELECT id FROM api_keys WHERE name = %s", names[0])[0]
    live.command("key", "revoke", str(revoked))
    return keys[2]


@pytest.mark.parametrize("width", [360, 768, 1440])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_lies_on_or_sticks_out_of_another(
    new_tab: Callable[..., Tab], busy: str, tmp_path: Path, scheme: str, width: int
) -> None:
    """In both schemes and every width all can be read; the screenshots are kept."""
    size = {"width": width, "height": 900}
    tab = new_tab(color_scheme=scheme, viewport=size)

    def look(name: str) -> None:
        tab.page.screenshot(path=tmp_path / f"{name}.png", full_page=True)
        assert tab.page.evaluate(LOOKS) == FAULTLESS, name

    page = tab.open()
    look("start")
    page.get_by_label("API key", exact=True).press("Enter")
    look("refused")
    tab.enter(busy)
    look("board")
    page.get_by_label("90 days").check()
    page.locator(".day").nth(89).wait_for()
    page.locator(".day").last.focus()
    look("90 days")
    tip, chart = (page.locator(name).bounding_box() for name in (".tip", "#chart"))
    assert tip is not None
    assert chart is not None
    assert chart["x"] <= tip["x"]
    assert tip["x"] + tip["width"] <= chart["x"] + chart["width"] + 1
    page.route("**/v1/usage?*", lambda route: route.abort())
    page.get_by_role("button", name="Refresh").click()
    page.locator("#notice").wait_for()
    look("notice")
    assert {path.stem for path in tmp_path.glob("*.png")} == {
        "start",
        "refused",
        "board",
        "90 days",
        "notice",
    }


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_colours_follow_the_system(
    new_tab: Callable[..., Tab], scheme: str
) -> None:
    """The page is bright or dark as the system is."""
    page = new_tab(color_scheme=scheme).open()
    ground = page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
    assert ground == {"light": "rgb(246, 247, 249)", "dark": "rgb(15, 18, 23)"}[scheme]


def test_no_motion_for_whoever_wants_none(live: Live, tab: Tab) -> None:
    """The meters do not slide."""
    page = tab.open()
    tab.enter(live.ada)
    moving = "getComputedStyle(document.querySelector('.fill')).transitionProperty"
    assert page.evaluate(moving) == "none"


def test_the_keyboard_is_enough(live: Live, tab: Tab) -> None:
    """From the first Tab to a day's figures, with the focus in sight at each stop."""
    page = tab.open()
    stops = walk(page, 4)
    assert stops == ["Skip to the content", "smally", "API reference", "key"]
    page.keyboard.insert_text(live.ada)
    page.keyboard.press("Enter")
    page.locator("#board").wait_for()
    assert page.evaluate(FOCUSED) == "email"
    assert walk(page, 2) == ["refresh", "forget"]
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowLeft")
    page.get_by_text("724 texts in 6 requests, stacked by key").first.wait_for()
    assert page.locator(".day").count() == 7
    page.keyboard.press("Tab")
    assert day_in_focus(page).endswith(": 4 texts, 2 requests")
    page.keyboard.press("ArrowLeft")
    assert day_in_focus(page).endswith(": 240 texts, 3 requests")
    tip = page.locator(".tip")
    title = day_in_focus(page).split(":")[0]
    figures = "texts requests laptop 120 1 ci 120 2 All 240 3"
    assert text(tip) == f"{title} {figures}"
    page.keyboard.press("Escape")
    assert not tip.is_visible()
    page.keyboard.press("Home")
    assert day_in_focus(page).endswith(": 0 texts, 0 requests")
    page.keyboard.press("End")
    page.keyboard.press("ArrowRight")
    assert day_in_focus(page).endswith(": 4 texts, 2 requests")
    assert walk(page, 1) == ["The same figures as a table"]
    page.keyboard.press("Enter")
    page.locator("#figures-rows").wait_for()


def walk(page: Page, times: int) -> list[str]:
    """Press Tab and give where it stops; each stop has to be seen."""
    stops = []
    for _ in range(times):
        page.keyboard.press("Tab")
        outline = page.evaluate(
            """(({ activeElement: at }) =>
                getComputedStyle(at.matches('.field input') ? at.parentElement : at)
            )(document).outlineStyle"""
        )
        assert outline == "solid"
        stops.append(str(page.evaluate(FOCUSED)))
    return stops


def text(found: Locator) -> str:
    """Give what can be read there, in one line."""
    return " ".join(found.inner_text().split())


def day_in_focus(page: Page) -> str:
    """Give what a screen reader says of the day with the focus."""
    label = page.locator(".day:focus").get_attribute("aria-label")
    assert label is not None
    return label


def test_a_day_under_the_pointer_tells_its_figures(live: Live, tab: Tab) -> None:
    """The tip comes with the pointer and goes with it."""
    page = tab.open()
    tab.enter(live.ada)
    tip = page.locator(".tip")
    page.locator(".day").nth(-4).hover()
    assert text(tip).endswith(" texts requests laptop 480 1")
    page.mouse.move(1, 1)
    tip.wait_for(state="hidden")


def test_a_redrawn_chart_keeps_the_focus_on_its_day(live: Live, tab: Tab) -> None:
    """Another width, or newer figures, do not throw a keyboard's user out."""
    page = tab.open()
    tab.enter(live.ada)
    page.locator(".day").last.focus()
    page.keyboard.press("ArrowLeft")
    width = page.locator("#chart svg").get_attribute("width")
    page.set_viewport_size({"width": 800, "height": 900})
    page.locator(f"#chart svg:not([width='{width}'])").wait_for()
    assert day_in_focus(page).endswith(": 240 texts, 3 requests")
