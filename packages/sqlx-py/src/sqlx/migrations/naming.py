"""Migration file names, read and written, and what `migrate add` chooses."""

from __future__ import annotations

import re
import time
import unicodedata
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from sqlx.errors import ConfigurationError, SourceError
from sqlx.migrations.migration import Kind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlx.migrations.migration import Migration

__all__ = [
    "TEMPLATES",
    "FileName",
    "MigrationType",
    "NewFile",
    "Versioning",
    "choose_reversible",
    "choose_version",
    "file_name",
    "new_files",
    "parse_file_name",
    "rust_debug",
]

TEMPLATES = {
    Kind.SIMPLE: "-- Add migration script here\n",
    Kind.UP: "-- Add up migration script here\n",
    Kind.DOWN: "-- Add down migration script here\n",
}


@dataclass(frozen=True, slots=True)
class FileName:
    """What a file name says."""

    version: int
    description: str
    kind: Kind


@dataclass(frozen=True, slots=True)
class NewFile:
    """A file that `migrate add` is to create."""

    name: str
    content: str


class MigrationType(Enum):
    """`migrate.defaults.migration-type` of sqlx.toml, or a flag of `migrate add`."""

    INFERRED = "inferred"
    SIMPLE = "simple"
    REVERSIBLE = "reversible"


class Versioning(Enum):
    """`migrate.defaults.migration-versioning` of sqlx.toml, or a flag of `add`."""

    INFERRED = "inferred"
    TIMESTAMP = "timestamp"
    SEQUENTIAL = "sequential"


def parse_file_name(name: str, path: str = "") -> FileName | None:
    """Read a migration's file name; None for a file that SQLx passes over.

    Args:
        name: The last part of the path.
        path: The whole path, for the message; the name when left out.

    Raises:
        SourceError: It ends like a migration and does not begin with an i64.

    Source:
        SQLx `resolve_blocking` (migrations.md 1.2).
    """
    prefix, underscore, rest = name.partition("_")
    if not underscore or not rest.endswith(".sql"):
        return None
    version = _version(prefix)
    if version is None:
        raise SourceError(
            f"error parsing migration filename {rust_debug(name)}; expected integer "
            f"version prefix (e.g. `01_foo.sql`); rename {path or name}, "
            "or move it to another directory"
        )
    ending, kind = next(pair for pair in _ENDINGS if rest.endswith(pair[0]))
    while rest.endswith(ending):
        rest = rest.removesuffix(ending)
    return FileName(version, rest.replace("_", " "), kind)


def file_name(version_text: str, description: str, kind: Kind) -> str:
    """Write a migration's file name, such that it parses back to what is given here.

    Args:
        version_text: The version as it is to be written, zeros in front included.
        description: In words; underscores are read back as spaces.
        kind: Chooses the ending.

    Raises:
        ConfigurationError: The name would be read as something else, or lies in
            another directory.
    """
    name = f"{version_text}_{description.replace(' ', '_')}{kind.value}"
    version = _version(version_text)
    if version is None:
        raise ConfigurationError(
            f"{rust_debug(version_text)} cannot be the version of a migration; "
            "choose an integer of 64 bits"
        )
    read_back = FileName(version, description.replace("_", " "), kind)
    if _ELSEWHERE.search(name) or parse_file_name(name) != read_back:
        raise ConfigurationError(
            f"{rust_debug(description)} cannot be the description of a migration: "
            f"the file {rust_debug(name)} would be read as another one; "
            "choose a description without `/`, `\\`, NUL and an ending like `.sql`"
        )
    return name


def choose_reversible(migrations: Sequence[Migration], choice: MigrationType) -> bool:
    """Tell whether a new migration gets an up and a down file.

    Args:
        migrations: What is there, in SQLx's order.
        choice: A flag, or the configured default.

    Source:
        SQLx 0.9 `migrate add` (migrations.md 6.7): inferred from the last file.
    """
    if choice is MigrationType.INFERRED:
        return bool(migrations) and migrations[-1].kind is not Kind.SIMPLE
    return choice is MigrationType.REVERSIBLE


def choose_version(
    migrations: Sequence[Migration], choice: Versioning, now_seconds: float
) -> str:
    """Choose the version of a new migration, as it is written in the file name.

    Two files that are added within one second would share SQLx's timestamp, which no
    run survives: here the second one gets the next second that is free.

    Args:
        migrations: What is there, in SQLx's order.
        choice: A flag, or the configured default.
        now_seconds: The time since the epoch, as `time.time()` says it.

    Source:
        SQLx 0.9 `migrate add` (migrations.md 6.7).
    """
    versions = [migration.version for migration in migrations]
    if choice is Versioning.SEQUENTIAL or (
        choice is Versioning.INFERRED and _looks_sequential(versions)
    ):
        return f"{versions[-1] + 1 if versions else 1:04}"
    second = int(now_seconds)
    while int(stamp := time.strftime("%Y%m%d%H%M%S", time.gmtime(second))) in versions:
        second += 1
    return stamp


def new_files(
    version_text: str, description: str, *, reversible: bool
) -> tuple[NewFile, ...]:
    """Write the files of a new migration: a simple one, or up and then down.

    Raises:
        ConfigurationError: No file name can hold the description.
    """
    kinds = (Kind.UP, Kind.DOWN) if reversible else (Kind.SIMPLE,)
    return tuple(
        NewFile(file_name(version_text, description, kind), TEMPLATES[kind])
        for kind in kinds
    )


def rust_debug(text: str) -> str:
    """Quote a text as Rust's `{:?}` does."""
    return '"' + "".join(map(_escape, text)) + '"'


# The longer endings first: they end in `.sql` too. (Reading `.value` is slow.)
_ENDINGS = tuple((kind.value, kind) for kind in (Kind.UP, Kind.DOWN, Kind.SIMPLE))
_INTEGER = re.compile(r"([+-]?)0*([0-9]{1,19})")  # 19 digits hold every i64
_ELSEWHERE = re.compile(r"[/\\\0]")

_ESCAPES = {
    "\0": "\\0",
    "\t": "\\t",
    "\n": "\\n",
    "\r": "\\r",
    '"': '\\"',
    "\\": "\\\\",
}

# Rust escapes what extends a grapheme: all of Mn and Me, and these (Unicode 16).
_EXTENDS = frozenset(
    "\u09be\u09d7\u0b3e\u0b57\u0bbe\u0bd7\u0cc0\u0cc2\u0cc7\u0cc8\u0cca\u0ccb\u0cd5"
    "\u0cd6\u0d3e\u0d57\u0dcf\u0ddf\u1715\u1734\u1b35\u1b3b\u1b3d\u1b43\u1b44\u1baa"
    "\u1bf2\u1bf3\u302e\u302f\ua953\ua9c0\uff9e\uff9f\U000111c0\U00011235\U0001133e"
    "\U0001134d\U00011357\U000114b0\U000114bd\U000115af\U000116b6\U00011930\U0001193d"
    "\U00016ff0\U00016ff1\U0001d165\U0001d166\U0001d16d\U0001d16e\U0001d16f\U0001d170"
    "\U0001d171\U0001d172"
)


def _version(prefix: str) -> int | None:
    """Read an i64 as Rust does: `int()` takes spaces, `_` and every script's digits."""
    match = _INTEGER.fullmatch(prefix)
    if match is None:
        return None
    version = int(match[1] + match[2])
    return version if -(2**63) <= version < 2**63 else None


def _looks_sequential(versions: list[int]) -> bool:
    """Tell whether the last step was 1.

    As in 0.9, up and down count as two: a reversible project never looks sequential.
    """
    if versions[:-1]:
        return versions[-1] - versions[-2] == 1
    return versions in ([0], [1])


def _escape(character: str) -> str:
    if character in _ESCAPES:
        return _ESCAPES[character]
    hidden = not character.isprintable() or character in _EXTENDS
    if hidden or unicodedata.category(character) in {"Mn", "Me"}:
        return f"\\u{{{ord(character):x}}}"
    return character
