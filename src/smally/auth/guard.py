"""The door of the HTTP interface: every answer to a key that opens nothing is the same.

`key_guard` stands before all of `/v1`: it reads the header before anything else of a
request, so that a stranger's body is neither read nor judged. `provide_caller` gives
handlers whom it let in, as the dependency `caller`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from litestar import Request  # noqa: TC002 -- Litestar reads the annotations.

from smally.api.problems import problem
from smally.auth.authenticator import (
    Authenticator,
    Caller,
    ConnectionSource,
    KeyRefused,
)

if TYPE_CHECKING:
    from litestar.connection import ASGIConnection
    from litestar.handlers import BaseRouteHandler
    from litestar.types import Guard

__all__ = [
    "Authenticator",
    "Caller",
    "admin_only",
    "key_guard",
    "provide_caller",
    "require_admin",
]

REFUSED = "the API key is missing, malformed, unknown or revoked"


def key_guard(source: ConnectionSource, authenticator: Authenticator) -> Guard:
    """Make a guard of Litestar's: whoever has no key stays outside.

    It is a function, since Litestar copies the objects that a router holds.

    Args:
        source: Lends connections.
        authenticator: This process's.
    """

    async def let_in(
        connection: ASGIConnection[Any, Any, Any, Any], _handler: BaseRouteHandler
    ) -> None:
        """Let a request in as its key's owner, or refuse it with 401."""
        # As it came: Litestar's own headers take ten times as long to make.
        header = dict(connection.scope["headers"]).get(b"authorization", b"")
        try:
            caller = await authenticator.authenticate(source, header.decode("latin-1"))
        except KeyRefused:
            raise problem(
                401, REFUSED, headers={"WWW-Authenticate": "Bearer"}
            ) from None
        connection.scope["user"] = caller

    return let_in


def admin_only(
    connection: ASGIConnection[Any, Caller, Any, Any], _handler: BaseRouteHandler
) -> None:
    """Guard what only admins may do, inside `key_guard`."""
    require_admin(connection.user)


async def provide_caller(request: Request[Caller, Any, Any]) -> Caller:
    """Give a handler whom `key_guard` let in."""
    return request.user


def require_admin(caller: Caller) -> None:
    """Refuse everybody else with 403."""
    if not caller.is_admin:
        raise problem(403, "only an admin may do this")
