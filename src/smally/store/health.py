"""Whether the database answers, and as what it knows us."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlx

if TYPE_CHECKING:
    from psycopg import AsyncConnection

__all__ = ["may_write_history", "set_statement_timeout", "takes_writes"]


@sqlx.query("""
    SELECT current_setting('transaction_read_only') = 'off' AS "takes_writes!"
""")
async def takes_writes(connection: AsyncConnection) -> bool:
    """Ask for a sign of life: a standby, or a server that only reads, says no."""
    raise NotImplementedError


@sqlx.query("SELECT set_config('statement_timeout', $1, false)")
async def set_statement_timeout(connection: AsyncConnection, milliseconds: str) -> None:
    """Have the server end each statement of this session that takes longer."""
    raise NotImplementedError


@sqlx.query("""
    SELECT coalesce(bool_or(
        has_table_privilege(oid, 'INSERT, UPDATE, DELETE')
        AND NOT pg_has_role(relowner, 'MEMBER')
    ), FALSE) AS "may!"
    FROM pg_class
    WHERE relname IN ('_sqlx_migrations', '_sqlx_compatible')
        AND relkind = 'r' AND pg_table_is_visible(oid)
""")
async def may_write_history(connection: AsyncConnection) -> bool:
    """Tell whether a role that does not own the history may change it."""
    raise NotImplementedError
