"""What the two tools are given to do: files, and commands in order.

What stands in CASES is carried out by Rust alone and by both in turns, and must go
alike (test_turns.py). In what stands in APART they differ on purpose: each has a
database of its own, and differences.py says what either does and why
(test_differences.py). SQL that all databases understand stands as it is, other SQL in a
mapping.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

__all__ = ["APART", "CASES", "Case", "Put", "Sql", "Step", "Take", "Text", "on"]

POSTGRES, SQLITE, MYSQL = "postgres", "sqlite", "mysql"
EVERY = (POSTGRES, SQLITE, MYSQL)
NEWER = ("0.9.0",)

Text: TypeAlias = str | Mapping[str, str]
"""The same for every database, or one for each."""


@dataclass(frozen=True)
class Put:
    """Write files into `migrations/`, or replace them."""

    files: Mapping[str, Text]


@dataclass(frozen=True)
class Take:
    """Remove a file from `migrations/`."""

    name: str


@dataclass(frozen=True)
class Sql:
    """Change the database by hand."""

    text: Text


Step: TypeAlias = str | Put | Take | Sql
"""A string is the words of a command: `run` stands for `migrate run`."""


@dataclass(frozen=True)
class Case:
    """A story: what is there, and what happens.

    Args:
        name: For the test's id.
        files: In `migrations/` when it begins.
        steps: What happens, in order.
        databases: Where it can happen.
        versions: The versions of sqlx-cli that know it.
        toml: The text of `sqlx.toml`; none when it is empty.
    """

    name: str
    files: Mapping[str, Text]
    steps: tuple[Step, ...]
    databases: tuple[str, ...] = EVERY
    versions: tuple[str, ...] = ("0.8.6", "0.9.0")
    toml: str = field(default="")


def on(database: str, text: Text) -> str:
    """Choose a text for a database."""
    return text if isinstance(text, str) else text[database]


def table(name: str) -> str:
    """Write a migration that makes a table."""
    return f"CREATE TABLE {name} (id BIGINT PRIMARY KEY, note VARCHAR(80));\n"


def pair(version: str, name: str) -> dict[str, Text]:
    """Write a reversible migration."""
    return {
        f"{version}_{name}.up.sql": table(name),
        f"{version}_{name}.down.sql": f"DROP TABLE {name};\n",
    }


SIMPLE: dict[str, Text] = {
    "0001_users.sql": table("users") + "CREATE INDEX users_note ON users (note);\n",
    "2_two_words.sql": table("two_words") + "INSERT INTO two_words VALUES (1, 'é');\n",
    "20250114000000_late.sql": "CREATE TABLE late (id BIGINT) -- no end",
}
REVERSIBLE: dict[str, Text] = {
    **pair("1", "one"),
    **pair("2", "two"),
    **pair("3", "three"),
}
OUTSIDE: dict[str, Text] = {
    "1_users.up.sql": table("users"),
    "1_users.down.sql": "DROP TABLE users;\n",
    "2_outside.up.sql": {
        POSTGRES: "-- no-transaction\n"
        "CREATE INDEX CONCURRENTLY users_note ON users (note);\n",
        SQLITE: "-- no-transaction\nVACUUM;\n",
        MYSQL: "-- no-transaction\nCREATE INDEX users_note ON users (note);\n",
    },
    "2_outside.down.sql": {
        POSTGRES: "-- no-transaction\nDROP INDEX CONCURRENTLY users_note;\n",
        SQLITE: "-- no-transaction\nPRAGMA journal_mode = WAL;\n",
        MYSQL: "-- no-transaction\nDROP INDEX users_note ON users;\n",
    },
}

EMPTY: dict[str, Text] = {"1_empty.sql": ""}
SEMICOLONS: dict[str, Text] = {"1_semicolons.sql": f";;\n{table('semicolons')};;"}
# What MySQL's and MariaDB's own clients and dumps write.
DUMP = """\
# A comment of MySQL's.
/*!40101 SET @old_mode = @@sql_mode, sql_mode = 'NO_AUTO_VALUE_ON_ZERO' */;
CREATE TABLE `one` (`id` INT NOT NULL, `note` TEXT DEFAULT 'it\\'s; #1') ENGINE=InnoDB;
LOCK TABLES `one` WRITE;
/*!40000 ALTER TABLE `one` DISABLE KEYS */;
INSERT INTO `one` VALUES (1, "a;b"), (2, NULL);
/*!40000 ALTER TABLE `one` ENABLE KEYS */;
UNLOCK TABLES;
/*!40101 SET sql_mode = @old_mode */;
"""
ROUTINES = """\
CREATE TRIGGER counted BEFORE INSERT ON one FOR EACH ROW SET NEW.note = 'counted';
CREATE PROCEDURE fill()
BEGIN
    INSERT INTO one VALUES (1, 'x');
    SELECT * FROM one;
END;
CALL fill();
DROP PROCEDURE fill;
"""

CASES = (
    Case(
        "simple",
        SIMPLE,
        (
            "info",
            "run --dry-run",
            "run --target-version 1",
            "info",
            "run --target-version 1",
            "run --target-version=2 --dry-run",
            "run",
            "run",
            "info",
        ),
    ),
    Case(
        "reversible",
        REVERSIBLE,
        (
            "revert",
            "run",
            "info",
            "revert --dry-run",
            "revert",
            "info",
            "run --dry-run",
            "run",
            "revert --target-version 1 --dry-run",
            "revert --target-version 1",
            "revert --target-version 1",
            "run --target-version 2",
            "revert --target-version 0",
            "info",
            "revert",
            "run",
        ),
    ),
    Case(
        "mixed",
        {
            "1_one.sql": table("one"),
            **pair("2", "two"),
            "3_three.sql": table("three"),
            "3_three.down.sql": "DROP TABLE three;\n",
        },
        (
            "run",
            "info",
            "revert",
            "info",
            "run",
            "revert --target-version 2",
            "revert --dry-run",
            "revert",
            "info",
            "run",
        ),
    ),
    Case(
        "no way back",
        {"1_one.sql": table("one")},
        ("run", "revert", "revert --dry-run", "info"),
    ),
    Case(
        "no transaction",
        OUTSIDE,
        ("run", "info", "revert", "info", "run", "revert --target-version 0", "run"),
        databases=(POSTGRES,),
    ),
    Case(
        "no transaction in SQLite",
        OUTSIDE,
        ("run", "info", "revert", "info", "run", "revert --target-version 0", "run"),
        databases=(SQLITE,),
        versions=NEWER,
    ),
    Case(
        "no transaction in MySQL",
        OUTSIDE,
        ("run", "info", "revert", "info", "run", "revert --target-version 0", "run"),
        databases=(MYSQL,),
    ),
    Case(
        "own table and ignored characters",
        {
            "1_one.sql": "CREATE TABLE one (\n\tid BIGINT\n);\n",
            "2_two.sql": table("two"),
        },
        (
            "info",
            "run --target-version 1",
            Put({"1_one.sql": "\ufeffCREATE TABLE one (\r\n  id BIGINT\r\n);\r\n"}),
            "info",
            "run",
            "run",
            Put({"1_one.sql": "CREATE TABLE one (id INT);\n"}),
            "info",
        ),
        versions=NEWER,
        toml='[migrate]\ntable-name = "my_history"\n'
        'ignored-chars = [" ", "\\t", "\\r", "\\n", "\\uFEFF"]\n',
    ),
    Case(
        "own schema",
        SIMPLE,
        ("run --target-version 2", "info", "run", "info"),
        databases=(POSTGRES,),
        versions=NEWER,
        toml='[migrate]\ntable-name = "zoo.history"\ncreate-schemas = ["zoo", "bar"]\n',
    ),
    Case(
        "skip",
        REVERSIBLE,
        (
            "override skip --dry-run",
            Sql("CREATE TABLE one (id BIGINT)"),
            "override skip --target-version 1",
            "info",
            "run --target-version 2",
            "override skip",
            "override skip",
            "info",
            Sql(table("three")),
            "revert",
            "run",
            "revert --target-version 0",
        ),
        versions=NEWER,
    ),
    Case(
        "out of order",
        {"1_one.sql": table("one"), "3_three.sql": table("three")},
        (
            "run",
            Put({"2_two.sql": table("two")}),
            "info",
            "run --target-version 2",
            "run --target-version 3",
            "info",
        ),
    ),
    Case(
        "missing",
        {**REVERSIBLE},
        (
            "run",
            Take("2_two.up.sql"),
            "run",
            "info",
            Take("2_two.down.sql"),
            "info",
            "run",
            "revert",
            "run --ignore-missing",
            "revert --ignore-missing",
            "run --ignore-missing",
        ),
    ),
    Case(
        "changed",
        {"1_one.sql": table("one"), "2_two.sql": table("two")},
        (
            "run --target-version 1",
            Put({"1_one.sql": table("one") + "-- more\n"}),
            "info",
            "run --target-version 1",
        ),
    ),
    Case(
        "targets",
        REVERSIBLE,
        (
            "run --target-version 99",
            "run --target-version 2",
            "run --target-version 1",
            "revert --target-version 99",
            "revert --target-version 3",
            "revert --target-version 2",
            "run --target-version=-1",
            "info",
        ),
    ),
    Case(
        "dirty",
        REVERSIBLE,
        (
            "run --target-version 2",
            Sql("UPDATE _sqlx_migrations SET success = false WHERE version = 2"),
            "run",
            "run --dry-run",
            "revert",
            "info",
        ),
    ),
    Case(
        "versions and descriptions",
        {
            "-7_below.sql": table("below"),
            "0_zero.sql": table("zero"),
            "+12__double__under_.sql": table("plus"),
            "13_.sql": table("empty"),
            "14_übung_ö.sql": table("umlaut"),
            '15_it\'s "quoted" $1 %s {x}.sql': table("quoted"),
            "16_a.sql.sql": table("twice"),
            "17_a.up.sql.sql": table("up_simple"),
            "18_up.sql": table("up"),
            "9223372036854775807_last.sql": table("last"),
            "README.md": "no migration",
        },
        ("info", "run", "info", "run"),
    ),
    Case(
        "before zero",
        {**pair("-1", "below"), **pair("0", "zero"), **pair("1", "one")},
        (
            "run",
            "revert --target-version 0",
            "revert --target-version=-1",
            "info",
            "revert",
            "info",
        ),
    ),
    Case(
        "failing",
        {
            "1_one.sql": table("one"),
            "2_two.sql": table("two") + "CREATE TABLE one (id BIGINT);\n",
            "3_three.sql": table("three"),
        },
        (
            "run",
            "info",
            Put({"2_two.sql": table("two")}),
            "run",
            "run",
        ),
    ),
    Case(
        "failing on the way back",
        {"1_one.up.sql": table("one"), "1_one.down.sql": "DROP TABLE not_here;\n"},
        ("run", "revert", "info"),
        databases=(POSTGRES, SQLITE),
    ),
    Case(
        "texts as they come",
        {
            "1_comment.sql": "-- nothing to do\n",
            "2_crlf.sql": "CREATE TABLE crlf (\r\n  id BIGINT\r\n);\r\n",
            "3_open.sql": "CREATE TABLE no_semicolon (id BIGINT)",
            "5_tail.sql": table("tail") + "/* a comment */ -- and one more",
            "6_quotes.sql": "CREATE TABLE quotes (a TEXT DEFAULT 'it''s; --');\n",
            "7_spaces.sql": "\n\n   \t" + table("spaces") + "\n\n",
        },
        ("run", "info", "run"),
    ),
    Case("empty file", EMPTY, ("run", "info", "run"), databases=(POSTGRES, SQLITE)),
    Case("empty statements", SEMICOLONS, ("run", "info"), databases=(POSTGRES, SQLITE)),
    Case("no files", {}, ("info", "run", "revert")),
    Case(
        "marker in a comment block",
        {"1_one.sql": "-- The first.\n-- no-transaction\n" + table("one")},
        ("run", "info"),
    ),
    Case(
        "own commit",
        {"1_one.sql": table("one") + "COMMIT;\n" + table("two")},
        ("run", "info"),
        databases=(POSTGRES, MYSQL),
    ),
    Case(
        "own commit, then a failure in MySQL",
        {"1_one.sql": table("one") + "COMMIT;\n" + table("one")},
        ("run", "info", "run"),
        databases=(MYSQL,),
    ),
    Case(
        "statements without a transaction that fail in MySQL",
        {"1_one.sql": "-- no-transaction\n" + table("one") + table("one")},
        ("run", "info", "run"),
        databases=(MYSQL,),
    ),
    Case(
        "failing rows",
        {
            "1_one.sql": table("one"),
            "2_rows.sql": "INSERT INTO one VALUES (1, 'a');\n"
            "INSERT INTO one VALUES (1, 'b');\n",
        },
        ("run", "info", "run"),
    ),
    Case(
        "failing on the way back in MySQL",
        {
            "1_one.up.sql": table("one"),
            "1_one.down.sql": "DROP TABLE one;\nDROP TABLE one;\n",
        },
        ("run", "revert", "info", "revert", "run"),
        databases=(MYSQL,),
    ),
    Case(
        "results on the way",
        {"1_one.sql": "SELECT 1;\n" + table("one") + "SELECT * FROM one;\nSELECT 2;"},
        ("run", "info"),
    ),
    Case(
        "as MySQL dumps",
        {"1_one.sql": DUMP, "2_two.sql": table("two")},
        ("run", "info", "run"),
        databases=(MYSQL,),
    ),
    Case(
        "routines",
        {"1_one.sql": table("one"), "2_routines.sql": ROUTINES},
        ("run", "info"),
        databases=(MYSQL,),
    ),
    Case(
        "own transaction",
        {"1_one.sql": "BEGIN;\n" + table("one") + "COMMIT;\n"},
        ("run", "info"),
    ),
    Case(
        "a name without a version",
        {"one_table.sql": table("one")},
        ("info", "run", "revert"),
    ),
    Case(
        "names that SQLx ignores",
        {
            "1_one.sql": table("one"),
            "2.sql": table("two"),
            "3_three.SQL": table("three"),
            "4-four.sql": table("four"),
        },
        ("info", "run", "info"),
    ),
    Case(
        "byte order mark in SQLite",
        {"1_one.sql": "\ufeff" + table("one")},
        ("run", "info"),
        databases=(SQLITE,),
    ),
)

APART = (
    Case(
        "byte order mark",
        {"1_one.sql": "\ufeff" + table("one")},
        ("run", "info"),
        databases=(POSTGRES, MYSQL),
    ),
    Case(
        "both ways in one file",
        {"1_one.sql": table("one") + "-- migrate:down\nDROP TABLE one;\n"},
        ("run",),
    ),
    Case("empty file", EMPTY, ("run", "info"), databases=(MYSQL,)),
    Case("empty statements", SEMICOLONS, ("run", "info"), databases=(MYSQL,)),
    Case(
        "passed over",
        {**pair("1", "one"), "2_two.sql": table("two")},
        ("run", "revert --dry-run"),
    ),
    Case(
        "irreversible to a target",
        {**pair("1", "one"), "2_two.sql": table("two"), **pair("3", "three")},
        ("run", "revert --target-version 0 --dry-run"),
    ),
    Case(
        "line endings changed",
        {"1_one.sql": table("one"), "2_two.sql": table("two")},
        (
            "run --target-version 1",
            Put({"1_one.sql": table("one").replace("\n", "\r\n")}),
            "info",
            "run --dry-run",
        ),
    ),
    Case(
        "several statements without a transaction",
        {
            "1_one.sql": table("one"),
            "2_two.sql": "-- no-transaction\n"
            "CREATE INDEX CONCURRENTLY one_note ON one (note);\n"
            "CREATE INDEX CONCURRENTLY one_both ON one (id, note);\n",
        },
        ("run --target-version 1", "run --target-version 2"),
        databases=(POSTGRES,),
    ),
    Case(
        "statements without a transaction that fail",
        {
            "1_one.sql": "-- no-transaction\n" + table("one") + table("one"),
        },
        ("run", "info"),
        databases=(POSTGRES, SQLITE),
        versions=NEWER,
    ),
    Case(
        "marker in SQLite 0.8",
        {"1_vacuum.sql": "-- no-transaction\nVACUUM;\n"},
        ("run",),
        databases=(SQLITE,),
        versions=("0.8.6",),
    ),
    Case(
        "own commit, then a failure",
        {"1_one.sql": table("one") + "COMMIT;\n" + table("one")},
        ("run", "info"),
        databases=(POSTGRES,),
    ),
    Case(
        "one version twice",
        {"1_one.sql": table("one"), "1_two.sql": table("two")},
        ("info", "run"),
        versions=NEWER,
    ),
    Case(
        "changed behind a pending one",
        {"1_one.sql": table("one"), "3_three.sql": table("three")},
        (
            "run",
            Put({"2_two.sql": table("two"), "3_three.sql": table("changed")}),
            "run",
            "info",
        ),
    ),
    Case(
        "search path left behind",
        {
            "1_one.sql": "SELECT set_config('search_path', '', false);\n"
            "CREATE TABLE public.one (id BIGINT);\n",
        },
        ("run", "info"),
        databases=(POSTGRES,),
    ),
    Case(
        "discarding all",
        {
            "1_one.sql": table("one"),
            "2_two.sql": "-- no-transaction\nDISCARD ALL;\n",
            "3_three.sql": table("three"),
        },
        ("run", "info"),
        databases=(POSTGRES,),
    ),
    Case(
        "copy from standard input",
        {"1_one.sql": table("one"), "2_copy.sql": "COPY one FROM STDIN;\n"},
        ("run", "info"),
        databases=(POSTGRES,),
    ),
    Case(
        "failing at the first statement",
        {"1_one.sql": table("one"), "2_one.sql": table("one") + table("two")},
        ("run", "info"),
        databases=(MYSQL,),
    ),
    Case(
        "failing on the way back",
        {"1_one.up.sql": table("one"), "1_one.down.sql": "DROP TABLE not_here;\n"},
        ("run", "revert", "info"),
        databases=(MYSQL,),
    ),
    Case(
        "another database left behind",
        {"1_one.sql": table("one") + "USE information_schema;\n"},
        ("run", "info"),
        databases=(MYSQL,),
    ),
    Case(
        "sql_mode left behind",
        {
            "1_mode.sql": "SET sql_mode = 'ANSI_QUOTES';\n",
            "2_two.sql": 'CREATE TABLE two (note VARCHAR(9) DEFAULT "a");\n',
        },
        ("run", "info"),
        databases=(MYSQL,),
    ),
    Case(
        "delimiters",
        {"1_one.sql": "DELIMITER //\n" + table("one").replace(";", "//")},
        ("run", "info"),
        databases=(MYSQL,),
    ),
)
