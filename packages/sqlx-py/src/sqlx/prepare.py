"""The door to checked queries: `check`, `prepare` and `describe`, as functions.

Queries are collected from source, described by a database or read from `.sqlx/`, and
compared with the annotations around them. What is wrong is a finding, never a stop: one
call tells everything that it can see.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeAlias

from sqlx.config.url import MySqlUrl, SqliteUrl, parse_url
from sqlx.describing import Way, open_scratch, open_url
from sqlx.errors import CacheError, ConfigurationError, SourceError
from sqlx.queries.caching.beside import Prepared, migration_lines
from sqlx.queries.caching.cache import Cache, look_up
from sqlx.queries.caching.offline import (
    NOT_CACHED,
    agree,
    caches_for,
    look_up_all,
    of_other_migrations,
)
from sqlx.queries.caching.stale import stale
from sqlx.queries.checking.check import check as compare
from sqlx.queries.checking.codes import finding
from sqlx.queries.collecting.collect import collect
from sqlx.queries.sites import Finding, Severity
from sqlx.queries.values import Database, Description, Nullability, Refusal, query_hash

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from sqlx.config.url import DatabaseUrl
    from sqlx.describing import Live
    from sqlx.migrations.migration import Source
    from sqlx.queries.collecting.collect import Collected
    from sqlx.queries.sites import Site

__all__ = ["Database", "Project", "Verdict", "Way", "check", "describe", "prepare"]

Answers: TypeAlias = dict[str, Description | Refusal]

UNPROVED = Nullability(may_be_null=True, reason="nothing could be proved")
KINDS = {
    "postgres": Database.POSTGRES,
    "sqlite": Database.SQLITE,
    "mysql": Database.MYSQL,
}


@dataclass(frozen=True, slots=True)
class Project:
    """What is checked, and against what.

    Args:
        packages: Packages or modules, as they are imported, or their paths.
        way: How queries are described, and where the migrations are.
        root: The project's folder; paths in findings are relative to it.
        database_url: The database; empty to make a scratch one from the migrations.
        scratch: The kind of the scratch database; None to see it from the queries. One
            of MySQL is made on the server of the URL.
        cache: The folder of the cache; below `root` unless it is absolute.
        offline_dir: A folder in which queries' files are looked for before any other.
    """

    packages: tuple[str, ...]
    way: Way
    root: str = "."
    database_url: str = field(default="", repr=False)
    scratch: Database | None = None
    cache: str = ".sqlx"
    offline_dir: str = ""

    @property
    def target(self) -> Cache:
        """The cache that `prepare` writes."""
        inside = os.path.normpath(os.path.join(self.root, self.cache))
        return Cache(self.offline_dir or inside)

    def source(self) -> Source | None:
        """Read the migrations; None when there are none."""
        try:
            return self.way.migrator.source
        except SourceError:
            return None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was found.

    Args:
        findings: In the order of their places.
        queries: How many queries were looked at.
        modules: In how many modules they stand.
        unchecked_arguments: How many arguments have a type that is not evident.
        unproved: How many queries SQLx alone described: what may be NULL in them is
            its word.
        asked: Whether a database was asked.
        written: The files of `.sqlx/` that were written.
        removed: Those that were removed.
        unused: Those that no query of these packages uses.
    """

    findings: tuple[Finding, ...]
    queries: int
    modules: int
    unchecked_arguments: int = 0
    unproved: int = 0
    asked: bool = False
    written: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    unused: tuple[str, ...] = ()

    @property
    def is_right(self) -> bool:
        """Whether nothing is wrong; warnings may be there."""
        return all(found.severity is not Severity.ERROR for found in self.findings)


def check(project: Project, *, offline: bool = False) -> Verdict:
    """Compare queries with a database, or with the cache alone; write nothing.

    Args:
        project: What is checked, and against what.
        offline: Whether only files are asked: no connection is opened.

    Raises:
        ConfigurationError: A package does not exist, or the database's URL is wrong.
        ConnectionFailed: The database cannot be reached.
        MigrationError: The scratch database cannot be made.
    """
    collected = collect(project.packages, project.root)
    if offline:
        found = look_up_all(
            collected.sites, project.offline_dir, project.root, project.source()
        )
        return _judge(collected, found.answers, found.findings)
    answers, prepared = _ask(project, collected.sites)
    return replace(_judge(collected, answers), asked=prepared is not None)


def prepare(
    project: Project, *, check: bool = False, prune: bool = False, fresh: bool = False
) -> Verdict:
    """Compare queries with a database, and keep in the cache what it said of them.

    Nothing is written when something is wrong. A cache that was made from the same
    migrations and knows all queries is believed: the database is then not asked.

    Args:
        project: What is checked, and against what.
        check: Write nothing; a cache that would be written otherwise is wrong.
        prune: Remove the files that none of these queries uses; when there is no query
            at all, nothing is removed.
        fresh: Ask the database in any case.

    Raises:
        ConfigurationError: A package does not exist, or the database's URL is wrong.
        ConnectionFailed: The database cannot be reached.
        MigrationError: The scratch database cannot be made.
        CacheError: The cache cannot be written.
    """
    collected = collect(project.packages, project.root)
    answers: Answers | None = None
    prepared: Prepared | None = None
    if not (check or fresh):
        answers = _known(project, collected.sites)
    if answers is None:
        answers, prepared = _ask(project, collected.sites)
    cache = project.target
    version = project.way.version
    more: list[Finding] = []
    if check:
        more.extend(stale(collected.sites, answers, cache, version))
        more.extend(of_other_migrations(cache, project.source()))
    used = frozenset(map(query_hash, answers))
    verdict = replace(
        _judge(collected, answers, more),
        asked=prepared is not None,
        unused=cache.unused(used),
    )
    if check or not verdict.is_right:
        return verdict
    if prepared is not None:
        described = [d for d in answers.values() if isinstance(d, Description)]
        verdict = replace(verdict, written=cache.write(described, prepared))
    if prune and used:
        verdict = replace(verdict, removed=cache.prune(used), unused=())
    return verdict


def describe(
    project: Project, queries: Sequence[str], *, offline: bool = False
) -> tuple[list[Description | Refusal], Prepared | None]:
    """Ask what a database, or the cache, knows of queries; none of them is run.

    Args:
        project: Which database, and where the cache is.
        queries: Their texts.
        offline: Whether only the cache is asked.

    Returns:
        An answer for each query, in their order; and how they were described, as a
        cache is told: None when no database was asked.

    Raises:
        CacheError: The cache has no answer.
        ConfigurationError: The database's URL is wrong.
        ConnectionFailed: The database cannot be reached.
        MigrationError: The scratch database cannot be made.
    """
    if offline:
        return [_cached(project, sql) for sql in queries], None
    with _database(project) as live:
        return [*map(_proved, live.describe(queries))], _prepared(project, live)


def _cached(project: Project, sql: str) -> Description:
    hit = look_up(caches_for(project.root, project.offline_dir, project.root), sql)
    if hit is None:
        raise CacheError(project.target.path(sql), NOT_CACHED)
    return hit[1]


@contextmanager
def _database(project: Project, sites: Sequence[Site] = ()) -> Iterator[Live]:
    """Open the database that describes: the URL's, or a scratch one."""
    if project.database_url and project.scratch is None:
        with open_url(project.database_url, project.way) as live:
            yield live
    else:
        kind = _kind(project, sites)
        with open_scratch(kind, project.way, project.database_url) as live:
            yield live


def _judge(
    collected: Collected,
    answers: Mapping[str, Description | Refusal],
    more: Iterable[Finding] = (),
) -> Verdict:
    """Compare each query with what is known of it."""
    findings = [*collected.findings, *more]
    unproved = set()
    for site in collected.sites:
        answer = answers.get(site.text.sql)
        if answer is None:  # It is not in the cache, which is said already.
            continue
        findings.extend(_of_another(site, answer) or compare(site, answer))
        if isinstance(answer, Description) and any(
            column.proof is None for column in answer.known_columns
        ):
            unproved.add(answer.sql)
    findings.sort(key=lambda f: (f.path, f.line or 0, f.column or 0))
    return Verdict(
        tuple(findings),
        queries=len(collected.sites),
        modules=collected.modules,
        unchecked_arguments=collected.unchecked_arguments,
        unproved=len(unproved),
    )


def _of_another(site: Site, answer: Description | Refusal) -> tuple[Finding, ...]:
    """Tell a query that is for another kind of database than the one that was asked."""
    match site.database, answer:
        case Database() as theirs, Description(database=asked) if theirs is not asked:
            message = (
                f"the connection is of {theirs.value}, and it is checked against "
                f"{asked.value}; name the packages of one database at a time"
            )
            return (finding(site.place, "connection", message),)
        case _:
            return ()


def _ask(project: Project, sites: Sequence[Site]) -> tuple[Answers, Prepared | None]:
    """Let a database describe all queries; one that there is no need for stays shut."""
    if not sites:
        return {}, None
    with _database(project, sites) as live:
        texts = list(dict.fromkeys(site.text.sql for site in sites))
        answers = map(_proved, live.describe(texts))
        return dict(zip(texts, answers, strict=True)), _prepared(project, live)


def _prepared(project: Project, live: Live) -> Prepared:
    applied = None if live.applied is None else migration_lines(live.applied)
    return Prepared(live.database, live.server, project.way.version, applied)


def _proved(answer: Description | Refusal) -> Description | Refusal:
    """Believe nothing that was not proved: then any column may be NULL."""
    if isinstance(answer, Refusal) or all(c.proof for c in answer.columns):
        return answer
    columns = (replace(c, proof=c.proof or UNPROVED) for c in answer.columns)
    return replace(answer, columns=tuple(columns))


def _known(project: Project, sites: Sequence[Site]) -> Answers | None:
    """Read all queries from the cache, if it was made from these migrations."""
    cache, source = project.target, project.source()
    try:
        prepared = cache.prepared()
        if prepared is None or source is None or not agree(prepared, source):
            return None
        if (prepared.sqlx, prepared.database) != (
            project.way.version,
            _kind(project, sites),
        ):
            return None
        answers: Answers = {}
        for site in sites:
            found = cache.read(site.text.sql)
            if query_hash(site.text.sql) in prepared.outdated or found is None:
                return None
            if any(c.proof is None for c in found.columns):
                return None
            answers[site.text.sql] = found
    except CacheError:
        return None  # It is written anew.
    return answers


def _kind(project: Project, sites: Sequence[Site]) -> Database:
    """Tell the kind of database: what is said goes before what can be seen.

    Raises:
        ConfigurationError: The queries are for several.
    """
    if project.scratch is not None:
        return project.scratch
    if project.database_url:
        return _kind_of(parse_url(project.database_url, os.environ))
    kinds = {site.database for site in sites if site.database is not None}
    if len(kinds) > 1:
        found = [kind for kind in Database if kind in kinds]
        words = [word for word, kind in KINDS.items() if kind in kinds]
        raise ConfigurationError(
            f"these queries are for {' and for '.join(k.value for k in found)}: name "
            "the packages of one kind at a time, and the kind: --scratch "
            + ", or --scratch ".join(words)
        )
    if kinds:
        return kinds.pop()
    prepared = project.target.prepared()
    return Database.POSTGRES if prepared is None else prepared.database


def _kind_of(url: DatabaseUrl) -> Database:
    match url:
        case SqliteUrl():
            return Database.SQLITE
        case MySqlUrl():
            return Database.MYSQL
        case _:
            return Database.POSTGRES
