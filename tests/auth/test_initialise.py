"""The first admin, however often and however many at once ask for one."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import psycopg

from smally.auth.accounts import (
    Change,
    Initialised,
    LastAdmin,
    change_user,
    initialise,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from service import Connection

    Work = Callable[[psycopg.AsyncConnection], Coroutine[None, None, object]]


def at_once(url: str, *works: Work) -> list[object]:
    """Do all of these at once, on a connection each; give results and errors."""

    async def one(work: Work) -> object:
        async with await psycopg.AsyncConnection.connect(
            url, autocommit=True
        ) as connection:
            return await work(connection)

    async def main() -> list[object]:
        return await asyncio.gather(*map(one, works), return_exceptions=True)

    return asyncio.run(main())


def test_twenty_at_once_make_one_user_and_one_key(db: Connection, db_url: str) -> None:
    """One creates the user and has the key; the others find what they wanted."""

    def ask(connection: psycopg.AsyncConnection) -> Coroutine[None, None, Initialised]:
        return initialise(connection, "ada@b", "scale", new_key=False)

    done = at_once(db_url, *[ask] * 20)
    found = [each for each in done if isinstance(each, Initialised)]
    assert len(found) == 20
    assert sum(each.before is None for each in found) == 1
    assert sum(each.issued is not None for each in found) == 1
    assert {each.user for each in found if each.before} == {found[0].user}
    assert db.execute("SELECT email, role, tier, is_active FROM users").fetchall() == [
        ("ada@b", "admin", "scale", True)
    ]
    assert db.execute("SELECT user_id, name, is_active FROM api_keys").fetchall() == [
        (found[0].user.id, "init", True)
    ]


def test_a_user_who_is_there_becomes_an_admin_with_one_key(
    db: Connection, db_url: str
) -> None:
    """Ten at once promote a user, whose keys that were revoked still count."""
    db.execute(
        "INSERT INTO users (email, is_active, role, tier) VALUES"
        " ('a@b', FALSE, 'user', 'free'), ('c@d', TRUE, 'user', 'free'),"
        " ('e@f', TRUE, 'admin', 'pro')"
    )
    db.execute(
        "INSERT INTO api_keys (user_id, name, key_hash, prefix, revoked_at)"
        " VALUES (2, 'old', sha256('old'), 'smk_', now())"
    )
    for email in ("A@b", "c@d", "e@f"):
        done = at_once(
            db_url,
            *[lambda c, email=email: initialise(c, email, "pro", new_key=False)] * 10,
        )
        assert all(isinstance(each, Initialised) for each in done)
    assert db.execute(
        "SELECT email, role, tier, is_active FROM users ORDER BY id"
    ).fetchall() == [
        ("a@b", "admin", "pro", True),
        ("c@d", "admin", "pro", True),
        ("e@f", "admin", "pro", True),
    ]
    assert db.execute("SELECT user_id, name FROM api_keys ORDER BY id").fetchall() == [
        (2, "old"),
        (1, "init"),
        (3, "init"),
    ]


def test_admins_who_remove_each_other_leave_one(db: Connection, db_url: str) -> None:
    """However many try, in whatever way, the last one is told so."""
    db.execute(
        "INSERT INTO users (email, role) SELECT n || '@b', 'admin'"
        " FROM generate_series(1, 8) n"
    )
    changes = [Change(role="user"), Change(is_active=False)]
    done = at_once(
        db_url,
        *(lambda c, n=n: change_user(c, n, changes[n % 2]) for n in range(1, 9)),
    )
    assert sum(isinstance(each, LastAdmin) for each in done) == 1
    assert sum(isinstance(each, Exception) for each in done) == 1
    left = "SELECT count(*) FROM users WHERE role = 'admin' AND is_active"
    assert db.execute(left).fetchall() == [(1,)]
