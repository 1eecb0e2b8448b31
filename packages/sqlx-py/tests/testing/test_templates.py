"""How templates are made, kept up to date, and copied with all that belongs to them."""

from __future__ import annotations

import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest
from faults.conftest import need_postgres_15
from faults.servers import DebianServer
from support import new_folder
from testing.live import (
    ONE,
    Fragile,
    admin,
    ask,
    databases,
    no_changes,
    place_of,
    using,
    wait_until_waiting,
)

import sqlx
from sqlx.databases.postgres.connect import Place
from sqlx.embedded.launch import binaries
from sqlx.errors import ExecuteMigration
from sqlx.testing.postgres import templates as under_test
from sqlx.testing.postgres.templates import Cloner, Copying, Template, open_template

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlx import embedded

NAME = "_sqlx_template_00000000000000aa_10"
OWN = sqlx.Migrator({"1_own.sql": """
CREATE TABLE things (id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name TEXT);
INSERT INTO things (name) VALUES ('a'), ('b');
CREATE UNLOGGED TABLE quick AS SELECT 1 AS one;
CREATE SEQUENCE numbers; SELECT nextval('numbers');
SELECT lo_from_bytea(4711, 'large');
CREATE SCHEMA "o'dd";
ALTER DEFAULT PRIVILEGES IN SCHEMA "o'dd" GRANT SELECT ON TABLES TO reader;
DO $do$
DECLARE
    d text := quote_ident(current_database());
BEGIN
    EXECUTE 'ALTER DATABASE ' || d || $$ SET search_path = "o'dd", "$user", public$$;
    EXECUTE 'ALTER DATABASE ' || d || $$ SET "my.word" = 'it''s \\ "so"'$$;
    EXECUTE 'ALTER DATABASE ' || d || $$ SET role = 'reader'$$;
    EXECUTE 'ALTER DATABASE ' || d || $$ SET default_transaction_read_only = on$$;
    EXECUTE 'ALTER DATABASE ' || d || $$ SET temp_tablespaces = ''$$;
    EXECUTE 'ALTER DATABASE ' || d || $$ SET datestyle = 'German, DMY'$$;
    EXECUTE 'ALTER DATABASE ' || d || $$ SET statement_timeout = '1ms'$$;
    EXECUTE 'ALTER ROLE reader IN DATABASE ' || d || $$ SET search_path TO ''$$;
    EXECUTE 'ALTER ROLE "odd ""one" IN DATABASE ' || d || $$ SET work_mem = '1MB'$$;
    EXECUTE 'ALTER DATABASE ' || d || ' CONNECTION LIMIT 9';
    EXECUTE 'REVOKE ALL ON DATABASE ' || d || ' FROM PUBLIC';
    EXECUTE 'REVOKE TEMPORARY ON DATABASE ' || d || ' FROM CURRENT_USER';
    EXECUTE 'GRANT CONNECT ON DATABASE ' || d || ' TO reader';
    EXECUTE 'GRANT CREATE ON DATABASE ' || d || ' TO "odd ""one" WITH GRANT OPTION';
END $do$;
"""})  # fmt: skip
OUTSIDE = """
SELECT (SELECT jsonb_agg(jsonb_build_array(setrole::text, setconfig) ORDER BY setrole)
        FROM pg_db_role_setting WHERE setdatabase = d.oid),
       (SELECT array_agg(a::text ORDER BY a::text) FROM unnest(datacl) AS a),
       datconnlimit, encoding, datlocprovider, datcollate, datctype, datallowconn,
       datistemplate, dattablespace, datdba
FROM pg_database AS d WHERE datname = %s"""


@pytest.fixture
def roles(server: embedded.Server) -> Iterator[None]:
    """Make the roles that the migrations speak of."""
    for role in ("reader", '"odd ""one"'):
        ask(server, f"CREATE ROLE {role}")
    yield
    with using(server, fresh=True):
        pass
    for role in ("reader", '"odd ""one"'):
        ask(server, f"DROP ROLE {role}")


def dump(server: embedded.Server, database: str) -> list[str]:
    """Write a database out, rows, privileges and settings included."""
    done = subprocess.run(
        [
            binaries() / "bin" / "pg_dump",
            *("-h", server.socket_directory, "-p", str(server.port)),
            *("-U", server.user, "-d", database, "--restrict-key=x"),
        ],
        env={"PGOPTIONS": "-c role=postgres -c statement_timeout=0"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.mark.slow
@pytest.mark.usefixtures("roles")
@pytest.mark.parametrize("way", Copying.ways(180000), ids=lambda way: way.text)
def test_a_clone_is_what_migrations_make(server: embedded.Server, way: Copying) -> None:
    """Contents, settings and privileges are those of a database migrated anew."""
    with using(server) as ours:
        ours.take(OWN)
        template = ours._templates[ours._name(OWN)]
        cloned = f"_sqlx_test_{ours.session:08x}_98"
        anew = f"_sqlx_test_{ours.session:08x}_99"
        with admin(server) as connection:
            same = Template(
                template.name, way, template.limit, template.settings, template.grants
            )
            Cloner(connection).clone(same, cloned)
            connection.execute(f"CREATE DATABASE {anew}".encode())
        OWN.run(ours.url(anew))
        told = ask(server, OUTSIDE, cloned)
        assert told == ask(server, OUTSIDE, anew)
        assert told[0][0] == [
            [
                "0",
                [
                    'search_path="o\'dd", "$user", public',
                    'my.word=it\'s \\ "so"',
                    "role=reader",
                    "default_transaction_read_only=on",
                    'temp_tablespaces=""',
                    "DateStyle=German, DMY",
                    "statement_timeout=1ms",
                ],
            ],
            [role(server, "reader"), ['search_path=""']],
            [role(server, 'odd "one'), ["work_mem=1MB"]],
        ]
        rows = [line for line in dump(server, anew) if "\t" not in line]
        assert [line for line in dump(server, cloned) if "\t" not in line] == rows


def role(server: embedded.Server, name: str) -> str:
    """Give a role's number."""
    ((number,),) = ask(
        server, "SELECT oid::text FROM pg_roles WHERE rolname = %s", name
    )
    return str(number)


def test_a_database_without_more_needs_one_statement() -> None:
    """A clone is one CREATE DATABASE, and what is written after it is nothing."""
    template = Template("t", Copying("FILE_COPY", "clone"), limit=3)
    assert template.create('a"b') == (
        'CREATE DATABASE "a""b" TEMPLATE "t" STRATEGY FILE_COPY CONNECTION LIMIT 3'
    )
    assert template.complete('a"b') == ""
    assert Template("t").create("a") == 'CREATE DATABASE "a" TEMPLATE "t"'


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("work_mem", "4MB", "\"work_mem\" TO '4MB'"),
        ("a.b", "it's", "\"a\".\"b\" TO 'it''s'"),
        ("a.b", "\\'", "\"a\".\"b\" TO  E'\\\\'''"),
        ("search_path", '"$user", public', "\"search_path\" TO '$user', 'public'"),
        ("search_path", '"a, b",c', "\"search_path\" TO 'a, b', 'c'"),
        ("search_path", '"a""b"', '"search_path" TO \'a"b\''),
        ("search_path", '""', "\"search_path\" TO ''"),
        ("temp_tablespaces", "", "\"temp_tablespaces\" TO ''"),
        ("DateStyle", "ISO, DMY", "\"DateStyle\" TO 'ISO, DMY'"),
    ],
)
def test_a_setting_is_written_as_it_is_read(name: str, value: str, text: str) -> None:
    """Lists of names are written name by name, all else as one text."""
    assert under_test._setting(name, value) == text


@pytest.mark.parametrize(
    ("version", "ways"),
    [
        (130000, ["/"]),
        (149999, ["/"]),
        (150000, ["FILE_COPY/", "WAL_LOG/"]),
        (179999, ["FILE_COPY/", "WAL_LOG/"]),
        (180000, ["FILE_COPY/clone", "FILE_COPY/copy", "WAL_LOG/"]),
    ],
)
def test_the_ways_to_copy_are_the_servers(version: int, ways: list[str]) -> None:
    """PostgreSQL 15 brought a strategy, 18 a method; a comment tells what is chosen."""
    found = Copying.ways(version)
    assert [way.text for way in found] == ways
    assert tuple(Copying.parse(text) for text in ways) == found


@pytest.mark.slow
def test_what_measuring_has_made_is_used(server: embedded.Server) -> None:
    """The clones made to find the fastest way are the first that are taken."""
    with using(server, fresh=True) as ours:
        first = ours.take(ONE)
        made = databases(server, "test")
        assert len(made) >= 4
        taken = {first, *(ours.take(ONE) for _ in range(len(made) - 1))}
        assert taken == made
        assert databases(server, "test") == made
        with using(server) as later:
            later.take(ONE)
            assert later._ready.get(later._name(ONE)) is None
            assert later._templates == ours._templates


class ByHand:
    """Makes an empty template; one way to copy is refused, and others are slow.

    Args:
        server: Where.
        refused: The method that fails.
        error: How: what the server is asked then.
        slow: The way that takes longest.
    """

    def __init__(
        self, server: embedded.Server, refused: str, error: str, slow: Copying
    ) -> None:
        self.server, self.refused, self.error, self.slow = server, refused, error, slow
        self.tried: list[str] = []

    def migrate(self, name: str) -> None:
        """Do nothing."""

    def visit(self, name: str) -> None:
        """Do nothing."""

    def try_clone(self, template: Template) -> None:
        """Fail, or take long, or take no time."""
        way = template.copying
        self.tried.append(way.text)
        if way.method == self.refused:
            ask(self.server, self.error)
        if way == self.slow:
            time.sleep(0.02)


@pytest.fixture
def by_hand(server: embedded.Server) -> Iterator[psycopg.Connection[object]]:
    """Connect, and drop the template in the end."""
    with admin(server) as connection:
        yield connection
        alter = f"ALTER DATABASE {NAME} IS_TEMPLATE false"
        if NAME in databases(server):
            connection.execute(alter.encode())
        connection.execute(f"DROP DATABASE IF EXISTS {NAME}".encode())


def test_a_server_that_refuses_to_clone(
    server: embedded.Server, by_hand: psycopg.Connection[object]
) -> None:
    """A file system without reflinks is copied in another way; slow ones are left."""
    maker = ByHand(server, "clone", "SELECT 1/0", Copying("WAL_LOG"))
    template = open_template(by_hand, NAME, maker)
    assert template.copying == Copying("FILE_COPY", "copy")
    assert maker.tried == [
        *("FILE_COPY/clone", "FILE_COPY/copy", "WAL_LOG/"),
        "FILE_COPY/copy",
    ]
    assert open_template(by_hand, NAME, maker) == template
    assert len(maker.tried) == 4


def test_another_error_while_measuring_is_told(
    server: embedded.Server, by_hand: psycopg.Connection[object]
) -> None:
    """Only a refused `clone` is passed over; nothing is left of the template."""
    maker = ByHand(server, "copy", "SELECT 1/0", Copying())
    with pytest.raises(psycopg.errors.DivisionByZero):
        open_template(by_hand, NAME, maker)
    assert NAME not in databases(server)


@pytest.mark.slow
def test_eight_processes_make_one_template(server: embedded.Server) -> None:
    """Those who start together wait for the first one's template."""
    begun = Path(server.log).stat().st_size
    logged = place_of(server, options="-c log_statement=ddl")
    with using(server, fresh=True):
        pass

    def take(_: int) -> str:
        with using(logged, 8) as ours:
            name = ours.take(ONE)
            assert ask(server, "SELECT count(*) FROM users", database=name) == [(0,)]
            return ours._name(ONE)

    with ThreadPoolExecutor(8) as threads:
        (name,) = {*threads.map(take, range(8))}
    text = Path(server.log).read_bytes()[begun:].decode()
    assert text.count(f'statement: CREATE DATABASE "{name}"') == 1
    assert databases(server) == {name}


@pytest.mark.slow
def test_what_a_killed_maker_left_is_made_anew(server: embedded.Server) -> None:
    """Half a template goes with whoever is in it, be it open or sealed already."""
    with using(server, fresh=True) as ours:
        name = ours._name(ONE)
        ask(server, f"CREATE DATABASE {name}")
        ask(server, "CREATE TABLE users (half TEXT)", database=name)
        with admin(server, name):
            assert ask(server, "SELECT name FROM users", database=ours.take(ONE)) == []


@pytest.mark.slow
def test_a_sealed_half_is_made_anew(server: embedded.Server) -> None:
    """A template that was sealed and not yet measured is no template."""
    with using(server, fresh=True) as ours:
        name = ours._name(ONE)
        ask(server, f"CREATE DATABASE {name} ALLOW_CONNECTIONS false")
        assert ask(server, "SELECT name FROM users", database=ours.take(ONE)) == []


def test_who_stays_in_a_template_is_sent_away(
    server: embedded.Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A monitor that looks into each database does not keep a template from use."""
    monkeypatch.setattr(under_test, "LEAVE_SECONDS", 0.0)
    slow = sqlx.Migrator(
        {"1_a.sql": "ALTER ROLE CURRENT_USER RESET application_name", "2_b.sql": ""}
    )
    with using(server, fresh=True) as ours, ThreadPoolExecutor(1) as thread:
        with no_changes(server, "pg_db_role_setting"):
            taken = thread.submit(ours.take, slow)
            wait_until_waiting(server, "ALTER ROLE")
            line = server.keywords(ours._name(slow))
            monitor = psycopg.connect(**line)  # type: ignore[arg-type]  # libpq's words.
        assert taken.result() in databases(server)
        with pytest.raises(psycopg.errors.AdminShutdown):
            monitor.execute("SELECT 1")
    assert ours.problems == []


@pytest.mark.slow
def test_a_migration_that_fails_leaves_no_template(server: embedded.Server) -> None:
    """Its error is told, with its place, and the next session tries again."""
    wrong = sqlx.Migrator({"1_wrong.sql": "SELECT 1;\nSELECT wrong"})
    with using(server, fresh=True) as ours:
        with pytest.raises(ExecuteMigration) as caught:
            ours.take(wrong)
        assert 'column "wrong" does not exist' in str(caught.value)
        assert databases(server) == set()
        assert ours.take(ONE) in databases(server)
    assert ours.problems == []


def test_a_failed_cleanup_is_a_note(server: embedded.Server) -> None:
    """The migration's error is the one that is raised, whatever comes after it."""
    slow = sqlx.Migrator(
        {"1_a.sql": "ALTER ROLE CURRENT_USER RESET application_name", "2_b.sql": "oops"}
    )
    with using(server, fresh=True) as ours, ThreadPoolExecutor(1) as thread:
        with no_changes(server, "pg_db_role_setting"):
            taken = thread.submit(ours.take, slow)
            wait_until_waiting(server, "ALTER ROLE")
            name = ours._name(slow)
            ask(server, f"ALTER DATABASE {name} IS_TEMPLATE true")
        with pytest.raises(ExecuteMigration) as caught:
            taken.result()
    (note,) = caught.value.__notes__
    drop = f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'
    assert note == f"{drop}: cannot drop a template database"
    assert name not in databases(server)  # It was swept.


FILES = {"1_users.sql": "CREATE TABLE users ()", "2_posts.sql": "CREATE TABLE posts ()"}


@pytest.mark.parametrize(
    "changed",
    [
        {"2_posts.sql": "CREATE TABLE posts () "},
        {"3_more.sql": ""},
        {"2_posts.sql": None, "3_posts.sql": FILES["2_posts.sql"]},
        {"2_posts.sql": None, "2_texts.sql": FILES["2_posts.sql"]},
        {"2_posts.sql": None},
    ],
    ids=["changed", "added", "another version", "another name", "removed"],
)
def test_other_files_are_another_template(
    server: embedded.Server, tmp_path: Path, changed: dict[str, str | None]
) -> None:
    """What a file says or is called decides which template there is."""
    with using(server) as ours:
        before = ours._name(written(tmp_path, FILES))
        again = ours._name(written(tmp_path, FILES))
        after = ours._name(written(tmp_path, FILES | changed))
    assert before == again != after


def written(
    folder: Path, files: dict[str, str] | dict[str, str | None]
) -> sqlx.Migrator:
    """Write files of migrations, and read them."""
    for name, text in files.items():
        if text is None:
            (folder / name).unlink()
        else:
            (folder / name).write_text(text)
    return sqlx.Migrator(folder)


@pytest.mark.slow
def test_a_restarted_server_caches_its_catalogs_once() -> None:
    """After a start a template is visited once, and its comment tells of it."""
    fragile = Fragile()
    comment = "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE %s"
    try:
        notes = []
        for _ in range(2):
            with using(fragile.server) as ours:
                ours.take(ONE)
                is_ours = f"datname = '{ours._name(ONE)}' AND datistemplate"
                is_sealed = f"{is_ours} AND NOT datallowconn"
                ((note,),) = ask(fragile.server, comment.replace("%s", is_sealed))
                notes.append(note)
            with using(fragile.server) as ours:
                ours.take(ONE)
                assert ask(fragile.server, comment.replace("%s", is_sealed)) == [
                    (note,)
                ]
            fragile.stop()
            fragile.start()
        day = time.strftime("%Y-%m-%d")
        ways = [note.partition(f" used {day} since ")[0] for note in notes]
        assert ways[0] == ways[1]
        assert notes[0] != notes[1]
    finally:
        fragile.close()


@pytest.mark.slow
def test_postgresql_15_is_cloned_by_a_strategy() -> None:
    """A server before 18 has no method, and the whole life of a session is the same."""
    need_postgres_15()
    server = DebianServer(new_folder())
    there = server.database("postgres")
    words = {"host": there.host, "user": there.user, "dbname": "postgres"}
    with using(Place(words, str)) as ours:
        ours.take(ONE)
        assert ours._templates[ours._name(ONE)].copying in Copying.ways(150000)
        ours.drop(ours.take(ONE))
        ours.drop(ours.take(None))
    assert ours.problems == []
    left = there.ask("SELECT datname FROM pg_database WHERE datname ~ '^_sqlx_test'")
    assert left == []
    server.stop()
