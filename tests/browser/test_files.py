"""The files of the pages, as they are served."""

from __future__ import annotations

from http.client import HTTPConnection
from typing import TYPE_CHECKING

import pytest
from service import ask, get

if TYPE_CHECKING:
    from browser.live import Live

pytestmark = pytest.mark.slow

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src {images}; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
FILES = {
    "/": "text/html; charset=utf-8",
    "/page/app.js": "text/javascript; charset=utf-8",
    "/page/style.css": "text/css; charset=utf-8",
    "/page/favicon.svg": "image/svg+xml",
    "/schema": "text/html; charset=utf-8",
    "/schema/swagger/swagger-ui-bundle.js": "text/javascript; charset=utf-8",
    "/schema/swagger/swagger-ui.css": "text/css; charset=utf-8",
}


STRICT = {
    "cache-control": "no-cache",
    "content-security-policy": "",
    "content-type": "",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}


@pytest.mark.parametrize("path", FILES)
def test_a_file_comes_under_strict_headers(live: Live, path: str) -> None:
    """Its kind is told and not guessed, and it may load from its own origin only."""
    status, headers, content = get(live.address, path)
    assert status == 200
    assert content
    images = "'self' data:" if path.startswith("/schema") else "'self'"
    assert {name: headers[name] for name in sorted(STRICT)} == STRICT | {
        "content-security-policy": POLICY.format(images=images),
        "content-type": FILES[path],
    }


def test_a_browser_that_has_the_file_is_answered_304(live: Live) -> None:
    """By its hash, also when a proxy that compresses has marked the tag as weak."""
    _, headers, _ = get(live.address, "/page/app.js")
    tag = headers["etag"]
    for known in (tag, f'"other", W/{tag}'):
        status, again, content = ask(
            live.address, "GET", "/page/app.js", headers={"If-None-Match": known}
        )
        assert (status, again["etag"], content) == (304, tag, b"")
    other = {"If-None-Match": '"other"'}
    assert ask(live.address, "GET", "/page/app.js", headers=other)[0] == 200


@pytest.mark.parametrize(
    "path",
    [
        "/page/nothing.js",
        "/page/..%2F..%2Fapp.py",
        "/page/../app.py",
        "/schema/swagger/swagger-ui.js",
    ],
)
def test_another_file_is_not_there(live: Live, path: str) -> None:
    """Only what is named is served, wherever a path may point."""
    connection = HTTPConnection(live.address.removeprefix("http://"), timeout=10)
    connection.request("GET", path)
    answer = connection.getresponse()
    answer.read()
    connection.close()
    assert answer.status == 404
