"""Everything that a user can name is in the documents."""

from __future__ import annotations

import argparse
import re
import runpy
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import sqlx
from sqlx import errors
from sqlx.cli.parser import build_parser

if TYPE_CHECKING:
    from collections.abc import Iterator

DOCS = Path(__file__).parent.parent / "docs"


@pytest.mark.parametrize("name", [*sqlx.__all__, *errors.__all__])
def test_a_public_name_is_in_the_page_on_the_library(name: str) -> None:
    """Names of `sqlx` and of `sqlx.errors` stand in docs/library.md."""
    if name == "__version__":
        return
    text = (DOCS / "library.md").read_text(encoding="utf-8")
    assert re.search(rf"`[^`\n]*\b{name}\b[^`\n]*`", text), f"{name} is nowhere"


def test_the_pages_made_from_data_are_up_to_date() -> None:
    """docs/types.md and docs/findings.md are what scripts/tables writes."""
    pages = runpy.run_path(str(DOCS.parent / "scripts/tables"))["pages"]()
    assert pages
    for path, text in pages.items():
        assert path.read_text(encoding="utf-8") == text, f"run scripts/tables: {path}"


def options(parser: argparse.ArgumentParser) -> Iterator[str]:
    """Every option of a command and of those below it."""
    for action in parser._actions:
        yield from action.option_strings
        if isinstance(action, argparse._SubParsersAction):
            for below in action.choices.values():
                yield from options(below)


def test_every_option_is_in_the_page_on_the_command() -> None:
    """Options of `sqlx`, long and short, stand in docs/command.md."""
    text = (DOCS / "command.md").read_text(encoding="utf-8")
    missing = {
        option
        for option in options(build_parser())
        if not re.search(rf"`[^`\n]*(?<![\w-]){option}\b[^`\n]*`", text)
    }
    assert missing == set()
