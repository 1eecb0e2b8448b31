"""The tools that are compared: what each is given, and how it is called."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from sqlx.embedded.launch import binaries

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from servers import Address

__all__ = ["LIMITS", "Contender", "Migration", "contenders", "migrations"]

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "sqlx-py"
PEERS = CACHE / "peers"
HISTORY = """\
CREATE TABLE IF NOT EXISTS _sqlx_migrations (
    version BIGINT PRIMARY KEY,
    description TEXT NOT NULL,
    installed_on TIMESTAMPTZ NOT NULL DEFAULT now(),
    success BOOLEAN NOT NULL,
    checksum BYTEA NOT NULL,
    execution_time BIGINT NOT NULL
);
"""
MARIADB_HISTORY = """\
CREATE TABLE IF NOT EXISTS _sqlx_migrations (
    version BIGINT PRIMARY KEY,
    description TEXT NOT NULL,
    installed_on TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
    success BOOLEAN NOT NULL,
    checksum BLOB NOT NULL,
    execution_time BIGINT NOT NULL
);
"""
LOOK = "SELECT version, checksum, success FROM _sqlx_migrations ORDER BY version"
ALEMBIC_ENV = """\
import os, sqlalchemy
from alembic import context
engine = sqlalchemy.create_engine(os.environ["URL"], poolclass=sqlalchemy.pool.NullPool)
with engine.connect() as connection:
    context.configure(connection=connection, transaction_per_migration=True)
    with context.begin_transaction():
        context.run_migrations()
"""
# In a process that has started and imported what it needs, as a service has when it
# migrates; it tells the seconds of the call alone.
CALLED = """
import sys, time, sqlx.migrator, sqlx.databases.{driver}.connect
started = time.perf_counter()
sqlx.Migrator("migrations").run(sys.argv[1])
print(time.perf_counter() - started)
"""


@dataclass(frozen=True, slots=True)
class Migration:
    """One migration of the corpus."""

    version: int
    name: str
    sql: str


@dataclass(frozen=True)
class Contender:
    """A tool, or one way to use it.

    Args:
        name: For the table.
        commands: The command line of each act; `{url}` and the like are filled in.
        variables: Its environment, filled in likewise.
        layout: How its files are written.
        tells_seconds: Whether it measures itself and prints the seconds.
    """

    name: str
    commands: Mapping[str, tuple[str, ...]]
    variables: Mapping[str, str] = field(default_factory=dict)
    layout: str = "sqlx"
    tells_seconds: bool = False

    def prepare(self, folder: Path, corpus: list[Migration]) -> None:
        """Write its files."""
        for name, text in LAYOUTS[self.layout](corpus):
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")

    def command(self, act: str, address: Address) -> list[str]:
        """Fill in a command line."""
        return [word.format_map(words(address)) for word in self.commands[act]]

    def environment(self, address: Address) -> dict[str, str]:
        """Fill in its environment."""
        filled = words(address)
        return {k: v.format_map(filled) for k, v in self.variables.items()}


def words(address: Address) -> dict[str, str]:
    """What command lines are filled in with."""
    return {
        "url": address.url,
        "host": address.folder,
        "database": address.database,
    }


def migrations(count: int) -> list[Migration]:
    """Write a corpus of migrations that each make a table."""
    return [
        Migration(
            20250101000000 + number,
            f"table_{number}",
            f"CREATE TABLE table_{number} (\n    id BIGINT PRIMARY KEY,\n"
            "    name TEXT NOT NULL,\n    amount NUMERIC NOT NULL DEFAULT 0,\n"
            "    created_at TIMESTAMP NOT NULL DEFAULT now()\n);\n",
        )
        for number in range(1, count + 1)
    ]


def sqlx_layout(corpus: list[Migration]) -> Iterator[tuple[str, str]]:
    """Plain files, as SQLx and ours read them."""
    for each in corpus:
        yield f"migrations/{each.version}_{each.name}.sql", each.sql


def psql_layout(corpus: list[Migration]) -> Iterator[tuple[str, str]]:
    """One script for psql."""
    yield "all.sql", HISTORY + "".join(recorded(each, "'\\x{}'") for each in corpus)


def mariadb_layout(corpus: list[Migration]) -> Iterator[tuple[str, str]]:
    """One script for the client of MariaDB."""
    text = "".join(recorded(each, "x'{}'") for each in corpus)
    yield "all.sql", MARIADB_HISTORY + text


def recorded(each: Migration, bytes_literal: str) -> str:
    """Write a file in a transaction with its row in SQLx's history."""
    checksum = bytes_literal.format(hashlib.sha384(each.sql.encode()).hexdigest())
    return (
        f"BEGIN;\n{each.sql}INSERT INTO _sqlx_migrations (version, description,"
        f" success, checksum, execution_time) VALUES ({each.version},"
        f" '{each.name.replace('_', ' ')}', TRUE, {checksum}, 0);\nCOMMIT;\n"
    )


def dbmate_layout(corpus: list[Migration]) -> Iterator[tuple[str, str]]:
    """Dbmate's files, which say which part goes up."""
    for each in corpus:
        text = f"-- migrate:up\n{each.sql}\n-- migrate:down\n"
        yield f"migrations/{each.version}_{each.name}.sql", text


def yoyo_layout(corpus: list[Migration]) -> Iterator[tuple[str, str]]:
    """Yoyo's files, with no way back."""
    for each in corpus:
        yield f"migrations/{each.version}_{each.name}.sql", each.sql


def alembic_layout(corpus: list[Migration]) -> Iterator[tuple[str, str]]:
    """Alembic's revisions, each with the same SQL."""
    yield "alembic.ini", "[alembic]\nscript_location = scripts\n"
    yield "scripts/env.py", ALEMBIC_ENV
    before = None
    for each in corpus:
        text = (
            f"from alembic import op\nrevision = '{each.version}'\n"
            f"down_revision = {before!r}\n\n"
            f"def upgrade():\n    op.execute({each.sql!r})\n"
        )
        yield f"scripts/versions/{each.version}_{each.name}.py", text
        before = str(each.version)


LAYOUTS = {
    "sqlx": sqlx_layout,
    "psql": psql_layout,
    "mariadb": mariadb_layout,
    "dbmate": dbmate_layout,
    "yoyo": yoyo_layout,
    "alembic": alembic_layout,
}


def psql() -> Contender:
    """The limit: the same SQL in one script, by the program that comes with the server.

    Debian's `psql` is a wrapper that starts three times slower; the real one is taken.
    """
    program = (str(binaries() / "bin" / "psql"), "-X", "-q", "-v", "ON_ERROR_STOP=1")
    return Contender(
        "psql",
        {
            "fresh": (*program, "-f", "all.sql", "{url}"),
            "no-op": (*program, "-A", "-t", "-c", LOOK, "{url}"),
            "info": (*program, "-A", "-t", "-c", LOOK, "{url}"),
            "version": (sys.executable, "-I", "-c", "pass"),
        },
        layout="psql",
    )


def mariadb() -> Contender:
    """The limit on MariaDB: the same SQL in one script, by its own client."""
    program = ("mariadb", "--no-defaults", "--user=root", "--socket={host}/socket")
    look = (*program, "--batch", "{database}", f"--execute={LOOK}")
    return Contender(
        "mariadb",
        {
            "fresh": (*program, "{database}", "--execute=source all.sql"),
            "no-op": look,
            "info": look,
            "version": (sys.executable, "-I", "-c", "pass"),
        },
        layout="mariadb",
    )


LIMITS = {"postgres": psql(), "mariadb": mariadb()}


def sqlx_commands(program: Path) -> dict[str, tuple[str, ...]]:
    """The command lines of SQLx's command, Rust's or ours."""
    run = (str(program), "migrate", "run", "-D", "{url}")
    return {
        "fresh": run,
        "no-op": run,
        "info": (str(program), "migrate", "info", "-D", "{url}"),
        "version": (str(program), "--version"),
    }


def contenders(kind: str) -> list[Contender]:
    """List what is installed: ours, both of Rust's, and other tools' commands.

    Args:
        kind: Of server; the other tools are compared on PostgreSQL.
    """
    ours = Path(sys.executable).with_name("sqlx")
    driver = "mysql" if kind == "mariadb" else "postgres"
    called = (sys.executable, "-c", CALLED.replace("{driver}", driver), "{url}")
    found = [
        Contender("sqlx-py", sqlx_commands(ours)),
        Contender(
            "sqlx-py (called)", {"fresh": called, "no-op": called}, tells_seconds=True
        ),
    ]
    for version in ("0.8.6", "0.9.0"):
        rust = CACHE / f"sqlx-cli-{version}" / "bin" / "sqlx"
        if rust.exists():
            found.append(Contender(f"sqlx-cli {version}", sqlx_commands(rust)))
        else:
            print(f"bench: sqlx-cli {version} is left out; run: make interop")
    return found + (peers() if kind == "postgres" else [])


def peers() -> list[Contender]:
    """List the other tools, installing them into the cache where that works."""
    found = []
    dbmate = install_dbmate()
    if dbmate:
        up = (str(dbmate), "--no-dump-schema", "--migrations-dir", "migrations")
        found.append(
            Contender(
                "dbmate",
                {
                    "fresh": (*up, "up"),
                    "no-op": (*up, "up"),
                    "info": (*up, "status"),
                    "version": (str(dbmate), "--version"),
                },
                {
                    "DATABASE_URL": "postgres://postgres@/{database}?socket={host}"
                    "&sslmode=disable"
                },
                layout="dbmate",
            )
        )
    python = install_python_peers()
    if python:
        url = "postgresql+psycopg://postgres@/{database}?host={host}"
        alembic = str(python / "alembic")
        yoyo, where = str(python / "yoyo"), ("--database", url, "migrations")
        found += [
            Contender(
                "Alembic",
                {
                    "fresh": (alembic, "upgrade", "head"),
                    "no-op": (alembic, "upgrade", "head"),
                    "info": (alembic, "current"),
                    "version": (alembic, "--version"),
                },
                {"URL": url},
                layout="alembic",
            ),
            Contender(
                "yoyo",
                {
                    "fresh": (yoyo, "apply", "--batch", "--no-config-file", *where),
                    "no-op": (yoyo, "apply", "--batch", "--no-config-file", *where),
                    "info": (yoyo, "list", "--batch", "--no-config-file", *where),
                    "version": (yoyo, "--help"),
                },
                layout="yoyo",
            ),
        ]
    return found


def install_dbmate() -> Path | None:
    """Find dbmate's own program, or install it by npm."""
    pattern = "node_modules/@dbmate/*/bin/dbmate"
    if not list(PEERS.glob(pattern)) and shutil.which("npm"):
        PEERS.mkdir(parents=True, exist_ok=True)
        quiet = ("--no-audit", "--no-fund", "--silent")
        subprocess.call(["npm", "install", *quiet, "--prefix", PEERS, "dbmate"])
    found = list(PEERS.glob(pattern))
    if not found:
        print("bench: dbmate is left out: npm did not install it")
    return found[0] if found else None


def install_python_peers() -> Path | None:
    """Find Alembic and yoyo, or install them into an environment of their own."""
    place = PEERS / "python" / "bin"
    if not (place / "yoyo").exists():
        subprocess.call([sys.executable, "-m", "venv", PEERS / "python"])
        names = ("alembic", "yoyo-migrations", "setuptools", "psycopg[binary]")
        subprocess.call([place / "python", "-m", "pip", "install", "-q", *names])
    if not (place / "yoyo").exists():
        print("bench: Alembic and yoyo are left out: pip did not install them")
        return None
    return place
