"""How one process makes a template: by the migrations, and small."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import psycopg

from sqlx.errors import ConnectionFailed
from sqlx.opening import connect

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlx.databases.postgres.connect import Place
    from sqlx.migrator import Migrator
    from sqlx.testing.postgres.templates import Template

__all__ = ["Making"]

VISIT_SECONDS = 2.0  # for what is of use, and not needed
# A clone is a copy of some 300 files. A catalog that is written anew needs no free
# space map and no visibility map: a fifth of the files, and of the time.
LOOSE = """\
SELECT string_agg(c.oid::regclass::text, ', ')
FROM pg_catalog.pg_class AS c
WHERE relkind = 'r' AND NOT relisshared
  AND relnamespace IN ('pg_catalog'::regnamespace, 'information_schema'::regnamespace)
  AND pg_relation_size(c.oid, 'vm') + pg_relation_size(c.oid, 'fsm') > 0"""


class Making:
    """Does for a template what needs other connections.

    Args:
        place: The server.
        url: Of one of its databases, by name.
        migrator: None for no migrations.
        try_clone: Makes a clone, which will be used.
    """

    def __init__(
        self,
        place: Place,
        url: Callable[[str], str],
        migrator: Migrator | None,
        try_clone: Callable[[Template], None],
    ) -> None:
        self._place, self._url, self._migrator = place, url, migrator
        self.try_clone = try_clone

    def migrate(self, name: str) -> None:
        """Apply the migrations to a database, and make its catalogs small."""
        if self._migrator is not None:
            self._migrator.run(self._url(name))
        # Not everybody may.
        with suppress(psycopg.Error, ConnectionFailed), self._connect(name) as there:
            row = there.execute(LOOSE).fetchone()
            if row is not None and row[0]:
                there.execute(f"VACUUM (FULL, FREEZE) {row[0]}".encode())

    def visit(self, name: str) -> None:
        """Connect to a database, and leave it."""
        with suppress(ConnectionFailed):
            self._connect(name).close()

    def _connect(self, name: str) -> psycopg.Connection[tuple[object, ...]]:
        connection: psycopg.Connection[tuple[object, ...]] = connect(
            self._place, name, timeout_seconds=VISIT_SECONDS
        )
        return connection
