"""The command's words: which subcommands there are, and what each of them takes.

They are those of SQLx's command 0.9 (migrations.md 6.1), `check` and `describe`.
Nothing of the library is imported here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlx.cli.main import VERSION
from sqlx.cli.options import (
    Parser,
    add_config,
    add_connect,
    add_drop,
    add_format,
    add_lock,
    add_source,
    version,
)
from sqlx.cli.query_words import add_queries
from sqlx.cli.tree import add_group, add_help, add_leaf, commands_of

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from sqlx.cli.tree import Commands

__all__ = ["SHELLS", "build_parser", "parse"]

SHELLS = ("bash", "elvish", "fish", "powershell", "zsh")
ALIASES = {"db": "database", "mig": "migrate", "prep": "prepare"}

ADD = """\
Create a new migration with the given description.

Migrations may either be simple, or reversible.

A reversible migration is a pair of two files with the same name but for the endings
`.up.sql` and `.down.sql`: the first is run when the migration is applied, the second
when it is reverted with `sqlx migrate revert`. A simple migration ends in `.sql`, and
can be reverted once a `.down.sql` of the same version stands beside it.

Reverting a migration is destructive and will likely result in data loss: it does not
restore what the up-migration discarded. Back up the database first.

If the latest existing migration is reversible, the new migration will also be
reversible; otherwise it is simple. `--simple` and `--reversible` override this, and
`sqlx.toml` may set another default.

A version number is assigned automatically; migrations are applied in ascending order
by version number, which need not be consecutive. Sequential versioning is continued if
the version numbers of the last two migrations differ by exactly 1, or if only one
migration exists and its version number is either 0 or 1. Otherwise the version is a
timestamp (`YYYYMMDDHHMMSS`, UTC). `--timestamp` and `--sequential` override this, and
`sqlx.toml` may set another default."""

CHECK = """\
Check the migration files and where the database stands; change nothing.

Exits with 0 when all is applied and fine, 1 when something is wrong, and 3 when nothing
is wrong but migrations are pending. A warning changes no exit code."""


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Read the words of a command.

    Returns:
        The options. `handler` names what carries the command out, as `module:function`;
        it is empty when a subcommand is missing, and `parser` then has the help.

    Raises:
        SystemExit: The words are wrong (2), or help or the version was asked for (0).
    """
    words = list(arguments)
    first = next((i for i, w in enumerate(words) if not w.startswith("-")), None)
    if first is not None:
        words[first] = ALIASES.get(words[first], words[first])
    options = build_parser().parse_args(words)
    if options.handler == "help":
        return parse([*options.above, *options.words, "--help"])
    return options


def build_parser() -> Parser:
    """Make the parser of the whole command."""
    root = Parser(
        prog="sqlx",
        description="Command-line utility for SQLx for Python.",
        usage="sqlx [OPTIONS] <COMMAND>",
    )
    root.set_defaults(handler="", parser=root, no_dotenv=False)
    root.options.add_argument(
        "-V", "--version", action="version", version=VERSION, help="Print version"
    )
    commands = commands_of(root)
    _database(commands)
    _migrate(commands)
    add_queries(commands)
    completions = add_leaf(
        commands,
        "completions",
        "Generate shell completions for the specified shell",
        usage="<SHELL>",
    )
    shells = ", ".join(SHELLS)
    completions.arguments.add_argument(
        "shell",
        metavar="<SHELL>",
        choices=SHELLS,
        help=f"[possible values: {shells}]",
    )
    add_help(commands)
    return root


def _database(commands: Commands) -> None:
    group = add_group(
        commands,
        "database",
        "Group of commands for creating and dropping your database",
    )
    database = "database specified in your DATABASE_URL"
    create = add_leaf(group, "create", f"Creates the {database}")
    drop = add_leaf(group, "drop", f"Drops the {database}")
    reset = add_leaf(
        group,
        "reset",
        f"Drops the {database}, re-creates it, and runs any pending migrations",
    )
    setup = add_leaf(
        group, "setup", f"Creates the {database} and runs any pending migrations"
    )
    for leaf in (drop, reset):
        add_drop(leaf)
    for leaf in (create, drop):
        add_config(leaf)
        add_connect(leaf)
    for leaf in (reset, setup):
        add_source(leaf)
        add_connect(leaf)
        add_lock(leaf)
    add_help(group)


def _migrate(commands: Commands) -> None:
    group = add_group(
        commands, "migrate", "Group of commands for creating and running migrations"
    )
    _add(group)
    _run(group)
    override = add_group(
        group, "override", "Override migration state, potentially dangerous operations"
    )
    _skip(override)
    add_help(override)
    _revert(group)
    info = add_leaf(group, "info", "List all available migrations")
    add_source(info)
    add_connect(info)
    add_format(info, "text", "json")
    _check(group)
    _build_script(group)
    add_help(group)


def _add(group: Commands) -> None:
    add = add_leaf(
        group,
        "add",
        "Create a new migration with the given description",
        description=ADD,
        usage="[OPTIONS] <DESCRIPTION>",
    )
    add.arguments.add_argument(
        "description", metavar="<DESCRIPTION>", help="What it does"
    )
    add_source(add)
    kind = add.options.add_mutually_exclusive_group()
    kind.add_argument(
        "--simple",
        action="store_true",
        help="If set, create an up-migration only. Conflicts with `--reversible`",
    )
    kind.add_argument(
        "-r",
        "--reversible",
        action="store_true",
        help="If set, create a pair of up and down migration files with same version. "
        "Conflicts with `--simple`",
    )
    versioning = add.options.add_mutually_exclusive_group()
    versioning.add_argument(
        "-t",
        "--timestamp",
        action="store_true",
        help="If set, use timestamp versioning for the new migration "
        "(`YYYYMMDDHHMMSS`). Conflicts with `--sequential`",
    )
    versioning.add_argument(
        "-s",
        "--sequential",
        action="store_true",
        help="If set, use sequential versioning for the new migration. Conflicts with "
        "`--timestamp`",
    )


def _run(group: Commands) -> None:
    leaf = add_leaf(group, "run", "Run all pending migrations")
    _changing(
        leaf,
        dry_run="List all the migrations to be run without applying",
        target="Apply migrations up to the specified version. If unspecified, apply "
        "all pending migrations. If already at the target version, then no-op",
    )


def _skip(group: Commands) -> None:
    leaf = add_leaf(group, "skip", "Skip all pending migrations without running them")
    _changing(
        leaf,
        dry_run="List all the migrations to be skipped without marking them as applied",
        target="Skip migrations up to the specified version. If unspecified, skip all "
        "pending migrations. If already at the target version, then no-op",
    )


def _revert(group: Commands) -> None:
    leaf = add_leaf(group, "revert", "Revert the latest migration with a down file")
    _changing(
        leaf,
        dry_run="List the migration to be reverted without applying",
        target="Revert migrations down to the specified version. If unspecified, "
        "revert only the last migration. Set to 0 to revert all migrations. If "
        "already at the target version, then no-op",
    )


def _changing(leaf: Parser, *, dry_run: str, target: str) -> None:
    add_source(leaf)
    leaf.options.add_argument("--dry-run", action="store_true", help=dry_run)
    _ignore_missing(leaf)
    leaf.options.add_argument(
        "--target-version", type=version, metavar="<TARGET_VERSION>", help=target
    )
    add_connect(leaf)
    add_lock(leaf)
    add_format(leaf, "text", "json")


def _check(group: Commands) -> None:
    check = add_leaf(
        group,
        "check",
        "Check the migration files and where the database stands",
        description=CHECK,
    )
    add_source(check)
    check.options.add_argument(
        "--offline",
        action="store_true",
        help="Check the files alone; needs no database",
    )
    check.options.add_argument(
        "--base",
        metavar="<REF>",
        help="A git branch, tag or commit: no migration that was there when this "
        "branch left it may have changed or vanished",
    )
    _ignore_missing(check)
    add_connect(check)
    add_format(check, "text", "json", "github")


def _ignore_missing(leaf: Parser) -> None:
    leaf.options.add_argument(
        "--ignore-missing",
        action="store_true",
        help="Ignore applied migrations that are missing in the resolved migrations",
    )


def _build_script(group: Commands) -> None:
    # Without a help text it is not listed: SQLx's word is known, and is not offered.
    leaf = group.add_parser("build-script", usage="sqlx migrate build-script")
    leaf.set_defaults(handler="sqlx.cli.migrate:build_script")
    add_source(leaf)
    leaf.options.add_argument("--force", action="store_true", help="Overwrite it")
