"""Whether a cache is what would be written now: `sqlx prepare --check`.

A cache that Rust's SQLx wrote has no word of ours, and none is missed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlx.errors import CacheError
from sqlx.queries.caching.differences import differences
from sqlx.queries.caching.offline import left_out, outdated
from sqlx.queries.caching.query_data import to_json
from sqlx.queries.checking.codes import finding
from sqlx.queries.values import Description, query_hash

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from sqlx.queries.caching.cache import Cache
    from sqlx.queries.sites import Finding, Site
    from sqlx.queries.values import Column, Refusal, SqlxVersion, TypeInfo

__all__ = ["stale"]

PREPARE = "run `sqlx prepare`"


def stale(
    sites: Sequence[Site],
    answers: Mapping[str, Description | Refusal],
    cache: Cache,
    version: SqlxVersion,
) -> Iterator[Finding]:
    """Name the queries whose file is missing, or is not what would be written.

    Args:
        sites: The queries in source.
        answers: What the database says of each text.
        cache: The cache.
        version: The SQLx whose bytes are expected.
    """
    old = outdated(cache)
    for site in sites:
        answer = answers[site.text.sql]
        if isinstance(answer, Description):
            yield from _stale(site, answer, cache, version)
            if query_hash(site.text.sql) in old:
                yield left_out(site)


def _stale(
    site: Site, description: Description, cache: Cache, version: SqlxVersion
) -> Iterator[Finding]:
    try:
        old = cache.text(description.sql)
        kept = cache.read(description.sql)
        new = to_json(description, version)
        changed = [] if old is None else differences(old, new)
    except CacheError as error:
        yield finding(site.place, "cache-file", str(error))
        return
    if old is None or kept is None:
        message = f"{cache.directory} is missing this query; {PREPARE}"
        yield finding(site.text.place(0), "cache-missing", message)
        return
    changed += _proofs(kept, description)
    if changed:
        message = f"{cache.path(description.sql)} differs: {'; '.join(changed)}"
        yield finding(site.text.place(0), "cache-changed", f"{message}; {PREPARE}")


def _proofs(kept: Description, now: Description) -> Iterator[str]:
    """Compare what SQLx's file does not hold: proofs, where the cache has them."""
    if kept.returned and _named(kept.returned) != _named(now.returned):
        yield "what it returns has changed"
    columns = zip(kept.known_columns, now.known_columns, strict=False)
    for place, (old, new) in enumerate(columns, 1):
        if old.proof is None or new.proof is None:
            continue
        if old.proof.may_be_null is not new.proof.may_be_null:
            can = {True: "may be NULL", False: "is never NULL"}
            was, is_ = can[old.proof.may_be_null], can[new.proof.may_be_null]
            yield f'column {place} "{new.name}" {was} → {is_}'


def _named(columns: Iterable[Column]) -> list[tuple[str, TypeInfo]]:
    return [(column.name, column.sure_type) for column in columns]
