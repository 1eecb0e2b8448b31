"""Everything that a user can name is in the documents."""

from __future__ import annotations

import argparse
import ast
import inspect
import re
import runpy
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import sqlx
from sqlx import errors
from sqlx.cli.parser import build_parser

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
SOURCE = ROOT / "packages/sqlx-py/src/sqlx"
# What a message, a setting or a call means by a variable, and not by any other name.
VARIABLE = re.compile(r"(?:SQLX|SMALLY|PG|XDG|CLICOLOR|MYSQL)_?[A-Z_]+|NO_COLOR")
# Our own words to a process that we start, and what is no variable.
NOT_READ = {
    "PG_GRANDPARENT_PID",  # to PostgreSQL's server
    "PG_TEMP",  # a schema
    "PG_VERSION",  # a file
    "SMALLY_CALLED_AS",  # scripts/init_db.sh tells under which name it was called
}


def page(name: str) -> str:
    """Read a page."""
    return (DOCS / name).read_text(encoding="utf-8")


def test_every_public_name_is_in_the_page_on_python() -> None:
    """Its docstring and its arguments are shown there."""
    from sqlx import prepare, testing
    from sqlx.engine import news

    names = {f"sqlx.{name}" for name in (*sqlx.__all__, *news.__all__)}
    names -= {f"sqlx.{name}" for name in (*errors.__all__, "__version__")}
    names |= {f"sqlx.prepare.{name}" for name in prepare.__all__}
    names |= {f"sqlx.testing.{name}" for name in testing.__all__}
    shown = re.findall(r"^::: (.*)$", page("reference/python.md"), re.MULTILINE)
    assert {*shown} == names | {"sqlx.errors"}


def test_every_choice_of_a_migrator_is_in_the_page_on_the_library() -> None:
    """With its default, where that is a value."""
    _, _, section = page("library.md").partition("\n### What may be chosen\n")
    rows = re.findall(r"^\| `(\w+)` \| `?(.*?)`? \|", section, re.MULTILINE)
    words: dict[object, str] = {(): "none", None: "nothing"}
    choices = {
        name: words.get(choice.default) or f"{choice.default:g}"
        if isinstance(choice.default, float)
        else words.get(choice.default, str(choice.default))
        for name, choice in inspect.signature(sqlx.Migrator).parameters.items()
        if choice.kind is choice.KEYWORD_ONLY
    }
    assert dict(rows[: len(choices)]) == choices


def test_every_extra_is_in_the_library_s_readme() -> None:
    """With the command that installs it."""
    project = tomllib.loads((SOURCE.parents[1] / "pyproject.toml").read_text("utf-8"))
    text = (SOURCE.parents[1] / "README.md").read_text("utf-8")
    for extra in project["project"]["optional-dependencies"]:
        assert re.search(rf"`pip install \"sqlx-py\[(\w+,)?{extra}\]\"`", text), extra


def test_every_exception_has_an_entry() -> None:
    """It says when, why, and what to do; what is gone from the code is gone."""
    _, *parts = re.split(
        r"^##+ (.*)\n", page("reference/errors.md"), flags=re.MULTILINE
    )
    entries = dict(zip(parts[::2], parts[1::2], strict=True))
    told = {
        name: re.findall(r"^- \*\*(.*?):\*\* \S", entry, re.MULTILINE)
        for name, entry in entries.items()
        if entry.strip()
    }
    assert told == {name: ["When", "Why", "What to do"] for name in errors.__all__}


def test_the_pages_made_from_data_are_up_to_date() -> None:
    """Types, findings, commands and options are what scripts/tables writes."""
    pages = runpy.run_path(str(ROOT / "scripts/tables"))["pages"]()
    assert pages
    for path, text in pages.items():
        assert path.read_text(encoding="utf-8") == text, f"run scripts/tables: {path}"


def commands(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    """Every command, but those that are no more than help or are refused."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, below in action.choices.items():
                if name not in {"help", "build-script"}:
                    yield from commands(below)
            return
    yield parser


def test_every_command_is_in_the_page_on_the_command() -> None:
    """With a link to its options."""
    text = page("command.md")
    for command in commands(build_parser()):
        anchor = command.prog.replace(" ", "-")
        assert f"[`{command.prog}`](reference/commands.md#{anchor})" in text


def test_every_option_says_what_it_means() -> None:
    """The page on options is made of these words."""
    silent = {
        (command.prog, action.dest)
        for command in commands(build_parser())
        for action in command._actions
        if not (action.help or "").strip()
    }
    assert silent == set()


def settings(table: ast.expr, named: dict[str, ast.expr]) -> dict[str, list[str]]:
    """Every name of a table of `sqlx.toml`, and the values that it may have."""
    table = named.get(table.id, table) if isinstance(table, ast.Name) else table
    found: dict[str, list[str]] = {}
    match table:
        case ast.Call(func=ast.Name("_table"), args=[ast.Dict(keys, values)]):
            for key, value in zip(keys, values, strict=True):
                name = ast.literal_eval(key or ast.Constant(""))
                below = settings(value, named)
                found |= {f"{name}.{each}": may for each, may in below.items()}
                if not below:
                    found[name] = one_of(value)
    return found


def one_of(check: ast.expr) -> list[str]:
    """The values that a setting may have; none where they are not listed."""
    match check:
        case ast.Call(func=ast.Name("_one_of"), args=values):
            return [str(ast.literal_eval(value)) for value in values]
    return []


def test_every_setting_is_in_the_page_on_sqlx_toml() -> None:
    """With the values that it may have; those that only Rust reads, by their names."""
    schema = ast.parse((SOURCE / "config/schema.py").read_text(encoding="utf-8"))
    named = {
        target.id: node.value
        for node in ast.walk(schema)
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    known = settings(named["_ROOT"], named)
    assert {"migrate.table-name", "prepare.packages"} <= known.keys()
    text = page("reference/configuration.md")
    rows = dict(re.findall(r"^\| `([\w.-]+)` \| (.*)", text, re.MULTILINE))
    for name, values in known.items():
        if name.startswith("drivers.external.sqlx-py."):
            continue  # The other name of the table `prepare`.
        assert f"`{name}`" in text, name
        for value in [] if name.startswith("macros.") else values:
            assert re.search(rf"[`\"]{re.escape(value)}[`\"]", rows[name]), (
                name,
                value,
            )


def variables(path: Path) -> Iterator[str]:
    """Every environment variable that a module names."""
    text = path.read_text(encoding="utf-8")
    if "env" not in text and not VARIABLE.search(text):
        return  # Parsing all modules takes a second.
    for node in ast.walk(ast.parse(text)):
        match node:
            case ast.Constant(value=str(name)) if VARIABLE.fullmatch(name):
                yield name
            case (
                ast.Call(
                    func=ast.Attribute(value=read, attr="get"),
                    args=[ast.Constant(value=str(name)), *_],
                )
                | ast.Subscript(value=read, slice=ast.Constant(value=str(name)))
            ) if ast.unparse(read).endswith("environ"):
                yield name
            case ast.Compare(
                left=ast.Constant(value=str(name)),
                ops=[ast.In() | ast.NotIn()],
                comparators=[read],
            ) if ast.unparse(read).endswith("environ"):
                yield name
            case ast.Call(func=called, args=[ast.Constant(value=str(name)), *_]) if (
                ast.unparse(called) in {"os.getenv", "getenv"}
            ):
                yield name
            case ast.Call(
                func=ast.Name("given"), args=[ast.Constant(value=str(name)), *_]
            ):
                yield name


@pytest.mark.parametrize(
    ("source", "documents"),
    [
        (SOURCE, ["docs/reference/environment.md"]),
        (ROOT / "src/smally", ["README.md", "docs/operations.md"]),
    ],
    ids=["sqlx", "smally"],
)
def test_every_environment_variable_is_documented(
    source: Path, documents: list[str]
) -> None:
    """The library's and the command's in their page, smally's in README."""
    read = {name for path in source.rglob("*.py") for name in variables(path)}
    assert len(read) > 5
    text = "".join((ROOT / name).read_text(encoding="utf-8") for name in documents)
    assert {name for name in read - NOT_READ if f"{name}`" not in text} == set()


def test_everything_of_the_plugin_is_in_the_page_on_tests() -> None:
    """Its options, its settings for pytest, its fixtures."""
    source = (SOURCE / "testing/plugin.py").read_text(encoding="utf-8")
    names = re.findall(r'\.add(?:option|ini)\(\s*"([^"]+)"', source)
    names += re.findall(
        r"^@pytest.fixture.*\n(?:async )?def ([a-z]\w+)", source, re.MULTILINE
    )
    assert {"--sqlx-keep", "sqlx_database", "db_url", "apool"} <= set(names)
    text = page("testing.md")
    assert {name for name in names if f"`{name}`" not in text} == set()


def test_what_shows_a_promise_is_there() -> None:
    """A test that the page on promises names stands in a file that the line links."""
    shown = 0
    for line in page("promises.md").splitlines():
        linked = re.findall(r"\]\((\.\./[^)]*\.py)\)", line)
        source = "".join((DOCS / path).read_text(encoding="utf-8") for path in linked)
        for name in re.findall(r"`(test_\w+)`", line):
            assert f"def {name}(" in source, name
            shown += 1
    assert shown > 20
