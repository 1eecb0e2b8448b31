"""A user's project, whose tests run in an inner session of pytest."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import quote

import psycopg
from psycopg.conninfo import make_conninfo

import sqlx
from sqlx.testing.postgres.ground import PostgresGround

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import pytest

    from sqlx.embedded import Server
    from sqlx.testing.sweeping import Found

__all__ = ["SECRET", "USERS", "Project", "Ran"]

SECRET = "geheim-4711"  # noqa: S105 -- no server of ours asks for it.
# Other plugins of this environment, which would double the time of a session.
SPARED = [f"-pno:{name}" for name in ("hypothesispytest", "faker", "pytest_cov")]
USERS = "CREATE TABLE users (name TEXT NOT NULL UNIQUE);"


@dataclass(frozen=True, slots=True)
class Ran:
    """A session that has ended.

    Args:
        code: Its exit code.
        out: What it printed, the lines without spaces at their ends.
        outcomes: How many tests passed, failed and so on.
    """

    code: int
    out: str = field(repr=False)  # pytest shows it when a test fails.
    outcomes: dict[str, int]

    def __contains__(self, text: str) -> bool:
        return text in self.out

    @property
    def errors(self) -> dict[str, str]:
        """The whole texts of the reports, by their titles, such as `test_it`."""
        _, *parts = re.split(r"(?m)^_{3,} (?:ERROR at )?(.+?) _{3,}$", self.out)
        found = zip(parts[::2], parts[1::2], strict=True)
        ends = re.compile(r"(?m)^\[gw\d\].*\n|^(?:===|---)(?s:.*)")
        return {title: ends.sub("", text).strip() for title, text in found}

    def lines(self, beginning: str) -> list[str]:
        """List the lines that begin so."""
        return [line for line in self.out.splitlines() if line.startswith(beginning)]


@dataclass(frozen=True, slots=True)
class Project:
    """A project with migrations, whose tests have databases on our server.

    Args:
        pytester: pytest's.
        server: Our server.
    """

    pytester: pytest.Pytester
    server: Server

    @property
    def path(self) -> Path:
        """Its folder."""
        return self.pytester.path

    @property
    def digest(self) -> str:
        """What the header says of `migrations/`."""
        return self.digest_of("migrations")

    def digest_of(self, folder: str) -> str:
        """What the header says of another folder."""
        return sqlx.Migrator(self.path / folder).digest[:16]

    def write(self, files: Mapping[str, str]) -> None:
        """Write files, by their paths."""
        for name, text in files.items():
            path = self.path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")

    def configure(self, **settings: str | None) -> None:
        """Write `pyproject.toml`; our server is the database unless it is said.

        Args:
            settings: pytest's; None leaves a usual one away.
        """
        usual = {
            "sqlx_database": f"embedded:{self.server.directory}",
            "asyncio_default_fixture_loop_scope": "function",
        }
        chosen = {k: v for k, v in (usual | settings).items() if v is not None}
        lines = [f"{name} = {value!r}" for name, value in chosen.items()]
        text = "\n".join(["[tool.pytest.ini_options]", *lines])
        self.write({"pyproject.toml": text})

    def run(self, tests: str = "", *arguments: str) -> Ran:
        """Run a session in this process.

        Args:
            tests: The text of `test_it.py`; empty to leave it as it is.
            arguments: pytest's.
        """
        if tests:
            self.write({"test_it.py": tests})
        options = ("-rA", *SPARED, *arguments)
        return _ran(self.pytester.runpytest_inprocess(*options))

    def run_apart(self, tests: str = "", *arguments: str) -> Ran:
        """Run a session in a process of its own."""
        if tests:
            self.write({"test_it.py": tests})
        return _ran(self.pytester.runpytest_subprocess("-rA", *arguments))

    def url(self, database: str = "postgres") -> str:
        """Give a URL with a password, of which nothing may be printed."""
        server = self.server
        host = quote(server.socket_directory, safe="")
        place = f"{host}/{database}?port={server.port}"
        return f"postgresql://{server.user}:{SECRET}@{place}"

    def kept(self) -> dict[str, Found]:
        """Find what is kept for this project's tests, by their names."""
        with self.connect() as connection:
            found = {each.kept_for: each for each in PostgresGround(connection).find()}
        root = f"{self.path}::"
        return {
            name.removeprefix(root): each
            for name, each in found.items()
            if name.startswith(root)
        }

    def databases(self) -> int:
        """Count the databases of tests on our server, of this project or not."""
        with self.connect() as connection:
            names = [found.name for found in PostgresGround(connection).find()]
        return sum(name.startswith("_sqlx_test_") for name in names)

    def connect(self, database: str = "postgres") -> psycopg.Connection:
        """Connect to a database on our server."""
        words = make_conninfo("", **self.server.keywords(database))
        return psycopg.connect(words, autocommit=True)


def _ran(result: pytest.RunResult) -> Ran:
    lines = [line.rstrip() for line in (*result.outlines, *result.errlines)]
    ended = any(re.fullmatch(r"=+ .* in [\d.]+s.* =+", line) for line in lines)
    outcomes = result.parseoutcomes() if ended else {}
    return Ran(int(result.ret), "\n".join(lines), outcomes)
