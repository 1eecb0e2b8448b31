"""The documents tell the truth: every code block in them is run, top to bottom.

A `console` block holds commands and what they print (see `documents`). A `python` block
is a program that prints nothing. A block with a path, such as `sql PATH`, is a file
that the reader writes. What is typed on a server, or deploys to one, is marked so, and
is run by the drill (tests/drill), which fails when it has left one out. There is no
other kind, so that nothing can stand in a document that nobody runs. What differs from
run to run is written `<version>` (of a migration that was just made), `<time>` or
`<here>`; the port of a running service is not compared.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.request import urlopen

import mysql_server
import pytest
from documents import PLACEHOLDERS, Block, blocks_of, entries_of, pattern_of
from support import new_folder

import sqlx

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlx.testing import DatabaseFactory

ROOT = Path(__file__).parent.parent
BIN = Path(sys.executable).parent
DOCUMENTS = sorted(
    [
        *(path.name for path in ROOT.glob("*.md")),
        *(p.relative_to(ROOT).as_posix() for p in ROOT.glob("docs/**/*.md")),
        "packages/sqlx-py/README.md",
    ]
)
# Their reader begins with an empty folder; the others', with our migrations.
OF_READERS = (
    "packages/sqlx-py/README.md",
    "docs/applications.md",
    "docs/coming-from/",
    "docs/guide/",
    "docs/mysql.md",
    "docs/reference/",
    "docs/testing.md",
)
# Their reader has a database of this kind, which DATABASE_URL names.
ON_SERVERS = {
    "docs/applications.md": "postgres",
    "docs/guide/without-stopping.md": "postgres",
    "docs/mysql.md": "mysql",
}
# What takes seconds there: frameworks, other tools, many starts of Python.
SLOW = (
    "docs/api.md",
    "docs/applications.md",
    "docs/coming-from/",
    "docs/guide/",
    "docs/migrations.md",
    "docs/mysql.md",
    "docs/queries.md",
    "docs/testing.md",
    "packages/sqlx-py/README.md",
)
# These two have blocks that are typed elsewhere: in a clone that deploys, or by ssh.
OF_SERVERS = ("docs/migrations.md", "docs/operations.md")
ELSEWHERE = {("console", "deploy"), ("console", "server")}
LANDED = {path.name.partition("_")[0] for path in (ROOT / "migrations").glob("*.sql")}
VERSION = re.compile(r"(?<!\d)20\d{12}(?!\d)")
TIME = re.compile(r"\(\d[\d.]*(?:ns|µs|ms|s)\)")
PORT = re.compile(r"(?<=127\.0\.0\.1:)\d+")
KEY = re.compile(PLACEHOLDERS["key"])
# A clone has `sqlx.toml`, and the command says so each time.
SQLX_TOML = "Found `sqlx.toml` in current directory; reading...\n"


class Reader:
    """Somebody who follows a document in a directory of their own."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.environ = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("PG", "SMALLY_", "SQLX_", "MAKE", "MFLAGS", "GIT_"))
            and name not in {"DATABASE_URL", "RUNTIME_DATABASE_URL", "LOG_FORMAT"}
        }
        self.environ["PATH"] = f"{BIN}{os.pathsep}{self.environ['PATH']}"
        # In a clone's root, its own source is what is checked.
        self.environ["PYTHONPATH"] = os.pathsep.join(
            [str(directory / "src"), *filter(None, [os.environ.get("PYTHONPATH")])]
        )
        self.environ["XDG_CACHE_HOME"] = str(directory / ".cache")
        self.service: subprocess.Popen[str] | None = None
        self.address = ""
        self.key = ""

    def follow(self, block: Block) -> None:
        """Do what a block says."""
        match block.kind:
            case "python" | "sql" | "toml" | "ini" | "sh" if block.path:
                self.write(block.path, block.text)
            case "console" if not block.path:
                self.type_in(block.text)
            case "python":
                done = self.run([str(BIN / "python"), "-c", block.text])
                assert (done.returncode, done.stdout) == (0, ""), done.stdout
            case kind:
                words = f"{kind} {block.path}".strip()
                raise AssertionError(f"a block of kind {words!r} is run by nobody")

    def type_in(self, text: str) -> None:
        """Type each command, and compare what it prints."""
        for entry in entries_of(text):
            expected = self.settled(entry.expected)
            command = entry.command.replace("<key>", self.key)
            found = self.answer(command, expected, fails=entry.fails)
            if "…" in expected and pattern_of(expected, {}).fullmatch(found):
                continue
            assert found == expected, command

    def answer(self, command: str, expected: str, *, fails: bool = False) -> str:
        """Run one command, and give what it prints."""
        if command == "make run":
            return self.start_service(self.recipe(), expected.count("\n"))
        if command.startswith("uvicorn ") and not fails:
            return self.start_service(command, expected.count("\n"))
        if command.startswith("export "):
            return self.export(command)
        if command.startswith("curl "):
            return self.fetch(command)
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

    def export(self, command: str) -> str:
        """Keep a variable for the commands that follow."""
        name = command.removeprefix("export ").partition("=")[0]
        told = self.run(["sh", "-c", f'{command}; printf %s "${name}"'])
        self.environ[name] = told.stdout
        return ""

    def recipe(self) -> str:
        """Find what `make run` starts in the end."""
        recipe = self.run(["make", "--no-print-directory", "-n", "run"], cwd=ROOT)
        command = re.search(r"\.venv/bin/(smally serve(?: --[a-z-]+)*)", recipe.stdout)
        assert command is not None, recipe.stdout
        return command[1]

    def start_service(self, command: str, lines: int) -> str:
        """Start a program that serves, in our directory and on a free port."""
        self.leave()
        program, *arguments = command.split()
        self.service = subprocess.Popen(
            [BIN / program, *arguments],
            cwd=self.directory,
            env=self.environ | {"SMALLY_PORT": "0", "UVICORN_PORT": "0"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert self.service.stdout is not None
        printed = "".join(self.service.stdout.readline() for _ in range(lines))
        address = re.search(r"127\.0\.0\.1:\d+", printed)
        assert address is not None, printed
        self.address = address[0]
        key = KEY.search(printed)
        self.key = key[0] if key else ""
        return self.settled(printed)

    def fetch(self, command: str) -> str:
        """Ask the running service, with curl where there is one."""
        ours = PORT.sub(self.address.partition(":")[2], command)
        words = shlex.split(ours.replace("\\\n", " "))[1:]
        if shutil.which("curl"):
            return self.run(["curl", "--silent", "--show-error", *words]).stdout + "\n"
        if len(words) > 1:
            pytest.skip("needs curl")
        with urlopen(words[0], timeout=10) as answer:  # noqa: S310 - an address of ours.
            return str(answer.read().decode() + "\n")

    def write(self, pattern: str, text: str) -> None:
        """Write a file that the document names, or one that a command has made."""
        names = [path.name for path in self.directory.glob("migrations/*")]
        name = pattern.replace("<version>", max(names, default="").partition("_")[0])
        if "*" in name:
            (path,) = self.directory.glob(name)
        else:
            path = self.directory / name
            path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def settled(self, text: str) -> str:
        """Take out what differs from run to run."""
        here = text.replace(str(self.directory), "<here>").replace(SQLX_TOML, "")
        shown = KEY.sub("<key>", VERSION.sub(keep_landed, here))
        return PORT.sub("8000", TIME.sub("(<time>)", shown))

    def leave(self) -> None:
        """Stop the service, as Ctrl-C does."""
        if self.service is not None:
            self.service.terminate()
            self.service.communicate(timeout=60)
            self.service = None


def keep_landed(version: re.Match[str]) -> str:
    """Keep the version of a migration that has landed: it is the same for everybody."""
    return version[0] if version[0] in LANDED else "<version>"


def is_typed_elsewhere(document: str, block: Block) -> bool:
    """Whether a block is the drill's."""
    return document in OF_SERVERS and (block.kind, block.path) in ELSEWHERE


def make_clone(directory: Path) -> None:
    """Make what a page on migrations needs of a clone, in a repository of its own."""
    for name in ("migrations", ".sqlx", "src"):
        shutil.copytree(ROOT / name, directory / name)
    (directory / "scripts").mkdir()
    for name in (
        "pyproject.toml",
        "sqlx.toml",
        ".gitignore",
        "scripts/migrations-check",
    ):
        shutil.copy(ROOT / name, directory / name)
    (directory / ".venv").symlink_to(BIN.parent)
    for command in (
        ("init", "--quiet", "--initial-branch=main"),
        ("config", "user.name", "Ada"),
        ("config", "user.email", "ada@example.org"),
        ("add", "--all"),
        ("commit", "--quiet", "--message=so far"),
        ("checkout", "--quiet", "-b", "preferences"),
    ):
        subprocess.run(["git", *command], cwd=directory, check=True)


@pytest.fixture
def url(document: str, request: pytest.FixtureRequest) -> Iterator[str]:
    """Make the database that a document takes for granted, where it does."""
    match ON_SERVERS.get(document):
        case "postgres":
            factory: DatabaseFactory = request.getfixturevalue("db_factory")
            yield factory.create(migrations=False)
        case "mysql":
            mysql_server.need(mysql_server.MARIADB)
            folder = new_folder()
            server = mysql_server.Server(folder)
            server.ask("CREATE DATABASE app")
            yield server.url("app")
            server.stop()
            shutil.rmtree(folder)
        case _:
            yield ""


@contextmanager
def reading(document: str, directory: Path, url: str) -> Iterator[Reader]:
    """Give a reader of a document what it takes for granted."""
    with ExitStack() as stack:
        if document in OF_SERVERS:
            needs_git()
            make_clone(directory)
            # Otherwise every command would start it, and stop it.
            stack.enter_context(sqlx.start_embedded(directory / ".postgres"))
        elif not document.startswith(OF_READERS):
            shutil.copytree(ROOT / "migrations", directory / "migrations")
        reader = Reader(directory)
        if url:
            reader.environ["DATABASE_URL"] = url
        stack.callback(reader.leave)
        yield reader


@pytest.mark.parametrize(
    "document",
    [
        pytest.param(name, marks=[pytest.mark.slow] if name.startswith(SLOW) else [])
        for name in DOCUMENTS
    ],
)
def test_what_a_document_shows_is_what_happens(
    document: str, url: str, tmp_path: Path
) -> None:
    """Every block runs, in order, and prints what stands there."""
    text = (ROOT / document).read_text(encoding="utf-8")
    blocks = [b for b in blocks_of(text) if not is_typed_elsewhere(document, b)]
    if not blocks:
        return
    with reading(document, tmp_path, url) as reader:
        for block in blocks:
            try:
                reader.follow(block)
            except AssertionError as error:
                error.add_note(f"in the block at {document}:{block.line}")
                raise


def needs_git() -> None:
    """Skip where git is missing; in CI that is a failure."""
    if shutil.which("git") is None:
        if os.environ.get("CI") == "true":
            pytest.fail("git is missing")
        pytest.skip("needs git")


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
    with pytest.raises(AssertionError, match="begins with a command"):
        entries_of("one\n$ echo one\n")


def test_only_the_pages_on_servers_have_blocks_for_servers(tmp_path: Path) -> None:
    """The drill runs these; anywhere else, and of any other kind, they fail."""
    reader = Reader(tmp_path)
    server, deploy, other, path = blocks_of(
        "```console server\n$ true\n```\n```console deploy\n$ true\n```\n"
        "```console laptop\n$ true\n```\n```python server\npass\n```\n"
    )
    for document in DOCUMENTS:
        skipped = [
            is_typed_elsewhere(document, block)
            for block in (server, deploy, other, path)
        ]
        mine = document in {"docs/migrations.md", "docs/operations.md"}
        assert skipped == [mine, mine, False, False]
    for block, words in ((server, "console server"), (other, "console laptop")):
        with pytest.raises(AssertionError, match=f"'{words}' is run by nobody"):
            reader.follow(block)


@pytest.mark.parametrize(
    ("expected", "found"),
    [
        ("one\n…\nfour\n", "one\ntwo\nthree\nfour\n"),
        ("one\n…\nfour\n", "one\nfour\n"),
        ("… smally[<number>]: [INFO] x\n", "Nov 29 host smally[7]: [INFO] x\n"),
        (
            "<version>/installed <oops> (<time>)\n",
            "20260101000000/installed <oops> (4ms)\n",
        ),
    ],
)
def test_what_is_left_out_of_an_output_may_be_anything(
    expected: str, found: str
) -> None:
    """Lines, text inside a line, and names that stand for what differs."""
    assert pattern_of(expected).fullmatch(found)
    assert not pattern_of(expected).fullmatch(f"{found}more\n")
