"""Databases that live longer than a test, or of which a test needs several."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Sequence

    from sqlx.testing.stock import Lease
    from sqlx.testing.wishes import Migrations, Wish

__all__ = ["DatabaseFactory"]


class DatabaseFactory:
    """Makes databases; those that are not dropped before go with the session.

    Args:
        lease: Gives a database that somebody else gives back.
    """

    def __init__(self, lease: Callable[[Wish], Lease]) -> None:
        self._lease = lease
        self._leases: dict[str, Lease] = {}  # by their URLs

    def create(
        self,
        *,
        migrations: Migrations = None,
        fixtures: Sequence[str | os.PathLike[str]] = (),
        database: str = "",
    ) -> str:
        """Make a database of its own.

        Args:
            migrations: A directory, a `Migrator`, or False for none; None for the
                configured ones.
            fixtures: SQL files to run afterwards; relative paths begin at pytest's
                rootdir.
            database: A server's URL, `postgres`, `embedded` or `sqlite`.

        Returns:
            Its URL.

        Raises:
            SqlxError: The server, a migration or a fixture cannot be used.
        """
        from sqlx.testing.stock import require_url
        from sqlx.testing.wishes import read_wish

        asked = {
            "migrations": migrations,
            "fixtures": list(fixtures),
            "database": database,
        }
        lease = self._lease(read_wish([((), asked)]))
        url = require_url(lease)
        self._leases[url] = lease
        return url

    def drop(self, url: str) -> None:
        """Drop a database that was made here, soon, with whoever is connected.

        Raises:
            ConfigurationError: It was not, or is dropped already.
        """
        from sqlx.errors import ConfigurationError

        if url not in self._leases:
            raise ConfigurationError(f"db_factory has no database {url!r}")
        self._leases.pop(url).give_back()

    def close(self) -> None:
        """Drop what is left."""
        for lease in self._leases.values():
            lease.give_back()
