"""The documents tell the truth: every code block in them is run, top to bottom.

A `console` block holds commands behind `$ ` and what they print; behind `$? `, those
that fail. A `python` block is a program that prints nothing. A block with a path, such
as `sql PATH`, is a file that the reader writes. There is no other kind, so that nothing
can stand in a document that nobody runs. What differs from run to run is written
`<version>` (of a migration that was just made), `<time>` or `<here>`; the port of a
running service is not compared.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent
from urllib.request import urlopen

import pytest

ROOT = Path(__file__).parent.parent
BIN = Path(sys.executable).parent
DOCUMENTS = sorted(
    [
        *(path.name for path in ROOT.glob("*.md")),
        *(f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md")),
        "packages/sqlx-py/README.md",
    ]
)
FENCE = re.compile(
    r"^(?P<indent> *)```(?P<kind>\S*) *(?P<path>[^\n]*)\n(?P<text>.*?)^(?P=indent)```$",
    re.DOTALL | re.MULTILINE,
)
VERSION = re.compile(r"(?<!\d)(?!20250114000000)20\d{12}(?!\d)")
TIME = re.compile(r"\(\d[\d.]*(?:ns|µs|ms|s)\)")
PORT = re.compile(r"(?<=127\.0\.0\.1:)\d+")


@dataclass(frozen=True)
class Block:
    """A fenced block, and the line where it begins."""

    kind: str
    path: str
    text: str
    line: int


def blocks_of(text: str) -> list[Block]:
    """Find the fenced blocks of a document."""
    found = [
        Block(
            match["kind"],
            match["path"],
            dedent(match["text"]),
            text.count("\n", 0, match.start()) + 1,
        )
        for match in FENCE.finditer(text)
    ]
    fences = len(re.findall(r"^ *```", text, re.MULTILINE))
    assert fences == 2 * len(found), "a fence is not closed, or not understood"
    return found


class Reader:
    """Somebody who follows a document in a directory of their own."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.environ = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("PG", "SMALLY_", "SQLX_", "MAKE", "MFLAGS"))
            and name not in {"DATABASE_URL", "RUNTIME_DATABASE_URL", "LOG_FORMAT"}
        }
        self.environ["PATH"] = f"{BIN}{os.pathsep}{self.environ['PATH']}"
        self.environ["XDG_CACHE_HOME"] = str(directory / ".cache")
        self.service: subprocess.Popen[str] | None = None
        self.address = ""

    def follow(self, block: Block) -> None:
        """Do what a block says."""
        match block.kind:
            case "python" | "sql" | "toml" if block.path:
                self.write(block.path, block.text)
            case "console":
                self.type_in(block.text)
            case "python":
                done = self.run([str(BIN / "python"), "-c", block.text])
                assert (done.returncode, done.stdout) == (0, ""), done.stdout
            case kind:
                raise AssertionError(f"a block of kind {kind!r} is run by nobody")

    def type_in(self, text: str) -> None:
        """Type each command, and compare what it prints."""
        entries = re.split(r"^\$(\??) ", text, flags=re.MULTILINE)[1:]
        for fails, entry in zip(entries[::2], entries[1::2], strict=True):
            command, _, expected = entry.partition("\n")
            found = self.answer(command, expected, fails=bool(fails))
            assert found == self.settled(expected), command

    def answer(self, command: str, expected: str, *, fails: bool = False) -> str:
        """Run one command, and give what it prints."""
        if command == "make run":
            return self.start_service(expected.count("\n"))
        if command.startswith("export "):
            name, _, value = command.removeprefix("export ").partition("=")
            self.environ[name] = value
            return ""
        if command.startswith("curl "):
            return self.fetch(command.removeprefix("curl "))
        where = ROOT if command.startswith("make ") else self.directory
        done = self.run(["sh", "-c", command], cwd=where)
        assert (done.returncode != 0) is fails, done.stdout
        return self.settled(done.stdout)

    def run(
        self, command: list[str], cwd: Path | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run a program; both of its streams are what a reader sees."""
        return subprocess.run(
            command,
            cwd=cwd or self.directory,
            env=self.environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=120,
            check=False,
        )

    def start_service(self, lines: int) -> str:
        """Start what `make run` starts, in our directory and on a free port."""
        recipe = self.run(["make", "--no-print-directory", "-n", "run"], cwd=ROOT)
        assert ".venv/bin/smally serve" in recipe.stdout
        self.service = subprocess.Popen(
            [BIN / "smally", "serve"],
            cwd=self.directory,
            env=self.environ | {"SMALLY_PORT": "0"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert self.service.stdout is not None
        printed = "".join(self.service.stdout.readline() for _ in range(lines))
        address = re.search(r"127\.0\.0\.1:\d+", printed)
        assert address is not None, printed
        self.address = address[0]
        return self.settled(printed)

    def fetch(self, url: str) -> str:
        """Ask the running service, with curl where there is one."""
        ours = PORT.sub(self.address.partition(":")[2], url)
        if shutil.which("curl"):
            return self.run(["curl", "--silent", "--show-error", ours]).stdout + "\n"
        with urlopen(ours, timeout=10) as answer:  # noqa: S310 - an address of ours.
            return str(answer.read().decode() + "\n")

    def write(self, pattern: str, text: str) -> None:
        """Write a file that the document names, or one that a command has made."""
        newest = max(path.name for path in self.directory.glob("migrations/*"))
        name = pattern.replace("<version>", newest.partition("_")[0])
        if "*" in name:
            (path,) = self.directory.glob(name)
        else:
            path = self.directory / name
        path.write_text(text)

    def settled(self, text: str) -> str:
        """Take out what differs from run to run."""
        here = text.replace(str(self.directory), "<here>")
        return PORT.sub("8000", TIME.sub("(<time>)", VERSION.sub("<version>", here)))

    def leave(self) -> None:
        """Stop the service, as Ctrl-C does."""
        if self.service is not None:
            self.service.terminate()
            self.service.communicate(timeout=60)


@pytest.mark.parametrize("document", DOCUMENTS)
def test_what_a_document_shows_is_what_happens(document: str, tmp_path: Path) -> None:
    """Every block runs, in order, and prints what stands there."""
    if not document.startswith("packages/"):
        shutil.copytree(ROOT / "migrations", tmp_path / "migrations")
    reader = Reader(tmp_path)
    try:
        for block in blocks_of((ROOT / document).read_text(encoding="utf-8")):
            try:
                reader.follow(block)
            except AssertionError as error:
                error.add_note(f"in the block at {document}:{block.line}")
                raise
    finally:
        reader.leave()


def test_a_block_that_nobody_runs_is_refused(tmp_path: Path) -> None:
    """A kind that is not known fails, and so does a wrong output."""
    reader = Reader(tmp_path)
    (unknown,) = blocks_of("```text\nhello\n```\n")
    with pytest.raises(AssertionError, match="a block of kind 'text' is run by nobody"):
        reader.follow(unknown)
    (wrong,) = blocks_of("  ```console\n  $ echo one\n  two\n  ```\n")
    with pytest.raises(AssertionError, match="echo one"):
        reader.follow(wrong)
    with pytest.raises(AssertionError, match="a fence is not closed"):
        blocks_of("```console\n$ true\n")


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_link_inside_the_repository_leads_somewhere(document: str) -> None:
    """A link's file exists, and the heading in it when it names one."""
    place = ROOT / document
    text = place.read_text(encoding="utf-8")
    for target in re.findall(r"\]\((?!https?:)([^)]+)\)", text):
        name, _, heading = target.partition("#")
        path = (place.parent / name) if name else place
        assert path.exists(), f"{document}: {target}"
        if heading:
            headings = re.findall(r"^#+ (.*)$", path.read_text(), re.MULTILINE)
            anchors = [
                re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
                for heading in headings
            ]
            assert heading in anchors, f"{document}: {target}"
