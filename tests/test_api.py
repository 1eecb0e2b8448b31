"""The HTTP interface as a client meets it: embedding, usage, limits and refusals."""

from __future__ import annotations

import signal
import socket
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest
from service import Smally, ask, connect, get

from smally.auth.keys import display_prefix, hash_key, new_key

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlx.testing import DatabaseFactory

NUMBERS = count(1)


@dataclass(frozen=True)
class Served:
    """A running service, and its database."""

    smally: Smally
    address: str
    database: str

    def new_user(self, tier: str = "scale", role: str = "user") -> User:
        """Make a user with a key."""
        key, email = new_key(), f"user{next(NUMBERS)}@example.org"
        with connect(self.database) as connection:
            row = connection.execute(
                "WITH u AS (INSERT INTO users (email, tier, role) VALUES (%s, %s, %s)"
                " RETURNING id) INSERT INTO api_keys (user_id, name, key_hash, prefix)"
                " SELECT id, 'laptop', %s, %s FROM u RETURNING user_id, id",
                (email, tier, role, hash_key(key), display_prefix(key)),
            ).fetchone()
        assert row is not None
        return User(self, key, email, *row)  # type: ignore[arg-type] # two numbers.

    def count(self, user: User) -> tuple[object, ...]:
        """Read the requests and texts counted for a user."""
        with connect(self.database) as connection:
            row = connection.execute(
                "SELECT count(*), coalesce(sum(texts), 0)"
                " FROM usage WHERE user_id = %s",
                (user.user_id,),
            ).fetchone()
        assert row is not None
        return row


@dataclass(frozen=True)
class User:
    """A user of the running service."""

    served: Served
    key: str
    email: str
    user_id: int
    key_id: int

    def ask(
        self, method: str, path: str, body: object = None, **headers: str
    ) -> tuple[int, dict[str, str], Any]:
        """Ask with this user's key; `_` in a header's name is a hyphen."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        address = self.served.address
        return ask(address, method, path, body, key=self.key, headers=named)

    def embed(self, body: object, **headers: str) -> tuple[int, dict[str, str], Any]:
        """Ask for embeddings."""
        return self.ask("POST", "/v1/embed", body, **headers)


@pytest.fixture(scope="module")
def served(
    db_factory: DatabaseFactory, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Served]:
    """Start one service for all tests of this module."""
    database = db_factory.create()
    smally = Smally(tmp_path_factory.mktemp("api"), {"DATABASE_URL": database})
    try:
        yield Served(smally, smally.serving(), database)
        smally.end(signal.SIGTERM)
    finally:
        smally.process.kill()
        smally.process.wait()


def length(vector: list[float]) -> float:
    """Measure a vector."""
    return float(sum(value * value for value in vector) ** 0.5)


def problem(status: int, title: str, detail: str, **more: object) -> dict[str, object]:
    """Write a problem document."""
    return {"status": status, "title": title, "detail": detail, **more}


def test_one_text_is_embedded(served: Served) -> None:
    """The answer has a vector of unit length, and says what was counted."""
    user = served.new_user()
    status, headers, body = user.embed({"input": "hello, world"})
    assert (status, headers["content-type"]) == (200, "application/json")
    (vector,) = body.pop("embeddings")
    assert body == {
        "model": "hashed-ngram-384",
        "dimensions": 384,
        "usage": {"texts": 1},
    }
    assert len(vector) == 384
    assert length(vector) == pytest.approx(1, abs=1e-6)
    assert served.count(user) == (1, 1)


def test_a_batch_is_embedded_in_order(served: Served) -> None:
    """Each text has the vector that it has alone; one request of three texts."""
    user = served.new_user()
    texts = ["a cat", "a dog", "a cat"]
    batch = user.embed({"input": texts})[2]["embeddings"]
    alone = [user.embed({"input": text})[2]["embeddings"][0] for text in texts]
    assert batch == alone
    assert served.count(user) == (4, 6)


def test_vectors_can_be_left_as_the_model_makes_them(served: Served) -> None:
    """Without `normalize` they have another length and the same direction."""
    user = served.new_user()
    (unit,) = user.embed({"input": "hello, world"})[2]["embeddings"]
    body = {"input": "hello, world", "normalize": False}
    (raw,) = user.embed(body)[2]["embeddings"]
    assert length(raw) > 1.5
    assert [value / length(raw) for value in raw] == pytest.approx(unit, abs=1e-6)


def test_what_is_left_of_the_limits_is_told(served: Served) -> None:
    """Each answer has the limits of the tier, what is left, and for how long."""
    user = served.new_user(tier="free")
    user.embed({"input": ["a", "b"]})
    headers = user.embed({"input": "c"})[1]
    limits = {
        name.removeprefix("x-ratelimit-"): int(value)
        for name, value in headers.items()
        if name.startswith("x-ratelimit-")
    }
    assert 0 < limits.pop("reset-requests") <= 60
    assert 0 < limits.pop("reset-texts") <= 86_400
    assert limits == {
        "limit-requests": 60,
        "remaining-requests": 58,
        "limit-texts": 1000,
        "remaining-texts": 997,
    }


def test_too_many_requests_are_refused(served: Served) -> None:
    """The free tier has sixty a minute; the next is told when to come again."""
    user = served.new_user(tier="free")
    statuses = [user.embed({"input": "again"})[0] for _ in range(61)]
    assert statuses == [200] * 60 + [429]
    status, headers, body = user.embed({"input": "again"})
    wait = int(headers["retry-after"])
    assert 0 < wait <= 60
    assert (status, headers["x-ratelimit-remaining-requests"]) == (429, "0")
    assert body == problem(
        429,
        "Too Many Requests",
        "the tier free has 60 requests a minute and 1000 texts a day;"
        f" try again in {wait} s",
    )
    assert served.count(user) == (60, 60)


def test_too_many_texts_are_refused_until_tomorrow(served: Served) -> None:
    """A batch that does not fit into the day is refused whole; a smaller one fits."""
    user = served.new_user(tier="free")
    for _ in range(7):
        assert user.embed({"input": ["text"] * 128})[0] == 200
    status, headers, _ = user.embed({"input": ["text"] * 105})
    assert (status, headers["x-ratelimit-remaining-texts"]) == (429, "104")
    assert int(headers["retry-after"]) == int(headers["x-ratelimit-reset-texts"])
    assert user.embed({"input": ["text"] * 104})[0] == 200
    assert served.count(user) == (8, 1000)


def test_a_retry_is_answered_again_and_counted_once(served: Served) -> None:
    """With the same Idempotency-Key and body, also when the limit is reached."""
    user = served.new_user(tier="free")
    first = user.embed({"input": "once"}, Idempotency_Key="order-1")
    for _ in range(59):
        user.embed({"input": "more"})
    again = user.embed({"input": "once"}, Idempotency_Key="order-1")
    assert (again[0], again[2]) == (200, first[2])
    assert served.count(user) == (60, 60)


def test_an_idempotency_key_is_for_one_request(served: Served) -> None:
    """With another body it is refused; another user may have the same."""
    user, other = served.new_user(), served.new_user()
    assert user.embed({"input": "one"}, Idempotency_Key="mine")[0] == 200
    status, _, body = user.embed({"input": "two"}, Idempotency_Key="mine")
    assert status == 409
    assert body == problem(
        409,
        "Conflict",
        "the Idempotency-Key was used for another request; take a new one",
    )
    assert other.embed({"input": "two"}, Idempotency_Key="mine")[0] == 200
    assert served.count(user) == (1, 1)


LONG = "x" * 8193
BAD_BODIES = {
    "nothing": (b"", "", ("body", "is missing")),
    "no JSON": (b"{", "Input data was truncated", None),
    "nested": (b'{"input":' + b"[" * 9000, "the body is nested too deeply", None),
    "no input": ({}, "", ("body", "Object missing required field `input`")),
    "a number": ({"input": 1}, "", ("input", "Expected `str | array`, got `int`")),
    "no text": ({"input": ""}, "", ("input", "Expected `str` of length >= 1")),
    "no texts": ({"input": []}, "", ("input", "Expected `array` of length >= 1")),
    "an empty one": (
        {"input": ["a", ""]},
        "",
        ("input[1]", "Expected `str` of length >= 1"),
    ),
    "too long": ({"input": LONG}, "", ("input", "Expected `str` of length <= 8192")),
    "too many": (
        {"input": ["a"] * 129},
        "",
        ("input", "Expected `array` of length <= 128"),
    ),
    "unknown": (
        {"input": "a", "model": "b"},
        "",
        ("body", "Object contains unknown field `model`"),
    ),
    "no truth": (
        {"input": "a", "normalize": "perhaps"},
        "",
        ("normalize", "Expected `bool`, got `str`"),
    ),
}


@pytest.mark.parametrize("name", BAD_BODIES)
def test_bad_input_is_refused_and_not_counted(served: Served, name: str) -> None:
    """The problem document names the field and what was expected."""
    user = served.new_user()
    sent, detail, error = BAD_BODIES[name]
    status, headers, body = user.embed(sent)
    assert (status, headers["content-type"]) == (400, "application/problem+json")
    if error is None:
        assert body["detail"] == detail
    else:
        errors = [dict(zip(("field", "message"), error, strict=True))]
        expected = problem(
            400, "Bad Request", "the request is not valid", errors=errors
        )
        assert body == expected
    assert served.count(user) == (0, 0)


def test_a_body_has_a_bound(served: Served) -> None:
    """A megabyte is read, more is not."""
    user = served.new_user()
    status, _, body = user.embed(b'{"input": "' + b"x" * 2**20 + b'"}')
    assert (status, body) == (
        413,
        problem(413, "Request Entity Too Large", "Request Entity Too Large"),
    )
    assert served.count(user) == (0, 0)


def test_a_head_has_a_bound(served: Served) -> None:
    """Whoever sends headers without an end is cut off; 40 kB of them are read."""
    place = served.address.removeprefix("http://").split(":")
    for size, answered in ((40_000, True), (10_000_000, False)):
        with socket.create_connection((place[0], int(place[1])), 10) as connection:
            head = b"GET /health/live HTTP/1.1\r\nHost: here\r\nX: "
            with suppress(ConnectionError):
                connection.sendall(head + b"x" * size)
                connection.sendall(b"\r\n\r\n" if answered else b"x")
            try:
                answer = connection.recv(1000)
            except ConnectionError:
                answer = b""
        assert answer.startswith(b"HTTP/1.1 200 ") is answered


@pytest.mark.parametrize("value", ["with space", "x" * 129, "ü"])
def test_an_idempotency_key_is_visible_ascii(served: Served, value: str) -> None:
    """What cannot be stored as an id is refused."""
    user = served.new_user()
    status, _, body = user.embed({"input": "a"}, Idempotency_Key=value)
    assert (status, body["errors"][0]["field"]) == (400, "Idempotency-Key")
    assert served.count(user) == (0, 0)


def test_usage_is_told_by_day_and_key(served: Served) -> None:
    """With the tier's limits, and what is used of them now."""
    user = served.new_user(tier="pro")
    with connect(served.database) as connection:
        connection.execute(
            "INSERT INTO usage (user_id, key_id, request_id, request_hash, texts,"
            " counted_at) VALUES (%s, %s, 'old', %s, 5, '2026-01-02 23:59:59.9+00'),"
            " (%s, %s, 'older', %s, 7, '2026-01-01 00:00+00')",
            (user.user_id, user.key_id, sha256().digest()) * 2,
        )
    user.embed({"input": ["a", "b"]})
    days = user.ask("GET", "/v1/usage?from=2026-01-01&to=2026-01-02")[2]["days"]
    key = {
        "key_id": user.key_id,
        "key_name": "laptop",
        "prefix": display_prefix(user.key),
    }
    assert days == [
        {"day": "2026-01-01", **key, "requests": 1, "texts": 7},
        {"day": "2026-01-02", **key, "requests": 1, "texts": 5},
    ]
    status, _, body = user.ask("GET", "/v1/usage")
    (today,) = body.pop("days")
    assert (status, today["requests"], today["texts"]) == (200, 1, 2)
    assert body == {
        "user_id": user.user_id,
        "email": user.email,
        "tier": "pro",
        "limits": {"requests_per_minute": 600, "texts_per_day": 50_000},
        "used": {"requests_this_minute": 1, "texts_today": 2},
    }


def test_an_admin_sees_the_usage_of_others(served: Served) -> None:
    """A user does not; one who does not exist is 404."""
    user, admin = served.new_user(), served.new_user(role="admin")
    user.embed({"input": "a"})
    path = f"/v1/usage?user_id={user.user_id}"
    assert admin.ask("GET", path)[2]["email"] == user.email
    assert user.ask("GET", path)[0] == 200
    refused = served.new_user().ask("GET", path)
    assert refused[::2] == (
        403,
        problem(403, "Forbidden", "only an admin may do this"),
    )
    missing = admin.ask("GET", "/v1/usage?user_id=999999")
    assert missing[::2] == (404, problem(404, "Not Found", "there is no user 999999"))


@pytest.mark.parametrize(
    ("query", "detail"),
    [
        ("from=2026-02-01&to=2026-01-01", "from and to are at most 366 days, in order"),
        ("from=2024-01-01&to=2026-01-01", "from and to are at most 366 days, in order"),
        ("to=0001-01-01", "to is too early"),
        ("from=yesterday", "the request is not valid"),
    ],
)
def test_days_that_are_none_are_refused(
    served: Served, query: str, detail: str
) -> None:
    """The range is bounded and in order."""
    status, _, body = served.new_user().ask("GET", f"/v1/usage?{query}")
    assert (status, body["detail"]) == (400, detail)


def test_what_is_not_there_is_a_problem_too(served: Served) -> None:
    """Unknown paths and methods are answered as everything that is refused."""
    assert get(served.address, "/nothing")[::2] == (
        404,
        problem(404, "Not Found", "Not Found"),
    )
    assert ask(served.address, "PUT", "/v1/embed")[::2] == (
        405,
        problem(405, "Method Not Allowed", "Method Not Allowed"),
    )


def test_the_figures_are_there_for_prometheus(served: Served) -> None:
    """Requests by route and status; what a client makes up is no label."""
    served.new_user().embed({"input": "a"})
    get(served.address, "/made/up")
    status, headers, body = get(served.address, "/metrics")
    assert (status, headers["content-type"]) == (
        200,
        "text/plain; version=0.0.4; charset=utf-8",
    )
    text = body.decode()
    for line in (
        'smally_requests_total{method="POST",route="/v1/embed",status="200"} ',
        'smally_requests_total{method="any",route="none",status="404"} ',
        'smally_request_seconds_count{route="/v1/embed"} ',
        "smally_embedding_cache_misses ",
        "smally_pool_connections ",
    ):
        assert f"\n{line}" in text
    assert "/made/up" not in text


def test_the_api_describes_itself(served: Served) -> None:
    """Every route that needs a key is in the description, with the key."""
    status, _, body = get(served.address, "/schema/openapi.json")
    assert status == 200
    described = {
        f"{method.upper()} {path}": operation.get("security")
        for path, methods in body["paths"].items()
        for method, operation in methods.items()
        if path.startswith("/v1/")
    }
    assert described == {
        route: [{"key": []}]
        for route in (
            "POST /v1/embed",
            "GET /v1/usage",
            "GET /v1/keys",
            "POST /v1/keys",
            "DELETE /v1/keys/{key_id}",
            "GET /v1/users",
            "POST /v1/users",
            "PATCH /v1/users/{user_id}",
        )
    }


def test_no_key_is_in_the_log(served: Served) -> None:
    """Whatever was sent, the log has no secret, and no traceback."""
    user = served.new_user()
    user.embed({"input": "a secret text"})
    user.ask("GET", f"/v1/usage?key={user.key}")
    text = "\n".join(served.smally.lines)
    assert user.key not in text
    assert "Traceback" not in text
