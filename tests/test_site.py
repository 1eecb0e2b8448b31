"""What the site is built from, and what it may not load."""

from __future__ import annotations

import runpy
import textwrap
from pathlib import Path
from types import SimpleNamespace

import pytest

SCRIPTS = Path(__file__).parent.parent / "scripts"


@pytest.mark.parametrize(
    ("name", "text", "fault"),
    [
        ("a.html", '<script src="https://cdn.example/x.js"></script>', "another host"),
        (
            "a.html",
            '<link rel="stylesheet" href="//cdn.example/x.css">',
            "another host",
        ),
        ("a.html", '<img src="a.png" srcset="a.png 1x, gone.png 2x">', "not there"),
        (
            "a.html",
            "<p style=\"background: url('https://x.example/y')\">",
            "another host",
        ),
        ("b/a.html", '<img src="a.png">', "not there"),
        ("a.html", "<p>```console\n$ sqlx</p>", "a block was not understood"),
        ("a.css", "@import 'https://fonts.example/css';", "another host"),
        ("a.css", "@font-face { src: url(gone.woff2) }", "not there"),
    ],
)
def test_what_leads_outside_is_a_fault(
    tmp_path: Path, name: str, text: str, fault: str
) -> None:
    """Scripts, styles, fonts and images of other hosts, and such as are missing."""
    (tmp_path / "b").mkdir()
    (tmp_path / "a.png").touch()
    (tmp_path / name).write_text(text, encoding="utf-8")
    (found,) = runpy.run_path(str(SCRIPTS / "site"))["faults"](tmp_path)
    assert found.startswith(f"{name}: ")
    assert fault in found


def test_what_is_there_and_what_a_reader_follows_is_no_fault(tmp_path: Path) -> None:
    """Files beside the page, below the root, inside the page; links to anywhere."""
    (tmp_path / "b").mkdir()
    (tmp_path / "a.png").touch()
    (tmp_path / "b/a.html").write_text(
        '<a href="https://example.org/">there</a>'
        '<img src="../a.png?1"><img src="/a.png"><img src="data:image/png;base64,x">'
        '<use href="#icon"><code>a ` b</code>',
        encoding="utf-8",
    )
    (tmp_path / "a.css").write_text("a { background: url(a.png) }", encoding="utf-8")
    assert list(runpy.run_path(str(SCRIPTS / "site"))["faults"](tmp_path)) == []


def test_a_page_is_put_into_the_site_s_words() -> None:
    """Paths become titles, commands that fail look like others, links stay inside."""
    page = """\
    See [errors](../reference/errors.md#dirty), [README](../../README.md#x).

    - first:

        ```sql migrations/1_users.sql
        SELECT 1;
        ```

    ```console server
    $? sqlx check
    wrong
    ```

    ```python
    pass
    ```
    """
    expected = """\
    See [errors](../reference/errors.md#dirty), README.

    - first:

        ``` sql title="migrations/1_users.sql"
        SELECT 1;
        ```

    ``` console title="on the server"
    $ sqlx check
    wrong
    ```

    ``` python
    pass
    ```
    """
    translate = runpy.run_path(str(SCRIPTS / "site_pages.py"))["on_page_markdown"]
    here = SimpleNamespace(file=SimpleNamespace(src_uri="guide/a.md"))
    found = translate(textwrap.dedent(page), page=here, config=None, files=None)
    assert found == textwrap.dedent(expected)
