"""Rust's checked queries and ours share `.sqlx/`: the bytes, the builds, the checks.

Rust's macros describe every query by themselves and write what they saw, so comparing
the files compares all there is: how we describe, and how we write.
"""

from __future__ import annotations

import shutil
import socket
import sqlite3
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from itertools import product
from typing import TYPE_CHECKING

import mysql_server
import psycopg
import pytest
from interop.crate import Crate
from interop.statements import DIFFERENT, REFUSED, SOURCE, UNSAID
from psycopg.conninfo import make_conninfo

import sqlx
from sqlx.describing import Way, open_url
from sqlx.queries.caching.beside import Prepared
from sqlx.queries.caching.cache import Cache
from sqlx.queries.caching.differences import differences
from sqlx.queries.caching.query_data import from_json, to_json
from sqlx.queries.values import (
    Column,
    Database,
    Description,
    Nullability,
    Refusal,
    SqlxVersion,
    query_hash,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from mysql_server import Server as MysqlServer

    from sqlx.embedded import Server

VERSIONS = {"0.8.6": SqlxVersion.V0_8, "0.9.0": SqlxVersion.V0_9}
KINDS = {
    "postgres": Database.POSTGRES,
    "sqlite": Database.SQLITE,
    "mysql": Database.MYSQL,
}


@dataclass(frozen=True, slots=True)
class Side:
    """A Rust application, and what we say of its queries.

    Args:
        crate: The application.
        descriptions: Ours, one for each query.
    """

    crate: Crate
    descriptions: tuple[Description, ...]

    def describe(self, queries: tuple[str, ...]) -> list[Description | Refusal]:
        """Let ours describe queries."""
        return describe(self.crate, queries)

    @property
    def version(self) -> SqlxVersion:
        """Whose bytes are written."""
        return VERSIONS[self.crate.version]

    @property
    def cache(self) -> Cache:
        """The application's `.sqlx`, as ours."""
        return Cache(str(self.crate.cache))

    def write(self, version: SqlxVersion | None = None) -> None:
        """Let our side alone prepare, by default for the application's SQLx."""
        shutil.rmtree(self.crate.cache, ignore_errors=True)
        prepared = Prepared(
            KINDS[self.crate.kind], "?", version or self.version, migrations=None
        )
        self.cache.write(self.descriptions, prepared)

    def files(self) -> dict[str, bytes]:
        """Read SQLx's files of the cache."""
        return {f.name: f.read_bytes() for f in self.crate.cache.glob("query-*.json")}

    def ours(self) -> dict[str, bytes]:
        """Read our files of the cache."""
        return {f.name: f.read_bytes() for f in self.crate.cache.glob("python/*")}


@contextmanager
def postgres_url(postgres: Server, version: str) -> Iterator[str]:
    """Make a database with the application's schema."""
    name = f"queries_{version.replace('.', '_')}"
    maintenance = make_conninfo("", **postgres.keywords())
    with psycopg.connect(maintenance, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
        words = postgres.keywords(name)
        with psycopg.connect(make_conninfo("", **words), autocommit=True) as made:
            made.execute((SOURCE / "postgres.sql").read_bytes())
        yield "postgres:///{dbname}?host={host}&port={port}&user={user}".format(**words)
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


@contextmanager
def sqlite_url(folder: Path) -> Iterator[str]:
    """Make a file with the application's schema."""
    path = folder / "queries.db"
    with closing(sqlite3.connect(path)) as made:
        made.executescript((SOURCE / "sqlite.sql").read_text(encoding="utf-8"))
    yield f"sqlite://{path}"


@contextmanager
def mysql_url(mariadb: MysqlServer, version: str) -> Iterator[str]:
    """Make a database with the application's schema."""
    name = f"queries_{version.replace('.', '_')}"
    mariadb.ask(f"CREATE DATABASE {name}")
    url = mariadb.url(name)
    with mysql_server.connect(url) as connection, connection.cursor() as cursor:
        cursor.execute((SOURCE / "mysql.sql").read_text(encoding="utf-8"))
        while cursor.nextset():
            pass
    yield url
    mariadb.ask(f"DROP DATABASE {name}")


@pytest.fixture(scope="module", params=product(KINDS, VERSIONS), ids="-".join)
def side(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Side]:
    """Each kind of database under each SQLx, in turn."""
    kind, version = request.param
    folder = tmp_path_factory.mktemp("application")
    match kind:
        case "postgres":
            at = postgres_url(request.getfixturevalue("postgres"), version)
        case "mysql":
            at = mysql_url(request.getfixturevalue("mariadb"), version)
        case _:
            at = sqlite_url(folder)
    with at as url:
        crate = Crate(folder / "crate", kind, version, url)
        told = describe(crate, crate.queries())
        descriptions = tuple(proved(d) for d in told if isinstance(d, Description))
        assert len(descriptions) == len(told), set(told) - set(descriptions)
        crate.create({d.sql: d.parameter_count for d in descriptions})
        yield Side(crate, descriptions)
        crate.clean()


def describe(crate: Crate, queries: tuple[str, ...]) -> list[Description | Refusal]:
    """Describe queries as the application's SQLx would."""
    way = Way(sqlx.Migrator(crate.folder / "none"), VERSIONS[crate.version])
    with open_url(crate.url, way) as live:
        return live.describe(queries)


def proved(description: Description) -> Description:
    """Give a proof to columns that have none: the files of ours keep something."""
    proof = Nullability(may_be_null=True, reason="anything may")
    columns = (replace(c, proof=c.proof or proof) for c in description.columns)
    return replace(description, columns=tuple(columns))


def test_rust_writes_the_bytes_that_we_write(side: Side) -> None:
    """For each query, whatever it selects, from whatever it is."""
    side.write()
    ours = side.files()
    shutil.rmtree(side.crate.cache)
    said = side.crate.prepare()
    assert said.code == 0, said
    rust = side.files()
    assert told(rust, ours) == {}
    assert rust == ours
    assert len(rust) == len(side.crate.queries())


def test_where_the_bytes_differ_it_is_known_how(side: Side) -> None:
    """Each difference has its reason, which statements.py tells."""
    queries = tuple(DIFFERENT[side.crate.kind])
    answers = side.describe(queries)
    described = [d for d in answers if isinstance(d, Description)]
    ours = {
        f"query-{query_hash(d.sql)}.json": to_json(d, side.version).encode()
        for d in described
    }
    with side.crate.put({d.sql: d.parameter_count for d in described}):
        said = side.crate.prepare()
    assert said.code == 0, said
    known = DIFFERENT[side.crate.kind].items()
    expected = {sql: told.get(side.crate.version) for sql, told in known}
    assert told(side.files(), ours) == {
        s: words for s, words in expected.items() if words
    }


def told(rust: dict[str, bytes], ours: dict[str, bytes]) -> dict[str, list[str]]:
    """Say how the files differ, by the query's text."""
    found = {}
    for name in rust.keys() & ours.keys():
        words = differences(rust[name].decode(), ours[name].decode())
        if words:
            found[from_json(rust[name].decode()).sql] = words
    return found


def test_what_rust_writes_is_read_and_written_again(side: Side) -> None:
    """Every file comes out as it went in, also when the keys were sorted meanwhile."""
    side.write()
    assert side.crate.prepare().code == 0
    for data in side.files().values():
        description = from_json(data.decode())
        assert to_json(description, side.version).encode() == data


def test_rust_builds_on_our_cache_alone(side: Side) -> None:
    """Nobody asks the database, whose URL leads to a port that would hear of it."""
    side.write()
    with socket.create_server(("127.0.0.1", 0)) as port:
        port.settimeout(0)
        kind = side.crate.kind
        url = f"{kind}://someone@127.0.0.1:{port.getsockname()[1]}/nothing"
        if kind == "sqlite":
            url = "sqlite://nothing.db?mode=rwc"
        offline = {"SQLX_OFFLINE": "true", "DATABASE_URL": url}
        assert str(side.crate.check(**offline)) == ""
        removed = side.cache.path(side.crate.queries()[0])
        (side.crate.cache / removed).unlink()
        assert (
            "error: `SQLX_OFFLINE=true` but there is no cached data for this query"
            in side.crate.check(**offline).err
        )
        with pytest.raises(BlockingIOError):
            port.accept()
    assert not (side.crate.folder / "nothing.db").exists()


def test_rust_s_check_accepts_what_we_wrote(side: Side) -> None:
    """It describes all queries anew, finds the same, and no file too many."""
    side.write()
    before = side.files(), side.ours()
    said = side.crate.prepare("--check")
    assert (said.code, said.out) == (0, "")
    assert (side.files(), side.ours()) == before


def test_rust_s_check_sees_what_differs(side: Side) -> None:
    """One word in one file is enough: so the check before was one."""
    side.write()
    name = f"query-{query_hash(side.crate.queries()[0])}.json"
    file = side.crate.cache / name
    text = file.read_text("utf-8")
    changed = text.replace("      false,\n", "      true,\n", 1)
    assert differences(text, changed) == ['column 1 "id": nullable false → true']
    file.write_text(changed, "utf-8")
    said = side.crate.prepare("--check")
    assert said.code == 1
    assert said.out == (
        f"error: prepare check failed: one or more query files differ ({name}); you "
        "should re-run sqlx prepare\n"
    )


def test_our_files_survive_when_rust_prepares(side: Side) -> None:
    """And what they tell is still about the queries, which say the same."""
    side.write()
    before = side.ours()
    assert len(before) > len(side.descriptions) / 2
    (side.crate.cache / "query-1.json").write_text("Rust removes this one")
    said = side.crate.prepare()
    assert said.code == 0
    assert said.out == (
        "query data written to .sqlx in the current directory; please check this into "
        "version control\n"
    )
    assert not (side.crate.cache / "query-1.json").exists()
    assert side.ours() == before
    for description in side.descriptions:
        assert side.cache.read(description.sql) == described(description, side)


def described(description: Description, side: Side) -> Description:
    """Take away what 0.8's file cannot hold."""
    if side.version is SqlxVersion.V0_9:
        return description
    columns = (replace(column, origin=None) for column in description.columns)
    return replace(description, columns=tuple(map(without_collation, columns)))


def without_collation(column: Column) -> Column:
    """Take away what 0.8 does not write of a type of MySQL's."""
    known = column.type_info
    if known.wire is None:
        return column
    wire = replace(known.wire, collation=None)
    return replace(column, type_info=replace(known, wire=wire))


def test_what_rust_refuses(side: Side) -> None:
    """It is told in the server's words; we say the same, or know more."""
    refused = REFUSED[side.crate.kind]
    answers = dict(zip(refused, side.describe(tuple(refused)), strict=True))
    with side.crate.put({sql: parameters(answers[sql]) for sql in refused}):
        said = side.crate.check(SQLX_OFFLINE="false")
    errors = side.crate.errors(said)
    words = {sql: errors[n] for n, sql in enumerate(refused) if n in errors}
    expected = {sql: told.get(side.crate.version) for sql, told in refused.items()}
    assert words == {sql: told for sql, told in expected.items() if told}
    ours = {sql: refusal(answers[sql]) for sql in words}
    unsaid = {sql for sql, reason in ours.items() if not reason}
    assert unsaid == UNSAID[side.crate.kind, side.crate.version]
    assert all(reason in words[sql] for sql, reason in ours.items())


def refusal(answer: Description | Refusal) -> str:
    """Say why SQLx refuses a query: the database does, or SQLx alone."""
    return answer.message if isinstance(answer, Refusal) else answer.sqlx_refusal


def parameters(answer: Description | Refusal) -> int:
    """Count a query's parameters; of one that is refused, nobody has counted them."""
    return 0 if isinstance(answer, Refusal) else answer.parameter_count


def test_files_under_the_other_sqlx_s_rules_are_read(side: Side) -> None:
    """A build under 0.9 takes 0.8's files, and the other way round; no check does.

    But on MySQL, 0.9 wants the collation of each type, which 0.8 has not written.
    """
    other = next(version for version in SqlxVersion if version is not side.version)
    side.write(other)
    said = side.crate.check(SQLX_OFFLINE="true")
    if side.crate.kind == "mysql" and other is SqlxVersion.V0_8:
        assert "error: missing field `collation`" in said.err
    else:
        assert str(said) == ""
    assert side.crate.prepare("--check").code == 1
