"""Measure sqlx-py against psql, Rust's sqlx-cli and other tools, in one run.

Then the same on MariaDB, against its client. Every measurement is paired: psql's, the
limit, is taken right before each tool's, and the ratio is the median over the pairs.
Absolute times drift on a shared machine; ratios less.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from contenders import LIMITS, Contender, contenders, migrations
from link import Link
from measure import Failed, measure, memory_mb
from report import Figures, as_json, as_markdown
from servers import SERVERS, Server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ONE_WAY_SECONDS = 0.010
LOCAL = ("fresh 500", "fresh 50", "no-op", "info", "version")
LINKED = ("fresh 50", "no-op", "info")
SLOW = "fresh 500"  # over the link: minutes a round, for those that a goal is about
FEW = ("sqlx-py", "sqlx-cli 0.9.0")


@dataclass
class Bench:
    """A server, a link to it, and a folder of files for each tool and size.

    Args:
        server: Of its own.
        limit: The tool that ratios are to.
        far: The folder of the link's socket.
        link: Its delay is 0 when it only counts.
        work: Where files are written.
    """

    server: Server
    limit: Contender
    far: Path
    link: Link
    work: Path

    def folder(self, tool: Contender, count: int) -> Path:
        """The folder with a tool's files; they are written once."""
        folder = self.work / f"{tool.name}-{count}"
        if not folder.exists():
            folder.mkdir()
            tool.prepare(folder, migrations(count))
        return folder

    def take(self, tool: Contender, act: str, count: int, where: Path) -> float:
        """Let a tool carry out an act; tell the seconds."""
        address = self.server.address(where, database(tool))
        folder = self.folder(tool, count)
        sample = measure(tool.command(act, address), folder, tool.environment(address))
        inside = tool.tells_seconds
        return float(sample.output.split()[-1]) if inside else sample.seconds

    def take_fresh(self, tool: Contender, count: int, where: Path) -> float:
        """Let a tool migrate an empty database, and see that it has.

        Raises:
            Failed: It has not.
        """
        self.server.renew(database(tool))
        seconds = self.take(tool, "fresh", count, where)
        if self.server.tables(database(tool)) != count:
            raise Failed(f"{tool.name} did not make {count} tables")
        return seconds


@contextmanager
def bench(kind: str, seconds: float) -> Iterator[Bench]:
    """Start a server of our own on disk, with its defaults, and a link to it."""
    work = Path(tempfile.mkdtemp(prefix="sqlx-bench-"))
    try:
        with SERVERS[kind](work) as server:
            far = work / "link"
            far.mkdir()
            near = server.folder / server.socket
            with Link(near, far / server.socket, seconds, server.greets) as link:
                yield Bench(server, LIMITS[kind], far, link, work)
    finally:
        shutil.rmtree(work)


def database(tool: Contender) -> str:
    """Name the database of a tool."""
    return "bench_" + "".join(c for c in tool.name.lower() if c.isalnum())


def time_in_turn(
    bench: Bench, tools: list[Contender], name: str, where: Path, rounds: int
) -> Iterator[tuple[str, float, float]]:
    """Measure the limit and each tool one right after the other, round by round."""
    act, _, count = name.partition(" ")
    size = int(count or 500)
    able = [tool for tool in tools if act in tool.commands]

    def seconds(tool: Contender) -> float:
        if act == "fresh":
            return bench.take_fresh(tool, size, where)
        return bench.take(tool, act, size, where)

    for tool in [bench.limit, *able] if act in {"no-op", "info"} else []:
        bench.take_fresh(tool, size, bench.server.folder)
    for _ in range(rounds):
        for tool in able:
            limit = seconds(bench.limit)
            yield tool.name, seconds(tool), limit


def count_all(bench: Bench, tools: list[Contender], figures: Figures) -> None:
    """Count round trips, flushes, bytes and memory: the clock plays no part."""
    for tool in [bench.limit, *tools]:
        for act in ("fresh", "no-op", "info"):
            if act in tool.commands:
                count_one(bench, tool, act, figures)
        if not tool.tells_seconds:
            weigh(bench, tool, figures)


def count_one(bench: Bench, tool: Contender, act: str, figures: Figures) -> None:
    """Count what passes the link in one act, and what the server flushes."""
    if act == "fresh":
        bench.server.renew(database(tool))
    bench.link.reset()
    before = bench.server.flushes()
    bench.take(tool, act, 50, bench.far)
    flushes, link = bench.server.flushes() - before, bench.link
    figures.count(tool.name, act, "round trips", link.round_trips)
    figures.count(tool.name, act, "connecting", link.connecting)
    figures.count(tool.name, act, "bytes", link.bytes_up)
    figures.count(tool.name, act, "flushes", flushes)


def weigh(bench: Bench, tool: Contender, figures: Figures) -> None:
    """Measure the most memory that a tool holds."""
    address = bench.server.address(bench.server.folder, database(tool))
    folder, variables = bench.folder(tool, 50), tool.environment(address)
    bench.server.renew(database(tool))
    for act in ("fresh", "no-op"):
        held = memory_mb(tool.command(act, address), folder, variables)
        figures.count(tool.name, act, "memory", round(held, 1))


def main() -> int:
    """Measure what is asked for, print the tables, and write it down."""
    options = parse()
    kinds = [options.server] if options.server else list(SERVERS)
    found = [measured(kind, options) for kind in kinds]
    text = json.dumps([as_json(figures) for figures in found], indent=2)
    Path(options.json).write_text(f"{text}\n")
    say(f"written to {options.json}")
    return 0


def measured(kind: str, options: argparse.Namespace) -> Figures:
    """Measure on one kind of server, and print the table."""
    figures = Figures(kind, LIMITS[kind].name)
    tools = [tool for tool in contenders(kind) if chosen(options.only)(tool)]
    with bench(kind, 0) as near:
        count_all(near, tools, figures)
        for name in LOCAL:
            say(f"{kind}: {name}, local socket")
            where = near.server.folder
            for found in time_in_turn(near, tools, name, where, options.rounds):
                figures.time("local", name, *found)
    with bench(kind, ONE_WAY_SECONDS) as far:
        for name in LINKED:
            say(f"{kind}: {name}, 20 ms link")
            rounds = options.link_rounds
            for found in time_in_turn(far, tools, name, far.far, rounds):
                figures.time("link", name, *found)
        few = [tool for tool in tools if tool.name in FEW]
        if not options.quick:
            say(f"{kind}: {SLOW}, 20 ms link")
            for found in time_in_turn(far, few, SLOW, far.far, 1):
                figures.time("link", SLOW, *found)
    figures.load = os.getloadavg()
    print(as_markdown(figures))
    return figures


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--server", choices=SERVERS, help="this one alone")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--link-rounds", type=int, default=3)
    parser.add_argument("--only", default="", help="names, separated by commas")
    parser.add_argument("--quick", action="store_true", help="no fresh 500 on the link")
    parser.add_argument("--json", default="bench.json")
    return parser.parse_args()


def chosen(only: str) -> Callable[[Contender], bool]:
    """Tell which tools are asked for."""
    names = {name.strip() for name in only.split(",") if name.strip()}
    return lambda tool: not names or tool.name in names


def say(what: str) -> None:
    """Tell what is under way."""
    print(f"bench: {what}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
