"""What we know beyond SQLx's files: `.sqlx/python/`, beside them.

SQLx looks at `query-*.json` in `.sqlx/` itself, so it neither reads nor deletes what
lies in a folder there. Both kinds of file are JSON with a fact on each line, in a fixed
order, so that the same facts are the same bytes and two branches merge line by line.

`<hash>.json` holds the proofs of a query's columns, and why SQLx would refuse a query
that we describe. It names the description that it belongs to, because `cargo sqlx
prepare` may write that anew from another schema: then what we know is no longer about
it, and counts as missing.

`prepared.json` tells how the whole was made: SQLx does not notice that its cache is
from other migrations than those that lie there; by this we do.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sqlx.errors import CacheError
from sqlx.queries.caching.query_data import AGAIN, load_json, to_value
from sqlx.queries.values import (
    Column,
    Database,
    Kind,
    Nullability,
    SqlxVersion,
    TypeInfo,
    query_hash,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlx.queries.values import Description

__all__ = [
    "Prepared",
    "migration_lines",
    "prepared_from_json",
    "prepared_to_json",
    "proofs_to_json",
    "with_proofs",
]

FORMAT = 1
_MIGRATION = re.compile("-?[0-9]+ [0-9a-f]{96}")


@dataclass(frozen=True, slots=True)
class Prepared:
    """How a cache was made.

    Args:
        database: The kind of database.
        server: The version that described the queries: `18.0`, or SQLite's `3.54.1`.
        sqlx: The SQLx whose bytes were written.
        migrations: Those that made the schema, see `migration_lines`; None where the
            schema was not made by migrations.
        outdated: Hashes of queries that have a file from before the migrations changed,
            and were not described since: a `prepare` of other packages left them out.
    """

    database: Database
    server: str
    sqlx: SqlxVersion
    migrations: tuple[str, ...] | None
    outdated: tuple[str, ...] = ()


def migration_lines(migrations: Iterable[tuple[int, bytes]]) -> tuple[str, ...]:
    """Write down migrations, each by its version and its checksum.

    Line endings, byte order marks and ignored characters count as in checksums.

    Args:
        migrations: Version and checksum of each, oldest first.
    """
    return tuple(f"{version} {checksum.hex()}" for version, checksum in migrations)


def prepared_to_json(prepared: Prepared) -> str:
    """Write `prepared.json`."""
    value = {
        "database": prepared.database.value,
        "format": FORMAT,
        "migrations": prepared.migrations,
        "outdated": prepared.outdated,
        "server": prepared.server,
        "sqlx": prepared.sqlx.value,
    }
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def prepared_from_json(text: str, path: str) -> Prepared:
    """Read `prepared.json`.

    Raises:
        CacheError: It is no such file, or a newer sqlx-py wrote it.
    """
    match value := _load(text, path):
        case {
            "database": str(database),
            "migrations": migrations,
            "outdated": [*hashes],
            "server": str(server),
            "sqlx": str(sqlx),
        }:
            found = _prepared(path, database, server, sqlx, migrations)
            return replace(found, outdated=tuple(map(str, hashes)))
    raise _unlike(path, f"the keys are {', '.join(value)}")


def _prepared(
    path: str, database: str, server: str, sqlx: str, migrations: object
) -> Prepared:
    if migrations is not None:
        if not isinstance(migrations, list):
            raise _unlike(path, "`migrations` is no JSON array")
        migrations = tuple(_migration(line, path) for line in migrations)
    try:
        return Prepared(Database(database), server, SqlxVersion(sqlx), migrations)
    except ValueError as error:
        raise _unlike(path, str(error)) from error


def _migration(line: object, path: str) -> str:
    if isinstance(line, str) and _MIGRATION.fullmatch(line):
        return line
    raise _unlike(path, f"a migration is {json.dumps(line)}")


def proofs_to_json(description: Description) -> str | None:
    """Write what we know of a query; None where there is nothing to know.

    Every column has its line, also one of which nothing was proved: a file that lies
    there from an earlier prepare is then replaced.
    """
    if not description.known_columns and not description.sqlx_refusal:
        return None
    refusal = json.dumps(description.sqlx_refusal, ensure_ascii=False)
    returned = ""
    if description.returned:
        returned = f'  "returned": {_column_lines(description.returned)},\n'
    return (
        f'{{\n  "columns": {_column_lines(description.columns)},\n'
        f'  "describe": "{_describe_hash(description)}",\n'
        f'  "format": {FORMAT},\n'
        f"{returned}"
        f'  "sqlx_refusal": {refusal}\n}}\n'
    )


def with_proofs(description: Description, text: str, path: str) -> Description:
    """Add what a file of ours knows to its query, when it is about this description.

    Args:
        description: As SQLx's file has it.
        text: The text of the file of ours.
        path: That file, for messages.

    Raises:
        CacheError: It is no such file, or a newer sqlx-py wrote it.
    """
    value = _load(text, path)
    if value.get("describe") != _describe_hash(description):
        return description
    facts, refusal = value.get("columns"), value.get("sqlx_refusal")
    if not isinstance(facts, list) or not isinstance(refusal, str):
        raise _unlike(path, f"the keys are {', '.join(value)}")
    if len(facts) != len(description.columns):
        raise _unlike(path, "`columns` are not those of its query")
    known = (
        replace(column, proof=_proof(fact, path), known_type=_type(fact, path))
        for column, fact in zip(description.columns, facts, strict=True)
    )
    returned = value.get("returned", [])
    if not isinstance(returned, list):
        raise _unlike(path, "`returned` is no JSON array")
    return replace(
        description,
        columns=tuple(known),
        sqlx_refusal=refusal,
        returned=tuple(_returned(fact, path) for fact in returned),
    )


def _column_lines(columns: Iterable[Column]) -> str:
    return f"[{','.join(map(_column_line, columns))}\n  ]"


def _column_line(column: Column) -> str:
    fact: dict[str, object] = {"name": column.name}
    if column.known_type is not None:
        fact["type"] = column.known_type.name
        if column.known_type.labels:
            fact["labels"] = column.known_type.labels
    if column.proof is not None:
        fact["may_be_null"] = column.proof.may_be_null
        fact["reason"] = column.proof.reason
    return f"\n    {json.dumps(fact, ensure_ascii=False)}"


def _describe_hash(description: Description) -> str:
    """Hash what SQLx says of a query; not the origins, which only 0.9 knows."""
    return query_hash(json.dumps(to_value(description, SqlxVersion.V0_8)))


def _proof(fact: object, path: str) -> Nullability | None:
    match fact:
        case {"may_be_null": bool(may_be_null), "reason": str(reason)}:
            return Nullability(may_be_null, reason)
        case {"name": str(), **others} if others.keys() <= {"type", "labels"}:
            return None
    raise _unlike(path, f"a column is {json.dumps(fact)}")


def _returned(fact: object, path: str) -> Column:
    """Read a column that stands in no file of SQLx's."""
    known = _type(fact, path)
    match fact:
        case {"name": str(name)} if known is not None:
            return Column(name, known, None, None, _proof(fact, path), None, known)
    raise _unlike(path, f"a column is {json.dumps(fact)}")


def _type(fact: object, path: str) -> TypeInfo | None:
    match fact:
        case {"type": str(name), "labels": [*labels]}:
            return TypeInfo(name, Kind.ENUM, labels=tuple(map(str, labels)))
        case {"type": str(name)}:
            return TypeInfo(name)
        case {"type": _}:
            raise _unlike(path, f"a column is {json.dumps(fact)}")
    return None


def _load(text: str, path: str) -> dict[str, object]:
    value = load_json(text, path)
    if not isinstance(value, dict):
        raise _unlike(path, "there is no JSON object")
    if value.get("format") != FORMAT:
        raise CacheError(
            path,
            f"the format is {value.get('format')!r}, and this sqlx-py knows {FORMAT}; "
            f"install the newer one, or {AGAIN}",
        )
    return value


def _unlike(path: str, why: str) -> CacheError:
    return CacheError(path, f"this is no file of sqlx-py's ({why}); {AGAIN}")
