"""Measure `sqlx prepare` and `sqlx check` of many queries, in interleaved rounds.

A round runs every command once, each a process of its own, and its ratio is that to
`check --offline` of the same round: absolute times drift on a shared machine, ratios
less. CPU is that of the command and of the process that imports the modules, not the
server's. The first round is not counted: it makes caches, bytecode, and the server of
the scratch databases. The parts are measured in this process, in rounds, too.
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
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from link import Link
from measure import Sample, measure
from parts import parts
from projects import PACKAGE, POSTGRES, SQLITE, Kind, write_project
from report import cell, shown, table

import sqlx

if TYPE_CHECKING:
    from collections.abc import Iterator

COMMAND = str(Path(sys.executable).with_name("sqlx"))
ONE_WAY_SECONDS = 0.005
LIMIT = "check --offline"
FAR = ", link of 10 ms"
ONE = "one query: "
SIDES = POSTGRES, SQLITE


@dataclass(frozen=True, slots=True)
class Act:
    """A command that is measured.

    Args:
        name: In the table.
        words: The command and its options.
        folder: The project.
        url: The database; empty for a scratch one.
        fresh: Whether the cache is removed before.
    """

    name: str
    words: tuple[str, ...]
    folder: Path
    url: str
    fresh: bool = False

    def run(self) -> Sample:
        """Run it, to its end."""
        if self.fresh:
            shutil.rmtree(self.folder / ".sqlx", ignore_errors=True)
        variables = {"DATABASE_URL": self.url} if self.url else {}
        return measure([COMMAND, *self.words, PACKAGE], self.folder, variables)


@dataclass(frozen=True, slots=True)
class Side:
    """A kind of database, and projects for it.

    Args:
        kind: The kind.
        many: The project of many queries.
        one: That of a single one.
        url: The database, which has the tables.
        far: The same one over the link; empty where there is none.
    """

    kind: Kind
    many: Path
    one: Path
    url: str
    far: str = ""

    def acts(self) -> Iterator[Act]:
        """List the commands in the order of a round: what reads a cache comes last."""
        if self.far:
            cold = f"prepare, cold{FAR}"
            yield Act(cold, ("prepare",), self.many, self.far, fresh=True)
            yield Act(f"check{FAR}", ("check",), self.many, self.far)
        yield Act("prepare, cold", ("prepare",), self.many, self.url, fresh=True)
        yield Act("prepare, warm", ("prepare",), self.many, self.url)
        yield Act("check", ("check",), self.many, self.url)
        yield Act("check, scratch database", ("check",), self.many, "")
        yield Act(LIMIT, ("check", "--offline"), self.many, self.url)
        yield Act(f"{ONE}prepare, cold", ("prepare",), self.one, self.url, fresh=True)
        yield Act(f"{ONE}check", ("check",), self.one, self.url)
        yield Act(f"{ONE}{LIMIT}", ("check", "--offline"), self.one, self.url)


@dataclass
class Figures:
    """What was measured, by the kind of database and a name, round by round.

    Args:
        commands: Whole processes.
        parts: Seconds of the clock and of the processor, here and in what is started.
        trips: Round trips over the link, by command, once connected.
    """

    commands: dict[tuple[str, str], list[Sample]] = field(
        default_factory=lambda: defaultdict(list)
    )
    parts: dict[tuple[str, str], list[tuple[float, float]]] = field(
        default_factory=lambda: defaultdict(list)
    )
    trips: dict[str, int] = field(default_factory=dict)

    def rows(self) -> Iterator[list[str]]:
        """A row for each command."""
        for name in dict.fromkeys(name for _, name in self.commands):
            row = [name]
            for kind in SIDES:
                found = self.commands.get((kind.name, name), [])
                limits = self.commands[kind.name, LIMIT]
                pairs = [
                    (sample.seconds, limit.seconds)
                    for sample, limit in zip(found, limits, strict=False)
                ]
                cpu = [sample.cpu_seconds for sample in found]
                row += [cell(pairs), shown(median(cpu)) if cpu else "-"]
            yield row

    def part_rows(self) -> Iterator[list[str]]:
        """A row for each part."""
        for name in dict.fromkeys(name for _, name in self.parts):
            row = [name]
            for kind in SIDES:
                found = self.parts[kind.name, name]
                row += [shown(median(side)) for side in zip(*found, strict=True)]
            yield row


@contextmanager
def sides(work: Path, queries: int, modules: int) -> Iterator[tuple[list[Side], Link]]:
    """Write the projects, start a server, a link to it, and make the databases."""
    with sqlx.start_embedded(work / "postgres") as server:
        near, far = Path(server.socket_directory), work / "link"
        far.mkdir()
        socket, where = f".s.PGSQL.{server.port}", "postgres:///postgres?user=postgres"
        urls = {POSTGRES: f"{where}&host={near}", SQLITE: f"sqlite://{work}/shop.db"}
        found = []
        for kind, url in urls.items():
            many, one = work / f"{kind.name}-many", work / f"{kind.name}-one"
            write_project(many, kind, queries, modules)
            write_project(one, kind, 1, 1)
            sqlx.create_database(url)
            sqlx.Migrator(many / "migrations").run(url)
            over = f"{where}&host={far}" if kind is POSTGRES else ""
            found.append(Side(kind, many, one, url, over))
        with Link(near / socket, far / socket, ONE_WAY_SECONDS) as link:
            yield found, link


def run_commands(side: Side, link: Link, figures: Figures) -> None:
    """Run one round of commands."""
    for act in side.acts():
        link.reset()
        figures.commands[side.kind.name, act.name].append(act.run())
        if act.url and act.url == side.far:
            figures.trips[act.name] = link.round_trips


def run_parts(side: Side, figures: Figures, rounds: int) -> None:
    """Run all parts, round by round."""
    with parts(side.kind, side.many, side.url) as found:
        for _ in range(rounds):
            for name, part in found.items():
                clock, cpu = time.perf_counter(), sum(os.times()[:4])
                part()
                spent = time.perf_counter() - clock, sum(os.times()[:4]) - cpu
                figures.parts[side.kind.name, name].append(spent)


def as_markdown(figures: Figures) -> str:
    """Write the tables."""
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    names = [name for kind in SIDES for name in (kind.name, "CPU")]
    trips = "; ".join(f"{name}: {count}" for name, count in figures.trips.items())
    lines = [
        f"Python {platform.python_version()}; load at the end {load}.\n",
        f"Seconds, and the ratio to `{LIMIT}` (least to most)\n",
        *table(["command", *names], figures.rows()),
        *table(["part", *names], figures.part_rows()),
        f"Round trips, once connected: {trips}",
    ]
    return "\n".join(lines)


def main() -> int:
    """Measure, and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--queries", type=int, default=1000)
    parser.add_argument("--modules", type=int, default=50)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    figures = Figures()
    work = Path(tempfile.mkdtemp(prefix="sqlx-bench-"))
    try:
        with sides(work, options.queries, options.modules) as (found, link):
            for side in found:
                run_commands(side, link, Figures())
            for number in range(options.rounds):
                print(f"bench: round {number + 1}", file=sys.stderr, flush=True)
                for side in found:
                    run_commands(side, link, figures)
            for side in found:
                run_parts(side, figures, options.rounds)
    finally:
        shutil.rmtree(work)
    print(as_markdown(figures))
    return 0


if __name__ == "__main__":
    sys.exit(main())
