"""What a test asks of its database, read from its markers."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from sqlx.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sqlx.migrator import Migrator

__all__ = ["Migrations", "Wish", "read_wish", "script_path"]

# A directory, a migrator; False for none, None for what is configured.
Migrations: TypeAlias = "str | os.PathLike[str] | Migrator | bool | None"

_KNOWN = "migrations, fixtures and database"


@dataclass(frozen=True, slots=True)
class Wish:
    """What a test asks of its database.

    Args:
        migrations: Which are applied.
        fixtures: SQL files that are run afterwards, in order, as they were written.
        database: The URL of a server, or `postgres`, `embedded` or `sqlite`; empty for
            what is configured.
    """

    migrations: Migrations = None
    fixtures: tuple[str, ...] = ()
    database: str = ""


def read_wish(marks: Iterable[tuple[Sequence[object], Mapping[str, object]]]) -> Wish:
    """Read the arguments of markers, the outermost first.

    Fixtures add up; of the others, the marker closest to the test decides.

    Raises:
        ConfigurationError: An argument is not known, or is none that can be used.
    """
    chosen: dict[str, object] = {}
    fixtures: list[str] = []
    for arguments, keywords in marks:
        if arguments:
            raise ConfigurationError(
                f"the marker sqlx takes keywords only: {_KNOWN}; not {arguments[0]!r}"
            )
        chosen |= keywords
        fixtures += _names(keywords.get("fixtures", ()))
    return Wish(
        _migrations(chosen.pop("migrations", None)),
        tuple(fixtures),
        _database(chosen.pop("database", ""), chosen),
    )


def script_path(name: str, folder: str) -> str:
    """Find the file of a fixture: `users` is `fixtures/users.sql` beside the test.

    A name with a separator is a path from the test's folder, with its extension.

    Args:
        name: As it was written.
        folder: The test's folder.

    Source:
        SQLx `#[sqlx::test(fixtures(…))]`.
    """
    if os.sep in name or (os.altsep and os.altsep in name):
        return os.path.normpath(os.path.join(folder, name))
    file = name if os.path.splitext(name)[1] else f"{name}.sql"
    return os.path.join(folder, "fixtures", file)


def _migrations(given: object) -> Migrations:
    from sqlx.migrator import Migrator

    match given:
        case None | bool() | str() | os.PathLike() | Migrator():
            return None if given is True else given
        case _:
            raise ConfigurationError(
                f"migrations={given!r}: it is a directory, a Migrator, or False"
            )


def _names(given: object) -> list[str]:
    if isinstance(given, list | tuple):
        names = [os.fspath(name) for name in given if isinstance(name, _PATH)]
        if len(names) == len(given):
            return names
    raise ConfigurationError(
        f"fixtures={given!r}: it is a list of names or paths, as in ['users', 'posts']"
    )


def _database(given: object, rest: Mapping[str, object]) -> str:
    unknown = sorted(rest.keys() - {"fixtures"})
    if unknown:
        raise ConfigurationError(
            f"the marker sqlx knows no {unknown[0]!r}; it takes {_KNOWN}"
        )
    if isinstance(given, str):
        return given
    raise ConfigurationError(
        f"database={given!r}: it is a URL, 'postgres', 'embedded' or 'sqlite'"
    )


_PATH = (str, os.PathLike)
