"""Everything that a user can name is in the documents."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import sqlx
from sqlx import errors

DOCS = Path(__file__).parent.parent / "docs"


@pytest.mark.parametrize("name", [*sqlx.__all__, *errors.__all__])
def test_a_public_name_is_in_the_page_on_the_library(name: str) -> None:
    """Names of `sqlx` and of `sqlx.errors` stand in docs/library.md."""
    if name == "__version__":
        return
    text = (DOCS / "library.md").read_text(encoding="utf-8")
    assert re.search(rf"`[^`\n]*\b{name}\b[^`\n]*`", text), f"{name} is nowhere"
