"""`migrate check --base`: what stands on a branch of git must stand here too."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from cli.conftest import Command

GIT = [
    "git",
    "-c",
    "user.name=a",
    "-c",
    "user.email=a@b",
    "-c",
    "init.defaultBranch=main",
    "-c",
    "commit.gpgSign=false",
    "-c",
    "core.autocrlf=false",
]
FINE = "all is as it should be\n"


@pytest.fixture
def migrations(here: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of three migrations, committed to `main`; the branch `topic` is out."""
    for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"):
        monkeypatch.delenv(name, raising=False)
    folder = here / "db" / "migrations"
    folder.mkdir(parents=True)
    (folder / "1_a.sql").write_text("CREATE TABLE a (x INT);\n")
    (folder / "2_b.up.sql").write_text("CREATE TABLE b (x INT);\n")
    (folder / "2_b.down.sql").write_text("DROP TABLE b;\n")
    git("init", "-q")
    commit("three")
    git("checkout", "-q", "-b", "topic")
    return folder


def git(*words: str) -> str:
    """Run git in the working directory."""
    done = subprocess.run([*GIT, *words], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def commit(message: str) -> str:
    """Commit all there is; return the first 12 digits of the commit."""
    git("add", "-A")
    git("commit", "-q", "--allow-empty", "-m", message)
    return git("rev-parse", "HEAD")[:12]


def check(sqlx: Command, base: str = "main") -> tuple[int, str, str]:
    """Check the files against a base, without a database."""
    result = sqlx(
        "migrate", "check", "--offline", f"--base={base}", "--source=db/migrations"
    )
    return result.code, result.out, result.err


@pytest.mark.usefixtures("migrations")
def test_an_unchanged_branch_is_fine(sqlx: Command) -> None:
    """The files of the base, as they are there, are no finding."""
    assert check(sqlx) == (0, "", FINE)


def test_a_new_migration_is_fine(sqlx: Command, migrations: Path) -> None:
    """A file that is newer than all of the base is what a branch is for."""
    (migrations / "3_c.sql").write_text("CREATE TABLE c (x INT);\n")
    assert check(sqlx) == (0, "", FINE)


def test_a_changed_migration_is_an_error(sqlx: Command, migrations: Path) -> None:
    """A file whose checksum is not that of the base is named, with the way back."""
    fork = git("rev-parse", "HEAD")[:12]
    (migrations / "1_a.sql").write_text("CREATE TABLE a (x BIGINT);\n")
    assert check(sqlx) == (
        1,
        (
            "db/migrations/1_a.sql: error: migration 1 stands on main and has been "
            f"modified here; restore it: git checkout {fork} -- db/migrations/1_a.sql, "
            "or put the change in a new migration [changed-since-base]\n"
        ),
        "1 error\n",
    )


def test_a_committed_change_is_an_error(sqlx: Command, migrations: Path) -> None:
    """Whether a change is committed on the branch makes no difference."""
    (migrations / "2_b.up.sql").write_text("CREATE TABLE b (x BIGINT);\n")
    commit("changed")
    code, out, _ = check(sqlx)
    assert code == 1
    assert out.endswith("[changed-since-base]\n")


def test_a_vanished_migration_is_an_error(sqlx: Command, migrations: Path) -> None:
    """A version that the base has and this branch has not is named."""
    fork = git("rev-parse", "HEAD")[:12]
    (migrations / "1_a.sql").unlink()
    assert check(sqlx) == (
        1,
        (
            "db/migrations/1_a.sql: error: migration 1 stands on main and is gone "
            f"here; restore it: git checkout {fork} -- db/migrations/1_a.sql "
            "[missing-since-base]\n"
        ),
        "1 error\n",
    )


def test_a_renamed_migration_is_fine(sqlx: Command, migrations: Path) -> None:
    """Version and checksum count; a database remembers no more of the name."""
    (migrations / "1_a.sql").rename(migrations / "0001_other.sql")
    assert check(sqlx) == (0, "", FINE)


def test_a_changed_down_file_is_fine(sqlx: Command, migrations: Path) -> None:
    """No checksum of a down file is ever stored, so it may be mended."""
    (migrations / "2_b.down.sql").write_text("DROP TABLE IF EXISTS b;\n")
    assert check(sqlx) == (0, "", FINE)


def test_what_the_base_got_later_has_not_vanished(
    sqlx: Command, migrations: Path
) -> None:
    """The comparison is with the commit at which the branch left its base."""
    git("checkout", "-q", "main")
    (migrations / "3_c.sql").write_text("CREATE TABLE c (x INT);\n")
    commit("three more")
    git("checkout", "-q", "topic")
    assert check(sqlx) == (0, "", FINE)


def test_without_a_common_ancestor_the_base_itself_counts(
    sqlx: Command, migrations: Path
) -> None:
    """A shallow clone, where the fork is not known, still finds a change."""
    git("checkout", "-q", "--orphan", "alone")
    commit("anew")
    assert check(sqlx) == (0, "", FINE)
    (migrations / "1_a.sql").write_text("CREATE TABLE a (x BIGINT);\n")
    assert check(sqlx)[0] == 1


def test_an_older_migration_is_a_warning(sqlx: Command, migrations: Path) -> None:
    """A file that is new and older than the base's newest would be applied late."""
    (migrations / "0_z.sql").write_text("CREATE TABLE z (x INT);\n")
    assert check(sqlx) == (
        0,
        (
            "db/migrations/0_z.sql: warning: migration 0 is new and older than 2, the "
            "newest on main: a database that has that one applies this one after it; "
            "give it a newer version [older-than-base]\n"
        ),
        "1 warning\n",
    )


def test_line_endings_that_git_writes_are_no_change(
    sqlx: Command, migrations: Path
) -> None:
    """What git would check out here counts, not how it keeps a file."""
    (migrations.parents[1] / ".gitattributes").write_text("*.sql text eol=crlf\n")
    (migrations / "1_a.sql").write_bytes(b"CREATE TABLE a (x INT);\r\n")
    assert check(sqlx) == (0, "", FINE)


def test_an_ignored_character_is_no_change(sqlx: Command, migrations: Path) -> None:
    """`ignored-chars` of sqlx.toml hold for both sides."""
    (migrations.parents[1] / "sqlx.toml").write_text(
        '[migrate]\nignored-chars = ["\\r"]\n'
    )
    (migrations / "1_a.sql").write_bytes(b"CREATE TABLE a (x INT);\r\n")
    code, out, _ = check(sqlx)
    assert (code, out) == (0, "")


def test_what_is_no_migration_on_the_base_is_passed_over(
    sqlx: Command, migrations: Path
) -> None:
    """A bad name, bytes that are no text, a link and a folder are not compared."""
    git("checkout", "-q", "main")
    (migrations / "a_b.sql").write_text("")
    (migrations / "README.md").write_text("")
    (migrations / "8_link.sql").symlink_to("1_a.sql")
    (migrations / "7_latin.sql").write_bytes(b"-- \xff\n")
    (migrations / "9_folder.sql").mkdir()
    (migrations / "9_folder.sql" / "x").write_text("")
    commit("more")
    git("checkout", "-q", "-b", "later")
    (migrations / "a_b.sql").unlink()
    (migrations / "8_link.sql").unlink()
    (migrations / "7_latin.sql").unlink()
    assert check(sqlx) == (0, "", FINE)


@pytest.mark.usefixtures("migrations")
@pytest.mark.parametrize("base", ["nope", "--output=x", "main:db", ""])
def test_an_unknown_base_is_misuse(sqlx: Command, here: Path, base: str) -> None:
    """What git knows no commit by ends with 2, and is never taken for an option."""
    assert check(sqlx, base) == (
        2,
        "",
        (
            f"error: --base: git knows no commit {base!r} here; name another, or fetch "
            "it first (a workflow's checkout has one branch unless told)\n"
        ),
    )
    assert not (here / "db" / "migrations" / "x").exists()


def test_outside_a_work_tree_git_says_so(sqlx: Command, here: Path) -> None:
    """Git's own words are told, when there is no repository."""
    (here / "db" / "migrations").mkdir(parents=True)
    assert check(sqlx) == (
        2,
        "",
        (
            "error: --base: git rev-parse failed: fatal: not a git repository (or any "
            "of the parent directories): .git\n"
        ),
    )


@pytest.mark.usefixtures("migrations")
def test_without_git_it_is_said(
    sqlx: Command, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A missing git is misuse of --base, not a crash."""
    monkeypatch.setenv("PATH", str(here))
    assert check(sqlx) == (
        2,
        "",
        (
            "error: --base asks git, and there is no `git` on the PATH; install it, or "
            "leave --base away\n"
        ),
    )
