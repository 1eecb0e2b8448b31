"""Rust's command and ours take turns on one directory and one database.

Rust alone is the measure: every step, whoever takes it, must say what Rust says and
leave the database as Rust leaves it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from interop import tools
from interop.cases import CASES, Case
from interop.differences import LINES, Line
from interop.stage import Stage, Taken

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from interop.places import Place
    from interop.tools import Said, Tool

STORIES = [
    pytest.param(case, database, version, id=f"{case.name}-{database}-{version}")
    for case in CASES
    for database in case.databases
    for version in case.versions
]


@pytest.mark.parametrize(("case", "database", "version"), STORIES)
def test_rust_and_ours_say_and_do_the_same(
    case: Case,
    database: str,
    version: str,
    new_place: Callable[[str], Place],
    tmp_path: Path,
) -> None:
    """Whoever takes a step, it says and leaves behind what Rust's does."""
    rust, ours = tools.rust(version), tools.ours()

    def play(*cast: Tool) -> list[Taken]:
        folder = tmp_path / "-".join(tool.name for tool in cast)
        return list(Stage(case, database, folder, new_place(database)).play(*cast))

    alone, ours_first, rust_first = play(rust), play(ours, rust), play(rust, ours)
    for measure, *both in zip(alone, ours_first, rust_first, strict=True):
        for taken in both:
            what = f"{taken.tool.name}: {taken.words}"
            assert taken.state == measure.state, what
            if taken.tool is ours:
                assert shown(taken.said) == expected(case, measure.said), what
            else:
                assert str(taken.said) == str(measure.said), what


@pytest.mark.parametrize("line", LINES, ids=lambda line: line.case)
def test_a_listed_line_is_printed_by_rust(
    line: Line, new_place: Callable[[str], Place], tmp_path: Path
) -> None:
    """A line that ours prints otherwise is one that Rust prints in that case."""
    (case,) = (case for case in CASES if case.name == line.case)
    database = case.databases[0]
    stage = Stage(case, database, tmp_path, new_place(database))
    said = "".join(str(taken.said) for taken in stage.play(tools.rust("0.9.0")))
    assert line.rust != line.ours
    assert line.rust in said.splitlines()


def expected(case: Case, rust: Said) -> str:
    """Turn what Rust says into what ours must say, by the rules of differences.py."""
    lines = str(rust).splitlines()
    if rust.code:
        place = next(i for i, line in enumerate(lines) if line.startswith("error: "))
        lines[place : place + 1] = []
        lines.insert(len(lines) - 1, "stderr: error")
    for line in LINES:
        if line.case == case.name:
            lines = [line.ours if text == line.rust else text for text in lines]
    return "\n".join(lines)


def shown(ours: Said) -> str:
    """Leave out of what ours says what the rules of differences.py allow."""
    lines: list[str] = []
    for line in str(ours).splitlines():
        if line.startswith("stderr: error: "):
            lines.append("stderr: error")
        elif not line.startswith(
            ("stderr: warning: ", "stderr:   ", "stderr: detail: ", "stderr: state: ")
        ):
            lines.append(line)
    return "\n".join(lines)
