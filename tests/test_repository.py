"""The repository around the code: its commands, its files, what must not be there."""

from __future__ import annotations

import importlib.machinery
import importlib.metadata
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import sqlx

if TYPE_CHECKING:
    from types import ModuleType

ROOT = Path(__file__).parent.parent


def git(*arguments: str, cwd: Path = ROOT) -> str:
    """Ask git; without it, or outside a checkout, there is nothing to ask."""
    if shutil.which("git") is None or not (cwd / ".git").exists():
        if os.environ.get("CI") == "true":
            pytest.fail("git, or the checkout, is missing")
        pytest.skip("needs git and a checkout")
    done = subprocess.run(
        ["git", *arguments], cwd=cwd, check=True, capture_output=True, text=True
    )
    return done.stdout


def files() -> list[Path]:
    """List the files of the repository: what git has, or would take."""
    listed = git("ls-files", "--cached", "--others", "--exclude-standard", "-z")
    return [path for name in listed.split("\0")[:-1] if (path := ROOT / name).is_file()]


def load_script(path: Path) -> ModuleType:
    """Import a script, whose name has no ending."""
    loader = importlib.machinery.SourceFileLoader(path.name, str(path))
    spec = importlib.util.spec_from_loader(path.name, loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


@pytest.fixture
def copied_setup(tmp_path: Path) -> ModuleType:
    """Copy scripts/setup and what it reads to another root."""
    inputs = load_script(ROOT / "scripts/setup").INPUTS
    for name in inputs:
        target = tmp_path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, target)
    return load_script(tmp_path / "scripts/setup")


def test_make_help_lists_every_command() -> None:
    """`make help`, and `make` alone, print a line for each target."""
    done = subprocess.run(
        ["make", "--no-print-directory"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    listed = re.findall(r"^make ([a-z]+) ", done.stdout, re.MULTILINE)
    makefile = (ROOT / "Makefile").read_text()
    phony = re.search(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)
    assert phony is not None
    assert sorted(listed) == sorted(phony[1].split())


def test_make_clean_names_what_it_removes_and_leaves_what_is_yours(
    tmp_path: Path,
) -> None:
    """What git ignores goes, each named; `.env` and files not yet added stay."""
    git("--version")
    for name in ("Makefile", ".gitignore"):
        shutil.copy(ROOT / name, tmp_path)
    git_here = ["git", "init", "--quiet", "."]
    subprocess.run(git_here, cwd=tmp_path, check=True, stdin=subprocess.DEVNULL)
    for name in (
        ".venv/bin/python",
        ".postgres/data/x",
        "dist/x.whl",
        ".env",
        "new.py",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    clean = ["make", "--no-print-directory", "clean"]
    done = subprocess.run(
        clean, cwd=tmp_path, check=True, capture_output=True, text=True
    )
    assert done.stdout.splitlines() == [
        "Removing what git ignores (.env stays); .postgres is the embedded database",
        "Removing .postgres/",
        "Removing .venv/",
        "Removing dist/",
    ]
    kept = sorted(path.name for path in tmp_path.iterdir())
    assert kept == [".env", ".git", ".gitignore", "Makefile", "new.py"]


def test_a_second_set_up_has_nothing_to_do(copied_setup: ModuleType) -> None:
    """The stamp holds until one of the files that decide changes."""
    assert not copied_setup.is_done()
    copied_setup.PYTHON.parent.mkdir(parents=True)
    copied_setup.PYTHON.symlink_to(sys.executable)
    assert copied_setup.works()
    assert not copied_setup.is_done()
    copied_setup.STAMP.write_text(copied_setup.fingerprint())
    assert copied_setup.is_done()
    assert copied_setup.main([]) == 0
    with (copied_setup.ROOT / "pyproject.toml").open("a") as project:
        project.write("# changed\n")
    assert not copied_setup.is_done()


def test_an_old_python_is_told_what_is_needed(
    copied_setup: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """Without a newer one on the PATH, set-up names the version and the way out."""
    monkeypatch.setattr(copied_setup, "OLDEST", (99, 0))
    monkeypatch.setenv("PATH", "")
    assert copied_setup.main([]) == 1
    version = sys.version.split(maxsplit=1)[0]
    assert capfd.readouterr().err == (
        f"setup: Python 3.11 or later is needed, and this is {version} "
        f"({sys.executable}); name another with: make PYTHON=/path/to/python3.11 ...\n"
    )


def test_the_version_has_one_source() -> None:
    """Library and service are released together, with the version in version.py."""
    source = (ROOT / "packages/sqlx-py/src/sqlx/version.py").read_text()
    assert f'__version__ = "{sqlx.__version__}"\n' in source
    assert importlib.metadata.version("sqlx-py") == sqlx.__version__
    assert importlib.metadata.version("smally") == sqlx.__version__
    for name in ("pyproject.toml", "packages/sqlx-py/pyproject.toml"):
        assert 'dynamic = ["version"]' in (ROOT / name).read_text()


def test_line_endings_are_pinned_where_checksums_depend_on_them() -> None:
    """`*.sql` and `.sqlx/*.json` are LF in every checkout, and here."""
    asked = ["migrations/1_x.sql", "packages/a/b.sql", ".sqlx/query-1.json"]
    answers = git("check-attr", "eol", "--", *asked).splitlines()
    assert answers == [f"{name}: eol: lf" for name in asked]
    for path in (ROOT / "migrations").glob("*.sql"):
        assert b"\r" not in path.read_bytes(), path


def test_the_scripts_can_be_started() -> None:
    """Each script names its interpreter and is executable."""
    scripts = [*(ROOT / "scripts").iterdir(), ROOT / ".ci/run"]
    for path in scripts:
        if path.is_file() and path.suffix not in {".py", ".toml", ".md"}:
            assert path.read_bytes().startswith(b"#!/usr/bin/env "), path
            assert os.access(path, os.X_OK), path


def test_every_script_in_python_is_linted() -> None:
    """Ruff finds files by their ending, so the scripts are listed in its settings."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    listed = settings["tool"]["ruff"]["extend-include"]
    for path in (ROOT / "scripts").iterdir():
        if path.is_file() and b"python3" in path.read_bytes().partition(b"\n")[0]:
            assert f"scripts/{path.name}" in listed


def test_both_licences_stand_beside_everything_that_is_released() -> None:
    """The library's sdist and wheel take them from its own folder."""
    for name in ("LICENSE-MIT", "LICENSE-APACHE"):
        text = (ROOT / name).read_bytes()
        assert (ROOT / "packages/sqlx-py" / name).read_bytes() == text
    assert (ROOT / "LICENSE-APACHE").read_text().lstrip().startswith("Apache License")
    assert (ROOT / "LICENSE-MIT").read_text().startswith("MIT License")


def test_a_changelog_fragment_says_its_issue_and_its_kind() -> None:
    """The name is `<issue>.<kind>.md`, and the text is a sentence."""
    pattern = re.compile(r"\d+\.(added|changed|fixed|removed)(\.\d+)?\.md")
    for path in (ROOT / "changelog.d").glob("[!.]*"):
        assert pattern.fullmatch(path.name), path.name
        assert path.read_text().rstrip().endswith("."), path.name


def test_nothing_of_one_machine_is_in_the_repository() -> None:
    """No address of a package index, no lock file with such, no local path."""
    indexes = [f"{name}.org" for name in ("pypi", "pythonhosted", "npmjs")]
    indexes += [f"{name}.io" for name in ("crates",)]
    unwanted = [word.encode() for word in (*indexes, f"{ROOT}/", f"{Path.home()}/.")]
    for path in files():
        assert path.name not in {"uv.lock", "poetry.lock", "package-lock.json"}, path
        content = path.read_bytes()
        assert not [word for word in unwanted if word in content], path
