"""Compare migrations with those of a git branch, by SQLx's checksums.

What stands on the base branch may have been applied somewhere, so it must not change
any more. The comparison is with the commit at which this branch left the base: what was
added there since then has not vanished here.
"""

from __future__ import annotations

import os
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlx.cli.findings import Finding, Severity
from sqlx.errors import ConfigurationError, SourceError
from sqlx.migrations.migration import Kind, checksum
from sqlx.migrations.naming import parse_file_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlx.migrations.migration import Source

__all__ = ["compare_with_base"]


@dataclass(frozen=True, slots=True)
class Standing:
    """An up or simple file as it stands in a commit.

    Args:
        name: Its name in the directory.
        version: What it says.
        text: Its text, as git keeps it.
    """

    name: str
    version: int
    text: str


@dataclass(frozen=True, slots=True)
class Git:
    """Git, asked about one directory of a work tree.

    Args:
        directory: Where the migrations are.
    """

    directory: str

    def ask(
        self, *words: str, stdin: bytes = b""
    ) -> subprocess.CompletedProcess[bytes]:
        """Run git.

        Raises:
            ConfigurationError: It is not installed.
        """
        command = ["git", "-C", self.directory, *words]
        try:
            return subprocess.run(  # noqa: S603 -- no shell; what a user names is one word.
                command, input=stdin, capture_output=True, check=False
            )
        except FileNotFoundError as error:
            raise ConfigurationError(
                "--base asks git, and there is no `git` on the PATH; install it, or "
                "leave --base away"
            ) from error

    def answer(self, *words: str, stdin: bytes = b"") -> bytes:
        """Run git and return what it prints.

        Raises:
            ConfigurationError: It failed; the message has its words.
        """
        done = self.ask(*words, stdin=stdin)
        if done.returncode:
            reason = done.stderr.decode(errors="replace").strip()
            raise ConfigurationError(f"--base: git {words[0]} failed: {reason}")
        return done.stdout

    def commit(self, reference: str) -> str:
        """Find the commit at which this branch left another.

        Raises:
            ConfigurationError: There is no work tree, or no such commit.
        """
        self.answer("rev-parse", "--is-inside-work-tree")
        wanted = f"{reference}^{{commit}}"
        found = self.ask("rev-parse", "--verify", "--quiet", "--end-of-options", wanted)
        if found.returncode:
            raise ConfigurationError(
                f"--base: git knows no commit {reference!r} here; name another, or "
                "fetch it first (a workflow's checkout has one branch unless told)"
            )
        commit = found.stdout.decode().strip()
        fork = self.ask("merge-base", commit, "HEAD")
        # A shallow clone knows no common ancestor: the base itself is the best guess.
        return commit if fork.returncode else fork.stdout.decode().strip()

    def files(self, commit: str) -> Iterator[Standing]:
        """Read the up and simple files of the directory in a commit."""
        listed = self.answer("ls-tree", "-z", commit).split(b"\0")
        entries = [line.partition(b"\t") for line in listed if line]
        wanted = []
        for facts, _, name in entries:
            mode, kind, identity = facts.split()
            text = os.fsdecode(name)
            version = _forward(text)
            # A symbolic link's content is a path; what it leads to is not looked at.
            if kind == b"blob" and mode != b"120000" and version is not None:
                wanted.append((text, version, identity))
        stdin = b"".join(identity + b"\n" for _, _, identity in wanted)
        answer = self.answer("cat-file", "--batch", stdin=stdin)
        for text, number, _ in wanted:
            head, _, answer = answer.partition(b"\n")
            size = int(head.split()[2])
            content, answer = answer[:size], answer[size + 1 :]
            with suppress(UnicodeDecodeError):  # SQLx could never apply such a file.
                yield Standing(text, number, content.decode())

    def checked_out(self, commit: str, name: str) -> str:
        """Read a file as git would write it here: with this machine's line endings."""
        content = self.answer("cat-file", "--filters", f"{commit}:./{name}")
        return content.decode(errors="replace")


def compare_with_base(
    source: Source, directory: str, reference: str
) -> Iterator[Finding]:
    """Find migrations of the base that have changed or vanished, and late-comers.

    Args:
        source: The files as they are here.
        directory: Where they are.
        reference: The base: a branch, a tag or a commit.

    Raises:
        ConfigurationError: Git is missing, or knows no such commit.
    """
    git = Git(directory)
    commit = git.commit(reference)
    here = {migration.version: migration for migration in source.forward()}
    there = list(git.files(commit))
    for standing in there:
        restore = (
            f"restore it: git checkout {commit[:12]} -- {directory}/{standing.name}"
        )
        migration = here.pop(standing.version, None)
        if migration is None:
            yield Finding(
                os.path.join(directory, standing.name),
                Severity.ERROR,
                "missing-since-base",
                f"migration {standing.version} stands on {reference} and is gone here; "
                f"{restore}",
            )
        elif not _same(standing, git, commit, source, migration.checksum):
            yield Finding(
                migration.path,
                Severity.ERROR,
                "changed-since-base",
                f"migration {standing.version} stands on {reference} and has been "
                f"modified here; {restore}, or put the change in a new migration",
            )
    newest = max((standing.version for standing in there), default=None)
    for migration in here.values():
        if newest is not None and migration.version < newest:
            yield Finding(
                migration.path,
                Severity.WARNING,
                "older-than-base",
                f"migration {migration.version} is new and older than {newest}, the "
                f"newest on {reference}: a database that has that one applies this one "
                "after it; give it a newer version",
            )


def _same(
    standing: Standing, git: Git, commit: str, source: Source, local: bytes
) -> bool:
    if checksum(standing.text, source.ignored_chars) == local:
        return True
    written = git.checked_out(commit, standing.name)
    return checksum(written, source.ignored_chars) == local


def _forward(name: str) -> int | None:
    try:
        parsed = parse_file_name(name)
    except SourceError:
        return None  # It was no migration on the base either.
    return None if parsed is None or parsed.kind is Kind.DOWN else parsed.version
