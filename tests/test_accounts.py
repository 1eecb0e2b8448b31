"""Keys and users over HTTP: real processes on a real PostgreSQL."""

from __future__ import annotations

import signal
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from service import PATIENCE_SECONDS, Smally, ask, connect, smally

from smally.auth.keys import new_key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from service import Connection

    from sqlx.testing import DatabaseFactory

ADA, BOB = "ada@example.org", "bob@example.org"
REFUSED = {
    "status": 401,
    "title": "Unauthorized",
    "detail": "the API key is missing, malformed, unknown or revoked",
}
NOT_AN_ADMIN = {
    "status": 403,
    "title": "Forbidden",
    "detail": "only an admin may do this",
}
NOT_YOURS = {"status": 403, "title": "Forbidden", "detail": "this key is not yours"}


@dataclass(frozen=True, slots=True)
class Place:
    """A service with an admin, ADA, and a user, BOB.

    Args:
        database: Its database.
        address: Where it answers.
        ada: A key of hers.
        bob: A key of his, with the id 2.
    """

    database: str
    address: str
    ada: str
    bob: str

    def ask(
        self, key: str, method: str, path: str, body: object = None
    ) -> tuple[int, Any]:
        """Ask once: the status and the JSON."""
        status, _, answer = ask(self.address, method, path, body, key=key)
        return status, answer

    def add_user(self, email: str, **values: object) -> dict[str, Any]:
        """Add a user."""
        status, user = self.ask(
            self.ada, "POST", "/v1/users", {"email": email, **values}
        )
        assert status == 201
        assert isinstance(user, dict)
        return user

    def add_key(self, user_id: int, name: str = "key") -> dict[str, Any]:
        """Make a key for a user."""
        status, key = self.ask(
            self.ada, "POST", "/v1/keys", {"name": name, "user_id": user_id}
        )
        assert status == 201
        assert isinstance(key, dict)
        return key

    def rows(self, sql: str) -> list[tuple[object, ...]]:
        """Ask the database."""
        with connect(self.database) as connection:
            return connection.execute(sql.encode()).fetchall()


def populate(database: str, address: str, folder: Path) -> Place:
    """Add the admin and the user with the command."""

    def key_from(*words: str) -> str:
        done = smally(folder, *words, DATABASE_URL=database)
        assert done.returncode == 0, done.stderr
        return done.stdout.rstrip("\n")

    ada = key_from("init", ADA, "scale")
    key_from("user", "add", BOB)
    return Place(database, address, ada, key_from("key", "add", BOB))


@pytest.fixture(scope="module")
def place(
    db_factory: DatabaseFactory, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Place]:
    """Start one service for all tests that only add users and keys of their own."""
    folder = tmp_path_factory.mktemp("smally")
    database = db_factory.create()
    with ExitStack() as stack:
        service = Smally(folder, {"DATABASE_URL": database})
        stack.callback(service.process.wait)
        stack.callback(service.process.kill)
        yield populate(database, service.serving(), folder)


def test_every_key_that_opens_nothing_gets_the_same_answer(place: Place) -> None:
    """Missing, malformed, unknown, revoked, switched off; whatever the body is."""
    user = place.add_user("off@example.org")
    off, revoked = place.add_key(user["id"]), place.add_key(2)
    assert place.ask(place.ada, "DELETE", f"/v1/keys/{revoked['id']}")[0] == 204
    path = f"/v1/users/{user['id']}"
    assert place.ask(place.ada, "PATCH", path, {"is_active": False})[0] == 200
    headers = [
        {},
        {"Authorization": ""},
        {"Authorization": place.ada},
        {"Authorization": f"Basic {place.ada}"},
        {"Authorization": f"Bearer {place.ada[:-1]}"},
        {"Authorization": f"Bearer {new_key()}"},
        {"Authorization": f"Bearer {revoked['key']}"},
        {"Authorization": f"Bearer {off['key']}"},
    ]
    for sent in headers:
        for method, path in (
            ("GET", "/v1/keys"),
            ("POST", "/v1/keys"),
            ("DELETE", "/v1/keys/1"),
            ("GET", "/v1/users"),
            ("POST", "/v1/users"),
            ("PATCH", "/v1/users/1"),
            ("POST", "/v1/embed"),
            ("GET", "/v1/usage"),
        ):
            body = b"{" if method in {"POST", "PATCH"} else None
            status, found, answer = ask(place.address, method, path, body, headers=sent)
            assert (status, answer) == (401, REFUSED)
            assert found["www-authenticate"] == "Bearer"
            assert found["content-type"] == "application/problem+json"


def test_an_owner_has_keys(place: Place) -> None:
    """A key is shown once, listed, opens the door, and is revoked; twice is once."""
    user = place.add_user("owner@example.org")
    first = place.add_key(user["id"], "first")
    status, headers, made = ask(
        place.address, "POST", "/v1/keys", {"name": "läptop"}, key=first["key"]
    )
    assert (status, headers["cache-control"]) == (201, "no-store")
    secret = made.pop("key")
    assert made == {
        "id": first["id"] + 1,
        "user_id": user["id"],
        "name": "läptop",
        "prefix": secret[:12],
        "created_at": made["created_at"],
        "last_used_at": None,
        "revoked_at": None,
        "is_active": True,
    }
    del first["key"]
    listed = {"keys": [first, made]}
    assert place.ask(secret, "GET", "/v1/keys") == (200, listed)
    mine = f"/v1/keys?user_id={user['id']}"
    assert place.ask(secret, "GET", mine) == (200, listed)
    assert place.ask(secret, "DELETE", f"/v1/keys/{first['id']}") == (204, b"")
    (left,) = place.ask(secret, "GET", f"/v1/keys?after={first['id'] - 1}&limit=1")[1][
        "keys"
    ]
    assert (left["is_active"], left["id"]) == (False, first["id"])
    assert place.ask(secret, "DELETE", f"/v1/keys/{first['id']}") == (204, b"")
    again = place.ask(secret, "GET", "/v1/keys")[1]["keys"][0]
    assert again == left
    assert place.ask(secret, "DELETE", f"/v1/keys/{made['id']}") == (204, b"")
    assert place.ask(secret, "GET", "/v1/keys") == (401, REFUSED)


def test_what_is_anothers_stays_theirs(place: Place) -> None:
    """A user learns not even what exists; 403 comes before anything else."""
    assert place.ask(place.bob, "DELETE", "/v1/keys/1") == (403, NOT_YOURS)
    assert place.ask(place.bob, "DELETE", "/v1/keys/99999") == (403, NOT_YOURS)
    for user_id in (1, 99999):
        asked = place.ask(place.bob, "GET", f"/v1/keys?user_id={user_id}")
        assert asked == (403, NOT_AN_ADMIN)
        body = {"name": "", "user_id": user_id}
        assert place.ask(place.bob, "POST", "/v1/keys", body) == (403, NOT_AN_ADMIN)
        for role in ({"role": "admin"}, b"{"):
            asked = place.ask(place.bob, "PATCH", f"/v1/users/{user_id}", role)
            assert asked == (403, NOT_AN_ADMIN)
    assert place.ask(place.bob, "GET", "/v1/users") == (403, NOT_AN_ADMIN)
    assert place.ask(place.bob, "POST", "/v1/users", b"{") == (403, NOT_AN_ADMIN)


def test_an_admin_may_have_any_key(place: Place) -> None:
    """For another user: made, listed and revoked; 404 for what does not exist."""
    user = place.add_user("theirs@example.org")
    path = f"/v1/keys?user_id={user['id']}"
    assert place.ask(place.ada, "GET", path) == (200, {"keys": []})
    key = place.add_key(user["id"])
    assert place.ask(key["key"], "GET", "/v1/keys")[0] == 200
    assert [k["id"] for k in place.ask(place.ada, "GET", path)[1]["keys"]] == [
        key["id"]
    ]
    assert place.ask(place.ada, "DELETE", f"/v1/keys/{key['id']}") == (204, b"")
    assert place.ask(key["key"], "GET", "/v1/keys") == (401, REFUSED)
    nobody = {"status": 404, "title": "Not Found", "detail": "there is no user 99999"}
    assert place.ask(place.ada, "GET", "/v1/keys?user_id=99999") == (404, nobody)
    body = {"name": "key", "user_id": 99999}
    assert place.ask(place.ada, "POST", "/v1/keys", body) == (404, nobody)
    asked = place.ask(place.ada, "PATCH", "/v1/users/99999", {"tier": "pro"})
    assert asked == (404, nobody)
    assert place.ask(place.ada, "DELETE", "/v1/keys/99999") == (
        404,
        {"status": 404, "title": "Not Found", "detail": "there is no key 99999"},
    )


def test_an_admin_adds_and_changes_users(place: Place) -> None:
    """An e-mail is taken in upper and lower case; each change holds at once."""
    added = place.add_user("Zoë+x@bücher.example", tier="pro")
    assert added == {
        "id": added["id"],
        "email": "Zoë+x@bücher.example",
        "role": "user",
        "tier": "pro",
        "is_active": True,
        "created_at": added["created_at"],
        "updated_at": added["created_at"],
    }
    taken = place.ask(place.ada, "POST", "/v1/users", {"email": "ZOË+X@bücher.example"})
    assert taken == (
        409,
        {
            "status": 409,
            "title": "Conflict",
            "detail": "there is a user with this e-mail",
        },
    )
    key, path = place.add_key(added["id"])["key"], f"/v1/users/{added['id']}"
    assert place.ask(key, "GET", "/v1/users") == (403, NOT_AN_ADMIN)
    status, changed = place.ask(place.ada, "PATCH", path, {"role": "admin"})
    assert (status, changed) == (
        200,
        {**added, "role": "admin", "updated_at": changed["updated_at"]},
    )
    assert changed["updated_at"] > added["updated_at"]
    listed = place.ask(key, "GET", f"/v1/users?after={added['id'] - 1}&limit=1")
    assert listed == (200, {"users": [changed]})
    everything = {"role": "user", "tier": "free", "is_active": False}
    status, changed = place.ask(place.ada, "PATCH", path, everything)
    assert (status, changed) == (200, {**changed, **everything})
    assert place.ask(key, "GET", "/v1/keys") == (401, REFUSED)
    assert place.ask(place.ada, "PATCH", path, {"is_active": True})[0] == 200
    assert place.ask(key, "GET", "/v1/keys")[0] == 200


@pytest.mark.parametrize(
    ("method", "path", "body", "field", "message"),
    [
        ("POST", "/v1/users", {}, "body", "Object missing required field `email`"),
        ("POST", "/v1/users", {"email": 1}, "email", "Expected `str`, got `int`"),
        (
            "POST",
            "/v1/users",
            {"email": "ada"},
            "email",
            "needs an @ with something on both sides",
        ),
        (
            "POST",
            "/v1/users",
            {"email": "a\0@b"},
            "email",
            "has a character that cannot be seen",
        ),
        (
            "POST",
            "/v1/users",
            {"email": "x@y", "tier": "gold"},
            "tier",
            "is none of free, pro, scale",
        ),
        (
            "POST",
            "/v1/users",
            {"email": "x@y", "role": "root"},
            "role",
            "Invalid enum value 'root'",
        ),
        (
            "POST",
            "/v1/users",
            {"email": "x@y", "id": 7},
            "body",
            "Object contains unknown field `id`",
        ),
        ("PATCH", "/v1/users/2", {"tier": None}, "tier", "Expected `str`, got `null`"),
        (
            "PATCH",
            "/v1/users/2",
            {"tier": "gold"},
            "tier",
            "is none of free, pro, scale",
        ),
        (
            "PATCH",
            f"/v1/users/{1 << 63}",
            {"tier": "pro"},
            "user_id",
            f"Expected `int` <= {(1 << 63) - 1}",
        ),
        ("GET", "/v1/users?limit=1001", None, "limit", "Expected `int` <= 1000"),
        ("GET", "/v1/keys?after=-1", None, "after", "Expected `int` >= 0"),
        ("POST", "/v1/keys", {"name": ""}, "name", "needs 1 to 100 characters"),
        ("POST", "/v1/keys", {"name": "a" * 101}, "name", "needs 1 to 100 characters"),
        (
            "POST",
            "/v1/keys",
            {"name": "a\nb"},
            "name",
            "has a character that cannot be seen",
        ),
        (
            "POST",
            "/v1/keys",
            {"name": "a", "user_id": 0},
            "user_id",
            "Expected `int` >= 1",
        ),
        ("DELETE", "/v1/keys/0", None, "key_id", "Expected `int` >= 1"),
    ],
)
def test_bad_input_is_named_and_changes_nothing(
    place: Place, method: str, path: str, body: object, field: str, message: str
) -> None:
    """A problem document has the field and what is wrong with it."""
    count = "SELECT (SELECT count(*) FROM users), (SELECT count(*) FROM api_keys)"
    before = place.rows(count)
    assert place.ask(place.ada, method, path, body) == (
        400,
        {
            "status": 400,
            "title": "Bad Request",
            "detail": "the request is not valid",
            "errors": [{"field": field, "message": message}],
        },
    )
    assert place.rows(count) == before


def test_a_change_of_nothing_is_refused(place: Place) -> None:
    """The answer says what could be given."""
    assert place.ask(place.ada, "PATCH", "/v1/users/2", {}) == (
        400,
        {
            "status": 400,
            "title": "Bad Request",
            "detail": "give at least one of tier, role and is_active",
        },
    )


def test_the_schema_has_the_routes_and_their_bounds(place: Place) -> None:
    """The description says how lists are read on, and that a key is needed."""
    schema = place.ask("", "GET", "/schema/openapi.json")[1]
    for path in ("/v1/users", "/v1/keys"):
        operation = schema["paths"][path]["get"]
        assert operation["security"] == [{"key": []}]
        assert operation["description"] == (
            "In the order of their ids, at most 1000; for more, ask after the last one."
        )
        bounds = {p["name"]: p["schema"] for p in operation["parameters"]}
        assert (bounds["limit"]["minimum"], bounds["limit"]["maximum"]) == (1, 1000)
    tier = schema["components"]["schemas"]["NewUser"]["properties"]["tier"]
    assert tier["description"] == "One of free, pro, scale."


@pytest.mark.slow
def test_an_admin_always_remains(
    start: Callable[..., Smally], db_url: str, tmp_path: Path
) -> None:
    """The last active one stays one; of two who remove each other at once, one does."""
    service = start(DATABASE_URL=db_url)
    place = populate(db_url, service.serving(), tmp_path)
    alone = (
        409,
        {
            "status": 409,
            "title": "Conflict",
            "detail": "this is the last active admin; "
            "make somebody else an admin first",
        },
    )
    for body in ({"role": "user"}, {"is_active": False}):
        assert place.ask(place.ada, "PATCH", "/v1/users/1", body) == alone
    changed = place.ask(place.ada, "PATCH", "/v1/users/1", {"role": "admin"})
    assert changed[0] == 200
    with ThreadPoolExecutor(2) as pool:
        for _ in range(10):
            promoted = place.ask(place.ada, "PATCH", "/v1/users/2", {"role": "admin"})
            assert promoted[0] == 200
            answers = pool.map(
                lambda user_id: place.ask(
                    place.ada, "PATCH", f"/v1/users/{user_id}", {"is_active": False}
                )[0],
                (1, 2),
            )
            assert sorted(answers) in ([200, 409], [200, 401])
            admins = "SELECT count(*) FROM users WHERE role = 'admin' AND is_active"
            assert place.rows(admins) == [(1,)]
            place.rows("UPDATE users SET is_active = TRUE RETURNING id")
            ask_until(place, 200)


def ask_until(place: Place, wanted: int) -> None:
    """Ask with the admin's key until the answer has a status."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while place.ask(place.ada, "GET", "/v1/keys")[0] != wanted:
        assert time.monotonic() < deadline


@pytest.mark.slow
@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("DELETE", "/v1/keys/2", None),
        ("PATCH", "/v1/users/2", {"is_active": False}),
    ],
)
def test_what_one_process_revokes_another_refuses(
    start: Callable[..., Smally],
    db_url: str,
    tmp_path: Path,
    method: str,
    path: str,
    body: object,
) -> None:
    """The other one, which has just let the key in, soon refuses it, for good."""
    first, second = start(DATABASE_URL=db_url), start(DATABASE_URL=db_url)
    place = populate(db_url, first.serving(), tmp_path)
    other = second.serving()
    assert ask(other, "GET", "/v1/keys", key=place.bob)[0] == 200
    assert place.ask(place.ada, method, path, body)[0] in {200, 204}
    assert place.ask(place.bob, "GET", "/v1/keys") == (401, REFUSED)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while ask(other, "GET", "/v1/keys", key=place.bob)[0] != 401:
        assert time.monotonic() < deadline
    assert ask(other, "GET", "/v1/keys", key=place.bob)[2] == REFUSED


@pytest.mark.slow
def test_no_key_is_stored_or_logged(
    start: Callable[..., Smally], db: Connection, db_url: str, tmp_path: Path
) -> None:
    """Neither the tables nor the log have one; that they were used is written."""
    service = start(DATABASE_URL=db_url, LOG_FORMAT="json")
    while "Serving at " not in service.wait_for("{"):
        pass
    address = service.lines[-1].split("Serving at ")[1].split()[0]
    place = populate(db_url, address, tmp_path)
    made = place.add_key(2, "made")["key"]
    secrets = [place.ada, place.bob, made]
    for key in secrets:
        place.ask(key, "POST", "/v1/embed", {"input": key})
        place.ask(key, "POST", "/v1/keys", {"name": 1})
        place.ask(f"{key}x", "GET", "/v1/keys")
        place.ask("", "GET", f"/v1/keys?key={key}")
        place.ask(key, "GET", f"/{key}")
    db.execute("ALTER TABLE users RENAME TO hidden")
    assert place.ask(new_key(), "GET", "/v1/keys")[0] == 500
    db.execute("ALTER TABLE hidden RENAME TO users")
    assert service.end(signal.SIGTERM) == 0
    tables = place.rows(
        "SELECT relname FROM pg_class WHERE relkind = 'r'"
        " AND relnamespace = 'public'::regnamespace ORDER BY 1"
    )
    names = [str(name) for (name,) in tables]
    assert {"users", "api_keys", "usage"} < set(names)
    dump = [place.rows(f"SELECT t::text FROM {name} t") for name in names]
    text = "\n".join([str(dump), *service.lines])
    assert place.ada[:12] in text
    for key in secrets:
        # Not as it is, nor its random part as the bytes that it stands for.
        assert key not in text
        assert key[12:47] not in text
        assert key.encode().hex() not in text
    used = place.rows("SELECT last_used_at IS NOT NULL FROM api_keys")
    assert used == [(True,)] * 3
