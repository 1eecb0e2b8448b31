"""What goes wrong on servers: each is told once, with its mend, and serving goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drill.releases import vary

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from drill.desk import Desk, Said
    from drill.reader import Reader

MIGRATIONS = "docs/migrations.md"
BROKEN = "20990101000000_broken.sql"
FIRST = "20250114000000_initial_schema.sql"
MIDDLE = "20250115000000_meters.sql"


def deploy_varied(desk: Desk, number: int, change: Callable[[Path], None]) -> Said:
    """Deploy a release that cannot start; the one before has to serve again."""
    before = desk.live()
    release = f"0.1.0+{number}.g0000000"
    vary(desk.clone, before, release, change)
    said = desk.deploy(fails=True)
    assert f"{release} did not become ready; {before} serves again" in said.text
    assert desk.live() == before
    assert desk.ready() == '{"status":"ready"} 200'
    return said


def test_a_migration_that_fails(
    desk: Desk, reader: Reader, figures: dict[str, str]
) -> None:
    """Place, SQLSTATE, state and mend stand once at the end of the journal."""

    def break_it(tree: Path) -> None:
        text = "CREATE TABLE half (id int);\nINSERT INTO half (nowhere) VALUES (1);\n"
        (tree / "migrations" / BROKEN).write_text(text)

    with desk.watching("/health/ready") as seen:
        said = deploy_varied(desk, 9001, break_it)
    figures["interruption by a migration that fails"] = str(seen[0])
    place = f"migrations/{BROKEN}:2:19"
    lines = desk.journal()
    (line,) = [line for line in lines if place in line]
    assert line == (
        f"[ERROR] {place}: while executing migration 20990101000000: "
        'column "nowhere" of relation "half" does not exist [42703]'
    )
    told = "\n".join(lines)
    assert told.count("state: rolled back, nothing of this migration is applied") == 1
    assert "Traceback" not in told
    assert place in said.text
    assert "half" not in desk.schema()
    reader.follow(MIGRATIONS, "A migration failed during deployment")


def test_an_applied_file_that_was_edited(desk: Desk) -> None:
    """The release is refused, and the file named."""

    def edit(tree: Path) -> None:
        with (tree / "migrations" / MIDDLE).open("a") as file:
            file.write("-- edited\n")

    said = deploy_varied(desk, 9002, edit)
    assert_told_once(desk, said, f"migrations/{MIDDLE}", "has been modified")


def test_an_applied_file_that_is_missing(desk: Desk) -> None:
    """The release is refused, and the version named."""

    def remove(tree: Path) -> None:
        (tree / "migrations" / FIRST).unlink()

    said = deploy_varied(desk, 9003, remove)
    assert_told_once(desk, said, "20250114000000", "is missing")


def test_a_password_that_does_not_fit(desk: Desk) -> None:
    """Said once and without the password; a deployment sets the right one again."""
    change = "ALTER ROLE smally PASSWORD 'another'"
    desk.must(f'cd / && sudo -u postgres psql --quiet --command="{change}"')
    said = desk.on_host("sudo systemctl restart smally; sudo journalctl -u smally -n 9")
    assert desk.on_host("systemctl is-failed smally").text == "failed\n"
    denied = 'password authentication failed for user "smally"'
    mend = "check the role, the password and the database in DATABASE_URL"
    assert_told_once(desk, said, "[ERROR]", denied, mend)
    desk.deploy(desk.live())
    assert desk.ready() == '{"status":"ready"} 200'


def test_postgresql_that_is_stopped(desk: Desk) -> None:
    """The service says so, waits for it, and goes on by itself when it is back."""
    units = "postgresql postgresql@15-main"
    desk.must(f"sudo systemctl mask --quiet --runtime {units}")
    desk.must(f"sudo systemctl stop {units}")
    assert '"detail":"the database does not answer"} 503' in desk.ready()
    desk.must("sudo systemctl restart --no-block smally")
    desk.wait_for("sudo journalctl -u smally -n 3 | grep 'waiting for the database'")
    assert "Traceback" not in "\n".join(desk.journal())
    desk.must(f"sudo systemctl unmask --quiet --runtime {units}")
    desk.must("sudo systemctl start postgresql smally")
    assert desk.ready() == '{"status":"ready"} 200'


def assert_told_once(desk: Desk, said: Said, *words: str) -> None:
    """The journal has one line with these words, and no traceback; they were said."""
    lines = desk.journal()
    found = [line for line in lines if all(word in line for word in words)]
    assert len(found) == 1, lines
    assert "Traceback" not in "\n".join(lines)
    assert [word for word in words if word not in said.text] == []
