"""Users, for admins."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from litestar import Controller, get, patch, post

from smally.api.accepting import (
    CONSTRAINTS,
    PAGES,
    After,
    IdInPath,
    Limit,
    refuse_fields,
)
from smally.api.problems import problem, refusals
from smally.api.schema import BEARER
from smally.auth.accounts import Change, LastAdmin, change_user
from smally.auth.faults import fault_of_email, fault_of_tier
from smally.auth.guard import Authenticator, admin_only
from smally.database import Database
from smally.store import users as store
from smally.store.users import User
from smally.tiers import TIERS

__all__ = ["UsersController"]

TierName = Annotated[str, msgspec.Meta(description=f"One of {', '.join(TIERS)}.")]
RoleName = Literal["user", "admin"]


class NewUser(msgspec.Struct, forbid_unknown_fields=True):
    """Who is to be added."""

    email: str
    tier: TierName = "free"
    role: RoleName = "user"


class UserChange(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """What is to be changed: at least one of these."""

    tier: TierName | msgspec.UnsetType = msgspec.UNSET
    role: RoleName | msgspec.UnsetType = msgspec.UNSET
    is_active: bool | msgspec.UnsetType = msgspec.UNSET


class UserList(msgspec.Struct):
    """Users in the order of their ids."""

    users: list[User]


class UsersController(Controller):
    """Who may use the service."""

    path = "/v1/users"
    tags = ("users",)
    guards = (admin_only,)
    security = BEARER
    exception_handlers = CONSTRAINTS

    @get(
        summary="List users",
        description=PAGES,
        responses=refusals(400, 401, 403),
    )
    async def list_users(
        self, database: Database, limit: Limit = 100, after: After = 0
    ) -> UserList:
        """List users."""
        async with database.connection() as connection:
            return UserList(await store.list_after(connection, after, limit))

    @post(
        summary="Add a user",
        description="An e-mail is taken whether in upper or lower case.",
        responses=refusals(400, 401, 403, 409),
    )
    async def add_user(self, data: NewUser, database: Database) -> User:
        """Add a user, without a key."""
        refuse_fields(
            {"email": fault_of_email(data.email), "tier": fault_of_tier(data.tier)}
        )
        async with database.connection() as connection:
            user = await store.add(connection, data.email, data.tier, data.role)
        if user is None:
            raise problem(409, "there is a user with this e-mail")
        return user

    @patch(
        "/{user_id:int}",
        summary="Change a user",
        description="Another process may let the user in for 5 more seconds.",
        responses=refusals(400, 401, 403, 404, 409),
    )
    async def change_user(
        self,
        user_id: IdInPath,
        data: UserChange,
        database: Database,
        authenticator: Authenticator,
    ) -> User:
        """Change a user's tier or role, or switch the user off or on."""
        change = Change(**msgspec.to_builtins(data))
        if change == Change():
            raise problem(400, "give at least one of tier, role and is_active")
        if change.tier is not None:
            refuse_fields({"tier": fault_of_tier(change.tier)})
        try:
            async with database.connection() as connection:
                user = await change_user(connection, user_id, change)
        except LastAdmin as error:
            raise problem(409, str(error)) from error
        if user is None:
            raise problem(404, f"there is no user {user_id}")
        authenticator.forget_user(user_id)
        return user
