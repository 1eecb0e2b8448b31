"""`scripts/init_db.sh`, as it is run in a clone and on a server."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from nobody import Nobody
from service import (
    MIGRATIONS,
    PATIENCE_SECONDS,
    PROGRAM,
    Smally,
    ask,
    free_port,
    surroundings,
)

import sqlx
from smally.auth.keys import hash_key, is_well_formed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from service import Connection

SCRIPT = Path(__file__).parent.parent / "scripts" / "init_db.sh"
ADA = "ada@example.org"
KEEP = "keep the key: nobody can show it again"
NOT_MIGRATED = "schema not migrated yet: start the service first"


class Clone:
    """A folder with the script, and the command where a clone has it.

    Args:
        root: The folder.
        venv: Where the virtual environment lies in it.
        program: The command that is in it.
    """

    def __init__(
        self, root: Path, venv: str = ".venv", program: Path = PROGRAM
    ) -> None:
        self.root = root
        (root / "scripts").mkdir(parents=True)
        self.script = shutil.copy(SCRIPT, root / "scripts")
        (root / venv / "bin").mkdir(parents=True)
        (root / venv / "bin" / "smally").symlink_to(program)

    def start(self, *words: str, **environ: str) -> subprocess.Popen[str]:
        """Start the script, from another folder."""
        return subprocess.Popen(
            [self.script, *words],
            cwd=self.root.parent,
            env=surroundings() | environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *words: str, **environ: str) -> tuple[int, str, str]:
        """Run the script to its end: exit code, stdout, stderr."""
        process = self.start(*words, **environ)
        out, err = process.communicate(timeout=PATIENCE_SECONDS)
        return process.returncode, out, err


@pytest.fixture
def clone(tmp_path: Path) -> Clone:
    """Make a clone whose folder has a name that has to be quoted."""
    return Clone(tmp_path / "it's a clone")


def key_in(out: str) -> str:
    """Take the key, which is all that there is."""
    key = out.removesuffix("\n")
    assert is_well_formed(key)
    return key


@pytest.mark.slow
def test_the_first_run_prints_a_key_and_later_ones_what_they_found(
    clone: Clone, db: Connection, db_url: str
) -> None:
    """One user and one key, whatever the tier becomes; `--new-key` makes one more."""
    code, out, err = clone.run(ADA, "free", DATABASE_URL=db_url)
    keys = [key_in(out)]
    assert (code, err) == (0, f"created {ADA}, role admin, tier free; {KEEP}\n")
    for email, tier, found in (
        (ADA, "free", "exists, tier free (unchanged)\n"),
        ("ADA@example.org", "scale", "exists, tier free -> scale\n"),
        (ADA, "scale", "exists, tier scale (unchanged)\n"),
    ):
        assert clone.run(email, tier, DATABASE_URL=db_url) == (0, found, "")
    code, out, err = clone.run(ADA, "pro", "--new-key", DATABASE_URL=db_url)
    keys.append(key_in(out))
    assert (code, err) == (0, f"exists, tier scale -> pro; {KEEP}\n")
    assert db.execute("SELECT id, email, role, tier FROM users").fetchall() == [
        (1, ADA, "admin", "pro")
    ]
    stored = db.execute(
        "SELECT user_id, name, key_hash FROM api_keys ORDER BY id"
    ).fetchall()
    assert stored == [(1, "init", hash_key(key)) for key in keys]


@pytest.mark.slow
def test_a_user_who_is_there_becomes_an_active_admin(
    clone: Clone, db: Connection, db_url: str
) -> None:
    """What is changed is said, and a user without a key gets the first one."""
    db.execute(f"INSERT INTO users (email, is_active) VALUES ('{ADA}', FALSE)")
    code, out, err = clone.run(ADA, "free", DATABASE_URL=db_url)
    key_in(out)
    found = "exists, role user -> admin, switched off -> on, tier free (unchanged)"
    assert (code, err) == (0, f"{found}; {KEEP}\n")
    db.execute("UPDATE api_keys SET revoked_at = now()")
    again = (0, "exists, tier free (unchanged)\n", "")
    assert clone.run(ADA, "free", DATABASE_URL=db_url) == again
    assert db.execute("SELECT email, role, is_active FROM users").fetchall() == [
        (ADA, "admin", True)
    ]


@pytest.mark.slow
@pytest.mark.parametrize(
    "email",
    [
        "o'hara+x@example.org",
        '"a b"@example.org',
        "$(touch x)`touch x`;*@b\\",
        "zoë@bücher.example",
        "-x@example.org",
        "--new-key@b",
    ],
)
def test_an_email_is_taken_as_it_is(
    clone: Clone, db: Connection, db_url: str, email: str
) -> None:
    """No shell reads it once more; after `--` it may begin with a dash."""
    code, out, err = clone.run("--", email, "free", DATABASE_URL=db_url)
    key_in(out)
    assert (code, err) == (0, f"created {email}, role admin, tier free; {KEEP}\n")
    assert db.execute("SELECT email FROM users").fetchall() == [(email,)]


@pytest.mark.slow
def test_twenty_at_once_print_one_key(
    clone: Clone, db: Connection, db_url: str
) -> None:
    """All exit with 0; the others found the user, and there is one key."""
    running = [clone.start(ADA, "scale", DATABASE_URL=db_url) for _ in range(20)]
    outs = [process.communicate()[0] for process in running]
    assert [process.returncode for process in running] == [0] * 20
    found = "exists, tier scale (unchanged)\n"
    (key,) = [out for out in outs if out != found]
    assert db.execute("SELECT key_hash FROM api_keys").fetchall() == [
        (hash_key(key_in(key)),)
    ]
    assert db.execute("SELECT email FROM users").fetchall() == [(ADA,)]


def test_an_unknown_tier_lists_the_known_ones(clone: Clone, db_url: str) -> None:
    """That is misuse, before the database is asked."""
    assert clone.run(ADA, "gold", DATABASE_URL=db_url) == (
        2,
        "",
        (
            "smally: argument TIER: unknown tier 'gold'; there are free, pro, scale; "
            "see: smally init --help\n"
        ),
    )
    code, out, err = clone.run(ADA, DATABASE_URL=db_url)
    assert (code, out) == (2, "")
    assert "the following arguments are required: TIER" in err


@pytest.mark.slow
@pytest.mark.sqlx(migrations=False)
def test_before_the_first_start_it_waits_with_a_bound(
    clone: Clone, db: Connection, db_url: str
) -> None:
    """It says what it waits for, and makes no tables."""
    assert clone.run(ADA, "free", "--wait-seconds", "0", DATABASE_URL=db_url) == (
        1,
        "",
        f"smally: {NOT_MIGRATED}\n",
    )
    assert clone.run(ADA, "free", "--wait-seconds", "1", DATABASE_URL=db_url) == (
        1,
        "",
        f"waiting, at most 1 s: {NOT_MIGRATED}\nsmally: {NOT_MIGRATED}\n",
    )
    tables = "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace"
    assert db.execute(tables).fetchall() == []
    address = f"postgresql://ada:hunter2@127.0.0.1:{free_port()}/smally"
    code, out, err = clone.run(ADA, "free", "--wait-seconds", "0", DATABASE_URL=address)
    assert (code, out) == (1, "")
    assert "Connection refused" in err
    assert "hunter2" not in err


@pytest.mark.slow
@pytest.mark.sqlx(migrations=False)
def test_it_goes_on_when_the_service_has_started(clone: Clone, db_url: str) -> None:
    """Whoever runs it too early waits, and then has the key."""
    process = clone.start(ADA, "free", DATABASE_URL=db_url)
    assert process.stderr is not None
    assert process.stderr.readline() == f"waiting, at most 30 s: {NOT_MIGRATED}\n"
    sqlx.Migrator(MIGRATIONS).run(db_url)
    out, err = process.communicate(timeout=PATIENCE_SECONDS)
    key_in(out)
    assert (process.returncode, err) == (
        0,
        f"created {ADA}, role admin, tier free; {KEEP}\n",
    )


@pytest.fixture
def service(clone: Clone) -> Iterator[Smally]:
    """Start the service in the clone, on its embedded PostgreSQL."""
    running = Smally(clone.root, {})
    yield running
    running.process.kill()
    running.process.wait()


@pytest.mark.slow
def test_the_embedded_database_of_a_clone_is_found_from_elsewhere(
    clone: Clone, service: Smally
) -> None:
    """The key opens the service's door; later the database is started if need be."""
    code, out, _ = clone.run(ADA, "scale")
    assert code == 0
    address = service.serving()
    status, _, users = ask(address, "GET", "/v1/users", key=key_in(out))
    assert (status, [user["email"] for user in users["users"]]) == (200, [ADA])
    assert service.end(signal.SIGTERM) == 0
    assert clone.run(ADA, "scale") == (0, "exists, tier scale (unchanged)\n", "")
    assert not (clone.root / ".postgres/data/postmaster.pid").exists()


def test_a_clone_without_its_database_is_left_as_it_is(clone: Clone) -> None:
    """No embedded PostgreSQL is made for a service that has never started."""
    before = sorted(path.name for path in clone.root.iterdir())
    assert clone.run(ADA, "scale", "--wait-seconds", "0") == (
        1,
        "",
        f"smally: {NOT_MIGRATED} (there is no .postgres in the working directory)\n",
    )
    assert sorted(path.name for path in clone.root.iterdir()) == before


@pytest.mark.slow
def test_on_a_server_it_takes_the_release_and_its_settings(
    tmp_path: Path, db_url: str
) -> None:
    """`venv` beside `scripts` and `.env` are the release's, through its link."""
    release = Clone(tmp_path / "releases" / "1.0.0", venv="venv")
    (release.root / ".env").write_text(f"DATABASE_URL={db_url}\n")
    (tmp_path / "smally-api").symlink_to(release.root)
    done = subprocess.run(
        ["./scripts/init_db.sh", ADA, "scale"],
        cwd=tmp_path / "smally-api",
        env=surroundings(),
        capture_output=True,
        text=True,
        check=True,
    )
    key_in(done.stdout)


def test_without_the_command_it_says_how_to_have_it(clone: Clone) -> None:
    """A fresh clone has no .venv yet."""
    shutil.rmtree(clone.root / ".venv")
    assert clone.run(ADA, "scale") == (
        1,
        "",
        (
            "init_db.sh: there is no smally command beside it; "
            "in a clone, run: make setup\n"
        ),
    )


def test_help_needs_nothing_and_names_every_option(clone: Clone) -> None:
    """It goes to stdout, and what the command has is in it."""
    shutil.rmtree(clone.root / ".venv")
    code, out, err = clone.run("--help")
    assert (code, err) == (0, "")
    done = subprocess.run(
        [PROGRAM, "init", "--help"], capture_output=True, text=True, check=True
    )
    options = set(re.findall(r"--[a-z-]+", done.stdout)) - {"--help"}
    assert options == {"--new-key", "--wait-seconds"}
    assert options <= set(re.findall(r"--[a-z-]+", out))


@pytest.mark.slow
def test_an_account_without_rights_is_told_whose_they_are(
    public: Path, db_url: str
) -> None:
    """The script's own name is in the advice, with the words as they were typed."""
    nobody = Nobody.at(public)
    clone = Clone(public / "clone", program=nobody.program)
    (clone.root / ".env").write_text(f"DATABASE_URL={db_url}\n")
    words = ("./scripts/init_db.sh", "o'hara@b", "scale", "--new-key")
    run = "run: sudo -u smally ./scripts/init_db.sh 'o'\"'\"'hara@b' scale --new-key\n"
    (clone.root / ".env").chmod(0o640)
    done = nobody.run(clone.root, *words)
    assert (done.returncode, done.stdout, done.stderr) == (
        1,
        "",
        f"smally: cannot read .env: permission denied; {run}",
    )
    (clone.root / ".env").chmod(0o644)
    done = nobody.run(clone.root, *words)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.endswith(f"; {run}")
    (clone.root / ".venv").rename(clone.root / "venv")
    (clone.root / "venv").chmod(0o700)
    done = nobody.run(clone.root, *words)
    assert (done.returncode, done.stdout, done.stderr) == (
        1,
        "",
        (
            f"init_db.sh: permission denied: {clone.root}/venv; "
            "run: sudo -u smally ./scripts/init_db.sh o\\'hara@b scale --new-key\n"
        ),
    )
