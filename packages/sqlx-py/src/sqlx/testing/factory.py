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
    """Makes databases; they are dropped at the end of the session.

    Args:
        lease: Gives a database that somebody else gives back.
    """

    def __init__(self, lease: Callable[[Wish], Lease]) -> None:
        self._lease = lease
        self._leases: list[Lease] = []

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

        wish = read_wish(
            [
                (
                    (),
                    {
                        "migrations": migrations,
                        "fixtures": list(fixtures),
                        "database": database,
                    },
                )
            ]
        )
        lease = self._lease(wish)
        self._leases.append(lease)
        return require_url(lease)

    def close(self) -> None:
        """Drop what was made."""
        for lease in self._leases:
            lease.give_back()
