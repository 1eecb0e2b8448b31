"""Measure what a test's fresh, migrated database takes, however it comes about.

The limit is the server's own copy of what the migrations make (`limits.py`), measured
right before each suite. A suite is run as a short session and as a long one: their
difference is the time per test, whatever starting takes. All use one server, PostgreSQL
or MariaDB, in memory as everything else here. Who begins a round takes turns.
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import sys
import tempfile
from collections import defaultdict
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, TypeAlias

from corpora import CORPORA, Corpus
from limits import OPENED, Server
from report import shown, table
from suites import LENGTH, SUITES, Suite, is_installed, python

if TYPE_CHECKING:
    from collections.abc import Iterator

MEMORY = "/dev/shm"  # noqa: S108 -- tempfile makes what is in it.
PARTS = (
    "CREATE DATABASE",
    "connect, insert, count",
    "DROP DATABASE",
    "these three in turn",
)
CLONES = 20
REPLAYED = "SQLite: replayed"
NAMED = {suite.name: suite for suite in SUITES}.values()  # on whatever server
ONE, FRESH, WARM, TWO = "one test", "no template yet", "", "-n 2"

Key: TypeAlias = tuple[str, str]
"""The name of a suite, or of a part of the limit, and that of a corpus."""


@dataclass
class Figures:
    """What was measured, round by round.

    Args:
        tests: Seconds of one test, and of the limit right before.
        cpu: Seconds that pytest's process computes for one test.
        sessions: Seconds of a session of the usual length, by how it begins.
        ways: How the server copies a corpus.
    """

    tests: dict[Key, list[tuple[float, float]]] = field(
        default_factory=lambda: defaultdict(list)
    )
    cpu: dict[Key, list[float]] = field(default_factory=lambda: defaultdict(list))
    sessions: dict[tuple[str, str, str], list[float]] = field(
        default_factory=lambda: defaultdict(list)
    )
    ways: dict[str, str] = field(default_factory=dict)

    def pairs(self, name: str, corpus: str) -> list[tuple[float, float]]:
        """Give the times of a test, each with its limit; none, if not measured."""
        return self.tests.get((name, corpus), [])


@dataclass
class Bench:
    """A server, and a folder for each suite and corpus.

    Args:
        server: Copies databases, and drops what the plugin has made.
        kinds: Of the suites that are run.
        work: Where files are written.
        figures: What was measured.
    """

    server: Server
    kinds: frozenset[str]
    work: Path
    figures: Figures

    def folder(self, suite: Suite, corpus: Corpus) -> Path:
        """The folder with a suite's files; they are written once."""
        folder = self.work / f"{SUITES.index(suite)}-{CORPORA.index(corpus)}"
        if not folder.exists():
            suite.write(folder, corpus, self.server.where, self.server.url)
            suite.run(folder, 1)  # Now there is bytecode.
        return folder

    def template(self, corpus: Corpus) -> str:
        """Name what the limit copies; it is made once."""
        name = f"limit_{CORPORA.index(corpus)}"
        if corpus.name not in self.figures.ways:
            bare = next(each for each in SUITES if each.kind in self.kinds)
            migrations = self.folder(bare, corpus) / "migrations"
            self.figures.ways[corpus.name] = self.server.make(name, migrations)
        return name

    def take_limit(self, corpus: Corpus) -> float:
        """Measure what the server takes by itself; tell the seconds of the copy."""
        name = self.template(corpus)
        copies = [self.server.copy(name) for _ in range(CLONES)]
        columns = zip(*((*parts, sum(parts)) for parts in copies), strict=True)
        medians: list[float] = [median(column) for column in columns]
        limit = medians[0]
        for part, seconds in zip(PARTS, medians, strict=True):
            self.figures.tests[part, corpus.name].append((seconds, limit))
        return limit

    def take(self, suite: Suite, corpus: Corpus, lengths: tuple[int, int]) -> None:
        """Run a short session and a long one, right after the limit."""
        folder, key = self.folder(suite, corpus), (suite.name, corpus.name)
        if suite.is_ours:
            suite.run(folder, 1)  # Now there is a template.
        limit = 0.0 if suite.sqlite else self.take_limit(corpus)
        short, long = (suite.run(folder, length) for length in lengths)
        more = lengths[1] - lengths[0]
        each = (long.seconds - short.seconds) / more
        self.figures.tests[key].append((each, limit))
        self.figures.cpu[key].append((long.cpu_seconds - short.cpu_seconds) / more)
        whole = long.seconds + (LENGTH - lengths[1]) * each
        self.figures.sessions[*key, WARM].append(whole)

    def take_others(
        self, suite: Suite, corpus: Corpus, lengths: tuple[int, int]
    ) -> None:
        """Run a session of one test, one without a template, and two processes'."""
        folder, sessions = self.folder(suite, corpus), self.figures.sessions
        one = suite.run(folder, 1).seconds
        sessions[suite.name, corpus.name, ONE].append(one)
        if suite.is_ours:
            self.server.forget()
            seconds = suite.run(folder, LENGTH).seconds
            sessions[suite.name, corpus.name, FRESH].append(seconds)
        short, long = (suite.run(folder, length, 2).seconds for length in lengths)
        each = (long - short) / (lengths[1] - lengths[0])
        whole = long + (LENGTH - lengths[1]) * each
        sessions[suite.name, corpus.name, TWO].append(whole)


@contextmanager
def bench(kind: str) -> Iterator[Bench]:
    """Start a server in memory with the plugin's settings; files lie there, too."""
    work = Path(tempfile.mkdtemp(prefix="sqlx-bench-", dir=MEMORY))
    opened, kinds = OPENED[kind]
    try:
        with opened(work) as server:
            yield Bench(server, frozenset(kinds), work, Figures())
    finally:
        shutil.rmtree(work)


def run_round(bench: Bench, number: int, options: argparse.Namespace) -> None:
    """Run every suite on every corpus."""
    for corpus in CORPORA:
        found = [
            suite
            for suite in SUITES
            if suite.kind in bench.kinds and is_wanted(suite, corpus, options)
        ]
        begin = number % len(found) if found else 0
        for suite in found[begin:] + found[:begin]:
            say(f"round {number + 1}: {suite.name}, {corpus.name}")
            lengths = suite.few, suite.many
            if options.quick:
                lengths = max(1, suite.few // 4), suite.many // 4
            bench.take(suite, corpus, lengths)
            if not (suite.sqlite or suite.is_variant or corpus.is_variant):
                bench.take_others(suite, corpus, lengths)


def is_wanted(suite: Suite, corpus: Corpus, options: argparse.Namespace) -> bool:
    """Tell whether a suite is measured with a corpus."""
    if options.only and suite.name not in options.only.split(","):
        return False
    if corpus.is_variant and (suite.sqlite or options.quick):
        return False
    if suite.is_variant and corpus is not CORPORA[0]:
        return False
    return suite.package is None or is_installed(suite.package)


def as_markdown(figures: Figures) -> str:
    """Write the tables."""
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    measured = {name for _, name in figures.tests}
    every = [corpus.name for corpus in CORPORA if corpus.name in measured]
    usual = [corpus.name for corpus in CORPORA[:3] if corpus.name in measured]
    ways = "; ".join(f"{name}: {way}" for name, way in figures.ways.items())
    return "\n".join(
        [
            f"Python {platform.python_version()}; load at the end {load}. {ways}\n",
            "One test: its time, and the ratio to the limit (least to most)\n",
            *table(["migrations", *every, "CPU"], test_rows(figures, every)),
            f"A session of {LENGTH} tests\n",
            *table(["migrations", *usual], session_rows(figures, usual)),
            *sqlite_table(figures, usual),
        ]
    )


def test_rows(figures: Figures, names: list[str]) -> Iterator[list[str]]:
    """A row for each part of the limit, and for each suite."""
    for row in PARTS:
        yield [row, *(cell(figures.pairs(row, name)) for name in names), "-"]
    for suite in NAMED:
        if not suite.sqlite and (suite.name, names[0]) in figures.tests:
            cells = (cell(figures.pairs(suite.name, name)) for name in names)
            yield [suite.name, *cells, cpu_cell(figures, suite.name, names)]
    cells = (cell(less(figures, name)) for name in names)
    yield ["db, less no database", *cells, "-"]


def less(figures: Figures, name: str) -> list[tuple[float, float]]:
    """What `db` takes beyond pytest's own time, and the limit."""
    pairs = zip(
        figures.pairs("db", name), figures.pairs("no database", name), strict=False
    )
    return [(ours - bare, limit) for (ours, limit), (bare, _) in pairs]


def session_rows(figures: Figures, names: list[str]) -> Iterator[list[str]]:
    """A row for each way to begin a session."""
    for suite, how in product(NAMED, (ONE, FRESH, WARM, TWO)):
        found = [figures.sessions.get((suite.name, name, how), []) for name in names]
        if any(found) and not suite.is_variant:
            cells = (shown(median(each)) if each else "-" for each in found)
            yield [f"{suite.name}, {how}" if how else suite.name, *cells]


def sqlite_table(figures: Figures, names: list[str]) -> list[str]:
    """Write the table of SQLite's suites, if they were run."""
    rows = [*sqlite_rows(figures, names)]
    title = "SQLite: one test, and the ratio to replaying\n"
    return [title, *table(["migrations", *names, "CPU"], rows)] if rows else []


def sqlite_rows(figures: Figures, names: list[str]) -> Iterator[list[str]]:
    """A row for each suite, with the ratio to replaying."""
    for suite in SUITES:
        if suite.sqlite and (suite.name, names[0]) in figures.tests:
            cells = (cell(to_replayed(figures, suite.name, name)) for name in names)
            yield [suite.name, *cells, cpu_cell(figures, suite.name, names)]


def to_replayed(figures: Figures, suite: str, name: str) -> list[tuple[float, float]]:
    """The times of a suite, and what replaying takes in the same round."""
    pairs = zip(figures.pairs(suite, name), figures.pairs(REPLAYED, name), strict=False)
    return [(ours, limit) for (ours, _), (limit, _) in pairs]


def cpu_cell(figures: Figures, suite: str, names: list[str]) -> str:
    """Show what pytest's process computes for a test, with the fewest migrations."""
    return milliseconds(median(figures.cpu[suite, names[0]]))


def cell(pairs: list[tuple[float, float]]) -> str:
    """Show the median time and the median ratio, with the spread of the ratio."""
    if not pairs:
        return "-"
    ratios = sorted(seconds / limit for seconds, limit in pairs)
    spread = f"{ratios[0]:.2f} to {ratios[-1]:.2f}"
    seconds = milliseconds(median(seconds for seconds, _ in pairs))
    return f"{seconds} (**{median(ratios):.2f}**, {spread})"


def milliseconds(seconds: float) -> str:
    """Show a short time."""
    return f"{seconds * 1000:.1f} ms"


def main() -> int:
    """Measure, and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--server", choices=OPENED, help="this one alone")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default="", help="names, separated by commas")
    parser.add_argument("--quick", action="store_true", help="short, with noise")
    options = parser.parse_args()
    unknown = set(options.only.split(",")) - {"", *(suite.name for suite in SUITES)}
    if unknown:
        parser.error(f"no suite is called {min(unknown)!r}")
    python()  # What it installs shall not be measured.
    for kind in [options.server] if options.server else OPENED:
        with bench(kind) as found:
            for number in range(1 if options.quick else options.rounds):
                run_round(found, number, options)
            print(as_markdown(found.figures))
    return 0


def say(what: str) -> None:
    """Tell what is under way."""
    print(f"bench: {what}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
