"""The API's description and the page that shows it, in a real browser."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from service import get

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from browser.live import Live, Tab

pytestmark = pytest.mark.slow

OPERATIONS = {
    "GET /v1/usage",
    "GET /v1/keys",
    "POST /v1/keys",
    "DELETE /v1/keys/{key_id}",
    "POST /v1/embed",
    "GET /v1/users",
    "POST /v1/users",
    "PATCH /v1/users/{user_id}",
}


def test_the_description_names_every_route_and_the_key(live: Live) -> None:
    """It is OpenAPI 3.1, and what needs a key says so."""
    status, headers, schema = get(live.address, "/schema/openapi.json")
    assert status == 200
    assert headers["content-type"].startswith("application/vnd.oai.openapi+json")
    assert schema["openapi"] == "3.1.0"
    assert schema["info"]["title"] == "smally"
    key = schema["components"]["securitySchemes"]["key"]
    assert (key["type"], key["scheme"]) == ("http", "bearer")
    secured = {
        f"{method.upper()} {path}"
        for path, methods in schema["paths"].items()
        for method, operation in methods.items()
        if operation.get("security") == [{"key": []}]
    }
    assert secured == OPERATIONS
    assert "/" not in schema["paths"]


@pytest.mark.parametrize("width", [360, 1440])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_lists_the_operations(
    new_tab: Callable[..., Tab], tmp_path: Path, scheme: str, width: int
) -> None:
    """Each can be opened; nothing is too wide; the screenshots are kept."""
    tab = new_tab(color_scheme=scheme, viewport={"width": width, "height": 900})
    page = tab.open("/schema")
    page.locator(".opblock").first.wait_for()
    listed = page.locator(".opblock-summary").evaluate_all(
        """all => all.map(each => {
            const method = each.querySelector(".opblock-summary-method").textContent;
            return `${method} ${each.querySelector("[data-path]").dataset.path}`;
        })"""
    )
    assert set(listed) >= OPERATIONS
    page.screenshot(path=tmp_path / "list.png", full_page=True)
    page.locator(".opblock-post .opblock-summary-control").first.click()
    page.get_by_text("Request body").first.wait_for()
    page.screenshot(path=tmp_path / "open.png", full_page=True)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_request_can_be_tried_with_a_key(live: Live, tab: Tab) -> None:
    """Authorize, try it out, execute: the service answers, and only it is asked."""
    page = tab.open("/schema")
    page.get_by_role("button", name="Authorize").first.click()
    dialog = page.locator(".modal-ux")
    dialog.locator("input").fill(live.ada)
    dialog.get_by_role("button", name="Apply credentials").or_(
        dialog.locator("button.authorize")
    ).first.click()
    dialog.get_by_role("button", name="Close").first.click()
    operation = (
        page.locator("#operations-default-V1KeysListKeys")
        .or_(page.locator(".opblock-get", has_text="/v1/keys"))
        .first
    )
    operation.locator(".opblock-summary-control").click()
    operation.get_by_role("button", name="Try it out").click()
    with page.expect_response("**/v1/keys*") as told:
        operation.get_by_role("button", name="Execute").click()
    assert told.value.status == 200
    assert [key["name"] for key in told.value.json()["keys"]] == ["laptop", "ci"]
    assert page.evaluate("localStorage.length") == 0
