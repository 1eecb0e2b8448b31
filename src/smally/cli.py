"""The command `smally`: what may be typed, and how it ends.

What a command needs is imported when it runs, so that `--version` and `--help` answer
at once.
"""

from __future__ import annotations

import argparse
import io
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from smally.auth.faults import LAST_ID, ROLES, fault_of_email, fault_of_name
from smally.config import SettingsError, read_settings, version
from smally.tiers import TIERS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from smally.config import Settings

__all__ = ["main"]

FAILED, MISUSED, INTERRUPTED = 1, 2, 130
LONGEST_WAIT_SECONDS = 3_600

INIT = """\
See that there is an active admin with this e-mail and tier, who has a key.

The first run prints the key, alone on stdout; nobody can show it again. A later run
prints what it found or changed, such as `exists, tier scale (unchanged)` or `exists,
role user -> admin, tier free -> scale`, and makes no second key, unless --new-key asks
for one more; then that is on stdout again, and the rest on stderr. However often it
runs, also at once: one user, one key.

Before the service's first start it waits; it creates no tables.
"""
EMAIL = "in upper or lower case; after -- when it begins with a dash"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code: 0, 1 failed, 2 misused, 130 stopped."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        return run(parse(words), words)
    except SettingsError as error:
        return fail(str(error), MISUSED)
    except KeyboardInterrupt:
        return fail("interrupted", INTERRUPTED)


def parse(words: Sequence[str]) -> argparse.Namespace:
    """Read the words that were typed."""
    options = parser().parse_args(words)
    if options.command == "set_user" and (
        options.tier is options.role is options.active is None
    ):
        options.parser.error("give at least one of --tier, --role and --active")
    return options


def run(options: argparse.Namespace, words: Sequence[str]) -> int:
    """Carry out what was parsed."""
    try:
        environ = {**read_dotenv(), **os.environ}
    except (OSError, UnicodeDecodeError) as error:
        from smally.reaching import reason_of  # noqa: PLC0415

        return fail(f"cannot read .env: {reason_of(error, words)}", FAILED)
    settings = read_settings(environ)
    if options.command is not None:
        from smally import admin  # noqa: PLC0415

        return admin.run(options, settings, words)
    return serve(settings, demo=options.demo)


def serve(settings: Settings, *, demo: bool) -> int:
    """Start the service, whose imports take half a second."""
    from smally import logs, service  # noqa: PLC0415

    logs.configure_logging(settings.log_format)
    return service.run(settings, demo=demo)


def fail(message: str, code: int) -> int:
    """Say on one line how it ended."""
    print(f"smally: {message}", file=sys.stderr)  # noqa: T201
    return code


def read_dotenv() -> Mapping[str, str]:
    """Read `.env` of the working directory, as it is written; nothing without one.

    Raises:
        OSError: It is there and cannot be read.
        UnicodeDecodeError: It is no text.
    """
    path = Path(".env")
    if not os.path.lexists(path) or path.is_dir():
        return {}
    text = path.read_text(encoding="utf-8-sig")
    from dotenv import dotenv_values  # noqa: PLC0415 -- only when there is such a file.

    values = dotenv_values(stream=io.StringIO(text), interpolate=False)
    return {name: value for name, value in values.items() if value is not None}


class Parser(argparse.ArgumentParser):
    """A parser that says what is wrong on one line."""

    def error(self, message: str) -> NoReturn:
        """End with 2, and where to read more."""
        self.exit(MISUSED, f"smally: {message}; see: {self.prog} --help\n")


def parser() -> Parser:
    """Describe the command line."""
    top = Parser(prog="smally", description="A text-embedding API.")
    top.add_argument("--version", action="version", version=f"smally {version()}")
    groups = top.add_subparsers(
        title="commands", required=True, metavar="COMMAND", parser_class=Parser
    )
    serving = groups.add_parser("serve", help="migrate the database, then serve")
    serving.add_argument(
        "--demo", action="store_true", help="print a key and a request that works"
    )
    serving.set_defaults(command=None)
    add_user_commands(groups.add_parser("user", help="list, add and change users"))
    add_key_commands(groups.add_parser("key", help="list, make and revoke API keys"))
    add_init_command(
        groups.add_parser(
            "init",
            help="see that there is an admin with a key",
            description=INIT,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
    )
    return top


def add_user_commands(group: argparse.ArgumentParser) -> None:
    """Describe `smally user`."""
    commands = group.add_subparsers(title="commands", required=True, metavar="COMMAND")
    listing = commands.add_parser("list", help="list users")
    add_format(listing)
    listing.set_defaults(command="list_users")
    adding = commands.add_parser("add", help="add a user, without a key")
    adding.add_argument("email", metavar="EMAIL", type=email, help=EMAIL)
    adding.add_argument("--tier", type=tier, default="free", help=", ".join(TIERS))
    adding.add_argument("--role", type=role, default="user", help=", ".join(ROLES))
    adding.set_defaults(command="add_user")
    setting = commands.add_parser(
        "set",
        help="change a user",
        description="Change a user's tier or role, or switch the user off or on. A "
        "service that runs notices within 5 seconds. The last active admin stays one.",
    )
    setting.add_argument("email", metavar="EMAIL", type=email, help=EMAIL)
    setting.add_argument("--tier", type=tier, help=", ".join(TIERS))
    setting.add_argument("--role", type=role, help=", ".join(ROLES))
    setting.add_argument("--active", type=yes_or_no, metavar="yes|no")
    setting.set_defaults(command="set_user", parser=setting)


def add_key_commands(group: argparse.ArgumentParser) -> None:
    """Describe `smally key`."""
    commands = group.add_subparsers(title="commands", required=True, metavar="COMMAND")
    listing = commands.add_parser("list", help="list a user's keys, also revoked ones")
    listing.add_argument("email", metavar="EMAIL", type=email, help=EMAIL)
    add_format(listing)
    listing.set_defaults(command="list_keys")
    adding = commands.add_parser(
        "add",
        help="make a key and print it",
        description="Make a key and print it, alone on stdout; nobody can show it "
        "again.",
    )
    adding.add_argument("email", metavar="EMAIL", type=email, help=EMAIL)
    adding.add_argument("--name", type=name, default="command line", help="of the key")
    adding.set_defaults(command="add_key")
    revoking = commands.add_parser(
        "revoke",
        help="revoke a key",
        description="Revoke a key. A service that runs notices within 5 seconds.",
    )
    revoking.add_argument(
        "id", metavar="ID", type=number_up_to(LAST_ID), help="as `smally key list` has"
    )
    revoking.set_defaults(command="revoke_key")


def add_init_command(command: argparse.ArgumentParser) -> None:
    """Describe `smally init`."""
    command.add_argument("email", metavar="EMAIL", type=email, help=EMAIL)
    command.add_argument("tier", metavar="TIER", type=tier, help=", ".join(TIERS))
    command.add_argument("--new-key", action="store_true", help="make one more key")
    command.add_argument(
        "--wait-seconds",
        metavar="N",
        type=number_up_to(LONGEST_WAIT_SECONDS),
        default=30,
        help="how long to wait for the service's first start (default: 30)",
    )
    command.set_defaults(command="init")


def add_format(command: argparse.ArgumentParser) -> None:
    """Let a list be printed for a person or for a program."""
    command.add_argument("--format", choices=("table", "json"), default="table")


def tier(text: str) -> str:
    """Read a tier."""
    return one_of("tier", text, tuple(TIERS))


def role(text: str) -> str:
    """Read a role."""
    return one_of("role", text, ROLES)


def yes_or_no(text: str) -> bool:
    """Read a choice of two."""
    return one_of("answer", text, ("yes", "no")) == "yes"


def one_of(kind: str, text: str, known: tuple[str, ...]) -> str:
    """Read a word that is one of a few."""
    if text in known:
        return text
    raise argparse.ArgumentTypeError(
        f"unknown {kind} {text!r}; there are {', '.join(known)}"
    )


def email(text: str) -> str:
    """Read an e-mail address."""
    return without_fault(text, fault_of_email(text))


def name(text: str) -> str:
    """Read the name of a key."""
    return without_fault(text, fault_of_name(text))


def without_fault(text: str, fault: str | None) -> str:
    """Refuse a text that has a fault."""
    if fault is None:
        return text
    raise argparse.ArgumentTypeError(f"{text!r} {fault}")


def number_up_to(most: int) -> Callable[[str], int]:
    """Make what reads a whole number."""

    def number(text: str) -> int:
        short = text.isascii() and text.isdigit() and len(text) <= len(str(most))
        if short and int(text) <= most:
            return int(text)
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 0 to {most}")

    return number
