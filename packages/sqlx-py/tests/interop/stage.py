"""Where a case happens: a folder with migrations, a database, and who acts."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

from interop.cases import Case, Put, Sql, Step, Take, on

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from interop.cases import Text
    from interop.places import Place
    from interop.tools import Said, Tool

__all__ = ["Stage", "Taken"]


@dataclass(frozen=True)
class Taken:
    """A command that was carried out.

    Args:
        words: The command.
        tool: Who carried it out.
        said: What it said.
        state: The database after it.
    """

    words: str
    tool: Tool
    said: Said
    state: str


@dataclass(frozen=True)
class Stage:
    """Where a case happens.

    Args:
        case: What happens.
        database: Its kind.
        folder: Holds `migrations/`.
        place: The database.
    """

    case: Case
    database: str
    folder: Path
    place: Place

    def play(self, *cast: Tool) -> Iterator[Taken]:
        """Let tools take the commands in turn."""
        self.put(self.case.files)
        if self.case.toml:
            (self.folder / "sqlx.toml").write_text(self.case.toml, encoding="utf-8")
        turns = itertools.cycle(cast)
        for step in self.case.steps:
            if isinstance(step, str):
                tool = next(turns)
                yield Taken(step, tool, self.command(tool, step), self.place.state())
            else:
                self.change(step)

    def command(self, tool: Tool, words: str) -> Said:
        """Let a tool carry out a command."""
        variables = {"DATABASE_URL": self.place.url}
        return tool("migrate", *words.split(), folder=self.folder, variables=variables)

    def change(self, step: Step) -> None:
        """Do what a person does between two commands."""
        match step:
            case Put():
                self.put(step.files)
            case Take():
                (self.folder / "migrations" / step.name).unlink()
            case Sql():
                self.place.execute(on(self.database, step.text))

    def put(self, files: Mapping[str, Text]) -> None:
        """Write migrations."""
        folder = self.folder / "migrations"
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            (folder / name).write_bytes(on(self.database, text).encode())
