"""The commands for users and keys: on the same queries as the API."""

from __future__ import annotations

import asyncio
import sys
from contextlib import ExitStack
from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING

import psycopg

import sqlx
from smally.auth.accounts import (
    Change,
    IssuedKey,
    LastAdmin,
    change_user,
    initialise,
    issue_key,
)
from smally.printing import as_json, as_table, write
from smally.reaching import (
    NotAllowed,
    NotThere,
    connected,
    patiently,
    reach,
    reason_of,
)
from smally.store import keys, users

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Sequence

    from psycopg import AsyncConnection

    from smally.config import Settings
    from smally.store.keys import Key
    from smally.store.users import User

__all__ = ["run"]

DONE, FAILED = 0, 1
PAGE = 1_000
KEEP = "keep the key: nobody can show it again"


class Refused(Exception):
    """The command cannot be carried out; the message says why."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a command has to say.

    Args:
        text: For stdout.
        note: For stderr.
        if_lost: What is to be said when the text could not be written.
    """

    text: str
    note: str = ""
    if_lost: str = ""


def run(options: Namespace, settings: Settings, words: Sequence[str]) -> int:
    """Carry out a command of `smally user`, `smally key` or `smally init`.

    Args:
        options: What was typed, parsed.
        settings: Where the database is.
        words: What was typed.

    Returns:
        The exit code.
    """
    try:
        answer = carry_out(options, settings)
    except (Refused, LastAdmin) as error:
        return fail(str(error))
    except (NotThere, NotAllowed, sqlx.SqlxError, psycopg.Error, OSError) as error:
        return fail(reason_of(error, words))
    try:
        write(answer.text)
    except BrokenPipeError:
        return fail(answer.if_lost) if answer.if_lost else DONE
    except OSError as error:
        lost = answer.if_lost or "cannot write to stdout"
        return fail(f"{lost} ({reason_of(error, ())})")
    tell(answer.note)
    return DONE


def carry_out(options: Namespace, settings: Settings) -> Answer:
    """Reach the database, and ask it."""
    command = COMMANDS[options.command]
    seconds = getattr(options, "wait_seconds", 0)

    keywords: dict[str, str] = {}

    async def ask() -> Answer:
        async with connected(keywords) as connection:
            return await command(connection, options)

    def on_wait(reason: NotThere) -> None:
        tell(f"waiting, at most {seconds} s: {reason_of(reason, ())}")

    with ExitStack() as held:

        def attempt() -> Answer:
            if not keywords:
                keywords.update(reach(settings, held, tell))
            return asyncio.run(ask())

        return patiently(monotonic() + seconds, on_wait, attempt)


async def list_users(connection: AsyncConnection, options: Namespace) -> Answer:
    """Carry out `smally user list`."""
    found: list[User] = []
    while page := await users.list_after(
        connection, found[-1].id if found else 0, PAGE
    ):
        found += page
    if options.format == "json":
        return Answer(as_json(found))
    heads = ("ID", "EMAIL", "ROLE", "TIER", "ACTIVE", "CREATED")
    rows = [(u.id, u.email, u.role, u.tier, u.is_active, u.created_at) for u in found]
    return Answer(as_table(heads, rows))


async def add_user(connection: AsyncConnection, options: Namespace) -> Answer:
    """Carry out `smally user add`."""
    user = await users.add(connection, options.email, options.tier, options.role)
    if user is None:
        raise Refused(f"there is a user {options.email}")
    return Answer(f"added {description_of(user)}")


async def set_user(connection: AsyncConnection, options: Namespace) -> Answer:
    """Carry out `smally user set`."""
    change = Change(options.tier, options.role, options.active)
    user = await user_named(connection, options.email)
    changed = await change_user(connection, user.id, change)
    return Answer(description_of(changed or user))


async def list_keys(connection: AsyncConnection, options: Namespace) -> Answer:
    """Carry out `smally key list`."""
    user = await user_named(connection, options.email)
    found: list[Key] = []
    while page := await keys.list_of_user(
        connection, user.id, found[-1].id if found else 0, PAGE
    ):
        found += page
    if options.format == "json":
        return Answer(as_json(found))
    heads = ("ID", "NAME", "PREFIX", "CREATED", "LAST USED", "REVOKED")
    rows = [
        (k.id, k.name, k.prefix, k.created_at, k.last_used_at, k.revoked_at)
        for k in found
    ]
    return Answer(as_table(heads, rows))


async def add_key(connection: AsyncConnection, options: Namespace) -> Answer:
    """Carry out `smally key add`."""
    user = await user_named(connection, options.email)
    issued = await issue_key(connection, user.id, options.name)
    if issued is None:
        raise Refused(f"there is no user {options.email}")
    off = "" if user.is_active else "; the user is switched off"
    return answer_with(issued, f"key {issued.id} of {user.email}{off}")


async def revoke_key(connection: AsyncConnection, options: Namespace) -> Answer:
    """Carry out `smally key revoke`."""
    key = await keys.revoke(connection, options.id, None)
    if key is None:
        raise Refused(f"there is no key {options.id}")
    return Answer(f"revoked key {key.id} ({key.name}, {key.prefix})")


async def init(connection: AsyncConnection, options: Namespace) -> Answer:
    """Carry out `smally init`."""
    done = await initialise(
        connection, options.email, options.tier, new_key=options.new_key
    )
    if done.before is None:
        found = f"created {done.user.email}, role admin, tier {done.user.tier}"
    else:
        found = difference(done.before, done.user)
    return Answer(found) if done.issued is None else answer_with(done.issued, found)


COMMANDS = {
    "list_users": list_users,
    "add_user": add_user,
    "set_user": set_user,
    "list_keys": list_keys,
    "add_key": add_key,
    "revoke_key": revoke_key,
    "init": init,
}


async def user_named(connection: AsyncConnection, email: str) -> User:
    """Find the user whom a person named."""
    user = await users.by_email(connection, email)
    if user is None:
        raise Refused(f"there is no user {email}")
    return user


def answer_with(issued: IssuedKey, found: str) -> Answer:
    """Print a new key alone, and the rest beside it."""
    mend = f"revoke it: smally key revoke {issued.id}"
    return Answer(
        issued.key,
        note=f"{found}; {KEEP}",
        if_lost=f"the key could not be written; {mend}",
    )


def description_of(user: User) -> str:
    """Describe a user on one line."""
    off = "" if user.is_active else ", switched off"
    return f"{user.email}, id {user.id}, role {user.role}, tier {user.tier}{off}"


def difference(before: User, after: User) -> str:
    """Say what `smally init` found and changed."""
    found = ["exists"]
    if before.role != after.role:
        found.append(f"role {before.role} -> {after.role}")
    if not before.is_active:
        found.append("switched off -> on")
    unchanged = f"tier {after.tier} (unchanged)"
    changed = f"tier {before.tier} -> {after.tier}"
    found.append(unchanged if before.tier == after.tier else changed)
    return ", ".join(found)


def fail(message: str) -> int:
    """Say on one line why it failed."""
    tell(f"smally: {message}")
    return FAILED


def tell(note: str) -> None:
    """Write a line for the person, where there is something to say."""
    if note:
        print(note, file=sys.stderr)  # noqa: T201
