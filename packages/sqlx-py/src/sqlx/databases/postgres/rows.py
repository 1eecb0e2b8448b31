"""The history's rows: listed; claimed, recorded, taken back, removed one by one.

Each statement that must find its row raises in the server when it does not: the
logarithm of a count is an error (2201E) when the count is zero.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlx.databases.marks import MARKS
from sqlx.databases.postgres.session import EQ, QUALIFIED, P, literal
from sqlx.migrations.migration import Kind

if TYPE_CHECKING:
    from sqlx.engine.dialect import HistoryRow
    from sqlx.engine.steps import Row
    from sqlx.migrations.migration import Migration

__all__ = [
    "MUST_HIT",
    "claim",
    "done",
    "doubt",
    "finish",
    "history_row",
    "insert",
    "listing",
    "remove",
    "took",
    "unclaim",
]

MUST_HIT = "2201E"  # invalid_argument_for_logarithm


def _nanoseconds_since(moment: str) -> str:
    return (
        f"(EXTRACT(epoch FROM {P}.clock_timestamp() OPERATOR({P}.-) {moment})"
        f" OPERATOR({P}.*) 1000000000)::{P}.int8"
    )


def listing(table: str, *, details: bool) -> str:
    """List the history, each row behind what the session tells of itself."""
    moment = (
        f"{P}.to_char({P}.timezone('UTC', h.installed_on),"
        ' \'YYYY-MM-DD"T"HH24:MI:SS.US"Z"\')'
        if details
        else "NULL"
    )
    return (
        f"SELECT f.*, h.version::{P}.text, h.description,"
        f" h.success::{P}.text, {P}.encode(h.checksum, 'hex'), {moment},"
        f" h.execution_time::{P}.text FROM (SELECT"
        f" {P}.pg_backend_pid()::{P}.text, {P}.current_database()::{P}.text,"
        f" {QUALIFIED}, c.relkind::{P}.text,"
        f" {P}.current_setting('transaction_read_only'),"
        f" EXISTS (SELECT FROM {P}.pg_class m WHERE m.relnamespace {EQ} n.oid"
        f" AND m.relname {EQ} '{MARKS}')::{P}.text"
        f" FROM {P}.pg_class c JOIN {P}.pg_namespace n ON n.oid {EQ} c.relnamespace"
        f" WHERE c.oid {EQ} {P}.to_regclass({literal(table)}))"
        " f(pid, database, name, kind, read_only, marks)"
        f" LEFT JOIN {table} h ON true ORDER BY h.version"
    )


def history_row(row: Row) -> HistoryRow:
    """Read what `listing` gives of one row; a table of one's own may hold NULL."""
    version, description, success, checksum, installed_on, elapsed = row
    return (
        int(str(version)),
        str(description or ""),
        success != "false",
        bytes.fromhex(str(checksum or "")),
        str(installed_on or ""),
        int(str(-1 if elapsed is None else elapsed)),
    )


RECORDED = f"success = TRUE, execution_time = {_nanoseconds_since('installed_on')}"


def insert(table: str, migration: Migration, success: str, execution_time: str) -> str:
    """Write the row."""
    return (
        f"INSERT INTO {table} (version, description, installed_on, success, checksum,"
        f" execution_time) VALUES ({migration.version},"
        f" {literal(migration.description)}, {P}.clock_timestamp(), {success},"
        f" {P}.decode('{migration.checksum.hex()}', 'hex'), {execution_time})"
    )


def claim(table: str, migration: Migration, seen: int) -> str:
    """Write the row, unless the history has not as many rows as were seen: raises."""
    count = f"(SELECT {P}.count(*) FROM {table})"
    same = f"{P}.ln(({count} {EQ} {seen})::{P}.int4)::{P}.int8"
    return insert(table, migration, "FALSE", f"-1 OPERATOR({P}.+) {same}")


def remove(table: str, migration: Migration) -> str:
    """Delete the row of a migration that is applied; raises when it is not."""
    return _must_hit(f"DELETE FROM {table} WHERE {_is(migration)} AND success")


def doubt(table: str, migration: Migration) -> str:
    """Make the row FALSE while its down file runs; raises when it is not applied."""
    update = f"UPDATE {table} SET success = FALSE"
    return _must_hit(f"{update} WHERE {_is(migration)} AND success")


def done(table: str, migration: Migration) -> str:
    """Record success and time, and tell them; raises when the claim is gone."""
    update = f"UPDATE {table} SET {RECORDED} WHERE {_is(migration)} AND NOT success"
    return (
        f"WITH done AS ({update} RETURNING version, execution_time)"
        f" SELECT {P}.max(version)::{P}.text AS sqlx_version,"
        f" {P}.max(execution_time)::{P}.text AS sqlx_execution_time,"
        f" {P}.ln({P}.count(*)) FROM done"
    )


def took(migration: Migration) -> str:
    """Tell how long the message has taken so far."""
    elapsed = _nanoseconds_since(f"{P}.statement_timestamp()")
    return (
        f"SELECT ({migration.version})::{P}.text AS sqlx_version,"
        f" {elapsed}::{P}.text AS sqlx_execution_time"
    )


def unclaim(table: str, migration: Migration) -> str:
    """Make the row what it was before it was claimed."""
    down = migration.kind is Kind.DOWN
    what = f"UPDATE {table} SET success = TRUE" if down else f"DELETE FROM {table}"
    return f"{what} WHERE {_is(migration)} AND NOT success"


def finish(table: str, migration: Migration) -> str:
    """Record the end of a claimed migration; no row in the reply when it is gone."""
    down = migration.kind is Kind.DOWN
    what = f"DELETE FROM {table}" if down else f"UPDATE {table} SET {RECORDED}"
    elapsed = "'0'" if down else "execution_time"
    return (
        f"{what} WHERE {_is(migration)} AND NOT success"
        f" RETURNING version::{P}.text, {elapsed}::{P}.text"
    )


def _is(migration: Migration) -> str:
    return f"version {EQ} {migration.version}"


def _must_hit(statement: str) -> str:
    hit = f"WITH hit AS ({statement} RETURNING version)"
    return f"{hit} SELECT {P}.ln({P}.count(*)) FROM hit"
