"""psycopg's cursors, but parameters have the types that they were described with.

Theory of operation: psycopg chooses the types of parameters by their values, so that
the server may understand a query otherwise than when it was described. `now() - $1`,
with a timedelta, is described as timestamptz - timestamptz, and would run as
timestamptz - interval. Here all parameters are sent as text without a type, and the
server infers what it inferred then. `_query_cls`, psycopg's hook for that, is not
public: a test holds it to what we need.
"""

from __future__ import annotations

from typing import Any

from psycopg import AsyncRawCursor, AsyncRawServerCursor, RawCursor, RawServerCursor
from psycopg._queries import PostgresRawQuery
from psycopg.adapt import PyFormat

__all__ = ["AsyncCursor", "AsyncServerCursor", "Cursor", "ServerCursor"]


class AsDescribed(PostgresRawQuery):
    """Sends parameters as text of no type: the server infers what it is."""

    __slots__ = ()

    def convert(self, query: Any, vars: Any) -> None:  # noqa: A002, ANN401 -- as psycopg names it.
        """Take a text of ours, and its parameters."""
        self.query = self._ensure_bytes(query)
        self.dump(vars)

    def dump(self, vars: Any) -> None:  # noqa: A002, ANN401 -- as psycopg names it.
        """Write the parameters as text."""
        if vars is None:
            self.params, self.types, self.formats = None, (), None
            return
        count = len(vars)
        self.params = self._tx.dump_sequence(vars, [PyFormat.TEXT] * count)
        self.types = (0,) * count
        self.formats = self._tx.formats


class Cursor(RawCursor[Any]):
    """A cursor that takes `$1` and sends parameters as they were described."""

    __slots__ = ()
    _query_cls = AsDescribed


class AsyncCursor(AsyncRawCursor[Any]):
    """The same for async connections."""

    __slots__ = ()
    _query_cls = AsDescribed


class ServerCursor(RawServerCursor[Any]):
    """A cursor that the server keeps; it lives in a transaction."""

    __slots__ = ()
    _query_cls = AsDescribed


class AsyncServerCursor(AsyncRawServerCursor[Any]):
    """The same for async connections."""

    __slots__ = ()
    _query_cls = AsDescribed
