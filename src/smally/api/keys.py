"""API keys, for their owners and for admins."""

from __future__ import annotations

from typing import Annotated

import msgspec
from litestar import Controller, delete, get, post
from litestar.params import Parameter
from litestar.response import Response

from smally.api.accepting import (
    CONSTRAINTS,
    MOST,
    PAGES,
    After,
    IdInPath,
    Limit,
    refuse_fields,
)
from smally.api.problems import problem, refusals
from smally.api.schema import BEARER
from smally.auth.accounts import IssuedKey, issue_key
from smally.auth.faults import LAST_ID, fault_of_name
from smally.auth.guard import Authenticator, Caller, require_admin
from smally.database import Database
from smally.store import keys as store
from smally.store import users
from smally.store.keys import Key

__all__ = ["KeysController"]

UserId = Annotated[
    int | None,
    Parameter(ge=1, le=LAST_ID, description="Of another user: for admins."),
]


class NewKey(msgspec.Struct, forbid_unknown_fields=True):
    """What the key is to be called, 1 to 100 characters; admins say whose it is."""

    name: str
    user_id: Annotated[int, msgspec.Meta(ge=1, le=LAST_ID)] | None = None


class KeyList(msgspec.Struct):
    """A user's keys in the order of their ids."""

    keys: list[Key]


class KeysController(Controller):
    """What opens the door."""

    path = "/v1/keys"
    tags = ("keys",)
    security = BEARER
    exception_handlers = CONSTRAINTS

    @get(
        summary="List keys",
        description=PAGES,
        responses=refusals(400, 401, 403, 404),
    )
    async def list_keys(
        self,
        caller: Caller,
        database: Database,
        user_id: UserId = None,
        limit: Limit = MOST,
        after: After = 0,
    ) -> KeyList:
        """List keys, also revoked ones."""
        owner_id = chosen_owner(caller, user_id)
        async with database.connection() as connection:
            keys = await store.list_of_user(connection, owner_id, after, limit)
            if not keys and await users.by_id(connection, owner_id) is None:
                raise problem(404, f"there is no user {owner_id}")
        return KeyList(keys)

    @post(
        summary="Make a key",
        description="The answer has the key itself, which nobody can show again.",
        responses=refusals(400, 401, 403, 404),
    )
    async def add_key(
        self, caller: Caller, data: NewKey, database: Database
    ) -> Response[IssuedKey]:
        """Make a key."""
        owner_id = chosen_owner(caller, data.user_id)
        refuse_fields({"name": fault_of_name(data.name)})
        async with database.connection() as connection:
            issued = await issue_key(connection, owner_id, data.name)
        if issued is None:
            raise problem(404, f"there is no user {owner_id}")
        return Response(issued, headers={"Cache-Control": "no-store"})

    @delete(
        "/{key_id:int}",
        summary="Revoke a key",
        description="Another process may take the key for 5 more seconds.",
        responses=refusals(401, 403, 404),
    )
    async def revoke_key(
        self,
        caller: Caller,
        key_id: IdInPath,
        database: Database,
        authenticator: Authenticator,
    ) -> None:
        """Revoke a key, or leave it revoked."""
        owner_id = None if caller.is_admin else caller.user_id
        async with database.connection() as connection:
            revoked = await store.revoke(connection, key_id, owner_id)
        if revoked is None and caller.is_admin:
            raise problem(404, f"there is no key {key_id}")
        if revoked is None:
            raise problem(403, "this key is not yours")
        authenticator.forget_key(key_id)


def chosen_owner(caller: Caller, user_id: int | None) -> int:
    """Give whose keys are meant: the caller's, or for an admin anybody's."""
    if user_id in {None, caller.user_id}:
        return caller.user_id
    require_admin(caller)
    return user_id
