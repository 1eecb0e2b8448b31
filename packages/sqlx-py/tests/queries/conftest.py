"""What the tests of the collector share: a project of small packages on disk."""

from __future__ import annotations

from dataclasses import dataclass
from textwrap import dedent
from typing import TYPE_CHECKING

import pytest

from sqlx.queries.collecting.collect import collect
from sqlx.queries.collecting.scan import scan
from sqlx.queries.collecting.scopes import walk
from sqlx.queries.collecting.source import Source, parse_source
from sqlx.queries.collecting.texts import Module

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sqlx.queries.collecting.collect import Collected
    from sqlx.queries.collecting.scan import Scanned
    from sqlx.queries.sites import Finding


@dataclass(frozen=True, slots=True)
class Project:
    """A directory with a `pyproject.toml`, to be filled with packages."""

    root: Path

    def write(self, name: str, text: str | bytes) -> Path:
        """Write a file, its text without the indentation that it has in the test."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        octets = text if isinstance(text, bytes) else dedent(text).lstrip("\n").encode()
        path.write_bytes(octets)
        return path

    def collect(self, *packages: str, timeout_seconds: float = 60.0) -> Collected:
        """Collect packages, with this as the root."""
        return collect(packages, str(self.root), timeout_seconds=timeout_seconds)

    def findings(self, *packages: str) -> list[str]:
        """Collect packages, and write what is wrong as a person sees it."""
        return self.said(self.collect(*packages))

    @staticmethod
    def said(collected: Collected) -> list[str]:
        """Write what is wrong as a person sees it."""
        return [written(finding) for finding in collected.findings]


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """Make an empty project."""
    root = tmp_path / "project"
    root.mkdir()
    (root / "pyproject.toml").write_text("")
    return Project(root)


@pytest.fixture
def scanned(project: Project) -> Callable[[str], Scanned]:
    """Scan the text of a module, `app.py` of the project, that is not written."""

    def scan_text(text: str) -> Scanned:
        source = parse_source(
            dedent(text).lstrip("\n"), str(project.root / "app.py"), "app.py"
        )
        assert isinstance(source, Source)
        module = Module(source, walk(source.tree), str(project.root))
        return scan(module)

    return scan_text


@pytest.fixture
def wrong(scanned: Callable[[str], Scanned]) -> Callable[[str], list[str]]:
    """Scan the text of a module, and write its findings as a person sees them."""

    def findings(text: str) -> list[str]:
        result = scanned(text)
        of_queries = [f for draft in result.drafts for f in draft.findings]
        return [written(finding) for finding in (*of_queries, *result.findings)]

    return findings


def written(finding: Finding) -> str:
    """Write a finding: its place, code and message."""
    place = (finding.path, finding.line, finding.column)
    where = ":".join(str(part) for part in place if part is not None)
    return f"{where}: {finding.message} [{finding.code}]"
