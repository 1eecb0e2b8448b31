"""Both type checkers, on files whose comments say what each line brings."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections import defaultdict
from importlib.util import find_spec
from pathlib import Path
from typing import TypeAlias

import pytest

TESTS = Path(__file__).parent.parent
CASES = TESTS / "typing"  # Their names end in .txt: other tools pass over them.
SOURCES = TESTS.parent / "src"
EXPECTED = re.compile(r"# in (mypy|pyright|both): ([^#]*)")

Found: TypeAlias = dict[int, set[str]]
"""By line: the types that are revealed, `error` for errors."""


def expected(file: str, checker: str) -> Found:
    """Read the comments."""
    found: Found = defaultdict(set)
    text = (CASES / file).read_text(encoding="utf-8")
    for number, line in enumerate(text.splitlines(), 1):
        for who, what in EXPECTED.findall(line):
            if who in {checker, "both"}:
                found[number].add(what.strip())
    return found


def plain(revealed: str) -> str:
    """Take the modules' names off a type."""
    return re.sub(r"[\w.]+\.(\w+)", r"\1", revealed)


def mypy(file: str, folder: Path) -> Found:
    """Run mypy --strict."""
    case = shutil.copy(CASES / file, folder / "case.py")
    done = subprocess.run(
        [
            sys.executable,
            *("-m", "mypy", "--strict", "--no-error-summary", "--hide-error-context"),
            *("--config-file", os.devnull, "--cache-dir", folder / "cache"),
            case,
        ],
        check=False,
        capture_output=True,
        text=True,
        env={**os.environ, "MYPYPATH": str(SOURCES)},
    )
    found: Found = defaultdict(set)
    for line in done.stdout.splitlines():
        read = re.match(
            r"(.*?):(\d+): (?:note: Revealed type is \"(.*)\"|error: )", line
        )
        if read:
            assert read[1].endswith("case.py"), (
                line
            )  # The library itself brings nothing.
            found[int(read[2])].add(plain(read[3]) if read[3] else "error")
    assert done.returncode in {0, 1}, done.stdout + done.stderr
    return found


def pyright(file: str, folder: Path) -> Found:
    """Run pyright."""
    shutil.copy(CASES / file, folder / "case.py")
    settings = {"extraPaths": [str(SOURCES)], "include": ["case.py"]}
    (folder / "pyrightconfig.json").write_text(json.dumps(settings), encoding="utf-8")
    done = subprocess.run(
        [
            sys.executable,
            *("-m", "pyright", "--outputjson", "--pythonpath", sys.executable),
            *("--project", folder),
        ],
        check=False,
        capture_output=True,
        text=True,
    )
    found: Found = defaultdict(set)
    for told in json.loads(done.stdout)["generalDiagnostics"]:
        line = told["range"]["start"]["line"] + 1
        read = re.match(r'Type of ".*" is "(.*)"', told["message"], re.DOTALL)
        found[line].add(plain(read[1]) if read else told["severity"])
    return found


@pytest.mark.slow
def test_mypy_sees_the_user_s_signatures(tmp_path: Path) -> None:
    """Arguments, results and colours, and where each error is."""
    assert mypy("calls.txt", tmp_path) == expected("calls.txt", "mypy")


@pytest.mark.slow
@pytest.mark.parametrize("file", ["calls.txt", "asyncpg_calls.txt"])
def test_pyright_sees_the_user_s_signatures(tmp_path: Path, file: str) -> None:
    """The same, and that SQL is no literal."""
    if find_spec("pyright") is None:
        pytest.skip("pyright is not installed; run: pip install 'pyright[nodejs]'")
    assert pyright(file, tmp_path) == expected(file, "pyright")
