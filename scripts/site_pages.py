"""What the site's builder is told of our documents: a hook of mkdocs.

The documents are read in three places: as files, on the site, and by the tests, which
run their blocks. What only the first and the last understand is put into the words of
the site's here.
"""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files
    from mkdocs.structure.pages import Page

__all__ = ["on_page_markdown"]

# Where a block is typed that is not typed at home; other words are a file's path.
PLACES = {"server": "on the server", "deploy": "in the clone that deploys"}
FENCE = re.compile(
    r"^(?P<indent> *)```(?P<kind>\w+) *(?P<path>[^\n]*)\n(?P<text>.*?)^(?P=indent)```$",
    re.DOTALL | re.MULTILINE,
)
LINK = re.compile(r"\[(?P<text>[^]]*)\]\((?P<target>\.\./[^)#]*)(?:#[^)]*)?\)")


def on_page_markdown(
    markdown: str, *, page: Page, config: MkDocsConfig, files: Files
) -> str:
    """Translate a page before it is rendered."""
    del config, files
    folder = posixpath.dirname(page.file.src_uri)
    return LINK.sub(lambda link: _inside(link, folder), FENCE.sub(_fence, markdown))


def _fence(block: re.Match[str]) -> str:
    """Show the path as a title, and a command that must fail as any other."""
    kind, path, text = block["kind"], block["path"], block["text"]
    title = f' title="{PLACES.get(path, path)}"' if path else ""
    if kind == "console":
        text = re.sub(r"^( *)\$\? ", r"\1$ ", text, flags=re.MULTILINE)
    indent = block["indent"]
    return f"{indent}``` {kind}{title}\n{text}{indent}```"


def _inside(link: re.Match[str], folder: str) -> str:
    """Leave the text of a link to a file that is not on the site."""
    target = posixpath.normpath(posixpath.join(folder, link["target"]))
    return link["text"] if target.startswith("../") else link[0]
