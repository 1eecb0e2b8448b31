"""Migrations read from a directory, from a package, or taken from a list in code.

SQLx's rules (migrations.md 1) decide what is a migration and what is an error; what
SQLx lets pass and a person should know becomes a warning.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from functools import partial
from io import FileIO
from typing import TYPE_CHECKING

from sqlx.errors import ConfigurationError, DuplicateVersion, SourceError
from sqlx.migrations.markers import (
    COMPATIBLE,
    NO_TRANSACTION,
    near_miss,
    read_markers,
)
from sqlx.migrations.migration import (
    BOM,
    Kind,
    Migration,
    Source,
    SourceWarning,
    checksum,
)
from sqlx.migrations.naming import FileName, parse_file_name
from sqlx.migrations.splitting import position

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from importlib.resources.abc import Traversable
    from types import ModuleType

__all__ = [
    "from_list",
    "from_text",
    "read_directory",
    "read_package",
]


def read_directory(
    path: str | os.PathLike[str], ignored_chars: Iterable[str] = ()
) -> Source:
    """Read the migrations of a directory, not of those below it.

    Args:
        path: The directory; messages name it as it is given here.
        ignored_chars: Characters that the checksums leave out.

    Raises:
        SourceError: The directory or a file cannot be used.

    Source:
        SQLx `resolve_blocking` (migrations.md 1.1).
    """
    given = os.fspath(path)
    return _resolve(_directory(given), _lossy(given), _characters(ignored_chars))


def read_package(
    package: str | ModuleType,
    directory: str = "migrations",
    ignored_chars: Iterable[str] = (),
) -> Source:
    """Read the migrations that lie in a package, also when that is imported from a zip.

    Args:
        package: The package or its name.
        directory: The directory inside of it; empty for the package's own.
        ignored_chars: Characters that the checksums leave out.

    Raises:
        SourceError: The package, the directory or a file cannot be used.
    """
    name = package if isinstance(package, str) else package.__name__
    label = f"{name}:{directory}"
    folder = _package_folder(package, directory, label)
    # Real files are read as a directory is: there may be links, and names in no UTF-8.
    if isinstance(folder, os.PathLike):
        files = _directory(os.fspath(folder))
    else:
        files = _resources(folder)
    return _resolve(files, label, _characters(ignored_chars))


def from_list(
    migrations: Iterable[Migration], ignored_chars: Iterable[str] = ()
) -> Source:
    """Take migrations that are given in code, in any order.

    Args:
        migrations: For example from `from_text`.
        ignored_chars: Characters that their checksums leave out.

    Raises:
        SourceError: One of them cannot be used.
    """
    return _source(list(migrations), "the list given", _characters(ignored_chars), [])


def from_text(name: str, sql: str, ignored_chars: Iterable[str] = ()) -> Migration:
    """Make a migration of what would be a file's name and text.

    Args:
        name: For example `20250114000000_initial_schema.sql`.
        sql: The text.
        ignored_chars: Characters that the checksum leaves out.

    Raises:
        SourceError: The name is not that of a migration, or the text cannot be UTF-8.
    """
    parsed = parse_file_name(name)
    if parsed is None:
        raise SourceError(f"{name}: {_NO_MIGRATION}")
    try:
        return _migration(parsed, sql, name, _characters(ignored_chars))
    except UnicodeEncodeError as error:
        line, column, _ = position(sql, error.start)
        raise SourceError(
            f"{name}:{line}:{column}: half of a surrogate pair stands here, which is "
            "no text; remove it"
        ) from error


_NO_MIGRATION = (
    "is not named like a migration and is passed over; name it "
    "<version>_<description>.sql, the ending in small letters"
)
_ORDER = {Kind.SIMPLE: 0, Kind.UP: 1, Kind.DOWN: 2}


@dataclass(frozen=True, slots=True)
class _File:
    """A regular file.

    Args:
        name: Its own name, made text as Rust does it.
        path: The path for messages, as the user gave it.
        real_path: The absolute path, which SQLx's messages name.
        read: Reads its bytes.
    """

    name: str
    path: str
    real_path: str
    read: Callable[[], bytes]


def _characters(given: Iterable[str]) -> frozenset[str]:
    characters = frozenset(given)
    wrong = sorted(text for text in characters if len(text) != 1)
    if wrong:
        raise ConfigurationError(
            f"{wrong[0]!r} among the ignored characters (ignored-chars) is not one "
            "character; give each alone"
        )
    return characters


def _lossy(name: str) -> str:
    """Replace what is no text by U+FFFD, as Rust's `to_string_lossy` does."""
    return name if name.isascii() else os.fsencode(name).decode(errors="replace")


def _directory(given: str) -> Iterator[_File]:
    """List the regular files of a directory, following links, by name."""
    real = _canonical(given)
    try:
        with os.scandir(real) as entries:
            found = sorted(entries, key=lambda entry: entry.name)
    except OSError as error:
        raise SourceError(
            f"error reading migration directory {_lossy(real)}: {error.strerror}; "
            "name a directory that may be read"
        ) from error
    shown = os.path.join(given, "")
    for entry in found:
        if _is_regular(entry):
            yield _File(
                _lossy(entry.name),
                _lossy(shown + entry.name),
                _lossy(entry.path),
                partial(_read_file, entry.path),
            )


def _canonical(given: str) -> str:
    try:
        os.stat(given)  # realpath takes an empty path for the working directory
        return os.path.realpath(given, strict=True)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise SourceError(
            f"error canonicalizing path {_lossy(given)}: {reason}; create the "
            "directory with `sqlx migrate add`, or name another one"
        ) from error


def _is_regular(entry: os.DirEntry[str]) -> bool:
    try:
        return stat.S_ISREG(entry.stat().st_mode)
    except OSError as error:
        raise SourceError(
            f"error getting metadata of migration path {_lossy(entry.path)}: "
            f"{error.strerror}; remove the link, or restore what it points to"
        ) from error


def _read_file(path: str) -> bytes:
    with FileIO(path) as file:  # open() takes twice as long
        return file.readall()


def _package_folder(
    package: str | ModuleType, directory: str, label: str
) -> Traversable:
    from importlib import resources

    try:
        root = resources.files(package)
    except (ImportError, TypeError) as error:
        raise SourceError(
            f"error canonicalizing path {label}: {error}; name a package that can be "
            "imported"
        ) from error
    folder = root.joinpath(directory) if directory else root
    if not folder.is_dir():
        raise SourceError(
            f"error canonicalizing path {label}: the package has no such directory; "
            "let its build include the files, or name another one"
        )
    return folder


def _resources(folder: Traversable) -> Iterator[_File]:
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if entry.is_file():
            yield _File(entry.name, str(entry), str(entry), entry.read_bytes)


def _resolve(files: Iterable[_File], label: str, ignored: frozenset[str]) -> Source:
    migrations: list[Migration] = []
    warnings: list[SourceWarning] = []
    for file in files:
        parsed = parse_file_name(file.name, file.path)
        if parsed is not None:
            migrations.append(_migration(parsed, _text(file), file.path, ignored))
        elif file.name.lower().endswith(Kind.SIMPLE.value):
            warnings.append(SourceWarning("ignored-file", file.path, _NO_MIGRATION))
    return _source(migrations, label, ignored, warnings)


def _text(file: _File) -> str:
    where = f"error reading contents of migration {file.real_path}"
    try:
        data = file.read()
    except OSError as error:
        raise SourceError(f"{where}: {error.strerror}; let the file be read") from error
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise SourceError(
            f"{where}: stream did not contain valid UTF-8; {file.path}:{line}: byte "
            f"0x{data[error.start]:02x} at offset {error.start}; save the file as UTF-8"
        ) from error


def _migration(
    name: FileName, sql: str, path: str, ignored: frozenset[str]
) -> Migration:
    markers = read_markers(sql)
    return Migration(
        name.version,
        name.description,
        name.kind,
        sql,
        checksum(sql, ignored),
        markers.no_transaction is not None,
        path,
        markers.compatible is not None and name.kind is not Kind.DOWN,
    )


def _source(
    migrations: list[Migration],
    label: str,
    ignored: frozenset[str],
    warnings: list[SourceWarning],
) -> Source:
    """Put migrations in order: version, then kind, then path, as SQLx 0.9 does."""
    migrations.sort(key=lambda m: (m.version, _ORDER[m.kind], m.path))
    _refuse_duplicates(migrations)
    forward = {m.version for m in migrations if m.kind is not Kind.DOWN}
    for migration in migrations:
        _refuse_nul(migration)
        warnings += _warnings(migration)
        if migration.version not in forward:
            warnings.append(
                SourceWarning("down-without-up", migration.path, _NO_WAY_UP)
            )
    return Source(tuple(migrations), label, ignored, tuple(warnings))


def _refuse_duplicates(migrations: Iterable[Migration]) -> None:
    """A down file beside an up or a simple file is a pair; anything else is not."""
    paths: dict[tuple[int, bool], tuple[str, ...]] = {}
    for migration in migrations:
        key = migration.version, migration.kind is Kind.DOWN
        paths[key] = (*paths.get(key, ()), migration.path)
    for (version, _), found in paths.items():
        if len(found) > 1:
            raise DuplicateVersion(version, found)


def _refuse_nul(migration: Migration) -> None:
    offset = migration.sql.find("\0")
    if offset >= 0:
        line, column, _ = position(migration.sql, offset)
        raise SourceError(
            f"{migration.path}:{line}:{column}: a NUL byte stands here, and drivers "
            "cut the text there; remove it (a file full of them is UTF-16: save it as "
            "UTF-8)"
        )


_NO_WAY_UP = (
    "undoes a version that has no up or simple file; restore that one, or remove this"
)
_EMPTY = (
    "is empty, and is applied as it is; fill it before that, since its checksum is kept"
)
_WITH_BOM = (
    "begins with a byte order mark; it is left out when the file is executed, while "
    "SQLx sends it and most servers refuse it; save the file without, unless it is "
    "applied"
)
_MARKER_TOO_LATE = (
    f"asks for no transaction, and SQLx sees `{NO_TRANSACTION}` only as the first 17 "
    "bytes of a file; move it there, unless the file is applied"
)
_NOT_MARKED = (
    f"reads like `{COMPATIBLE}` and is not taken for it; write it just so, at the "
    "beginning of a comment in front of the first statement, unless the file is applied"
)
_MARKED_DOWN = (
    f"`{COMPATIBLE}` means nothing in a down file; write it into the file that it "
    "reverts, unless that is applied"
)


def _warnings(migration: Migration) -> Iterator[SourceWarning]:
    """Say what SQLx takes in silence, or takes in another way."""
    path, sql = migration.path, migration.sql
    if sql.startswith(BOM):
        yield SourceWarning("byte-order-mark", path, _WITH_BOM, 1)
    if not migration.body.strip():
        yield SourceWarning("empty-file", path, _EMPTY)
    if migration.no_transaction and not sql.startswith(NO_TRANSACTION):
        line = read_markers(sql).no_transaction
        yield SourceWarning("no-transaction-not-first", path, _MARKER_TOO_LATE, line)
    line = None if migration.compatible else near_miss(sql)
    if line is not None:
        down = migration.kind is Kind.DOWN
        message = _MARKED_DOWN if down else _NOT_MARKED
        yield SourceWarning("not-compatible", path, message, line)
