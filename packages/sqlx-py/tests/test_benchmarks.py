"""The benchmarks run and print their tables; how fast anything is, no test says."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).resolve().parent.parent / "benchmarks"
SECONDS = r"[\d.]+ m?s"
TIMED = rf"{SECONDS} \(\*\*[\d.]+\*\*, [\d.]+ to [\d.]+\) \| {SECONDS}"
OF_BOTH = (
    "prepare, cold",
    "prepare, warm",
    "check",
    "check, scratch database",
    "check --offline",
    "one query: prepare, cold",
    "one query: check",
    "one query: check --offline",
)
OVER_THE_LINK = ("prepare, cold, link of 10 ms", "check, link of 10 ms")
PARTS = (
    "collect",
    "describe, with the proofs",
    "the proofs alone",
    "compare",
    "write",
    "read",
)


@pytest.mark.slow
def test_checking_prints_its_tables() -> None:
    """Every command and every part has its figures, for each kind of database."""
    options = ("--queries", "20", "--modules", "2", "--rounds", "1")
    done = subprocess.run(
        [sys.executable, BENCHMARKS / "checking.py", *options],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    expected = {
        **dict.fromkeys(OVER_THE_LINK, rf"{TIMED} \| - \| -"),
        **dict.fromkeys(OF_BOTH, rf"{TIMED} \| {TIMED}"),
        **dict.fromkeys(PARTS, r" \| ".join([SECONDS] * 4)),
    }
    rows = dict(re.findall(r"^\| (.+?) \| (.*) \|$", done.stdout, re.MULTILINE))
    figures = {name: row for name, row in rows.items() if re.search(r"\d", row)}
    assert list(figures) == list(expected)
    for name, pattern in expected.items():
        assert re.fullmatch(pattern, figures[name]), f"{name}: {figures[name]}"
    assert re.search(
        r"^Round trips, once connected: prepare.*: \d+;", done.stdout, re.MULTILINE
    )
