"""SQLite's URLs: a scheme, a file's name, parameters; no URLs in the strict sense.

Source:
    SQLx `SqliteConnectOptions::from_str`. Before that, SQLx's command reads the URL by
    the WHATWG rules; of what these refuse, only the mistake `sqlite://:memory:` is
    refused here. (The command creates `sqlite://a/../b.db` as `b.db` and then opens
    `a/b.db`, and it refuses `sqlite://a b.db`.)
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from sqlx.config.grammar import decode, encode, pairs, quoted, refused

if TYPE_CHECKING:
    from sqlx.errors import ConfigurationError

__all__ = ["SqliteUrl", "parse_sqlite_url"]

# As in SQLx, connections of one value share a database in memory, those of two do not.
_memory_numbers = itertools.count()

_PARAMETERS = {
    "mode": ("ro", "rw", "rwc", "memory"),
    "cache": ("private", "shared"),
    "immutable": ("true", "1", "false", "0"),
}


@dataclass(frozen=True, slots=True)
class SqliteUrl:
    """Where an SQLite database is, and how to open it.

    Args:
        path: The file, relative to the working directory; empty for a temporary
            database; a name inside this process for one in memory.
        redacted: The URL as it was written, for messages; no part of it is secret.
        in_memory: The database is in memory and ends with its last connection.
        mode: `ro` reads, `rw` does not create the file, `rwc` does.
        cache: `shared` lets the connections of this process use one cache.
        immutable: The file does not change while it is open.
        vfs: The name of the VFS; None for the default.
    """

    path: str
    redacted: str
    in_memory: bool = False
    mode: Literal["ro", "rw", "rwc", "memory"] = "rw"
    cache: Literal["private", "shared"] = "private"
    immutable: bool = False
    vfs: str | None = None

    def uri(self) -> str:
        """Give the name of the database for `sqlite3.connect(..., uri=True)`."""
        parameters = {
            "mode": "memory" if self.in_memory else self.mode,
            "cache": "shared" if self.cache == "shared" else "",
            "immutable": "1" if self.immutable else "",
            "vfs": encode(self.vfs or ""),
        }
        query = "&".join(f"{key}={value}" for key, value in parameters.items() if value)
        # As in SQLx, slashes are encoded: two at the beginning would name a host.
        return f"file:{encode(self.path)}?{query}"


def parse_sqlite_url(rest: str) -> SqliteUrl:
    """Read what follows `sqlite:`.

    Raises:
        ConfigurationError: A parameter is not known, or its value is not.
    """
    if rest.startswith("//:"):
        raise refused("empty host", "a database in memory is sqlite::memory:")
    name, _, query = _without_schemes(f"sqlite:{rest}").partition("?")
    if name == ":memory:":
        path = f"sqlx-in-memory-{next(_memory_numbers)}"
        url = SqliteUrl(path, f"sqlite:{rest}", in_memory=True, cache="shared")
    else:
        url = SqliteUrl(decode(name, "file name"), f"sqlite:{rest}")
    for key, value in pairs(query):
        url = _with_parameter(url, key, value)
    return url


def _without_schemes(url: str) -> str:
    """Take the scheme away, as often as it is there: SQLx does."""
    while url.startswith("sqlite://"):
        url = url.removeprefix("sqlite://")
    while url.startswith("sqlite:"):
        url = url.removeprefix("sqlite:")
    return url


def _with_parameter(url: SqliteUrl, key: str, value: str) -> SqliteUrl:
    """Apply one parameter; later ones go before earlier ones."""
    match key, value:
        case "vfs", _:
            return replace(url, vfs=value)
        case "mode", "memory":
            return replace(url, mode="memory", in_memory=True, cache="shared")
        case "mode", "ro" | "rw" | "rwc":
            return replace(url, mode=value)
        case "cache", "private" | "shared":
            return replace(url, cache=value)
        case "immutable", "true" | "1" | "false" | "0":
            return replace(url, immutable=value in {"true", "1"})
        case _:
            raise _unknown(key, value)


def _unknown(key: str, value: str) -> ConfigurationError:
    if key in _PARAMETERS:
        return refused(
            f"unknown value {quoted(value)} for `{key}`",
            f"choose one of {', '.join(_PARAMETERS[key])}",
        )
    return refused(
        f"unknown query parameter `{key}` while parsing connection URL",
        "SQLite's are mode, cache, immutable and vfs; in a file name write ? as %3F",
    )
