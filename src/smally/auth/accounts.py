"""What is done to users and keys, whoever asks for it: the API or the command."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING

from smally.auth.keys import display_prefix, hash_key, new_key
from smally.store import keys, users
from smally.store.keys import Key

if TYPE_CHECKING:
    from psycopg import AsyncConnection

    from smally.store.users import User

__all__ = [
    "Change",
    "Initialised",
    "IssuedKey",
    "LastAdmin",
    "change_user",
    "initialise",
    "issue_key",
]


class LastAdmin(Exception):
    """The change would leave nobody who may manage users."""

    def __str__(self) -> str:
        return "this is the last active admin; make somebody else an admin first"


@dataclass(frozen=True, slots=True)
class IssuedKey(Key):
    """A new key, with the text that nobody can show again."""

    key: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Change:
    """What is to become of a user; None leaves it as it is."""

    tier: str | None = None
    role: str | None = None
    is_active: bool | None = None

    @property
    def may_remove_admin(self) -> bool:
        """Whether an admin may be none afterwards."""
        return self.role not in {None, "admin"} or self.is_active is False


@dataclass(frozen=True, slots=True)
class Initialised:
    """What `initialise` found and did.

    Args:
        before: The user as there was one; None when there was none.
        user: The admin that there is now.
        issued: The new key; None when there was one.
    """

    before: User | None
    user: User
    issued: IssuedKey | None


async def issue_key(
    connection: AsyncConnection, user_id: int, name: str
) -> IssuedKey | None:
    """Make a key for a user; None when there is no such user."""
    secret = new_key()
    prefix = display_prefix(secret)
    key = await keys.add(connection, user_id, name, hash_key(secret), prefix)
    return None if key is None else IssuedKey(**asdict(key), key=secret)


async def change_user(
    connection: AsyncConnection, user_id: int, change: Change
) -> User | None:
    """Change a user; None when there is no such user.

    Raises:
        LastAdmin: Nobody could manage users any more; nothing is changed.
    """
    async with connection.transaction():
        # Two admins who switch each other off come one after the other here.
        if change.may_remove_admin and (
            await users.lock_active_admins(connection) == [user_id]
        ):
            raise LastAdmin
        return await users.change(
            connection, user_id, change.tier, change.role, change.is_active
        )


async def initialise(
    connection: AsyncConnection, email: str, tier: str, *, new_key: bool
) -> Initialised:
    """See that there is an active admin with this e-mail, this tier, and a key.

    However many do so at once: one user, and one key unless `new_key` asks for more.
    """
    async with connection.transaction():
        before, user = await ensure_admin(connection, email, tier)
        issued = None
        if new_key or not await keys.exist_for(connection, user.id):
            issued = await issue_key(connection, user.id, "init")
        return Initialised(before, user, issued)


async def ensure_admin(
    connection: AsyncConnection, email: str, tier: str
) -> tuple[User | None, User]:
    """Add or change the user, who stays locked until this transaction ends."""
    added = await users.add(connection, email, tier, "admin")
    if added is not None:
        return None, added
    before = await users.lock_by_email(connection, email)
    wanted = replace(before, tier=tier, role="admin", is_active=True)
    if wanted != before:
        await users.change(connection, before.id, tier, "admin", is_active=True)
    return before, wanted
