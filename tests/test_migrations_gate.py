"""The gate's step on migrations: what has landed stays, and what is new goes back."""

from __future__ import annotations

import os
import runpy
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.sqlx(migrations=False)  # The script applies its own.
ROOT = Path(__file__).parent.parent
SCRIPT = ROOT / "scripts/migrations-check"
IDENTITY = {
    f"GIT_{who}_{what}": "ada@example.org"
    for who in ("AUTHOR", "COMMITTER")
    for what in ("NAME", "EMAIL")
}
NOT_OURS = ("GIT_", "GITHUB_", "CHECK_", "PG")
MAKES_A_VIEW_WHEN_THERE_ARE_PETS = """\
DO $$ BEGIN
    IF EXISTS (SELECT FROM pets) THEN CREATE VIEW cats AS SELECT name FROM pets; END IF;
END $$;
INSERT INTO pets VALUES ('Tom');
"""
FINE = "all is as it should be\n"


class Checkout:
    """A repository with two migrations on `main`, and its copy of the script."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        inherited = {k: v for k, v in os.environ.items() if not k.startswith(NOT_OURS)}
        self.environ = inherited | IDENTITY
        (folder / "scripts").mkdir()
        shutil.copy(SCRIPT, folder / "scripts")
        (folder / "migrations").mkdir()
        self.git("init", "--quiet", "--initial-branch=main")
        self.commit(("1_pets.sql", "CREATE TABLE pets (name text);\n"))
        self.commit(("2_age.sql", "ALTER TABLE pets ADD COLUMN age integer;\n"))

    def git(self, *words: str) -> str:
        """Run git here."""
        return self.run("git", *words, ok=True).strip()

    def write(self, *files: tuple[str, str]) -> None:
        """Write migrations."""
        for name, text in files:
            (self.folder / "migrations" / name).write_text(text)

    def commit(self, *files: tuple[str, str]) -> None:
        """Write migrations, and commit all there is."""
        self.write(*files)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message=more")

    def check(self, **environ: str) -> tuple[int, str]:
        """Run the step; give its exit code, and all that it prints."""
        done = subprocess.run(
            [sys.executable, self.folder / "scripts/migrations-check"],
            env=self.environ | environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout

    def run(self, *command: str, ok: bool) -> str:
        """Run a program here."""
        return subprocess.run(
            command,
            cwd=self.folder,
            env=self.environ,
            stdout=subprocess.PIPE,
            text=True,
            check=ok,
        ).stdout


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Checkout:
    """Make a checkout of its own; git is needed."""
    if shutil.which("git") is None:
        if os.environ.get("CI") == "true":
            pytest.fail("git is missing")
        pytest.skip("needs git")
    monkeypatch.chdir(tmp_path)
    return Checkout(tmp_path)


@pytest.fixture
def try_each(db_url: str) -> Callable[[set[int]], None]:
    """Give the script's second half, on an empty database."""
    script = runpy.run_path(str(SCRIPT))

    def call(versions: set[int]) -> None:
        script["try_each"](versions, db_url)

    return call


def edited(reference: str, fork: str) -> tuple[int, str]:
    """Say what the step does when the first migration was edited."""
    return 1, (
        f"migrations/1_pets.sql: error: migration 1 stands on {reference} and has been "
        f"modified here; restore it: git checkout {fork[:12]} -- migrations/1_pets.sql,"
        " or put the change in a new migration [changed-since-base]\n1 error\n"
    )


def test_a_branch_without_migrations_of_its_own_is_fine(checkout: Checkout) -> None:
    """Nothing is started when there is nothing to try."""
    checkout.git("checkout", "--quiet", "-b", "topic")
    (checkout.folder / "README.md").touch()
    checkout.git("add", "--all")
    checkout.git("commit", "--quiet", "--message=words")
    expected = FINE + "migrations: none that main does not have\n"
    assert checkout.check() == (0, expected)


@pytest.mark.slow
def test_an_edited_migration_of_the_base_fails(checkout: Checkout) -> None:
    """Whether it is committed on the branch or not; the file and the mend are named."""
    fork = checkout.git("rev-parse", "HEAD")
    checkout.git("checkout", "--quiet", "-b", "topic")
    checkout.write(("1_pets.sql", "CREATE TABLE pets (name varchar);\n"))
    assert checkout.check() == edited("main", fork)
    checkout.commit()
    assert checkout.check() == edited("main", fork)


@pytest.mark.slow
def test_a_migration_of_the_base_that_is_gone_fails(checkout: Checkout) -> None:
    """A database that has it could not be migrated any more."""
    fork = checkout.git("rev-parse", "--short=12", "HEAD")
    checkout.git("checkout", "--quiet", "-b", "topic")
    (checkout.folder / "migrations/2_age.sql").unlink()
    checkout.commit()
    gone = (
        "migrations/2_age.sql: error: migration 2 stands on main and is gone here; "
        f"restore it: git checkout {fork} -- migrations/2_age.sql "
        "[missing-since-base]\n1 error\n"
    )
    assert checkout.check() == (1, gone)


@pytest.mark.slow
def test_on_the_base_itself_an_edit_fails_before_and_after_it_is_committed(
    checkout: Checkout,
) -> None:
    """The work tree is compared with HEAD, and HEAD with the commit before it."""
    head = checkout.git("rev-parse", "HEAD")
    checkout.write(("1_pets.sql", "CREATE TABLE pets (name varchar);\n"))
    assert checkout.check() == edited("main", head)
    checkout.commit()
    code, printed = checkout.check()
    assert (code, printed) == (1, FINE + edited("HEAD^", head)[1])


@pytest.mark.slow
def test_the_base_can_be_given(checkout: Checkout) -> None:
    """By CHECK_BASE, or by the pull request that a workflow of GitHub runs for."""
    first = checkout.git("rev-parse", "HEAD^")
    checkout.write(("1_pets.sql", "CREATE TABLE pets (name varchar);\n"))
    assert checkout.check(CHECK_BASE=first) == edited(first, first)
    checkout.git("update-ref", "refs/remotes/origin/next", first)
    assert checkout.check(GITHUB_BASE_REF="next") == edited("origin/next", first)


@pytest.mark.slow
def test_a_base_that_is_not_there_fails_and_none_at_all_is_told(
    checkout: Checkout,
) -> None:
    """What was asked for is not skipped."""
    code, printed = checkout.check(CHECK_BASE="nowhere")
    assert code == 1
    assert "git knows no commit 'nowhere' here" in printed
    checkout.git("branch", "--quiet", "--move", "work")
    skipped = "migrations: skipped: no git, or no commit to compare with\n"
    assert checkout.check() == (0, skipped)
    assert checkout.check(PATH="") == (0, skipped)
    code, printed = checkout.check(PATH="", CHECK_BASE="work")
    assert code == 1
    assert "there is no `git` on the PATH" in printed


@pytest.mark.slow
def test_what_is_new_is_tried_on_a_scratch_database(checkout: Checkout) -> None:
    """Committed or not: up, down and up with a down file, and up alone without."""
    checkout.git("checkout", "--quiet", "-b", "topic")
    checkout.commit(("3_toys.sql", "CREATE TABLE toys (name text);\n"))
    checkout.write(
        ("4_owner.sql", "ALTER TABLE pets ADD COLUMN owner text;\n"),
        ("4_owner.down.sql", "ALTER TABLE pets DROP COLUMN owner;\n"),
    )
    tried = (
        "migrations/3_toys.sql: applied; it has no down file, so its way back is a new "
        "migration\n"
        "migrations/4_owner.sql: applied, reverted and applied again\n"
    )
    checkout.write(("5_broken.sql", "CREATE TABLE broken (id nonsense);\n"))
    refused = (
        "migrations/5_broken.sql:1:25: while executing migration 5: "
        'type "nonsense" does not exist [42704]\n'
        "  CREATE TABLE broken (id nonsense);\n"
        "                          ^\n"
        "state: rolled back, nothing of this migration is applied; mend it and run "
        "again\n"
    )
    assert checkout.check() == (1, FINE + tried + refused)


@pytest.mark.slow
def test_a_down_file_that_leaves_something_behind_fails(
    checkout: Checkout, try_each: Callable[[set[int]], None]
) -> None:
    """The message has both files and the lines that differ."""
    checkout.write(
        ("3_owner.sql", "ALTER TABLE pets ADD owner text;\nCREATE VIEW v AS SELECT 1;"),
        ("3_owner.down.sql", "ALTER TABLE pets DROP COLUMN owner;\n"),
    )
    with pytest.raises(Exception, match=r"^migrations/") as raised:
        try_each({3})
    lines = str(raised.value).splitlines()
    assert lines[0] == (
        "migrations/3_owner.down.sql: error: it does not bring back the schema that "
        "was there before migrations/3_owner.sql; mend the down file"
    )
    assert "+CREATE VIEW public.v AS" in lines


@pytest.mark.slow
def test_a_migration_that_makes_another_schema_the_second_time_fails(
    checkout: Checkout, try_each: Callable[[set[int]], None]
) -> None:
    """Here it looks at rows that the down file has left."""
    checkout.write(
        ("3_cat.sql", MAKES_A_VIEW_WHEN_THERE_ARE_PETS),
        ("3_cat.down.sql", "DROP VIEW IF EXISTS cats;\n"),
    )
    with pytest.raises(Exception, match=r"^migrations/") as raised:
        try_each({3})
    lines = str(raised.value).splitlines()
    assert lines[0] == (
        "migrations/3_cat.sql: error: after migrations/3_cat.down.sql it makes another "
        "schema than at first; mend either"
    )
    assert "+CREATE VIEW public.cats AS" in lines


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "SELECT 1;\nCOMMIT;\nSELECT 2;\n",
            (
                "migrations/3_x.sql:2: error: COMMIT ends or begins a transaction, so "
                "the migration and its history row are not one unit; remove it (a "
                "migration runs in a transaction), or begin the file with "
                "-- no-transaction"
            ),
        ),
        (
            "SELECT 1;\n" * 101,
            (
                "migrations/3_x.sql: error: 101 lines, and at most 100 are taken; make "
                "several of it, a change a file"
            ),
        ),
    ],
)
def test_a_migration_that_is_no_unit_or_is_too_long_fails(
    checkout: Checkout, try_each: Callable[[set[int]], None], text: str, message: str
) -> None:
    """Before it lands it can still be mended, and afterwards it never is."""
    checkout.write(("3_x.sql", text))
    with pytest.raises(Exception, match=r"^migrations/") as raised:
        try_each({3})
    assert str(raised.value) == message


@pytest.mark.slow
def test_the_order_of_columns_and_the_history_are_no_difference(
    checkout: Checkout,
    try_each: Callable[[set[int]], None],
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A column that a down file brings back stands last; marks have a table."""
    checkout.write(
        ("3_drop.sql", "-- sqlx: compatible\nALTER TABLE pets DROP COLUMN name;\n"),
        ("3_drop.down.sql", "ALTER TABLE pets ADD COLUMN name text;\n"),
    )
    try_each({3})
    assert capsys.readouterr().out == (
        "migrations/3_drop.sql: applied, reverted and applied again\n"
    )


def test_the_gate_has_the_step() -> None:
    """`scripts/check` runs it with the others."""
    steps = runpy.run_path(str(ROOT / "scripts/check"))["static_steps"]()
    assert steps["migrations"][1] == "scripts/migrations-check"
