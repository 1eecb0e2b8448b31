"""Every difference between Rust's sqlx-cli and our command, with its reason.

Two rules hold for every command:

- An error goes to stderr, after the lines of what was done before it; Rust prints it to
  stdout. The exit code is the same. So is the beginning of its text, where SQLx has an
  error of its own; the rest says where and what the mend is.
- What a person should know, and SQLx does not say, is a line on stderr: `warning: ...`.

And one for what is left behind: a command that has nothing to apply, or only reads,
creates neither table nor schema. Two more are shown by test_commands.py: `add` refuses
a description with a slash, and `database drop` without a terminal is refused, where
Rust announces a file that it cannot make, and panics.

Everything else is listed here as data, to the letter: a difference that is gone fails
as one that is new does.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["DIFFERENCES", "LINES", "Difference", "Line"]


@dataclass(frozen=True)
class Line:
    """A line that Rust prints in a case of CASES, and what ours prints in its place."""

    case: str
    rust: str
    ours: str
    reason: str


@dataclass(frozen=True)
class Difference:
    """What becomes of a case of APART in Rust's hands, and in ours.

    Args:
        case: Its name.
        rust: What Rust's command says, then the tables and the history's rows.
        ours: The same of ours, without what it says on stderr.
        reason: Why.
        only: The database or the version for which it holds; for all when it is empty.
    """

    case: str
    rust: str
    ours: str
    reason: str
    only: str = ""


LINES = (
    Line(
        "no transaction",
        "Applied 2/revert outside (TIME)",
        "Applied 2/revert outside (0ns)",
        "the history's row is deleted in the end, and nothing else keeps the start",
    ),
    Line(
        "no transaction in SQLite",
        "Applied 2/revert outside (TIME)",
        "Applied 2/revert outside (0ns)",
        "the same",
    ),
    Line(
        "no transaction in MySQL",
        "Applied 2/revert outside (TIME)",
        "Applied 2/revert outside (0ns)",
        "the same",
    ),
)

DIFFERENCES = (
    Difference(
        "both ways in one file",
        rust="""\
$ run
Applied 1/migrate one (TIME)
tables:
history: 1 True
""",
        ours="""\
$ run
exit 1
tables:
""",
        reason=(
            "a file for dbmate, goose or sql-migrate that nobody has converted drops "
            "what it makes, and, on a database that has it already, the rows too"
        ),
    ),
    Difference(
        "passed over",
        rust="""\
$ run
Applied 1/migrate one (TIME)
Applied 2/migrate two (TIME)
$ revert --dry-run
Can apply 1/revert one (0ns)
tables: one two
history: 1 True
history: 2 True
""",
        ours="""\
$ run
Applied 1/migrate one (TIME)
Applied 2/migrate two (TIME)
$ revert --dry-run
No migrations available to revert
tables: one two
history: 1 True
history: 2 True
""",
        reason=(
            "reverting an older migration under a newer one that cannot be reverted "
            "leaves a schema that never was; stderr names the file and the ways out"
        ),
    ),
    Difference(
        "irreversible to a target",
        rust="""\
$ run
Applied 1/migrate one (TIME)
Applied 2/migrate two (TIME)
Applied 3/migrate three (TIME)
$ revert --target-version 0 --dry-run
Can apply 3/revert three (0ns)
Can apply 1/revert one (0ns)
tables: one three two
history: 1 True
history: 2 True
history: 3 True
""",
        ours="""\
$ run
Applied 1/migrate one (TIME)
Applied 2/migrate two (TIME)
Applied 3/migrate three (TIME)
$ revert --target-version 0 --dry-run
exit 1
tables: one three two
history: 1 True
history: 2 True
history: 3 True
""",
        reason="the same, for all that is newer than the target",
    ),
    Difference(
        "byte order mark",
        rust="""\
$ run
error: while executing migration 1: error returned from database: syntax error at or near "\ufeffCREATE"
exit 1
$ info
1/pending one
tables:
""",  # noqa: E501
        ours="""\
$ run
Applied 1/migrate one (TIME)
$ info
1/installed one
tables: one
history: 1 True
""",
        reason=(
            "PostgreSQL takes a byte order mark for a letter; it is left out, with a "
            "warning"
        ),
        only="postgres",
    ),
    Difference(
        "byte order mark",
        rust="""\
$ run
error: while executing migration 1: error returned from database: 1064 (42000): You have an error in your SQL syntax; check the manual that corresponds to your MariaDB server version for the right syntax to use near '\ufeffCREATE TABLE one (id BIGINT PRIMARY KEY, note VARCHAR(80))'
exit 1
$ info
1/pending one
tables:
""",  # noqa: E501
        ours="""\
$ run
Applied 1/migrate one (TIME)
$ info
1/installed one
tables: one
history: 1 True
""",
        reason="the same on MySQL and MariaDB",
        only="mysql",
    ),
    Difference(
        "line endings changed",
        rust="""\
$ run --target-version 1
Applied 1/migrate one (TIME)
Skipped 2/migrate two (0ns)
$ info
1/installed (different checksum) one
applied migration had checksum b15026c0...
local migration has checksum f6eae435...
2/pending two
$ run --dry-run
error: migration 1 was previously applied but has been modified
exit 1
tables: one
history: 1 True
""",
        ours="""\
$ run --target-version 1
Applied 1/migrate one (TIME)
Skipped 2/migrate two (0ns)
$ info
1/installed (different checksum) one
applied migration had checksum b15026c0...
local migration has checksum f6eae435...
2/pending two
$ run --dry-run
Can apply 2/migrate two (0ns)
tables: one
history: 1 True
""",
        reason=("a checkout with other line endings is the same migration: a warning"),
    ),
    Difference(
        "several statements without a transaction",
        rust="""\
$ run --target-version 1
Applied 1/migrate one (TIME)
Skipped 2/migrate two (0ns)
$ run --target-version 2
error: while executing migration 2: error returned from database: CREATE INDEX CONCURRENTLY cannot run inside a transaction block
exit 1
tables: one
history: 1 True
""",  # noqa: E501
        ours="""\
$ run --target-version 1
Applied 1/migrate one (TIME)
Skipped 2/migrate two (0ns)
$ run --target-version 2
Applied 2/migrate two (TIME)
tables: one
history: 1 True
history: 2 True
""",
        reason=(
            "sent as one message the file is one transaction after all; ours sends "
            "each statement by itself, as psql does"
        ),
    ),
    Difference(
        "statements without a transaction that fail",
        rust="""\
$ run
error: while executing migration 1: error returned from database: relation "one" already exists
exit 1
$ info
1/pending one
tables:
""",  # noqa: E501
        ours="""\
$ run
exit 1
$ info
1/installed one
tables: one
history: 1 False
""",
        reason=(
            "what is committed must not run again; the row says FALSE until a person "
            "decides"
        ),
        only="postgres",
    ),
    Difference(
        "statements without a transaction that fail",
        rust="""\
$ run
error: while executing migration 1: error returned from database: (code: 1) table one already exists
exit 1
$ info
1/pending one
tables: one
""",  # noqa: E501
        ours="""\
$ run
exit 1
$ info
1/installed one
tables: one
history: 1 False
""",
        reason=(
            "what is committed must not run again; the row says FALSE until a person "
            "decides"
        ),
        only="sqlite",
    ),
    Difference(
        "marker in SQLite 0.8",
        rust="""\
$ run
error: while executing migration 1: error returned from database: (code: 1) cannot VACUUM from within a transaction
exit 1
tables:
""",  # noqa: E501
        ours="""\
$ run
Applied 1/migrate vacuum (TIME)
tables:
history: 1 True
""",
        reason="as SQLx 0.9 does",
    ),
    Difference(
        "own commit, then a failure",
        rust="""\
$ run
error: while executing migration 1: error returned from database: relation "one" already exists
exit 1
$ info
1/pending one
tables: one
""",  # noqa: E501
        ours="""\
$ run
exit 1
$ info
1/installed one
tables: one
history: 1 False
""",
        reason=(
            "what the file committed must not run again; the row says FALSE until a "
            "person decides"
        ),
    ),
    Difference(
        "one version twice",
        rust="""\
$ info
1/pending one
1/pending two
$ run
Applied 1/migrate one (TIME)
error: while executing migrations: error returned from database: duplicate key value violates unique constraint "_sqlx_migrations_pkey"
exit 1
tables: one
history: 1 True
""",  # noqa: E501
        ours="""\
$ info
exit 1
$ run
exit 1
tables:
""",
        reason="refused while loading; one of the two could never be recorded",
        only="postgres",
    ),
    Difference(
        "one version twice",
        rust="""\
$ info
1/pending one
1/pending two
$ run
Applied 1/migrate one (TIME)
error: while executing migrations: error returned from database: (code: 1555) UNIQUE constraint failed: _sqlx_migrations.version
exit 1
tables: one
history: 1 True
""",  # noqa: E501
        ours="""\
$ info
exit 1
$ run
exit 1
tables:
""",
        reason="refused while loading; one of the two could never be recorded",
        only="sqlite",
    ),
    Difference(
        "one version twice",
        rust="""\
$ info
1/pending one
1/pending two
$ run
Applied 1/migrate one (TIME)
error: while executing migrations: error returned from database: 1062 (23000): Duplicate entry '1' for key 'PRIMARY'
exit 1
tables: one
history: 1 True
""",  # noqa: E501
        ours="""\
$ info
exit 1
$ run
exit 1
tables:
""",
        reason="refused while loading; one of the two could never be recorded",
        only="mysql",
    ),
    Difference(
        "changed behind a pending one",
        rust="""\
$ run
Applied 1/migrate one (TIME)
Applied 3/migrate three (TIME)
$ run
Applied 2/migrate two (TIME)
error: migration 3 was previously applied but has been modified
exit 1
$ info
1/installed one
2/installed two
3/installed (different checksum) three
applied migration had checksum d66eb254...
local migration has checksum 3fdee628...
tables: one three two
history: 1 True
history: 2 True
history: 3 True
""",
        ours="""\
$ run
Applied 1/migrate one (TIME)
Applied 3/migrate three (TIME)
$ run
exit 1
$ info
1/installed one
2/pending two
3/installed (different checksum) three
applied migration had checksum d66eb254...
local migration has checksum 3fdee628...
tables: one three
history: 1 True
history: 3 True
""",
        reason="everything is checked before anything is applied",
    ),
    Difference(
        "search path left behind",
        rust="""\
$ run
error: while executing migrations: error returned from database: relation "_sqlx_migrations" does not exist
exit 1
$ info
1/pending one
tables:
""",  # noqa: E501
        ours="""\
$ run
Applied 1/migrate one (TIME)
$ info
1/installed one
tables: one
history: 1 True
""",
        reason="a dump sets it in every file; our statements name the schema",
    ),
    Difference(
        "discarding all",
        rust="""\
$ run
Applied 1/migrate one (TIME)
error: while executing migrations: error returned from database: prepared statement "sqlx_s_3" does not exist
exit 1
$ info
1/installed one
2/pending two
3/pending three
tables: one
history: 1 True
""",  # noqa: E501
        ours="""\
$ run
Applied 1/migrate one (TIME)
Applied 2/migrate two (TIME)
Applied 3/migrate three (TIME)
$ info
1/installed one
2/installed two
3/installed three
tables: one three
history: 1 True
history: 2 True
history: 3 True
""",
        reason=(
            "our statements are not prepared, and the session is set anew after the "
            "file"
        ),
    ),
    Difference(
        "copy from standard input",
        rust="""\
$ run
Applied 1/migrate one (TIME)
error: while executing migration 2: encountered unexpected or invalid data: execute: unexpected message: CopyInResponse
exit 1
$ info
1/installed one
2/pending copy
tables: one
history: 1 True
""",  # noqa: E501
        ours="""\
$ run
exit 1
$ info
1/pending one
2/pending copy
tables:
""",
        reason=(
            "refused while loading, before anything is applied, with line and mend"
        ),
    ),
    Difference(
        "empty file",
        rust="""\
$ run
error: while executing migration 1: error returned from database: 1065 (42000): Query was empty
exit 1
$ info
1/pending empty
tables:
""",  # noqa: E501
        ours="""\
$ run
Applied 1/migrate empty (TIME)
$ info
1/installed empty
tables:
history: 1 True
""",
        reason="applied with a warning, as on PostgreSQL and SQLite",
    ),
    Difference(
        "empty statements",
        rust="""\
$ run
error: while executing migration 1: error returned from database: 1064 (42000): You have an error in your SQL syntax; check the manual that corresponds to your MariaDB server version for the right syntax to use near ';;
CREATE TABLE semicolons (id BIGINT PRIMARY KEY, note VARCHAR(80))'
exit 1
$ info
1/pending semicolons
tables:
""",  # noqa: E501
        ours="""\
$ run
Applied 1/migrate semicolons (TIME)
$ info
1/installed semicolons
tables: semicolons
history: 1 True
""",
        reason="what is sent is the file's statements, and an empty one is none",
    ),
    Difference(
        "failing at the first statement",
        rust="""\
$ run
Applied 1/migrate one (TIME)
error: while executing migration 2: error returned from database: 1050 (42S01): Table 'one' already exists
exit 1
$ info
1/installed one
2/installed one
tables: one
history: 1 True
history: 2 False
""",  # noqa: E501
        ours="""\
$ run
Applied 1/migrate one (TIME)
exit 1
$ info
1/installed one
2/pending one
tables: one
history: 1 True
""",
        reason=(
            "the DDL committed the row that says FALSE, and nothing else: it is taken "
            "back"
        ),
    ),
    Difference(
        "failing on the way back",
        rust="""\
$ run
Applied 1/migrate one (TIME)
$ revert
error: while executing migrations: error returned from database: 1051 (42S02): Unknown table 'DATABASE.not_here'
exit 1
$ info
1/installed one
tables: one
history: 1 False
""",  # noqa: E501
        ours="""\
$ run
Applied 1/migrate one (TIME)
$ revert
exit 1
$ info
1/installed one
tables: one
history: 1 True
""",
        reason="the same: nothing was undone, so the row says TRUE again",
    ),
    Difference(
        "another database left behind",
        rust="""\
$ run
error: while executing migrations: error returned from database: 1044 (42000): Access denied for user 'root'@'localhost' to database 'information_schema'
exit 1
$ info
1/installed one
tables: one
history: 1 False
""",  # noqa: E501
        ours="""\
$ run
Applied 1/migrate one (TIME)
$ info
1/installed one
tables: one
history: 1 True
""",
        reason="our statements name the database, and the next file begins in it",
    ),
    Difference(
        "sql_mode left behind",
        rust="""\
$ run
Applied 1/migrate mode (TIME)
error: while executing migration 2: error returned from database: 1054 (42S22): Unknown column 'a' in 'DEFAULT'
exit 1
$ info
1/installed mode
2/installed two
tables:
history: 1 True
history: 2 False
""",  # noqa: E501
        ours="""\
$ run
Applied 1/migrate mode (TIME)
Applied 2/migrate two (TIME)
$ info
1/installed mode
2/installed two
tables: two
history: 1 True
history: 2 True
""",
        reason=(
            "the result must not depend on which files run together; dumps leave such "
            "settings behind"
        ),
    ),
    Difference(
        "delimiters",
        rust="""\
$ run
error: while executing migration 1: error returned from database: 1064 (42000): You have an error in your SQL syntax; check the manual that corresponds to your MariaDB server version for the right syntax to use near 'DELIMITER //
CREATE TABLE one (id BIGINT PRIMARY KEY, note VARCHAR(80))//'
exit 1
$ info
1/pending one
tables:
""",  # noqa: E501
        ours="""\
$ run
Applied 1/migrate one (TIME)
$ info
1/installed one
tables: one
history: 1 True
""",
        reason="understood as the mysql client does; the server does not know the word",
    ),
)
