"""The first migration: what the tables refuse, and that counting is exact."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TYPE_CHECKING, LiteralString

import psycopg
import pytest
from service import MIGRATIONS, connect

if TYPE_CHECKING:
    from service import Connection

# SHA-384 of the first migration, as every deployed database remembers it.
FIRST = (
    "805f9756a273164fbeb745c15f146c6c985a4a9494da160d"
    "decad9739240f36823acc3e64ea8eac520a07c9110f02347"
)

# Ids that no sequence gives in these tests.
ADA, EVE, KEY, OTHER_KEY = 1001, 1002, 2001, 2002


@pytest.fixture
def connection(db: Connection) -> Connection:
    """Connect to a database with a user and a key."""
    add_user(db, ADA, "ada@example.org")
    add_key(db)
    return db


def add_user(connection: Connection, number: int, email: str) -> None:
    """Add a user whose id the test knows."""
    connection.execute(
        "INSERT INTO users (id, email) OVERRIDING SYSTEM VALUE VALUES (%s, %s)",
        (number, email),
    )


def add_key(connection: Connection) -> None:
    """Add a key of Ada's."""
    connection.execute(
        "INSERT INTO api_keys (id, user_id, name, key_hash, prefix)"
        " OVERRIDING SYSTEM VALUE"
        " VALUES (%s, %s, 'laptop', sha256('one'), 'smk_abcdefgh')",
        (KEY, ADA),
    )


def count(connection: Connection, request_id: str, texts: int = 1) -> bool:
    """Count a request, as the service will; tell whether it was the first of its id."""
    row = connection.execute(
        "INSERT INTO usage (user_id, key_id, request_id, request_hash, texts)"
        " VALUES (%s, %s, %s, sha256('what'), %s)"
        " ON CONFLICT (user_id, request_id) DO NOTHING"
        " RETURNING texts",
        (ADA, KEY, request_id, texts),
    ).fetchone()
    return row is not None


def test_the_first_migration_is_never_edited() -> None:
    """Its checksum is in every deployed database: a change belongs in a new file."""
    text = (MIGRATIONS / "20250114000000_initial_schema.sql").read_bytes()
    assert hashlib.sha384(text).hexdigest() == FIRST


def test_a_new_user_is_an_active_free_user(connection: Connection) -> None:
    """The defaults are the ones that grant least."""
    rows = connection.execute(
        "SELECT id, role, tier, is_active, created_at = updated_at FROM users"
    ).fetchall()
    assert rows == [(ADA, "user", "free", True, True)]


def test_an_email_is_unique_without_regard_to_case(connection: Connection) -> None:
    """Ada and ada are one person, and either spelling finds her."""
    with pytest.raises(psycopg.errors.UniqueViolation, match="users_email_key"):
        add_user(connection, EVE, "ADA@Example.ORG")
    found = connection.execute(
        "SELECT id FROM users WHERE lower(email) = lower(%s)", ("Ada@EXAMPLE.org",)
    )
    assert found.fetchall() == [(ADA,)]


@pytest.mark.parametrize(
    ("statement", "constraint"),
    [
        ("UPDATE users SET email = 'nobody'", "users_email_check"),
        ("UPDATE users SET email = ' a@b.c'", "users_email_check"),
        ("UPDATE users SET email = '@b.c'", "users_email_check"),
        ("UPDATE users SET email = 'a@' || repeat('b', 319)", "users_email_check"),
        ("UPDATE users SET role = 'root'", "users_role_check"),
        ("UPDATE users SET tier = 'gold'", "users_tier_check"),
        ("UPDATE api_keys SET name = ''", "api_keys_name_check"),
        ("UPDATE api_keys SET key_hash = 'short'", "api_keys_key_hash_check"),
        ("UPDATE api_keys SET prefix = repeat('x', 17)", "api_keys_prefix_check"),
        ("UPDATE usage SET texts = 0", "usage_texts_check"),
        ("UPDATE usage SET request_id = ''", "usage_request_id_check"),
        ("UPDATE usage SET request_id = repeat('x', 129)", "usage_request_id_check"),
        ("UPDATE usage SET request_hash = 'short'", "usage_request_hash_check"),
    ],
)
def test_a_wrong_value_is_refused(
    connection: Connection, statement: LiteralString, constraint: str
) -> None:
    """Each check has a name, and refuses what it is for."""
    assert count(connection, "r1")
    with pytest.raises(psycopg.errors.CheckViolation) as refused:
        connection.execute(statement)
    assert refused.value.diag.constraint_name == constraint


def test_no_column_but_two_may_be_null(connection: Connection) -> None:
    """Only what has not happened yet is NULL."""
    rows = connection.execute(
        "SELECT table_name || '.' || column_name FROM information_schema.columns"
        " WHERE table_name IN ('users', 'api_keys', 'usage') AND is_nullable = 'YES'"
        " ORDER BY 1"
    ).fetchall()
    assert rows == [("api_keys.last_used_at",), ("api_keys.revoked_at",)]


def test_a_key_hash_is_unique(connection: Connection) -> None:
    """A key belongs to one row, whoever owns it."""
    with pytest.raises(psycopg.errors.UniqueViolation, match="api_keys_key_hash_key"):
        connection.execute(
            "INSERT INTO api_keys (id, user_id, name, key_hash, prefix)"
            " OVERRIDING SYSTEM VALUE"
            " SELECT %s, user_id, name, key_hash, prefix FROM api_keys",
            (OTHER_KEY,),
        )


def test_a_key_is_active_until_it_is_revoked(connection: Connection) -> None:
    """The flag follows the moment: there is one truth."""
    active = "SELECT is_active FROM api_keys"
    assert connection.execute(active).fetchall() == [(True,)]
    connection.execute("UPDATE api_keys SET revoked_at = now()")
    assert connection.execute(active).fetchall() == [(False,)]


def test_keys_go_with_their_owner(connection: Connection) -> None:
    """A user who never used the service can be deleted, keys included."""
    connection.execute("DELETE FROM users")
    assert connection.execute("SELECT count(*) FROM api_keys").fetchall() == [(0,)]


@pytest.mark.parametrize("table", ["users", "api_keys"])
def test_what_was_counted_cannot_be_deleted_by_the_way(
    connection: Connection, table: LiteralString
) -> None:
    """A user or a key with usage stays."""
    assert count(connection, "r1")
    with pytest.raises(psycopg.errors.IntegrityError, match="usage_key_fkey"):
        connection.execute(f"DELETE FROM {table}")


def test_usage_belongs_to_the_owner_of_its_key(connection: Connection) -> None:
    """A row cannot charge one user for the key of another."""
    add_user(connection, EVE, "eve@example.org")
    with pytest.raises(psycopg.errors.ForeignKeyViolation, match="usage_key_fkey"):
        connection.execute(
            "INSERT INTO usage (user_id, key_id, request_id, request_hash, texts)"
            " VALUES (%s, %s, 'r', sha256('what'), 1)",
            (EVE, KEY),
        )


def test_a_retried_request_is_counted_once(connection: Connection, db_url: str) -> None:
    """Eight clients retry each other's requests at once: each id is counted once."""
    clients, ids = 8, [f"request {number}" for number in range(40)]
    together = Barrier(clients)

    def retry_all(client: int) -> int:
        with connect(db_url) as own:
            together.wait()
            turned = ids[client:] + ids[:client]
            return sum(count(own, request_id, texts=3) for request_id in turned)

    with ThreadPoolExecutor(clients) as pool:
        firsts = sum(pool.map(retry_all, range(clients)))
    total = connection.execute("SELECT count(*), sum(texts) FROM usage").fetchone()
    assert firsts == len(ids)
    assert total == (40, 120)


def test_a_role_that_owns_nothing_can_serve(
    connection: Connection, db_url: str, role: str
) -> None:
    """Rights on the tables are enough: an identity needs none on its sequence."""
    tables = "users, api_keys, usage"
    connection.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {tables} TO {role}")
    with connect(f"{db_url}&user={role}") as app:
        app.execute("INSERT INTO users (email) VALUES ('eve@example.org')")
        app.execute(
            "INSERT INTO api_keys (user_id, name, key_hash, prefix)"
            " VALUES (%s, 'phone', sha256('two'), 'smk_ijklmnop')",
            (ADA,),
        )
        app.execute("UPDATE users SET tier = 'pro', updated_at = now()")
        assert count(app, "r1")
        for statement in ("TRUNCATE usage", "ALTER TABLE users ADD COLUMN x text"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                app.execute(statement)


@pytest.mark.parametrize(
    ("what", "since", "group"),
    [
        ("count(*)", "now() - interval '1 minute'", ""),
        ("sum(texts)", "date_trunc('day', now(), 'UTC')", ""),
        (
            "(counted_at AT TIME ZONE 'UTC')::date, key_id, count(*), sum(texts)",
            "now() - interval '30 days'",
            "GROUP BY 1, 2",
        ),
    ],
)
def test_the_sums_are_read_from_the_index_alone(
    connection: Connection,
    what: LiteralString,
    since: LiteralString,
    group: LiteralString,
) -> None:
    """Limits and usage by day and key never visit the table."""
    connection.execute("SET enable_seqscan = off")
    connection.execute("SET enable_bitmapscan = off")
    plan = connection.execute(
        f"EXPLAIN SELECT {what} FROM usage"
        f" WHERE user_id = 1 AND counted_at >= {since} {group}"
    ).fetchall()
    assert any(
        "Index Only Scan using usage_user_id_counted_at_idx" in str(line)
        for (line,) in plan
    )


def test_deleting_a_key_needs_no_scan_of_usage(connection: Connection) -> None:
    """The foreign key's own look-up has an index, as every foreign key's should."""
    connection.execute("SET enable_seqscan = off")
    plan = connection.execute(
        "EXPLAIN SELECT 1 FROM usage WHERE key_id = 1 AND user_id = 1"
    ).fetchall()
    assert any("Index Cond: (user_id = 1)" in str(line) for (line,) in plan)
