"""The values of a migration source: a migration, and all of them in order."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = [
    "BOM",
    "Direction",
    "Kind",
    "Migration",
    "Source",
    "SourceWarning",
    "checksum",
    "same_but_for_line_endings",
]

BOM = "\ufeff"


class Direction(Enum):
    """Which way a plan goes; the value is the word that SQLx prints."""

    UP = "migrate"
    DOWN = "revert"


class Kind(Enum):
    """SQLx's `MigrationType`; the value is the file name's ending."""

    SIMPLE = ".sql"
    UP = ".up.sql"
    DOWN = ".down.sql"


def checksum(text: str, ignored_chars: Iterable[str] = ()) -> bytes:
    """Hash a migration's text as SQLx does: SHA-384 over its UTF-8 bytes.

    Args:
        text: The file's text, its BOM and line endings as they are.
        ignored_chars: Characters that are left out of the hash.
    Source:
        SQLx `checksum_fragments` (migrations.md 1.4).
    """
    ignored = dict.fromkeys(map(ord, ignored_chars))
    hashed = text.translate(ignored) if ignored else text
    return hashlib.sha384(hashed.encode()).digest()


@dataclass(frozen=True, slots=True)
class Migration:
    """One file: what it is, what it says, and what it hashes to.

    Args:
        version: A signed 64-bit integer, from the file name.
        description: From the file name, with spaces for underscores.
        kind: Simple, up or down.
        sql: The text as it stands in the file.
        checksum: 48 bytes, over the raw text less the ignored characters.
        no_transaction: True when the leading comment block says `-- no-transaction`.
        path: Where it was read, for messages.
        compatible: True when the leading comment block of an up or simple file says
            `-- sqlx: compatible`: a release without the file runs with it applied.
    """

    version: int
    description: str
    kind: Kind
    sql: str = field(repr=False)
    checksum: bytes = field(repr=False)
    no_transaction: bool
    path: str
    compatible: bool = False

    @property
    def body(self) -> str:
        """The text to execute: without the byte order mark, which no server reads."""
        return self.sql.removeprefix(BOM)


def same_but_for_line_endings(
    migration: Migration, stored: bytes, ignored_chars: Iterable[str] = ()
) -> bool:
    """Tell whether a stored checksum is the file's, up to LF or CRLF and the BOM.

    A lone CR is no line ending. The hash is compared with the file as it is, with all
    lines ended by LF, and all by CRLF: where they were mixed, nobody can tell.

    Args:
        migration: The file as it is now.
        stored: The checksum in the history.
        ignored_chars: What the checksums leave out.
    """
    body = migration.body
    lf = body.replace("\r\n", "\n")
    texts = (body, lf, lf.replace("\n", "\r\n"))
    ignored = frozenset(ignored_chars)
    return any(
        checksum(bom + text, ignored) == stored for text in texts for bom in ("", BOM)
    )


@dataclass(frozen=True, slots=True)
class SourceWarning:
    """Something that SQLx lets pass and a person should know.

    Args:
        code: A short stable word, for `--format json`.
        path: The file.
        message: What, and the mend; without the path.
        line: From 1; None when it is about the whole file.
    """

    code: str
    path: str
    message: str
    line: int | None = None

    def __str__(self) -> str:
        where = self.path if self.line is None else f"{self.path}:{self.line}"
        return f"{where}: {self.message}"


@dataclass(frozen=True, slots=True)
class Source:
    """All migrations that were resolved, in SQLx's order: version, then kind.

    Args:
        migrations: Simple < up < down within a version.
        label: The directory or package, for messages.
        ignored_chars: What the checksums leave out.
        warnings: What was noticed while reading.
    """

    migrations: tuple[Migration, ...]
    label: str
    ignored_chars: frozenset[str] = frozenset()
    warnings: tuple[SourceWarning, ...] = ()

    def __iter__(self) -> Iterator[Migration]:
        return iter(self.migrations)

    def forward(self) -> tuple[Migration, ...]:
        """The simple and up files, oldest first."""
        return tuple(m for m in self.migrations if m.kind is not Kind.DOWN)

    def down(self, version: int) -> Migration | None:
        """The down file of a version, if there is one."""
        found = (m for m in self.migrations if m.version == version)
        return next((m for m in found if m.kind is Kind.DOWN), None)

    def versions(self) -> frozenset[int]:
        """Every version that has a file of any kind."""
        return frozenset(m.version for m in self.migrations)
