"""The history's rows: listed; claimed, recorded, taken back, removed one by one.

What must be so raises in the server when it is not: a sub-query that finds two rows
where one is allowed is an error (1242), and ours finds them only when all is not well.
The check reads by itself. An `INSERT … SELECT` from the history would lock the gaps
between its rows, and two migrators would deadlock.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sqlx.databases.marks import MARKS
from sqlx.databases.mysql.session import EVERY_ROW, literal, quoted
from sqlx.migrations.migration import Kind

if TYPE_CHECKING:
    from sqlx.engine.dialect import HistoryRow
    from sqlx.engine.steps import Row, Value
    from sqlx.migrations.migration import Migration

__all__ = [
    "DATABASE",
    "MUST_HOLD",
    "ONE",
    "claim",
    "delete",
    "done",
    "doubt",
    "finish",
    "history_row",
    "insert",
    "listing",
    "qualified",
    "remove",
    "same_history",
    "start_clock",
    "text",
    "unclaim",
]

MUST_HOLD = 1242  # ER_SUBQUERY_NO_1_ROW
ONE = "(SELECT 1 AS n) AS one"
TWO = "(SELECT 1 AS n UNION ALL SELECT 2) AS two"
ELAPSED = "TIMESTAMPDIFF(MICROSECOND, @sqlx_begun, SYSDATE(6)) * 1000"
PART = r"`(?:[^`]|``)+`|[^`.\s]+"
NAME = re.compile(rf"\s*(?:({PART})\s*\.\s*)?({PART})\s*")


def _hex(text: str) -> str:
    return f"HEX(CONVERT({text} USING utf8mb4))"


DATABASE = _hex("DATABASE()")


def listing(table: str, *, details: bool) -> str:
    """List the history, each row behind what the session tells of itself."""
    schema, name = _names(table)
    known = (
        f"FROM information_schema.tables t WHERE t.table_schema = {schema}"
        f" AND {_is_spelt('t.table_schema', schema)}"
    )
    moment = "UNIX_TIMESTAMP(h.installed_on)" if details else "NULL"
    return (
        f"SELECT {DATABASE}, (SELECT t.table_type {known} AND t.table_name = {name}"
        f" AND {_is_spelt('t.table_name', name)}),"
        f" (SELECT count(*) {known} AND t.table_name = '{MARKS}'), h.version,"
        f" {_hex('h.description')}, h.success, HEX(h.checksum), {moment},"
        " h.execution_time"
        f" FROM {ONE} LEFT JOIN {table} h ON TRUE ORDER BY h.version {EVERY_ROW}"
    )


def _is_spelt(found: str, name: str) -> str:
    """Compare names as the server's files do; its catalog overlooks case."""
    return f"(@@lower_case_table_names OR {_hex(found)} = {_hex(name)})"


def text(value: Value) -> str:
    """Read what was sent in hex: a session may have another character set for texts."""
    return bytes.fromhex(str(value)).decode(errors="replace")


def qualified(table: str, database: str) -> str:
    """Write a table's name with the database that it is in."""
    found = NAME.fullmatch(table)
    bare = found is not None and found[1] is None
    return f"{quoted(database)}.{table.strip()}" if bare else table


def history_row(row: Row) -> HistoryRow:
    """Read what `listing` gives of one row; a table of one's own may hold NULL."""
    version, description, success, checksum, seconds, elapsed = row
    moment = ""
    if seconds is not None:
        moment = f"{datetime.fromtimestamp(float(seconds), UTC):%Y-%m-%dT%H:%M:%SZ}"
    return (
        int(str(version)),
        text(description or ""),
        success != "0",
        bytes.fromhex(str(checksum or "")),
        moment,
        int(str(-1 if elapsed is None else elapsed)),
    )


def start_clock() -> str:
    """Remember when the migration began, for `execution_time`."""
    return "SET @sqlx_begun = SYSDATE(6)"


def same_history(table: str, seen: int) -> str:
    """Raise unless the history has as many rows as were seen."""
    return f"SELECT {_unless(f'(SELECT count(*) FROM {table}) <> {seen}')}"


def insert(table: str, migration: Migration, success: str) -> str:
    """Write the row."""
    return (
        f"INSERT INTO {table} (version, description, installed_on, success, checksum,"
        f" execution_time) VALUES ({migration.version},"
        f" {literal(migration.description)}, SYSDATE(), {success},"
        f" x'{migration.checksum.hex()}', -1)"
    )


def claim(table: str, migration: Migration) -> str:
    """Write the row that says that the migration has begun."""
    return insert(table, migration, "FALSE")


def doubt(table: str, migration: Migration) -> tuple[str, str]:
    """Make the row FALSE while its down file runs; raises when it is not applied."""
    where = f"{_is(migration)} AND success <> FALSE"
    return (
        f"UPDATE {table} SET success = FALSE WHERE {where}",
        f"SELECT {_unless('ROW_COUNT() <> 1')}",
    )


def done(table: str, migration: Migration) -> tuple[str, str]:
    """Record success and time, and tell them; raises when the claim is gone."""
    elapsed = f"(SELECT execution_time FROM {table} WHERE {_is(migration)})"
    return _record(table, migration), _told(migration, elapsed)


def remove(table: str, migration: Migration) -> tuple[str, str]:
    """Delete the row that was FALSE, and tell the time; raises when it is gone."""
    return delete(table, migration), _told(migration, ELAPSED)


def delete(table: str, migration: Migration) -> str:
    """Delete the row that was claimed."""
    return f"DELETE FROM {table} WHERE {_is_claimed(migration)}"


def unclaim(table: str, migration: Migration) -> str:
    """Make the row what it was before it was claimed."""
    if migration.kind is Kind.DOWN:
        return f"UPDATE {table} SET success = TRUE WHERE {_is_claimed(migration)}"
    return delete(table, migration)


def finish(table: str, migration: Migration) -> tuple[str, ...]:
    """Record the end of a claimed migration; no row in the reply when it is gone.

    The file may have left `autocommit` off, or transactions read-only.
    """
    down = migration.kind is Kind.DOWN
    record = delete(table, migration) if down else _record(table, migration)
    row = f"{table} WHERE {_is(migration)}"
    elapsed = "0" if down else f"(SELECT execution_time FROM {row})"
    return (
        record,
        "SET @sqlx_hit = ROW_COUNT()",
        "COMMIT",
        f"SELECT {migration.version}, {elapsed} FROM {ONE} WHERE @sqlx_hit = 1 LIMIT 1",
    )


def _record(table: str, migration: Migration) -> str:
    return (
        f"UPDATE {table} SET success = TRUE, execution_time = {ELAPSED}"
        f" WHERE {_is_claimed(migration)}"
    )


def _told(migration: Migration, elapsed: str) -> str:
    return (
        f"SELECT {migration.version} AS sqlx_version,"
        f" {elapsed} AS sqlx_execution_time, {_unless('ROW_COUNT() <> 1')} LIMIT 1"
    )


def _unless(wrong: str) -> str:
    """Raise when something is wrong."""
    return f"(SELECT 1 FROM {TWO} WHERE {wrong})"


def _names(table: str) -> tuple[str, str]:
    """Write schema and name of a table as texts."""
    found = NAME.fullmatch(table)
    schema, name = found.groups() if found else (None, table)
    return "DATABASE()" if schema is None else _literal(schema), _literal(name)


def _literal(name: str) -> str:
    bare = name[1:-1].replace("``", "`") if name.startswith("`") else name
    return literal(bare)


def _is(migration: Migration) -> str:
    return f"version = {migration.version}"


def _is_claimed(migration: Migration) -> str:
    return f"{_is(migration)} AND success = FALSE"
