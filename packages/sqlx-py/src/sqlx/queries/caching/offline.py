"""Checking without a database: the cache's files, and whether they are of this project.

A query that was changed has another hash, so it has no file: to the cache it is new.
What SQLx does not notice is a cache that was made from other migrations than those that
lie there; it is noticed here, by what stands in `.sqlx/python/prepared.json`.
"""

from __future__ import annotations

import functools
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sqlx.errors import CacheError
from sqlx.queries.caching.beside import migration_lines
from sqlx.queries.caching.cache import Cache, look_up
from sqlx.queries.checking.codes import finding
from sqlx.queries.projects import project_of
from sqlx.queries.sites import Finding, Severity
from sqlx.queries.values import query_hash

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlx.migrations.migration import Source
    from sqlx.queries.caching.beside import Prepared
    from sqlx.queries.sites import Site
    from sqlx.queries.values import Description

__all__ = [
    "NOT_CACHED",
    "Found",
    "agree",
    "caches_for",
    "left_out",
    "look_up_all",
    "migrations_that_differ",
    "of_other_migrations",
    "outdated",
]

PREPARE = "run `sqlx prepare`"
NOT_CACHED = (
    "there is no cached data for this query: it is new, or was changed since the cache "
    f"was made; {PREPARE}, or unset SQLX_OFFLINE"
)


@dataclass(slots=True)
class Found:
    """What the caches know of a project's queries.

    Args:
        answers: What is known, by the query's text.
        findings: What is missing or wrong.
        caches: Those that had an answer, with the hashes of their outdated queries.
    """

    answers: dict[str, Description] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    caches: dict[Cache, frozenset[str]] = field(default_factory=dict)


def look_up_all(
    sites: Sequence[Site], offline_dir: str, root: str, source: Source | None
) -> Found:
    """Find all queries in the caches that SQLx would look at.

    Args:
        sites: The queries.
        offline_dir: `SQLX_OFFLINE_DIR`, or empty.
        root: The project's folder, the last to be looked at.
        source: The migrations that lie there; None when there are none.
    """
    found = Found()
    folders = functools.cache(lambda path: caches_for(path, offline_dir, root))
    for site in sites:
        wrong = _look_up(site, folders(site.place.path), found)
        if wrong is not None:
            found.findings.append(wrong)
    for cache in found.caches:
        found.findings.extend(of_other_migrations(cache, source))
    return found


def agree(prepared: Prepared, source: Source) -> bool:
    """Tell whether a cache was made from just these migrations."""
    applied = ((m.version, m.checksum) for m in source.forward())
    return prepared.migrations == migration_lines(applied)


def migrations_that_differ(
    prepared: Prepared, source: Source, path: str
) -> Iterator[Finding]:
    """Name the migrations by which a cache and a folder differ.

    Args:
        prepared: How the cache was made.
        source: The migrations that lie there.
        path: The file that tells how the cache was made.
    """
    known = dict(line.split(" ") for line in prepared.migrations or ())
    for migration in source.forward():
        line = migration_lines(((migration.version, migration.checksum),))[0]
        version, checksum = line.split(" ")
        was = known.pop(version, None)
        if was != checksum:
            how = "was made without it" if was is None else "was made before it changed"
            message = f"the cache {how}; {PREPARE}"
            yield _error(migration.path, 1, message)
    for version in known:
        message = (
            f"the cache was made with migration {version}, which is not in "
            f"{source.label}; restore its file, or {PREPARE}"
        )
        yield _error(path, 1, message)


def left_out(site: Site) -> Finding:
    """Report a query that was described for other migrations than the others."""
    message = (
        "the cache was made for other migrations since, and this query was left out; "
        f"{PREPARE} with its package"
    )
    return finding(site.text.place(0), "cache-migrations", message)


def outdated(cache: Cache) -> frozenset[str]:
    """Give the hashes of the outdated queries; what is broken is told elsewhere."""
    try:
        prepared = cache.prepared()
    except CacheError:
        return frozenset()
    return frozenset(prepared.outdated if prepared else ())


def _look_up(site: Site, caches: list[Cache], found: Found) -> Finding | None:
    sql = site.text.sql
    try:
        hit = look_up(caches, sql)
    except CacheError as error:
        return finding(site.place, "cache-file", str(error))
    if hit is None:
        return finding(site.text.place(0), "cache-missing", NOT_CACHED)
    cache, description = hit
    if cache not in found.caches:
        found.caches[cache] = outdated(cache)
    if site.database not in {None, description.database}:
        kind = description.database.value
        message = f"the cache has this query for {kind}; {PREPARE}"
        return finding(site.place, "cache-database", message)
    if query_hash(sql) in found.caches[cache]:
        return left_out(site)
    found.answers[sql] = description
    return None


def caches_for(path: str, offline_dir: str, root: str) -> list[Cache]:
    """List where SQLx would look for a source file's queries (queries.md 5.1)."""
    package = project_of(os.path.abspath(os.path.join(root, path)), root)
    folders = [os.path.join(package, ".sqlx"), os.path.join(root, ".sqlx")]
    if offline_dir:
        folders.insert(0, offline_dir)
    return [Cache(name) for name in dict.fromkeys(map(os.path.relpath, folders))]


def of_other_migrations(cache: Cache, source: Source | None) -> Iterator[Finding]:
    """Tell that a cache was made from other migrations than those that lie there.

    Nothing is known of one that has no word of ours.
    """
    path = os.path.join(cache.directory, "python", "prepared.json")
    try:
        prepared = cache.prepared()
    except CacheError as error:
        yield _error(path, None, str(error), "cache-file")
        return
    if prepared is None or prepared.migrations is None:
        return
    if source is None:
        message = (
            "the cache was made from migrations, and there are none here; say where "
            "they are with --source, or as `migrations-dir` in `sqlx.toml`"
        )
        yield _error(path, 1, message)
        return
    yield from migrations_that_differ(prepared, source, path)


def _error(
    path: str, line: int | None, message: str, code: str = "cache-migrations"
) -> Finding:
    return Finding(path, Severity.ERROR, code, message, line)
