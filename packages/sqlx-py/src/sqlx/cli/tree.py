"""How the command's tree of words is put together: groups, leaves, and their help."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    import argparse

    from sqlx.cli.options import Parser

    Commands: TypeAlias = argparse._SubParsersAction[Parser]  # noqa: SLF001 -- its only name.

__all__ = ["add_group", "add_help", "add_leaf", "commands_of"]

MODULES = {
    "add": "add",
    "check": "check",
    "completions": "completion",
    **dict.fromkeys(("create", "drop", "reset", "setup"), "database"),
}


def commands_of(parser: Parser) -> Commands:
    """Begin the list of words that may follow a group's."""
    return parser.add_subparsers(
        title="Commands", metavar="<COMMAND>", prog=parser.prog
    )


def add_group(commands: Commands, name: str, title: str) -> Commands:
    """Add a word that needs another one after it."""
    parser = commands.add_parser(name, help=title, description=title)
    parser.usage = f"{parser.prog} <COMMAND>"
    parser.set_defaults(parser=parser)
    return commands_of(parser)


def add_leaf(  # noqa: PLR0913 -- a keyword for each thing that may differ.
    commands: Commands,
    name: str,
    title: str,
    *,
    description: str = "",
    usage: str = "[OPTIONS]",
    module: str = "",
) -> Parser:
    """Add a word that is carried out, by the function of its name.

    Args:
        commands: What it belongs to.
        name: The word.
        title: What it does, in a line.
        description: More of that, for its own help.
        usage: What may follow it.
        module: Where the function is, when the word alone does not say it.
    """
    description = description or title
    parser = commands.add_parser(name, help=title, description=description)
    parser.usage = f"{parser.prog} {usage}"
    module = module or MODULES.get(name, "migrate")
    parser.set_defaults(handler=f"sqlx.cli.{module}:{name}")
    return parser


def add_help(commands: Commands) -> None:
    """Add the word `help`."""
    title = "Print this message or the help of the given subcommand(s)"
    leaf = add_leaf(commands, "help", title, usage="[COMMAND]...")
    leaf.arguments.add_argument(
        "words", nargs="*", metavar="[COMMAND]...", help="The subcommand"
    )
    leaf.set_defaults(handler="help", above=leaf.prog.split()[1:-1])
