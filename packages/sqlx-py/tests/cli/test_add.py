"""`migrate add`: the facts of SQLx's own tests (`sqlx-cli/tests/add.rs`), and more."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from cli.conftest import Command

SIMPLE = "-- Add migration script here\n"
UP = "-- Add up migration script here\n"
DOWN = "-- Add down migration script here\n"
STAMP = re.compile(r"\d{14}")


def names(here: Path) -> list[str]:
    """List the files in the usual folder."""
    return sorted(path.name for path in (here / "migrations").iterdir())


def shapes(here: Path) -> list[str]:
    """List the files, with `T` for a timestamp."""
    return [STAMP.sub("T", name) for name in names(here)]


def versions(here: Path) -> list[int]:
    """List the different versions of the files, ascending."""
    return sorted({int(name.partition("_")[0]) for name in names(here)})


def configure(here: Path, text: str) -> None:
    """Write `sqlx.toml`'s defaults for new migrations."""
    (here / "sqlx.toml").write_text(f"[migrate.defaults]\n{text}\n")


@pytest.mark.parametrize("reversible", [[], ["-r"]])
def test_two_kinds_of_version_are_refused(
    sqlx: Command, here: Path, reversible: list[str]
) -> None:
    """`--timestamp --sequential` fails and creates nothing, also with `-r`."""
    result = sqlx("migrate", "add", "x", "--timestamp", "--sequential", *reversible)
    assert result.code == 2
    assert not (here / "migrations").exists()


def test_a_simple_timestamp_is_the_default(sqlx: Command, here: Path) -> None:
    """The first migration is simple, and its version is the time in UTC."""
    result = sqlx("migrate", "add", "hello world")
    (name,) = names(here)
    assert STAMP.sub("T", name) == "T_hello_world.sql"
    assert (here / "migrations" / name).read_bytes() == SIMPLE.encode()
    assert (result.code, result.out, result.err) == (
        0,
        f"Creating migrations/{name}\n",
        "",
    )


def test_a_reversible_migration_is_a_pair(sqlx: Command, here: Path) -> None:
    """`-r` writes up, then down, with one version."""
    result = sqlx("mig", "add", "-r", "a b_c")
    up, down = sorted(names(here), reverse=True)
    assert result.out == f"Creating migrations/{up}\nCreating migrations/{down}\n"
    assert shapes(here) == ["T_a_b_c.down.sql", "T_a_b_c.up.sql"]
    assert len(versions(here)) == 1
    assert (here / "migrations" / up).read_text() == UP
    assert (here / "migrations" / down).read_text() == DOWN


def test_sequential(sqlx: Command, here: Path) -> None:
    """`-s` gives 1; then `-s -r` gives the pair 2: the flag beats the existing type."""
    sqlx("migrate", "add", "hello", "-s")
    assert names(here) == ["0001_hello.sql"]
    sqlx("migrate", "add", "hello", "-s", "-r")
    assert names(here) == [
        "0001_hello.sql",
        "0002_hello.down.sql",
        "0002_hello.up.sql",
    ]


def test_sequential_reversible(sqlx: Command, here: Path) -> None:
    """`-r -s` gives 1; `-r -t` a timestamp; then `-r -s` the timestamp plus 1."""
    for words in (["-r", "-s"], ["-r", "-t"], ["-r", "-s"]):
        assert sqlx("migrate", "add", "hello", *words).code == 0
    first, second, third = versions(here)
    assert (first, third) == (1, second + 1)
    assert len(str(second)) == 14
    assert len(names(here)) == 6


def test_timestamp(sqlx: Command, here: Path) -> None:
    """`-t` gives a timestamp; then `-r -s` continues from it."""
    sqlx("migrate", "add", "hello", "-t")
    sqlx("migrate", "add", "hello", "-r", "-s")
    first, second = versions(here)
    assert second == first + 1
    assert len(names(here)) == 3


def test_timestamp_reversible(sqlx: Command, here: Path) -> None:
    """`-r` and `-r -t` give timestamps; then `-s` alone gives a pair, plus 1."""
    for words in (["-r"], ["-r", "-t"], ["-s"]):
        assert sqlx("migrate", "add", "hello", *words).code == 0
    first, second, third = versions(here)
    assert first < second
    assert third == second + 1
    assert shapes(here) == ["T_hello.down.sql", "T_hello.up.sql"] * 3


def test_the_default_type_is_configured(sqlx: Command, here: Path) -> None:
    """`migration-type = "reversible"` holds until a flag says otherwise."""
    configure(here, 'migration-type = "reversible"')
    result = sqlx("migrate", "add", "hello", "-s")
    assert result.err == "Found `sqlx.toml` in current directory; reading...\n"
    sqlx("migrate", "add", "hello", "-s", "--simple")
    sqlx("migrate", "add", "hello", "-s")
    assert names(here) == [
        "0001_hello.down.sql",
        "0001_hello.up.sql",
        "0002_hello.sql",
        "0003_hello.down.sql",
        "0003_hello.up.sql",
    ]


def test_the_default_version_is_configured_sequential(
    sqlx: Command, here: Path
) -> None:
    """`migration-versioning = "sequential"`: three adds give 1, 2, 3."""
    configure(here, 'migration-versioning = "sequential"')
    for _ in range(3):
        assert sqlx("migrate", "add", "hello").code == 0
    assert versions(here) == [1, 2, 3]


def test_the_default_version_is_configured_timestamp(sqlx: Command, here: Path) -> None:
    """What looks sequential goes on so, until the configuration says timestamp."""
    sqlx("migrate", "add", "hello", "-s")
    for _ in range(2):
        sqlx("migrate", "add", "hello")
    assert versions(here) == [1, 2, 3]
    configure(here, 'migration-versioning = "timestamp"')
    for _ in range(2):
        sqlx("migrate", "add", "hello")
    assert versions(here)[:3] == [1, 2, 3]
    assert shapes(here)[3:] == ["T_hello.sql"] * 2


def test_a_reversible_sequence_is_not_inferred(sqlx: Command, here: Path) -> None:
    """As in SQLx 0.9: two files of one version never look sequential."""
    sqlx("migrate", "add", "hello", "-s", "-r")
    sqlx("migrate", "add", "hello")
    assert shapes(here) == [
        "0001_hello.down.sql",
        "0001_hello.up.sql",
        "T_hello.down.sql",
        "T_hello.up.sql",
    ]


def test_the_newest_file_decides_the_type(sqlx: Command, here: Path) -> None:
    """After a simple file comes a simple one, whatever came before it."""
    sqlx("migrate", "add", "hello", "-s", "-r")
    sqlx("migrate", "add", "hello", "-s", "--simple")
    sqlx("migrate", "add", "hello", "-s")
    assert names(here)[2:] == ["0002_hello.sql", "0003_hello.sql"]


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ("db/migrations", "db/migrations/0001_x.sql"),
        ("db/migrations/", "db/migrations/0001_x.sql"),
        ("./db", "./db/0001_x.sql"),
        (".", "./0001_x.sql"),
    ],
)
def test_the_source_is_created(
    sqlx: Command, here: Path, source: str, shown: str
) -> None:
    """`--source` is made with its parents, and shown as it was given."""
    result = sqlx("migrate", "add", "--source", source, "-s", "x")
    assert (result.code, result.out) == (0, f"Creating {shown}\n")
    assert (here / shown).read_text() == SIMPLE


def test_the_configured_directory_is_used(sqlx: Command, here: Path) -> None:
    """`migrations-dir` of sqlx.toml, from --config too, holds without `--source`."""
    (here / "other.toml").write_text('[migrate]\nmigrations-dir = "db"\n')
    result = sqlx("migrate", "add", "--config=other.toml", "-s", "x")
    assert (result.out, result.err) == ("Creating db/0001_x.sql\n", "")
    result = sqlx("migrate", "add", "--config=/dev/null", "-s", "x")
    assert result.out == "Creating migrations/0001_x.sql\n"


def test_two_in_one_second_get_two_versions(sqlx: Command, here: Path) -> None:
    """SQLx would give both the same timestamp, which no run survives."""
    for name in ("a", "b", "c"):
        sqlx("migrate", "add", name)
    assert len(versions(here)) == 3
    assert shapes(here) == ["T_a.sql", "T_b.sql", "T_c.sql"]


def test_an_empty_description_is_sqlx_s(sqlx: Command, here: Path) -> None:
    """An empty description is taken, as SQLx takes it."""
    sqlx("migrate", "add", "-s", "")
    assert names(here) == ["0001_.sql"]


@pytest.mark.parametrize("description", ["a/b", "../x", "a\\b", "x.sql", "x.up", "\0"])
def test_a_description_that_is_no_file_name_is_refused(
    sqlx: Command, here: Path, description: str
) -> None:
    """What would lie in another folder, or read back as something else, is misuse."""
    result = sqlx("migrate", "add", "-s", description)
    assert result.code == 2
    assert result.err.startswith("error: ")
    assert " cannot be the description of a migration: " in result.err
    assert names(here) == []


def test_one_bad_name_stops_it(sqlx: Command, here: Path) -> None:
    """The files that are there are resolved first, as in SQLx."""
    (here / "migrations").mkdir()
    (here / "migrations" / "foo_bar.sql").touch()
    result = sqlx("migrate", "add", "x")
    assert result.code == 1
    assert result.err.startswith(
        "error: while resolving migrations: error parsing migration filename "
        '"foo_bar.sql"; expected integer version prefix (e.g. `01_foo.sql`)'
    )


def test_a_file_where_the_folder_should_be(sqlx: Command, here: Path) -> None:
    """The folder cannot be made: SQLx's words, and the reason."""
    (here / "migrations").touch()
    result = sqlx("migrate", "add", "x")
    assert (result.code, result.out) == (1, "")
    assert result.err == (
        "error: Unable to create migrations directory: migrations: File exists\n"
    )


def test_a_name_that_the_file_system_refuses(sqlx: Command, here: Path) -> None:
    """SQLx's words, the path, and the reason."""
    result = sqlx("migrate", "add", "-s", "x" * 300)
    path = f"migrations/0001_{'x' * 300}.sql"
    assert (result.code, result.out) == (1, f"Creating {path}\n")
    assert result.err == (
        f"error: Failed to create migration file: {path}: File name too long\n"
    )
    assert names(here) == []


def test_the_path_is_coloured(sqlx: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """`CLICOLOR_FORCE` colours the path as SQLx does."""
    monkeypatch.setenv("CLICOLOR_FORCE", "1")
    result = sqlx("migrate", "add", "-s", "x")
    assert result.out == "Creating \033[36mmigrations/0001_x.sql\033[0m\n"
