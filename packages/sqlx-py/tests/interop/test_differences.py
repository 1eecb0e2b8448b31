"""Where the two commands differ on purpose, each does what is listed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from interop import tools
from interop.cases import APART, Case
from interop.differences import DIFFERENCES, Difference
from interop.stage import Stage

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from interop.places import Place
    from interop.tools import Tool

CHECKSUM = re.compile(r"\b([0-9a-f]{8})[0-9a-f]{88}\b")
STORIES = [
    pytest.param(case, database, version, id=f"{case.name}-{database}-{version}")
    for case in APART
    for database in case.databases
    for version in case.versions
]


@pytest.mark.parametrize(("case", "database", "version"), STORIES)
def test_a_difference_is_as_listed(
    case: Case,
    database: str,
    version: str,
    new_place: Callable[[str], Place],
    tmp_path: Path,
) -> None:
    """Rust's does one thing, ours another, both to the letter."""

    def transcript(tool: Tool) -> str:
        place = new_place(database)
        stage = Stage(case, database, tmp_path / tool.name, place)
        lines: list[str] = []
        for taken in stage.play(tool):
            lines.append(f"$ {taken.words}\n")
            lines += [f"{line}\n" for line in str(taken.said).splitlines()]
        kept = (line for line in lines if not line.startswith("stderr: "))
        return CHECKSUM.sub(r"\1...", "".join(kept)) + place.summary()

    listed = difference(case, database)
    assert transcript(tools.rust(version)) == listed.rust
    assert transcript(tools.ours()) == listed.ours
    assert listed.rust != listed.ours


def difference(case: Case, database: str) -> Difference:
    """Find what is listed for a case."""
    (found,) = (
        each
        for each in DIFFERENCES
        if each.case == case.name and each.only in {"", database}
    )
    return found


def test_every_listed_difference_has_its_case() -> None:
    """Nothing is listed that no case shows."""
    cases = {case.name: case.databases for case in APART}
    assert {each.case for each in DIFFERENCES} == set(cases)
    assert all(each.only in {"", *cases[each.case]} for each in DIFFERENCES)
