"""Whether a cache is what would be written: what SQLx's file does not hold, too."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from sqlx.queries.caching.beside import Prepared
from sqlx.queries.caching.cache import Cache
from sqlx.queries.caching.stale import stale
from sqlx.queries.sites import Place, Site, SqlText
from sqlx.queries.values import (
    Column,
    Database,
    Description,
    Nullability,
    SqlxVersion,
    TypeInfo,
)

if TYPE_CHECKING:
    from pathlib import Path

SQL = "DELETE FROM t RETURNING id"
NEVER, MAYBE = Nullability(may_be_null=False), Nullability(may_be_null=True)
PREPARED = Prepared(Database.MYSQL, "10.11", SqlxVersion.V0_9, None)
PLACE = Place("app.py", 1, 1)
SITE = Site("f", SqlText(SQL, "app.py", ((0, 1, 1),)), PLACE, None, PLACE, ())


def returning(word: str, proof: Nullability) -> Description:
    """Describe a query that returns one column, of which SQLx knows nothing."""
    known = TypeInfo(word)
    column = Column("id", known, None, None, proof, None, known)
    return Description(Database.MYSQL, SQL, (), 0, returned=(column,))


def found(cache: Cache, answer: Description) -> list[str]:
    """Tell what is stale, by the messages."""
    told = stale((SITE,), {SQL: answer}, cache, SqlxVersion.V0_9)
    return [one.message.partition(" differs: ")[2] or one.message for one in told]


def test_what_a_statement_returns_is_compared(tmp_path: Path) -> None:
    """Its types and its proofs; a cache of Rust's has neither, and none is missed."""
    cache = Cache(str(tmp_path))
    kept = returning("BIGINT", NEVER)
    cache.write([kept], PREPARED)
    assert found(cache, kept) == []
    assert found(cache, returning("INT", NEVER)) == [
        "what it returns has changed; run `sqlx prepare`"
    ]
    assert found(cache, returning("BIGINT", MAYBE)) == [
        'column 1 "id" is never NULL → may be NULL; run `sqlx prepare`'
    ]
    cache.write([replace(kept, returned=())], PREPARED)
    assert found(cache, kept) == []
