"""The words of the commands for checked queries: `prepare`, `check`, `describe`."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from sqlx.cli.options import add_database, add_format, add_source
from sqlx.cli.tree import add_leaf

if TYPE_CHECKING:
    from sqlx.cli.options import Parser
    from sqlx.cli.tree import Commands

__all__ = ["add_queries"]

PREPARE = """\
Check the queries of Python packages against the database, and keep what it says of them
in `.sqlx/`, so that with SQLX_OFFLINE=true nobody needs a database.

Without a database URL, a scratch database is made from the migrations and dropped
afterwards. When a query is wrong, nothing is written."""

CHECK = """\
Check the queries of Python packages; write nothing.

With --offline, or SQLX_OFFLINE=true, only the files in `.sqlx/` are asked. Without a
database URL, a scratch database is made from the migrations. Exits with 1 on any
error; a warning changes no exit code."""

DESCRIBE = """\
Tell what the database says of a query: its parameters, its columns, and which of them
may be NULL; and write the Python that fits it.

The query is given as SQL, as a `.sql` file, or as a folder with one query in each file.
It is never run."""


def add_queries(commands: Commands) -> None:
    """Add the three words."""
    title = "Check the queries of Python packages, and keep what offline mode needs"
    usage = "[OPTIONS] [PACKAGE]..."
    prepare = add_leaf(
        commands, "prepare", title, description=PREPARE, usage=usage, module="queries"
    )
    _packages(prepare)
    _prepare(prepare)
    title = "Check the queries of Python packages, and write nothing"
    check = add_leaf(
        commands, "check", title, description=CHECK, usage=usage, module="queries"
    )
    _packages(check)
    check.options.add_argument(
        "--offline", action="store_true", help="Ask the files in `.sqlx/` alone"
    )
    for leaf in (prepare, check):
        _database(leaf)
        add_format(leaf, "text", "json", "github")
    _describe(commands)


def _packages(leaf: Parser) -> None:
    leaf.arguments.add_argument(
        "packages",
        nargs="*",
        metavar="[PACKAGE]...",
        help="A package or module, as it is imported, or its path; by default those "
        "that `sqlx.toml` names",
    )


def _prepare(leaf: Parser) -> None:
    leaf.options.add_argument(
        "--check",
        action="store_true",
        help="Write nothing: exit with 1 when `.sqlx/` is not what would be written",
    )
    leaf.options.add_argument(
        "--prune",
        action="store_true",
        help="Remove the files of `.sqlx/` that none of these queries uses",
    )
    leaf.options.add_argument(
        "--fresh",
        action="store_true",
        help="Ask the database again, also when neither queries nor migrations changed",
    )
    _sqlx_version(leaf)
    for name in ("--all", "--workspace"):
        leaf.options.add_argument(
            name,
            action="store_true",
            help="Changes nothing: there is one `.sqlx/`, for all packages",
        )


def _describe(commands: Commands) -> None:
    leaf = add_leaf(
        commands,
        "describe",
        "Tell the parameters and columns of a query, and the Python that fits",
        description=DESCRIBE,
        usage="[OPTIONS] <QUERY>",
        module="describe",
    )
    leaf.arguments.add_argument(
        "query", metavar="<QUERY>", help="SQL, a `.sql` file, or a folder of them"
    )
    leaf.options.add_argument(
        "--out",
        metavar="<DIR>",
        help="Where `--format sqlx` writes its files [default: .sqlx]",
    )
    leaf.options.add_argument(
        "--jobs",
        type=_jobs,
        default=100,
        metavar="<N>",
        help="How many queries are sent before the answers are read [default: 100]",
    )
    _sqlx_version(leaf)
    _database(leaf)
    add_format(leaf, "text", "json", "sqlx")


def _sqlx_version(leaf: Parser) -> None:
    leaf.options.add_argument(
        "--sqlx-version",
        choices=("0.8", "0.9"),
        metavar="<VERSION>",
        help="The SQLx whose files are written [default: 0.9, or as `sqlx.toml` says] "
        "[possible values: 0.8, 0.9]",
    )


def _database(leaf: Parser) -> None:
    add_source(leaf)
    leaf.options.add_argument(
        "--scratch",
        choices=("postgres", "sqlite", "mysql"),
        metavar="<KIND>",
        help="Make a database of this kind from the migrations, and ask that one, also "
        "when there is a database URL [possible values: postgres, sqlite, mysql]",
    )
    add_database(leaf)


def _jobs(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        message = f"invalid value '{text}': give a number of queries, 1 or more"
        raise argparse.ArgumentTypeError(message)
    return int(text)
