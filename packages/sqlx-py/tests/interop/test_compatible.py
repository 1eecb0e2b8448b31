"""Rust's sqlx does not see what we record beside its table, and loses nothing by it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from interop import tools

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from interop.places import Place
    from interop.tools import Said, Tool

MARK = "-- sqlx: compatible\n"
ONE = "CREATE TABLE one (id BIGINT PRIMARY KEY);\n"
TWO = f"{MARK}CREATE TABLE two (id BIGINT PRIMARY KEY);\n"
GOING_ON = (
    "warning: migrations: migration 2 (two) is applied and has no file here; it is "
    "marked compatible, so a run goes on\n"
)

cases = [
    pytest.param(database, version, id=f"{database}-{version}")
    for database in ("postgres", "sqlite", "mysql")
    for version in tools.VERSIONS
]


class Story:
    """A folder with two migrations, the second one marked, and a database.

    Args:
        folder: Holds `migrations/`.
        place: The database.
    """

    def __init__(self, folder: Path, place: Place) -> None:
        self.folder, self.place = folder, place
        (folder / "migrations").mkdir()
        self.write("1_one.sql", ONE)
        self.write("2_two.up.sql", TWO)
        self.write("2_two.down.sql", "DROP TABLE two;\n")

    def write(self, name: str, sql: str) -> None:
        """Write a migration."""
        (self.folder / "migrations" / name).write_text(sql)

    def take(self) -> None:
        """Be an older release: without the second version."""
        for ending in ("up", "down"):
            (self.folder / "migrations" / f"2_two.{ending}.sql").unlink()

    def command(self, tool: Tool, *words: str) -> Said:
        """Let a tool carry out a command."""
        variables = {"DATABASE_URL": self.place.url}
        return tool("migrate", *words, folder=self.folder, variables=variables)

    def tables(self) -> list[str]:
        """Name the tables but the history."""
        return self.place.summary().splitlines()[0].split()[1:]


@pytest.mark.parametrize(("database", "version"), cases)
def test_rust_ignores_the_marks(
    database: str, version: str, new_place: Callable[[str], Place], tmp_path: Path
) -> None:
    """It sees all applied, has nothing to do, and refuses what is missing as ever."""
    rust, ours = tools.rust(version), tools.ours()
    story = Story(tmp_path, new_place(database))
    assert story.command(ours, "run").code == 0
    assert story.tables() == ["_sqlx_compatible", "one", "two"]
    before = story.place.state()
    assert story.command(rust, "info").out == "1/installed one\n2/installed two\n"
    assert str(story.command(rust, "run")) == ""
    story.take()
    refused = story.command(rust, "run")
    assert refused.code == 1
    assert "migration 2 was previously applied but is missing" in refused.out
    went_on = story.command(ours, "run")
    assert (went_on.code, went_on.out, went_on.err) == (0, "", GOING_ON)
    assert story.place.state() == before


@pytest.mark.parametrize(("database", "version"), cases)
def test_what_rust_applies_is_not_marked(
    database: str, version: str, new_place: Callable[[str], Place], tmp_path: Path
) -> None:
    """Nor does a mark of ours outlive what Rust reverts and applies anew, unmarked."""
    rust, ours = tools.rust(version), tools.ours()
    story = Story(tmp_path, new_place(database))
    assert story.command(rust, "run").code == 0
    assert story.command(ours, "revert").code == 0
    assert story.tables() == ["one"]
    assert story.command(ours, "run").code == 0
    assert story.command(rust, "revert").code == 0
    story.write("2_two.up.sql", TWO.removeprefix(MARK))
    assert story.command(rust, "run").code == 0
    assert str(story.command(ours, "run")) == ""
    story.take()
    refused = story.command(ours, "run")
    assert (refused.code, refused.out) == (1, "")
    assert refused.err.startswith(
        "error: migration 2 was previously applied but is missing in the resolved "
        "migrations: the history knows 2 (two), migrations does not; "
    )
