"""argparse with SQLx's manners, and the options that several commands share.

Names, defaults and texts are those of SQLx's command 0.9 (migrations.md 6.1); what SQLx
does not have says so here.
"""

from __future__ import annotations

import argparse
import math
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = [
    "Parser",
    "add_config",
    "add_connect",
    "add_database",
    "add_drop",
    "add_format",
    "add_lock",
    "add_source",
    "version",
]

LOWEST, HIGHEST = -(2**63), 2**63 - 1
DIGITS = len(str(HIGHEST))


class Help(argparse.RawDescriptionHelpFormatter):
    """argparse's help with SQLx's headings, and without a line for the word COMMAND."""

    def __init__(self, prog: str, **options: Any) -> None:  # noqa: ANN401 -- argparse's own.
        super().__init__(prog, max_help_position=32, **options)

    def add_usage(
        self,
        usage: str | None,
        actions: Iterable[argparse.Action],
        groups: Iterable[Any],
        prefix: str | None = None,
    ) -> None:
        """Begin with a capital, as SQLx does."""
        super().add_usage(usage, actions, groups, prefix or "Usage: ")

    def _format_action(self, action: argparse.Action) -> str:
        text = super()._format_action(action)
        return text.partition("\n")[2] if action.nargs == argparse.PARSER else text


class Parser(argparse.ArgumentParser):
    """argparse with SQLx's manners: no abbreviations, and errors in its form."""

    def __init__(self, **options: Any) -> None:  # noqa: ANN401 -- argparse's own.
        options = {"allow_abbrev": False, "formatter_class": Help, **options}
        super().__init__(add_help=False, **options)
        self.arguments = self.add_argument_group("Arguments")
        self.options = self.add_argument_group("Options")
        self.options.add_argument("-h", "--help", action="help", help="Print help")
        self.options.add_argument(
            "--no-dotenv",
            action="store_true",
            default=argparse.SUPPRESS,  # It may stand at any level, and none unsets it.
            help="Do not automatically load `.env` files",
        )

    def parse_known_args(  # type: ignore[override]  # typeshed has three overloads.
        self,
        args: Sequence[str] | None = None,
        namespace: argparse.Namespace | None = None,
    ) -> tuple[argparse.Namespace, list[str]]:
        """Refuse here what is left over: this parser's usage says what may stand."""
        found, rest = super().parse_known_args(args, namespace)
        if rest:
            self.error(f"unexpected argument '{rest[0]}' found")
        return found, rest

    def error(self, message: str) -> NoReturn:
        """Say what is wrong on stderr and leave with 2, in SQLx's form."""
        usage = self.format_usage().rstrip()
        help_is_there = "For more information, try '--help'."
        self.exit(2, f"error: {message}\n\n{usage}\n\n{help_is_there}\n")

    def _check_value(self, action: argparse.Action, value: object) -> None:
        if action.choices is None or value in action.choices:
            return
        if action.nargs == argparse.PARSER:
            self.error(f"unrecognized subcommand '{value}'")
        possible = ", ".join(map(str, action.choices))
        message = f"invalid value '{value}' [possible values: {possible}]"
        raise argparse.ArgumentError(action, message)


def add_source(parser: Parser) -> None:
    """Add where the migrations are, and where the configuration is."""
    parser.options.add_argument(
        "--source",
        metavar="<SOURCE>",
        help="Path to folder containing migrations. Defaults to `migrations/` if not "
        "specified, but a different default may be set by `sqlx.toml`",
    )
    add_config(parser)


def add_config(parser: Parser) -> None:
    """Add where the configuration is."""
    parser.options.add_argument(
        "--config",
        metavar="<CONFIG>",
        help="Override the path to the config file. Defaults to `sqlx.toml` in the "
        "current directory, if it exists. Loading may be bypassed with "
        "`--config=/dev/null` on Linux, or `--config=NUL` on Windows",
    )


def add_database(parser: Parser) -> None:
    """Add which database it is, and how long it is waited for."""
    parser.options.add_argument(
        "-D",
        "--database-url",
        metavar="<DATABASE_URL>",
        help="Location of the DB, by default will be read from the DATABASE_URL env "
        "var or `.env` files",
    )
    parser.options.add_argument(
        "--connect-timeout",
        type=_seconds,
        default=10.0,
        metavar="<SECONDS>",
        help="The maximum time, in seconds, to try connecting to the database server "
        "before returning an error [default: 10]",
    )


def add_connect(parser: Parser) -> None:
    """Add which database it is, how it is reached, and how it is made."""
    add_database(parser)
    parser.options.add_argument(
        "--sqlite-create-db-wal",
        choices=("true", "false"),
        default="true",
        metavar="<SQLITE_CREATE_DB_WAL>",
        help="Set whether or not to create SQLite databases in Write-Ahead Log (WAL) "
        "mode: https://www.sqlite.org/wal.html [default: true] "
        "[possible values: true, false]",
    )


def add_drop(parser: Parser) -> None:
    """Add how a database is dropped."""
    parser.options.add_argument(
        "-y",
        dest="yes",
        action="store_true",
        help="Automatic confirmation. Without this option, you will be prompted before "
        "dropping your database",
    )
    parser.options.add_argument(
        "-f",
        "--force",
        action="store_true",
        help="PostgreSQL only: force drops the database",
    )


def add_lock(parser: Parser) -> None:
    """Add how long to wait for the migration lock; SQLx's command takes none."""
    parser.options.add_argument(
        "--lock-timeout",
        type=_seconds_or_none,
        default=300.0,
        metavar="<SECONDS>",
        help="How long to wait while somebody else migrates this database: 0 tries "
        "once, `none` waits for ever [default: 300]",
    )


def add_format(parser: Parser, *choices: str) -> None:
    """Add how to print, the first choice unless told; SQLx has text alone."""
    parser.options.add_argument(
        "--format",
        choices=choices,
        default=choices[0],
        metavar="<FORMAT>",
        help=f"How to print [default: {choices[0]}] "
        f"[possible values: {', '.join(choices)}]",
    )


def version(text: str) -> int:
    """Read a migration's version, as it stands in front of a file name."""
    digits = text[1:] if text[:1] in {"-", "+"} else text
    # Python refuses to read very many digits, zeros in front included.
    short = digits.lstrip("0") or digits[:1]
    fits = short.isascii() and short.isdigit() and len(short) <= DIGITS
    number = int(text[: len(text) - len(digits)] + short) if fits else HIGHEST + 1
    if not LOWEST <= number <= HIGHEST:
        message = (
            f"invalid value '{text}': give the number that a file name begins with"
        )
        raise argparse.ArgumentTypeError(message)
    return number


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds < math.inf:
        message = f"invalid value '{text}': give a number of seconds, 0 or more"
        raise argparse.ArgumentTypeError(message)
    return seconds


def _seconds_or_none(text: str) -> float | None:
    return None if text == "none" else _seconds(text)
