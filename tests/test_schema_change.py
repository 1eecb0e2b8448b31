"""The documented schema change, from `sqlx migrate add` to a restart, and back."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from service import MIGRATIONS, Smally, surroundings

import sqlx

if TYPE_CHECKING:
    from collections.abc import Callable

    from service import Connection

CHANGE = """\
ALTER TABLE users ADD COLUMN preferences JSONB DEFAULT '{}'::jsonb;
CREATE INDEX users_preferences_idx ON users USING GIN (preferences);
"""
BACK = "ALTER TABLE users DROP COLUMN preferences;\n"
COLUMNS = (
    "SELECT table_name, column_name, data_type, column_default"
    " FROM information_schema.columns WHERE table_schema = 'public'"
    " ORDER BY table_name, ordinal_position"
)
INDEXES = (
    "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY indexname"
)
HISTORY = "SELECT * FROM _sqlx_migrations ORDER BY version"
VERSIONS = "SELECT version, success FROM _sqlx_migrations ORDER BY version"
LANDED = [(file.version, True) for file in sqlx.Migrator(MIGRATIONS).source.forward()]


class Checkout:
    """A clone's migrations in a directory, and its database."""

    def __init__(self, directory: Path, url: str) -> None:
        self.directory, self.url = directory, url
        self.settings = {"DATABASE_URL": self.url, "SMALLY_MIGRATIONS": "migrations"}
        shutil.copytree(MIGRATIONS, directory / "migrations")

    def sqlx(self, *words: str) -> tuple[str, str]:
        """Run `sqlx`; give what it prints on stdout, and on stderr."""
        done = subprocess.run(
            [Path(sys.executable).with_name("sqlx"), *words],
            cwd=self.directory,
            env=surroundings() | {"DATABASE_URL": self.url},
            check=True,
            capture_output=True,
            text=True,
        )
        return done.stdout, done.stderr

    def git(self, *words: str) -> str:
        """Run git, as somebody."""
        identity = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org")
        return subprocess.run(
            ["git", *identity, *words],
            cwd=self.directory,
            env={k: v for k, v in os.environ.items() if not k.startswith("GIT_")},
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        ).stdout

    def add(self, text: str) -> tuple[Path, int]:
        """Write the documented migration; give its file and its version."""
        out, err = self.sqlx("migrate", "add", "add_user_preferences_table")
        (path,) = self.directory.glob("migrations/*_add_user_preferences_table*")
        name = path.relative_to(self.directory)
        assert (out, err) == (f"Creating {name}\n", "")
        assert path.name.endswith("_add_user_preferences_table.sql")
        path.write_text(text)
        return path, int(path.name.partition("_")[0])


@pytest.fixture
def checkout(tmp_path: Path, db_url: str) -> Checkout:
    """Copy the migrations, beside a database that has them."""
    return Checkout(tmp_path, db_url)


def catalog(connection: Connection) -> tuple[object, ...]:
    """Read the columns, the indexes and the history, as they are."""
    return tuple(
        connection.execute(query.encode()).fetchall()
        for query in (COLUMNS, INDEXES, HISTORY)
    )


@pytest.mark.slow
def test_a_new_file_is_applied_once_by_a_restart(
    start: Callable[..., Smally], checkout: Checkout, db: Connection
) -> None:
    """Git shows it, existing rows get the default, the index is what the file says."""
    if shutil.which("git") is None:
        if os.environ.get("CI") == "true":
            pytest.fail("git is missing")
        pytest.skip("needs git")
    checkout.git("init", "--quiet")
    checkout.git("add", "--all")
    checkout.git("commit", "--quiet", "--message=so far")
    first = start(**checkout.settings)
    first.serving()
    db.execute("INSERT INTO users (email) VALUES ('ada@example.org')")

    path, version = checkout.add(CHANGE)
    assert checkout.git("status", "--short") == f"?? migrations/{path.name}\n"
    assert first.end(signal.SIGTERM) == 0
    applied = f"[INFO] Applied migration {version} add user preferences table"
    for expected in ([applied], []):
        smally = start(**checkout.settings)
        smally.serving()
        told = [line for line in smally.lines if "Applied migration" in line]
        assert told == expected
        assert smally.end(signal.SIGTERM) == 0

    rows = db.execute("SELECT email, preferences FROM users").fetchall()
    assert rows == [("ada@example.org", {})]
    assert db.execute(VERSIONS).fetchall() == [*LANDED, (version, True)]
    methods = db.execute(
        "SELECT amname FROM pg_class AS index JOIN pg_am ON pg_am.oid = relam"
        " WHERE relname = 'users_preferences_idx'"
    ).fetchall()
    assert methods == [("gin",)]


@pytest.mark.slow
def test_it_goes_back_once_there_is_a_down_file(
    checkout: Checkout, db: Connection
) -> None:
    """As generated nothing changes and the ways out are told; then all is gone."""
    before = catalog(db)
    path, version = checkout.add(CHANGE)
    checkout.sqlx("migrate", "run")
    changed = catalog(db)
    assert changed != before

    name = f"migrations/{path.stem}"
    assert checkout.sqlx("migrate", "revert") == (
        "No migrations available to revert\n",
        (
            f"warning: {name}.sql: migration {version} has no down file; write a "
            "new migration that reverses it, or put the SQL that does into "
            f"{name}.down.sql\n"
        ),
    )
    assert catalog(db) == changed

    path.with_suffix(".down.sql").write_text(BACK)
    out, _ = checkout.sqlx("migrate", "revert")
    assert out.startswith(f"Applied {version}/revert add user preferences table (")
    assert catalog(db) == before

    out, _ = checkout.sqlx("migrate", "run")
    assert out.startswith(f"Applied {version}/migrate add user preferences table (")
    assert catalog(db)[:2] == changed[:2]
    assert checkout.sqlx("migrate", "run") == ("", "")
    assert db.execute(VERSIONS).fetchall() == [*LANDED, (version, True)]


@pytest.mark.slow
@pytest.mark.parametrize("mark", ["-- sqlx: compatible\n", ""])
def test_an_older_release_starts_on_what_is_marked_compatible(
    start: Callable[..., Smally], checkout: Checkout, mark: str
) -> None:
    """It says so; without the mark it names the version, and does not start."""
    path, version = checkout.add(mark + CHANGE)
    checkout.sqlx("migrate", "run")
    path.unlink()
    older = start(**checkout.settings)
    if mark:
        older.serving()
        assert older.lines[1] == (
            f"[WARNING] migrations: migration {version} (add user preferences table) "
            "is applied and has no file here; it is marked compatible, so a run goes on"
        )
        assert older.end(signal.SIGTERM) == 0
    else:
        assert older.end() == 3
        assert older.lines[-1] == (
            f"[ERROR] migration {version} was previously applied but is missing in the "
            f"resolved migrations: the history knows {version} (add user preferences "
            "table), migrations does not; deploy a release that has the files, or "
            "restore them; if this one runs with them, pass --ignore-missing "
            "(ignore_missing=True), and mark such files `-- sqlx: compatible` before "
            "they are applied"
        )
