"""Every link inside the repository leads somewhere, and every page can be reached.

`scripts/site` looks at the built site in the same way; this is the fast half of it, and
sees README and its neighbours too.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGES = sorted(path.relative_to(ROOT / "docs") for path in ROOT.glob("docs/**/*.md"))
DOCUMENTS = sorted(
    path.relative_to(ROOT).as_posix()
    for pattern in ("*.md", "docs/**/*.md", "packages/sqlx-py/**/*.md", "tests/**/*.md")
    for path in ROOT.glob(pattern)
)
BLOCK = re.compile(r"^( *)```.*?^\1```$", re.DOTALL | re.MULTILINE)
CODE = re.compile(r"(`+).+?\1", re.DOTALL)
LINK = re.compile(r"\]\(\s*<?(?![a-z]+:)([^)>\s]+)")


def links_of(text: str) -> list[str]:
    """Find what a document links to, but for other sites."""
    return LINK.findall(CODE.sub("", BLOCK.sub("", text)))


def anchors_of(text: str) -> set[str]:
    """Make the anchors of a document's headings, as code forges and the site do."""
    headings = re.findall(r"^#+ (.*)$", BLOCK.sub("", text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", h.lower()).replace(" ", "-") for h in headings}


def dead_links(document: str, text: str) -> list[str]:
    """Name the links of a document that lead nowhere."""
    return [target for target in links_of(text) if not leads(document, text, target)]


def leads(document: str, text: str, target: str) -> bool:
    """Whether a link's file exists, and the heading in it when it names one."""
    name, _, heading = target.partition("#")
    if name:
        path = ROOT / posixpath.dirname(document) / name
        if not path.exists():
            return False
        text = path.read_text("utf-8") if heading else ""
    return not heading or heading in anchors_of(text)


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_link_inside_the_repository_leads_somewhere(document: str) -> None:
    """A link's file exists, and the heading in it when it names one."""
    assert dead_links(document, (ROOT / document).read_text("utf-8")) == []


def test_a_dead_link_is_found() -> None:
    """A file that is not there, a heading that is not there; code is no link."""
    text = (
        "# What is `x`, here?\n[1](gone.txt) [2](#what-is-x-here) [3](#gone)\n"
        "[4](index.md#gone) [5](https://example.org/gone) `[6](gone.md)`\n"
        "```console\n# gone\n$ [7](gone)\n```\n"
    )
    assert dead_links("docs/a.md", text) == ["gone.txt", "#gone", "index.md#gone"]


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_every_page_is_in_the_menu(page: Path) -> None:
    """In that of the site, which mkdocs.yml has."""
    menu = (ROOT / "mkdocs.yml").read_text("utf-8").partition("\nnav:\n")[2]
    assert re.search(
        rf"^ *- (?:.*: )?{re.escape(page.as_posix())}$", menu, re.MULTILINE
    )


def test_every_page_can_be_reached_from_readme() -> None:
    """By links alone."""
    reached: set[str] = set()
    left = ["README.md"]
    while left:
        document = left.pop()
        reached.add(document)
        for target in links_of((ROOT / document).read_text("utf-8")):
            name = target.partition("#")[0]
            there = posixpath.join(posixpath.dirname(document), name)
            path = posixpath.normpath(there)
            if path not in reached and path.endswith(".md") and (ROOT / path).exists():
                left.append(path)
    assert {f"docs/{page.as_posix()}" for page in PAGES} <= reached
