"""Measure what a test's fresh, migrated database takes, however it comes about.

The limit is the server's own `CREATE DATABASE … TEMPLATE` of what the migrations make,
in the way that is fastest here; it is measured right before each suite. A suite is run
as a short session and as a long one: their difference is the time per test, whatever
starting takes. All use one PostgreSQL, in memory as everything else here. Who begins a
round takes turns.
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import sys
import tempfile
import time
from collections import defaultdict
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any, TypeAlias

import psycopg
from psycopg.conninfo import make_conninfo
from report import shown, table
from suites import CORPORA, LENGTH, SUITES, Corpus, Suite, is_installed, python

import sqlx
from sqlx.testing.places import SETTINGS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

MEMORY = "/dev/shm"  # noqa: S108 -- tempfile makes what is in it.
PARTS = (
    CREATE := "CREATE DATABASE",
    "connect, insert, count",
    "DROP DATABASE",
    "these three in turn",
)
# How PostgreSQL 18 copies a database: its STRATEGY, and its file_copy_method.
WAYS = ("FILE_COPY", "clone"), ("FILE_COPY", "copy"), ("WAL_LOG", "copy")
CLONES, TRIALS = 20, 3
REPLAYED = "SQLite: replayed"
ONE, FRESH, WARM, TWO = "one test", "no template yet", "", "-n 2"

TEMPLATES = r"SELECT datname FROM pg_database WHERE datname LIKE '\_sqlx\_template\_%'"

Key: TypeAlias = tuple[str, str]
"""The name of a suite, or of a part of the limit, and that of a corpus."""


@dataclass
class Figures:
    """What was measured, round by round.

    Args:
        tests: Seconds of one test, and of the limit right before.
        cpu: Seconds that pytest's process computes for one test.
        sessions: Seconds of a session of the usual length, by how it begins.
        ways: How the server copies the template of a corpus.
    """

    tests: dict[Key, list[tuple[float, float]]] = field(
        default_factory=lambda: defaultdict(list)
    )
    cpu: dict[Key, list[float]] = field(default_factory=lambda: defaultdict(list))
    sessions: dict[tuple[str, str, str], list[float]] = field(
        default_factory=lambda: defaultdict(list)
    )
    ways: dict[str, tuple[str, str]] = field(default_factory=dict)

    def pairs(self, name: str, corpus: str) -> list[tuple[float, float]]:
        """Give the times of a test, each with its limit; none, if not measured."""
        return self.tests.get((name, corpus), [])


@dataclass
class Bench:
    """A server, and a folder for each suite and corpus.

    Args:
        admin: To make and drop databases.
        where: The server, in libpq's words.
        work: Where files are written.
        figures: What was measured.
    """

    admin: psycopg.Connection[Any]
    where: Mapping[str, str]
    work: Path
    figures: Figures

    def folder(self, suite: Suite, corpus: Corpus) -> Path:
        """The folder with a suite's files; they are written once."""
        folder = self.work / f"{SUITES.index(suite)}-{CORPORA.index(corpus)}"
        if not folder.exists():
            suite.write(folder, corpus, self.where)
            suite.run(folder, 1)  # Now there is bytecode.
        return folder

    def connect(self, name: str) -> psycopg.Connection[Any]:
        """Connect to a database of the server."""
        words = make_conninfo("", **self.where, dbname=name)
        return psycopg.connect(words, autocommit=True)

    def ask(self, sql: str) -> list[tuple[Any, ...]]:
        """Ask the server, or tell it."""
        cursor = self.admin.execute(sql.encode())
        return cursor.fetchall() if cursor.description else []

    def copy(self, template: str, way: tuple[str, str]) -> dict[str, float]:
        """Copy, use and drop a template's clones, and tell the seconds of each part."""
        times: dict[str, list[float]] = defaultdict(list)
        strategy, method = way
        self.ask(f"SET file_copy_method = {method}")
        for _ in range(CLONES):
            begun = time.perf_counter()
            self.ask(f"CREATE DATABASE copied TEMPLATE {template} STRATEGY {strategy}")
            created = time.perf_counter()
            with self.connect("copied") as connection:
                connection.execute("INSERT INTO table_0 (name) VALUES ('a')")
                connection.execute("SELECT count(*) FROM table_0").fetchone()
            used = time.perf_counter()
            self.await_gone("copied")
            alone = time.perf_counter()
            self.ask("DROP DATABASE copied")
            dropped = time.perf_counter()
            parts = created - begun, used - created, dropped - alone
            for name, seconds in zip(PARTS, (*parts, sum(parts)), strict=True):
                times[name].append(seconds)
        return {name: median(found) for name, found in times.items()}

    def await_gone(self, name: str) -> None:
        """Wait until a closed session is gone: a DROP would wait 100 ms for it."""
        users = f"SELECT count(*) FROM pg_stat_activity WHERE datname = '{name}'"
        while self.ask(users) != [(0,)]:
            pass

    def template(self, corpus: Corpus) -> str:
        """Name what the limit copies; it is made once, and the ways are tried."""
        name = f"limit_{CORPORA.index(corpus)}"
        if corpus.name not in self.figures.ways:
            self.ask(f"CREATE DATABASE {name}")
            with self.connect(name) as connection:
                migrations = self.folder(SUITES[0], corpus) / "migrations"
                sqlx.Migrator(migrations).run(connection)
            self.connect(name).close()  # The server caches its catalogs in a file.
            self.await_gone(name)
            took: dict[tuple[str, str], float] = {}
            for way in WAYS * TRIALS:
                with suppress(psycopg.Error):  # Not each system can clone files.
                    seconds = self.copy(name, way)[CREATE]
                    took[way] = min(seconds, took.get(way, seconds))
            self.figures.ways[corpus.name] = min(took, key=took.__getitem__)
        return name

    def forget(self) -> None:
        """Drop the templates that the plugin has made."""
        for (name,) in self.ask(TEMPLATES):
            self.ask(f"ALTER DATABASE {name} IS_TEMPLATE false")
            self.ask(f"DROP DATABASE {name}")

    def take_limit(self, corpus: Corpus) -> float:
        """Measure what the server takes by itself; tell the seconds of the copy."""
        name = self.template(corpus)
        parts = self.copy(name, self.figures.ways[corpus.name])
        limit = parts[CREATE]
        for part, seconds in parts.items():
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
            self.forget()
            seconds = suite.run(folder, LENGTH).seconds
            sessions[suite.name, corpus.name, FRESH].append(seconds)
        short, long = (suite.run(folder, length, 2).seconds for length in lengths)
        each = (long - short) / (lengths[1] - lengths[0])
        whole = long + (LENGTH - lengths[1]) * each
        sessions[suite.name, corpus.name, TWO].append(whole)


@contextmanager
def bench() -> Iterator[Bench]:
    """Start a server in memory with the plugin's settings; files lie there, too."""
    work = Path(tempfile.mkdtemp(prefix="sqlx-bench-", dir=MEMORY))
    try:
        with sqlx.start_embedded(work / "postgres", settings=SETTINGS) as server:
            words = make_conninfo("", **server.keywords())
            with psycopg.connect(words, autocommit=True) as admin:
                where = server.keywords()
                del where["dbname"]
                yield Bench(admin, where, work, Figures())
    finally:
        shutil.rmtree(work)


def run_round(bench: Bench, number: int, options: argparse.Namespace) -> None:
    """Run every suite on every corpus."""
    for corpus in CORPORA:
        found = [suite for suite in SUITES if is_wanted(suite, corpus, options)]
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
    ways = "; ".join(f"{name}: {' '.join(way)}" for name, way in figures.ways.items())
    return "\n".join(
        [
            f"Python {platform.python_version()}; load at the end {load}. {ways}\n",
            "One test: its time, and the ratio to the limit (least to most)\n",
            *table(["migrations", *every, "CPU"], test_rows(figures, every)),
            f"A session of {LENGTH} tests\n",
            *table(["migrations", *usual], session_rows(figures, usual)),
            "SQLite: one test, and the ratio to replaying\n",
            *table(["migrations", *usual, "CPU"], sqlite_rows(figures, usual)),
        ]
    )


def test_rows(figures: Figures, names: list[str]) -> Iterator[list[str]]:
    """A row for each part of the limit, and for each suite."""
    for row in PARTS:
        yield [row, *(cell(figures.pairs(row, name)) for name in names), "-"]
    for suite in SUITES:
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
    for suite, how in product(SUITES, (ONE, FRESH, WARM, TWO)):
        found = [figures.sessions.get((suite.name, name, how), []) for name in names]
        if any(found) and not suite.is_variant:
            cells = (shown(median(each)) if each else "-" for each in found)
            yield [f"{suite.name}, {how}" if how else suite.name, *cells]


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
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default="", help="names, separated by commas")
    parser.add_argument("--quick", action="store_true", help="short, with noise")
    options = parser.parse_args()
    unknown = set(options.only.split(",")) - {"", *(suite.name for suite in SUITES)}
    if unknown:
        parser.error(f"no suite is called {min(unknown)!r}")
    python()  # What it installs shall not be measured.
    with bench() as found:
        for number in range(1 if options.quick else options.rounds):
            run_round(found, number, options)
        print(as_markdown(found.figures))
    return 0


def say(what: str) -> None:
    """Tell what is under way."""
    print(f"bench: {what}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
