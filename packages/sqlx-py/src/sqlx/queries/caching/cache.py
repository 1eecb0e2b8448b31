"""The query cache: a directory `.sqlx/` with a file per query, shared with SQLx.

Writing is additive, so that a Rust crate and a Python package may keep their queries in
one directory; what no query of ours uses is only removed when that is asked for.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sqlx.errors import CacheError
from sqlx.queries.caching.beside import (
    prepared_from_json,
    prepared_to_json,
    proofs_to_json,
    with_proofs,
)
from sqlx.queries.caching.query_data import AGAIN, from_json, to_json
from sqlx.queries.values import query_hash

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from sqlx.queries.caching.beside import Prepared
    from sqlx.queries.values import Description

__all__ = ["Cache", "look_up"]

_OURS = "python"
_PREPARED = f"{_OURS}/prepared.json"
_HASH = "([0-9a-f]{64})"
_QUERY_FILE = re.compile(rf"query-{_HASH}\.json")
_PROOF_FILE = re.compile(rf"{_HASH}\.json")


def look_up(caches: Iterable[Cache], sql: str) -> tuple[Cache, Description] | None:
    """Find a query in several caches; the first that has a file for it decides.

    Raises:
        CacheError: That file cannot be used.

    Source:
        SQLx `expand_input` (queries.md 5.1): `$SQLX_OFFLINE_DIR`, the `.sqlx` of the
        package, that of the workspace.
    """
    for cache in caches:
        found = cache.read(sql)
        if found is not None:
            return cache, found
    return None


@dataclass(frozen=True, slots=True)
class Cache:
    """A directory of query files.

    Args:
        directory: It need not be there; messages name it as it is given here.
    """

    directory: str

    def path(self, sql: str) -> str:
        """Name the file of a query, whether it is there or not."""
        return self._join(_query_file(query_hash(sql)))

    def text(self, sql: str) -> str | None:
        """Read a query's file as it is; None when there is none.

        Raises:
            CacheError: It cannot be read.
        """
        return _text(self.path(sql))

    def read(self, sql: str) -> Description | None:
        """Read what is known of a query, proofs included; None when it has no file.

        Raises:
            CacheError: Its file, or the one of ours beside it, cannot be used.
        """
        path = self.path(sql)
        text = _text(path)
        if text is None:
            return None
        description = from_json(text, path)
        if description.sql != sql:
            raise CacheError(
                path,
                "hash collision for saved query data: the file is named for the query "
                f"and holds another one; remove it, and {AGAIN}",
            )
        beside = self._join(_proof_file(query_hash(sql)))
        proofs = _text(beside)
        if proofs is None:
            return description
        return with_proofs(description, proofs, beside)

    def prepared(self) -> Prepared | None:
        """Read how the cache was made; None when sqlx-py did not make it.

        Raises:
            CacheError: The file cannot be used.
        """
        path = self._join(_PREPARED)
        text = _text(path)
        return None if text is None else prepared_from_json(text, path)

    def write(
        self, descriptions: Iterable[Description], prepared: Prepared
    ) -> tuple[str, ...]:
        """Write queries' files; those of other queries stay.

        Either all is written, or what was there is left as it is. A file that has its
        bytes already is not touched. How the cache was made is told last, and which
        other queries were described for other migrations.

        Args:
            descriptions: The queries, as SQLx of `prepared.sqlx` describes them.
            prepared: How they were described.

        Returns:
            The names of the files that were written, below the directory.

        Raises:
            CacheError: The directory cannot be written.
        """
        from sqlx.queries.caching.replacing import (
            replace_files,
        )  # An offline check needs none.

        files: dict[str, bytes] = {}
        for description in descriptions:
            name = query_hash(description.sql)
            text = to_json(description, prepared.sqlx)
            files[_query_file(name)] = text.encode()
            proofs = proofs_to_json(description)
            if proofs is not None:
                files[_proof_file(name)] = proofs.encode()
        told = replace(prepared, outdated=self._outdated(prepared, files))
        files[_PREPARED] = prepared_to_json(told).encode()
        return replace_files(self.directory, files)

    def _outdated(
        self, prepared: Prepared, files: Mapping[str, bytes]
    ) -> tuple[str, ...]:
        """List the queries that are left out, and were for other migrations."""
        left = {h for h in self._hashes("", _QUERY_FILE) if _query_file(h) not in files}
        try:
            old = self.prepared()
        except CacheError:
            return tuple(sorted(left))  # Nobody knows what they were for.
        if old is None:
            return ()  # They are SQLx's.
        if (old.database, old.migrations) == (prepared.database, prepared.migrations):
            left &= {*old.outdated}
        return tuple(sorted(left))

    def unused(self, used: Collection[str]) -> tuple[str, ...]:
        """Name the files that belong to none of these queries, SQLx's first.

        Files that are named in another way than SQLx and we do are not among them.

        Args:
            used: The hashes of the queries that are in use.

        Raises:
            CacheError: The directory cannot be read.
        """
        queries = self._hashes("", _QUERY_FILE) - frozenset(used)
        proofs = self._hashes(_OURS, _PROOF_FILE) - frozenset(used)
        return (
            *map(_query_file, sorted(queries)),
            *map(_proof_file, sorted(proofs)),
        )

    def prune(self, used: Collection[str]) -> tuple[str, ...]:
        """Remove the files that `unused` names, and name them.

        Raises:
            CacheError: One cannot be removed.
        """
        from sqlx.queries.caching.replacing import remove_files

        names = self.unused(used)
        if names:
            remove_files(self.directory, names)
        return names

    def _join(self, name: str) -> str:
        return os.path.join(self.directory, name)

    def _hashes(self, folder: str, pattern: re.Pattern[str]) -> frozenset[str]:
        path = self._join(folder)
        try:
            names = os.listdir(path)
        except FileNotFoundError:
            return frozenset()
        except OSError as error:
            raise _unreadable(path, error) from error
        return frozenset(m[1] for m in map(pattern.fullmatch, names) if m)


def _query_file(name: str) -> str:
    return f"query-{name}.json"


def _proof_file(name: str) -> str:
    return f"{_OURS}/{name}.json"


def _text(path: str) -> str | None:
    """Read a file's text, its line endings as they are; None when there is no file."""
    try:
        with open(path, "rb") as file:
            return file.read().decode()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise _unreadable(path, error) from error
    except UnicodeDecodeError as error:
        raise CacheError(path, f"this is no UTF-8; {AGAIN}") from error


def _unreadable(path: str, error: OSError) -> CacheError:
    return CacheError(path, f"cannot be read: {error.strerror}; let it be read")
