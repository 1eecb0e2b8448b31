"""The commands for users and keys, as an operator types them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import psycopg
import pytest
from nobody import Nobody
from service import PROGRAM, free_port, surroundings
from service import smally as run_smally

from smally.auth.keys import hash_key, is_well_formed

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from service import Connection

    Smally = Callable[..., tuple[int, str, str]]

NOT_MIGRATED = "smally: schema not migrated yet: start the service first"
LAST_ADMIN = (
    "smally: this is the last active admin; make somebody else an admin first\n"
)


@pytest.fixture
def smally(db_url: str, tmp_path: Path) -> Smally:
    """Run commands on the test's database: exit code, stdout, stderr."""

    def run(*words: str, **environ: str) -> tuple[int, str, str]:
        environ.setdefault("DATABASE_URL", db_url)
        done = run_smally(tmp_path, *words, **environ)
        return done.returncode, done.stdout, done.stderr

    return run


def moment(db: Connection, column: str, table: str) -> str:
    """Read a time of the first row, as the tables show it."""
    row = db.execute(
        f"SELECT to_char({column} AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS\"Z\"')"
        f" FROM {table} ORDER BY id".encode()
    ).fetchone()
    assert row is not None
    return str(row[0])


@pytest.mark.slow
def test_users_are_added_and_listed(smally: Smally, db: Connection) -> None:
    """Each command says what there is now, on one line; an empty list has its head."""
    assert smally("user", "list") == (
        0,
        "ID  EMAIL  ROLE  TIER  ACTIVE  CREATED\n",
        "",
    )
    assert smally("user", "add", "ada@example.org", "--role", "admin") == (
        0,
        "added ada@example.org, id 1, role admin, tier free\n",
        "",
    )
    assert smally("user", "add", "ADA@example.org") == (
        1,
        "",
        "smally: there is a user ADA@example.org\n",
    )
    assert smally("user", "add", "--tier", "pro", "--", "-o'x y@b") == (
        0,
        "added -o'x y@b, id 3, role user, tier pro\n",
        "",
    )
    created = moment(db, "created_at", "users")
    code, out, err = smally("user", "list")
    assert (code, err) == (0, "")
    head, first, second = out.splitlines()
    assert head == "ID  EMAIL            ROLE   TIER  ACTIVE  CREATED"
    assert first == f"1   ada@example.org  admin  free  yes     {created}"
    assert second.startswith("3   -o'x y@b         user   pro   yes     20")


@pytest.mark.slow
def test_users_are_changed(smally: Smally, db: Connection) -> None:
    """An e-mail is found in upper or lower case, and an admin remains."""
    db.execute(
        "INSERT INTO users (email, role) VALUES ('ada@b', 'admin'), ('-x@b', 'user')"
    )
    assert smally("user", "set", "--tier", "pro", "--", "-X@B") == (
        0,
        "-x@b, id 2, role user, tier pro\n",
        "",
    )
    assert smally("user", "set", "--active", "no", "--", "-x@b") == (
        0,
        "-x@b, id 2, role user, tier pro, switched off\n",
        "",
    )
    assert smally("user", "set", "eve@b", "--tier", "pro") == (
        1,
        "",
        "smally: there is no user eve@b\n",
    )
    for words in (("--role", "user"), ("--active", "no")):
        assert smally("user", "set", "ada@b", *words) == (1, "", LAST_ADMIN)


@pytest.mark.slow
def test_lists_can_be_json(smally: Smally, db: Connection) -> None:
    """They are what the API answers: the same fields, times in UTC."""
    smally("user", "add", "zoë@b")
    secret = smally("key", "add", "zoë@b", "--name", "läptop")[1].strip()
    (user,) = json.loads(smally("user", "list", "--format", "json")[1])
    assert user == {
        "id": 1,
        "email": "zoë@b",
        "role": "user",
        "tier": "free",
        "is_active": True,
        "created_at": user["created_at"],
        "updated_at": user["created_at"],
    }
    shown = moment(db, "created_at", "users")
    assert user["created_at"][:19].replace("T", " ") == shown[:19]
    assert user["created_at"].endswith("Z")
    (key,) = json.loads(smally("key", "list", "ZOË@b", "--format", "json")[1])
    assert key == {
        "id": 1,
        "user_id": 1,
        "name": "läptop",
        "prefix": secret[:12],
        "created_at": key["created_at"],
        "last_used_at": None,
        "revoked_at": None,
        "is_active": True,
    }


def test_a_list_longer_than_a_page_is_whole(smally: Smally, db: Connection) -> None:
    """A thousand rows are asked for at a time, and all are printed."""
    db.execute(
        "INSERT INTO users (email) SELECT n || '@b' FROM generate_series(1, 2001) n"
    )
    rows = json.loads(smally("user", "list", "--format", "json")[1])
    assert [row["id"] for row in rows] == list(range(1, 2002))


def test_a_key_is_made_listed_and_revoked(smally: Smally, db: Connection) -> None:
    """The key is alone on stdout, and stored as its hash; twice revoked is once."""
    db.execute("INSERT INTO users (email) VALUES ('ada@b')")
    code, out, err = smally("key", "add", "Ada@b")
    key = out.removesuffix("\n")
    assert (code, is_well_formed(key)) == (0, True)
    assert err == "key 1 of ada@b; keep the key: nobody can show it again\n"
    stored = db.execute("SELECT key_hash, name FROM api_keys").fetchall()
    assert stored == [(hash_key(key), "command line")]
    created = moment(db, "created_at", "api_keys")
    head = "ID  NAME          PREFIX        CREATED               LAST USED  REVOKED"
    assert smally("key", "list", "ada@b") == (
        0,
        f"{head}\n1   command line  {key[:12]}  {created}  -          -\n",
        "",
    )
    revoked = (0, f"revoked key 1 (command line, {key[:12]})\n", "")
    assert smally("key", "revoke", "1") == revoked
    at = moment(db, "revoked_at", "api_keys")
    assert smally("key", "revoke", "1") == revoked
    assert smally("key", "list", "ada@b")[1].endswith(f"  -          {at}\n")


@pytest.mark.slow
def test_what_there_is_not_is_named(smally: Smally, db: Connection) -> None:
    """A key or a user that is not there ends with 1; one switched off is told."""
    assert smally("key", "revoke", "7") == (1, "", "smally: there is no key 7\n")
    for command in ("list", "add"):
        assert smally("key", command, "eve@b") == (
            1,
            "",
            "smally: there is no user eve@b\n",
        )
    db.execute("INSERT INTO users (email, is_active) VALUES ('ada@b', FALSE)")
    assert smally("key", "add", "ada@b")[2] == (
        "key 1 of ada@b; the user is switched off; "
        "keep the key: nobody can show it again\n"
    )


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ("init", "a@b", "gold"),
            (
                "argument TIER: unknown tier 'gold'; there are free, pro, scale; "
                "see: smally init --help"
            ),
        ),
        (
            ("user", "add", "a@b", "--tier", "gold"),
            (
                "argument --tier: unknown tier 'gold'; there are free, pro, scale; "
                "see: smally user add --help"
            ),
        ),
        (
            ("user", "add", "a@b", "--role", "root"),
            (
                "argument --role: unknown role 'root'; there are user, admin; "
                "see: smally user add --help"
            ),
        ),
        (
            ("user", "add", "ada"),
            (
                "argument EMAIL: 'ada' needs an @ with something on both sides; "
                "see: smally user add --help"
            ),
        ),
        (
            ("user", "set", "a@b", "--active", "maybe"),
            (
                "argument --active: unknown answer 'maybe'; there are yes, no; "
                "see: smally user set --help"
            ),
        ),
        (
            ("user", "set", "a@b"),
            (
                "give at least one of --tier, --role and --active; "
                "see: smally user set --help"
            ),
        ),
        (
            ("key", "add", "a@b", "--name", "a\nb"),
            (
                "argument --name: 'a\\nb' has a character that cannot be seen; "
                "see: smally key add --help"
            ),
        ),
        (
            ("key", "revoke", "9223372036854775808"),
            (
                "argument ID: '9223372036854775808' is no number from 0 to "
                "9223372036854775807; see: smally key revoke --help"
            ),
        ),
        (
            ("init", "a@b", "free", "--wait-seconds", "3601"),
            (
                "argument --wait-seconds: '3601' is no number from 0 to 3600; "
                "see: smally init --help"
            ),
        ),
        ((), "the following arguments are required: COMMAND; see: smally --help"),
    ],
)
def test_misuse_is_one_line(
    tmp_path: Path, words: tuple[str, ...], message: str
) -> None:
    """It says what is wrong, what there is, and where to read on; the code is 2."""
    done = run_smally(tmp_path, *words)
    assert done.returncode == 2
    assert (done.stdout, done.stderr) == ("", f"smally: {message}\n")


@pytest.mark.slow
@pytest.mark.sqlx(migrations=False)
def test_no_tables_are_made(smally: Smally, tmp_path: Path) -> None:
    """Before the service's first start, the commands say that it is needed."""
    assert smally("user", "list") == (1, "", f"{NOT_MIGRATED}\n")
    assert smally("user", "list", DATABASE_URL="") == (
        1,
        "",
        f"{NOT_MIGRATED} (there is no .postgres in the working directory)\n",
    )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_a_database_that_cannot_be_had_is_told_on_one_line(smally: Smally) -> None:
    """The reason stands there, the password does not, and there is no traceback."""
    port = free_port()
    url = f"postgresql://ada:hunter2@127.0.0.1:{port}/smally"
    code, out, err = smally("user", "list", DATABASE_URL=url)
    assert (code, out) == (1, "")
    assert err.startswith("smally: connection failed: ")
    assert f"port {port} failed: Connection refused" in err
    assert err.count("\n") == 1
    assert "hunter2" not in err
    assert smally("user", "list", DATABASE_URL="mysql://x") == (
        2,
        "",
        smally("user", "list", RUNTIME_DATABASE_URL="mysql://x")[2].replace(
            "RUNTIME_", ""
        ),
    )


@pytest.mark.slow
def test_the_runtime_role_is_enough(
    smally: Smally, db: Connection, db_url: str, role: str
) -> None:
    """With both URLs the commands use that of the role that serves."""
    db.execute(f"GRANT SELECT, INSERT, UPDATE ON users, api_keys TO {role}".encode())
    url = f"{db_url}&user={role}"
    done = smally("init", "a@b", "pro", RUNTIME_DATABASE_URL=url, DATABASE_URL="x")
    assert (done[0], is_well_formed(done[1].strip())) == (0, True)
    db.execute(f"REVOKE ALL ON api_keys FROM {role}".encode())
    assert smally("key", "list", "a@b", RUNTIME_DATABASE_URL=url) == (
        1,
        "",
        "smally: permission denied for table api_keys\n",
    )


@pytest.mark.slow
def test_dotenv_stands_below_the_environment(
    smally: Smally, db_url: str, tmp_path: Path
) -> None:
    """What is in `.env` is taken as it is written; the environment wins."""
    (tmp_path / ".env").write_text(
        f"export DATABASE_URL='{db_url}'\nLOG_FORMAT=${{HOME}}\nEMPTY\n"
    )
    unset = "user", "list"
    done = run_smally(tmp_path, *unset)
    assert done.stderr == "smally: LOG_FORMAT is '${HOME}': give text or json\n"
    assert done.returncode == 2
    done = run_smally(tmp_path, *unset, LOG_FORMAT="text")
    assert (done.returncode, done.stderr) == (0, "")
    assert smally(*unset, LOG_FORMAT="text", DATABASE_URL="sqlite:x")[0] == 2


@pytest.mark.slow
def test_a_dotenv_that_is_no_file_is_left_alone_or_named(
    smally: Smally, tmp_path: Path
) -> None:
    """A folder of this name is somebody's; what cannot be read is told."""
    (tmp_path / ".env").mkdir()
    assert smally("user", "list")[0] == 0
    (tmp_path / ".env").rmdir()
    (tmp_path / ".env").symlink_to("nowhere")
    message = "smally: cannot read .env: no such file or directory\n"
    assert smally("user", "list") == (1, "", message)
    (tmp_path / ".env").unlink()
    (tmp_path / ".env").write_bytes(b"\xff")
    code, _, err = smally("user", "list")
    assert (code, err.count("\n")) == (1, 1)
    assert err.startswith("smally: cannot read .env: 'utf-8' codec can't decode ")


@pytest.mark.slow
def test_an_account_without_rights_is_told_whose_they_are(
    db_url: str, public: Path
) -> None:
    """Of `.env`, of the socket: the command to type is in the message, quoted."""
    nobody = Nobody.at(public)
    dotenv = public / ".env"
    dotenv.write_text(f"DATABASE_URL={db_url}\n")
    dotenv.chmod(0o640)
    words = (nobody.program, "user", "add", "it's a@b")
    run = "run: sudo -u smally smally user add 'it'\"'\"'s a@b'\n"
    done = nobody.run(public, *words)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"smally: cannot read .env: permission denied; {run}"
    dotenv.chmod(0o644)
    done = nobody.run(public, *words)
    assert (done.returncode, done.stdout) == (1, "")
    assert " failed: Permission denied " in done.stderr
    assert done.stderr.endswith(f"; {run}")
    assert done.stderr.count("\n") == 1


@pytest.mark.slow
def test_a_reader_who_leaves_is_no_error_but_for_a_key(
    smally: Smally, db_url: str, tmp_path: Path
) -> None:
    """A list ends silently; a key that nobody has read is to be revoked."""
    smally("user", "add", "ada@b")

    def run(*words: str, stdout: int) -> tuple[int, str]:
        done = subprocess.run(
            [PROGRAM, *words],
            cwd=tmp_path,
            env=surroundings() | {"DATABASE_URL": db_url},
            stdout=stdout,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
        return done.returncode, done.stderr

    reading, writing = os.pipe()
    os.close(reading)
    lost = "smally: the key could not be written; revoke it: smally key revoke {}\n"
    try:
        assert run("user", "list", stdout=writing) == (0, "")
        assert run("key", "add", "ada@b", stdout=writing) == (1, lost.format(1))
    finally:
        os.close(writing)
    full = os.open("/dev/full", os.O_WRONLY)
    try:
        assert run("user", "list", stdout=full) == (
            1,
            "smally: cannot write to stdout (no space left on device)\n",
        )
    finally:
        os.close(full)


def test_ctrl_c_ends_with_130(db: Connection, db_url: str, tmp_path: Path) -> None:
    """A command that waits for a lock is given up, on one line."""
    with psycopg.connect(db_url) as holder:
        holder.execute("LOCK users IN ACCESS EXCLUSIVE MODE")
        process = subprocess.Popen(
            [PROGRAM, "user", "add", "a@b"],
            cwd=tmp_path,
            env=surroundings() | {"DATABASE_URL": db_url},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        waiting = (
            "SELECT FROM pg_stat_activity"
            " WHERE wait_event_type = 'Lock' AND datname = current_database()"
        )
        while db.execute(waiting).fetchone() is None:
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        assert process.communicate() == ("", "smally: interrupted\n")
        assert process.returncode == 130


def test_help_and_version_import_nothing_heavy() -> None:
    """They answer at once: no driver, no web framework, no library of ours."""
    code = (
        "import sys; from smally.cli import parser; parser().format_help();"
        "print({'psycopg', 'litestar', 'sqlx', 'asyncio', 'numpy'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout == "set()\n"
