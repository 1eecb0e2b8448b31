"""The command's words: what is taken, what is refused, and the help."""

from __future__ import annotations

from argparse import Namespace
from typing import TYPE_CHECKING

import pytest

from sqlx.cli.parser import parse

if TYPE_CHECKING:
    from cli.conftest import Command

CHANGING = {
    "source": None,
    "config": None,
    "database_url": None,
    "connect_timeout": 10.0,
    "sqlite_create_db_wal": "true",
}


def read(*words: str) -> dict[str, object]:
    """Parse words; leave away what only the dispatcher needs."""
    found = vars(parse(words))
    return {name: found[name] for name in found if name not in {"parser", "handler"}}


def test_defaults_of_run() -> None:
    """`migrate run` without options takes SQLx's defaults, and waits for the lock."""
    assert read("migrate", "run") == CHANGING | {
        "no_dotenv": False,
        "dry_run": False,
        "ignore_missing": False,
        "target_version": None,
        "lock_timeout": 300.0,
        "format": "text",
    }


@pytest.mark.parametrize(
    ("words", "name", "value"),
    [
        ("migrate run -D x", "database_url", "x"),
        ("migrate run -Dx", "database_url", "x"),
        ("migrate run -D=x", "database_url", "x"),
        ("migrate run --database-url=x", "database_url", "x"),
        ("migrate run --database-url x", "database_url", "x"),
        ("migrate run --database-url=", "database_url", ""),
        ("migrate run --target-version 7", "target_version", 7),
        ("migrate run --target-version=-1", "target_version", -1),
        ("migrate run --target-version -1", "target_version", -1),
        ("migrate run --target-version +0007", "target_version", 7),
        ("migrate run --target-version 0", "target_version", 0),
        (
            "migrate run --target-version 9223372036854775807",
            "target_version",
            2**63 - 1,
        ),
        (
            "migrate run --target-version=-9223372036854775808",
            "target_version",
            -(2**63),
        ),
        ("migrate run --connect-timeout 0", "connect_timeout", 0.0),
        ("migrate run --connect-timeout 2.5", "connect_timeout", 2.5),
        ("migrate run --lock-timeout none", "lock_timeout", None),
        ("migrate run --lock-timeout 0", "lock_timeout", 0.0),
        ("migrate run --format json", "format", "json"),
        ("migrate run --sqlite-create-db-wal=false", "sqlite_create_db_wal", "false"),
        ("--no-dotenv migrate run", "no_dotenv", True),
        ("migrate run --no-dotenv", "no_dotenv", True),
        ("migrate --no-dotenv run", "no_dotenv", True),
        ("migrate add x --no-dotenv", "no_dotenv", True),
        ("completions bash --no-dotenv", "no_dotenv", True),
        ("migrate add -- -x", "description", "-x"),
        ("migrate add -rs x", "reversible", True),
        ("migrate add -rs x", "sequential", True),
        ("migrate add --simple -t x", "simple", True),
        ("database drop -yf", "force", True),
        ("database reset -y --source a", "yes", True),
        ("migrate check --format=github", "format", "github"),
    ],
)
def test_a_word_is_read(words: str, name: str, value: object) -> None:
    """Options may be given as SQLx's may."""
    assert read(*words.split())[name] == value


@pytest.mark.parametrize(
    ("words", "handler"),
    [
        ("migrate run", "sqlx.cli.migrate:run"),
        ("mig run", "sqlx.cli.migrate:run"),
        ("--no-dotenv mig info", "sqlx.cli.migrate:info"),
        ("mig revert", "sqlx.cli.migrate:revert"),
        ("mig override skip", "sqlx.cli.migrate:skip"),
        ("mig add mig", "sqlx.cli.add:add"),
        ("mig check", "sqlx.cli.check:check"),
        ("db create", "sqlx.cli.database:create"),
        ("database setup", "sqlx.cli.database:setup"),
        ("db drop", "sqlx.cli.database:drop"),
        ("db reset", "sqlx.cli.database:reset"),
        ("completions zsh", "sqlx.cli.completion:completions"),
        ("prepare", "sqlx.cli.queries:prepare"),
        ("prep app", "sqlx.cli.queries:prepare"),
        ("check", "sqlx.cli.queries:check"),
        ("describe q.sql", "sqlx.cli.describe:describe"),
    ],
)
def test_a_command_is_found_by_its_name_or_its_alias(words: str, handler: str) -> None:
    """`mig`, `db` and `prep` stand for `migrate`, `database` and `prepare`."""
    assert parse(words.split()).handler == handler


ROOT = "sqlx [OPTIONS] <COMMAND>"
MIGRATE = "sqlx migrate <COMMAND>"
RUN = "sqlx migrate run [OPTIONS]"
ADD = "sqlx migrate add [OPTIONS] <DESCRIPTION>"
SHELL = "sqlx completions <SHELL>"
CREATE = "sqlx database create [OPTIONS]"
DESCRIBE = "sqlx describe [OPTIONS] <QUERY>"
PREPARE = "sqlx prepare [OPTIONS] [PACKAGE]..."
NO_VERSION = "give the number that a file name begins with"
NO_SECONDS = "give a number of seconds, 0 or more"
BOOLS = "[possible values: true, false]"
SHELLS = "[possible values: bash, elvish, fish, powershell, zsh]"
REFUSED = [
    ("nope", "unrecognized subcommand 'nope'", ROOT),
    ("describe", "the following arguments are required: <QUERY>", DESCRIBE),
    (
        "describe --jobs 0 x",
        "argument --jobs: invalid value '0': give a number of queries, 1 or more",
        DESCRIBE,
    ),
    ("prepare --offline", "unexpected argument '--offline' found", PREPARE),
    ("mig nope", "unrecognized subcommand 'nope'", MIGRATE),
    ("help nope", "unrecognized subcommand 'nope'", ROOT),
    ("mig run extra", "unexpected argument 'extra' found", RUN),
    ("mig run --targ 3", "unexpected argument '--targ' found", RUN),
    ("mig run --dry-run=x", "argument --dry-run: ignored explicit argument 'x'", RUN),
    ("mig -r", "unexpected argument '-r' found", MIGRATE),
    ("mig add", "the following arguments are required: <DESCRIPTION>", ADD),
    ("mig add a b", "unexpected argument 'b' found", ADD),
    (
        "mig add -t -s x",
        "argument -s/--sequential: not allowed with argument -t/--timestamp",
        ADD,
    ),
    (
        "mig add --simple -r x",
        "argument -r/--reversible: not allowed with argument --simple",
        ADD,
    ),
    ("mig run -D", "argument -D/--database-url: expected one argument", RUN),
    *(
        (
            f"mig run --target-version={value}",
            f"argument --target-version: invalid value '{value}': {NO_VERSION}",
            RUN,
        )
        for value in ("", "x", "1_0", "0x1", "--1", str(2**63), str(-(2**63) - 1))
    ),
    *(
        (
            f"mig run --{option}-timeout={value}",
            f"argument --{option}-timeout: invalid value '{value}': {NO_SECONDS}",
            RUN,
        )
        for option, value in (
            ("connect", "nan"),
            ("connect", "none"),
            ("connect", "inf"),
            ("lock", "-1"),
            ("lock", ""),
        )
    ),
    (
        "db create --sqlite-create-db-wal yes",
        f"argument --sqlite-create-db-wal: invalid value 'yes' {BOOLS}",
        CREATE,
    ),
    ("completions tcsh", f"argument <SHELL>: invalid value 'tcsh' {SHELLS}", SHELL),
]


@pytest.mark.parametrize(("words", "reason", "usage"), REFUSED)
def test_a_wrong_word_is_refused(
    sqlx: Command, words: str, reason: str, usage: str
) -> None:
    """Misuse ends with 2, and stderr says what is wrong and what may be written."""
    result = sqlx(*words.split())
    more = "For more information, try '--help'."
    assert result.err == f"error: {reason}\n\nUsage: {usage}\n\n{more}\n"
    assert (result.code, result.out) == (2, "")


@pytest.mark.parametrize("words", ["", "migrate", "mig", "db", "migrate override"])
def test_a_missing_subcommand_prints_the_help_to_stderr(
    sqlx: Command, words: str
) -> None:
    """The bare command, and a bare group, print their help to stderr and end with 2."""
    bare = sqlx(*words.split())
    asked = sqlx(*words.split(), "--help")
    assert (bare.code, bare.out, bare.err) == (2, "", asked.out)
    assert (asked.code, asked.err) == (0, "")


@pytest.mark.parametrize(
    ("words", "same"),
    [
        ("help", "--help"),
        ("help mig run", "migrate run --help"),
        ("mig help add", "migrate add -h"),
        ("help migrate override", "mig override --help"),
    ],
)
def test_help_is_a_command_too(sqlx: Command, words: str, same: str) -> None:
    """`sqlx help migrate run` prints what `sqlx migrate run --help` prints."""
    assert sqlx(*words.split()) == sqlx(*same.split())


def test_the_help_of_a_group(sqlx: Command) -> None:
    """Aliases and Rust's `build-script` are taken, and not listed."""
    assert (
        sqlx("mig", "--help").out
        == """\
Usage: sqlx migrate <COMMAND>

Group of commands for creating and running migrations

Options:
  -h, --help   Print help
  --no-dotenv  Do not automatically load `.env` files

Commands:
    add        Create a new migration with the given description
    run        Run all pending migrations
    override   Override migration state, potentially dangerous operations
    revert     Revert the latest migration with a down file
    info       List all available migrations
    check      Check the migration files and where the database stands
    help       Print this message or the help of the given subcommand(s)
"""
    )


def test_a_build_script_is_for_rust(sqlx: Command) -> None:
    """`migrate build-script` says so and ends with 2."""
    result = sqlx("migrate", "build-script", "--force")
    assert result.err == (
        "error: `sqlx migrate build-script` writes a build script for Cargo, which "
        "Python has no use for; leave it away\n"
    )
    assert (result.code, result.out) == (2, "")


def test_parsing_returns_a_namespace() -> None:
    """What is read is argparse's own value."""
    assert isinstance(parse(["migrate", "info"]), Namespace)
