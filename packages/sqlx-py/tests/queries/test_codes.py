"""The codes of findings, and that no part of the library has one of its own."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import sqlx
from sqlx.queries.checking.codes import CODES, document, finding
from sqlx.queries.sites import Finding, Place, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

FINDERS = {"Finding", "_Unreadable", "_error", "_finding", "error_at", "finding"}
WORD = re.compile(r"[a-z]+(-[a-z]+)*")


def test_a_finding_is_as_severe_as_its_code() -> None:
    """And has no code that is not in the registry."""
    place = Place("app.py", 3, 4)
    assert finding(place, "unchecked", "so", "x\n^") == Finding(
        "app.py", Severity.NOTICE, "unchecked", "so", 3, 4, "x\n^"
    )
    with pytest.raises(KeyError):
        finding(place, "nulable", "so")


def used_codes(path: Path) -> Iterator[str]:
    """Find the codes with which a module makes findings, or `Wrong`s."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            given = node.args if node.func.id in FINDERS else []
        elif isinstance(node, ast.Return | ast.Yield) and (
            isinstance(node.value, ast.Tuple) and path.stem.startswith(("check", "wor"))
        ):
            given = node.value.elts
        else:
            continue
        for each in given:
            if isinstance(each, ast.Constant) and isinstance(each.value, str):
                yield each.value


def test_every_code_is_in_the_registry() -> None:
    """Whichever module it is in."""
    folder = Path(str(sqlx.__file__)).parent
    modules = [*(folder / "queries").rglob("*.py"), *folder.glob("prepare.py")]
    codes = {c for path in modules for c in used_codes(path) if WORD.fullmatch(c)}
    assert {"declaration", "column-type", "no-rows", "any"} <= codes
    assert codes <= set(CODES)


def test_the_document_tells_every_code() -> None:
    """A heading each, what it means, the mend, and whether it is an error."""
    text = document()
    assert re.findall(r"^### `(.*)`$", text, re.MULTILINE) == list(CODES)
    assert (
        "### `no-rows`\n\nA function returns rows, and the SQL returns none. (The "
        "reverse is allowed: `None` and `RowsAffected` drop the rows.) Return `None` "
        "or `sqlx.RowsAffected`, or add RETURNING to the SQL. What CALL gives MySQL "
        "tells when it runs: `sqlx.unchecked(…)` fetches it.\n"
    ) in text
    assert (
        "### `unused-ignore`\n\n*A warning: nothing fails by it.* A comment `sqlx: "
        "ignore[…]` silences nothing, or names no code. Take it out.\n"
    ) in text
    for code in CODES.values():
        assert code.means.endswith((".", ".)"))
        assert code.mend.endswith(".")
