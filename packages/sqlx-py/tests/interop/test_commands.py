"""`migrate add` and `database …`: the same lines, files and databases."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from interop import tools
from interop.tools import STAMP

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from interop.places import Place
    from interop.tools import Said, Tool
    from mysql_server import Server as MysqlServer

    from sqlx.embedded import Server

ADDED = {
    "nothing there": ("add|one",),
    "sequential": ("add|-s|one", "add|two words", "add|-s|three", "add|--simple|four"),
    "reversible": ("add|-r|-s|one", "add|-s|two", "add|three"),
    "mixed": ("add|-s|one", "add|-r|-s|two", "add|-s|three", "add|--simple|-s|four"),
    "timestamps": ("add|-t|-r|one", "add|--timestamp|--simple|two"),
    "another directory": ("add|--source|some/where/|-s|one",),
    "odd names": ("add|-s|it's é", "add|-s|", "add|-s|a_b  c"),
    "both versionings": ("add|--timestamp|--sequential|one",),
    "both kinds": ("add|--simple|--reversible|one",),
    "no description": ("add",),
}
DATABASES = (
    "create",
    "create",
    "drop -y",
    "drop -y",
    "setup",
    "setup",
    "reset -y",
    "drop -y",
)


@pytest.mark.parametrize("name", ADDED)
def test_add_prints_and_writes_what_rust_does(name: str, tmp_path: Path) -> None:
    """Every file has Rust's name and content, and is announced by Rust's line."""
    rust = list(played(tools.rust("0.9.0"), ADDED[name], tmp_path / "rust"))
    ours = list(played(tools.ours(), ADDED[name], tmp_path / "ours"))
    assert ours == rust
    assert files(tmp_path / "ours") == files(tmp_path / "rust")


def played(tool: Tool, commands: tuple[str, ...], folder: Path) -> Iterator[str]:
    """Carry commands out; what an error says is left out, but that there is one."""
    folder.mkdir()
    for words in commands:
        said = tool("migrate", *words.split("|"), folder=folder, variables={})
        yield "\n".join([words, *heard(said)])


def heard(said: Said) -> list[str]:
    """The lines on stdout but an error's, and how it ended."""
    lines = STAMP.sub("YYYYMMDDHHMMSS", said.out).splitlines()
    kept = [line for line in lines if not line.startswith("error: ")]
    return [*kept, f"exit {said.code}"]


def files(folder: Path) -> dict[str, bytes]:
    """All files below a folder."""
    found = (path for path in folder.rglob("*") if path.is_file())
    return {
        STAMP.sub("YYYYMMDDHHMMSS", path.relative_to(folder).as_posix()): (
            path.read_bytes()
        )
        for path in found
    }


def test_add_refuses_a_description_that_is_a_path(tmp_path: Path) -> None:
    """Rust announces a file in a folder that is not there, and fails; ours refuses."""
    rust = list(played(tools.rust("0.9.0"), ("add|-s|a/b",), tmp_path / "rust"))
    ours = list(played(tools.ours(), ("add|-s|a/b",), tmp_path / "ours"))
    assert rust == ["add|-s|a/b\nCreating migrations/0001_a/b.sql\nexit 1"]
    assert ours == ["add|-s|a/b\nexit 2"]
    assert files(tmp_path / "ours") == files(tmp_path / "rust") == {}


@pytest.mark.parametrize("version", tools.VERSIONS)
@pytest.mark.parametrize("kind", ["postgres", "sqlite", "mysql"])
def test_database_commands_do_and_print_what_rust_does(
    kind: str, version: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    """Create, drop, setup and reset: quiet but for the lines of the migrations."""

    def url(name: str) -> str:
        if kind == "mysql":
            mariadb: MysqlServer = request.getfixturevalue("mariadb")
            return mariadb.url(name)
        if kind == "postgres":
            postgres: Server = request.getfixturevalue("postgres")
            words = "host={host}&port={port}&user={user}".format(**postgres.keywords())
            return f"postgres:///{name}?{words}"
        return "sqlite://one.db"

    def lines(tool: Tool) -> list[str]:
        folder = tmp_path / tool.name
        (folder / "migrations").mkdir(parents=True)
        (folder / "migrations" / "1_one.sql").write_text("CREATE TABLE one (id BIGINT)")
        name = "made_ours" if tool.name == "ours" else "made_rust"
        variables = {"DATABASE_URL": url(name)}
        found = []
        for words in DATABASES:
            said = tool("database", *words.split(), folder=folder, variables=variables)
            there = (folder / "one.db").exists()
            found += [f"$ {words} {there}", str(said)]
        return found

    assert lines(tools.ours()) == lines(tools.rust(version))


@pytest.mark.parametrize("kind", ["postgres", "sqlite", "mysql"])
def test_only_rust_makes_the_table_when_it_reads(
    kind: str, new_place: Callable[[str], Place], tmp_path: Path
) -> None:
    """A rule of differences.py: `info` and `--dry-run` change nothing in ours."""
    (tmp_path / "migrations").mkdir()
    (tmp_path / "migrations" / "1_one.sql").write_text("CREATE TABLE one (id BIGINT)")
    for words in ("info", "run --dry-run"):
        for tool, made in ((tools.ours(), False), (tools.rust("0.9.0"), True)):
            place = new_place(kind)
            variables = {"DATABASE_URL": place.url}
            said = tool("migrate", *words.split(), folder=tmp_path, variables=variables)
            assert said.code == 0
            assert place.has_history() is made, f"{tool.name}: {words}"


def test_a_drop_without_a_terminal_asks_nobody(tmp_path: Path) -> None:
    """Rust panics with 101; ours says what to do, and exits with 2 or 1."""
    variables = {"DATABASE_URL": "sqlite://one.db"}
    (tmp_path / "one.db").touch()
    rust = tools.rust("0.9.0")("database", "drop", folder=tmp_path, variables=variables)
    ours = tools.ours()("database", "drop", folder=tmp_path, variables=variables)
    assert rust.code == 101
    assert ours.code in {1, 2}
    assert "-y" in ours.err
    assert (tmp_path / "one.db").exists()
