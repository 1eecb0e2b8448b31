"""PostgreSQL's splitter against a slow lexer of its kind, and against the server."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sqlx.migrations.statements import Syntax, split

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlx.testing import DatabaseFactory

FRAGMENTS = [
    *"'\"();;;\\/*-.,$1\n\r  \vaé\ufeff",
    *["$$", "$$", "$a$", "$1", "''", "[;]", "--", "/*", "*/", "1e", "e", "E'", "E'"],
    *["x'", "U&'", 'u&"', "a$", "AS ", "\\'", "SELECT ", "f()", "CASE ", "END "],
    *["CREATE ", "OR ", "REPLACE ", "FUNCTION ", "BEGIN ", "ATOMIC "],
    *["a b c d e f g h i j k l m ", "CREATE FUNCTION f() BEGIN ATOMIC "],
]
texts = st.lists(st.sampled_from(FRAGMENTS), max_size=30).map("".join) | st.text()

# --- a slow lexer

TOKEN = re.compile(
    r"""
    (?P<blank>   [ \t\r\n\f\v]+ | --[^\r\n]* )
  | (?P<comment> /\* )
  | (?P<escape>  [eE]' )
  | (?P<string>  (?:[bBxXnN]|[uU]&)? '[^']*'? )
  | (?P<name>    (?:[uU]&)? "[^"]*"? )
  | (?P<word>    [A-Za-z_\x80-\U0010ffff][A-Za-z_0-9$\x80-\U0010ffff]* )
  | (?P<number>  \$?[0-9]+(?:[A-Za-z_\x80-\U0010ffff][A-Za-z_0-9$\x80-\U0010ffff]*)? )
  | (?P<dollar>  \$(?:[A-Za-z_\x80-\U0010ffff][A-Za-z_0-9\x80-\U0010ffff]*)?\$ )
  | (?P<sign>    [\s\S] )
    """,
    re.VERBOSE,
)


def read_tokens(text: str) -> Iterator[tuple[str, str]]:
    """Read every token, as scan.l does; what is never closed is of the kind "open"."""
    at = 0
    while match := TOKEN.match(text, at):
        kind, end = str(match.lastgroup), match.end()
        closed = True
        if kind in {"string", "name"}:
            closed = (
                len(match[0]) > 1 and match[0][-1] == match[0].strip("bBxXnNuU&")[0]
            )
            closed = closed and match[0].count(match[0][-1]) == 2
        elif kind == "comment":
            end = end_of_comment(text, at)
        elif kind == "escape":
            end = end_of_escapes(text, end)
        elif kind == "dollar":
            end = text.find(match[0], end) + len(match[0])
            closed = end >= match.end() + len(match[0])
        if not closed or not end:
            yield "open", text[at:]
            return
        yield kind, text[at:end]
        at = end


def end_of_comment(text: str, at: int) -> int:
    """Walk through a nested comment; 0 when it is open."""
    depth = 0
    while at < len(text):
        step = {"/*": 1, "*/": -1}.get(text[at : at + 2], 0)
        depth += step
        at += 2 if step else 1
        if depth == 0:
            return at
    return 0


def end_of_escapes(text: str, at: int) -> int:
    """Walk through a string with backslashes, and what continues it; 0 when open."""
    while at < len(text):
        if text[at] == "\\" or text[at : at + 2] == "''":
            at += 2
            continue
        at += 1
        if text[at - 1] == "'":
            blank = re.compile(r"(?:[ \t\r\n\f\v]|--[^\r\n]*(?=[\r\n]))*").match(
                text, at
            )
            assert blank is not None
            space = re.sub(r"--[^\r\n]*", "", blank[0])
            if not re.search(r"[\r\n]", space) or text[blank.end() :][:1] != "'":
                return at
            at = blank.end() + 1
    return 0


@dataclass
class Reader:
    """Splits as psqlscan.l does, but for BEGIN, which must be BEGIN ATOMIC."""

    found: list[str] = field(default_factory=list)
    certain: bool = True
    seen: list[str] = field(default_factory=list)
    statement: str = ""
    end: int = 0
    depth: int = 0
    body: int = 0

    def read(self, text: str) -> None:
        """Split a whole text."""
        for kind, sign in read_tokens(text):
            self.statement += sign
            if kind in {"blank", "comment"}:
                self.statement = self.statement if self.seen else ""
            elif sign == ";" and not self.depth and not self.body:
                self.end = len(self.statement)
                self.finish()
            else:
                self.take(kind, sign.upper())
        self.certain = self.certain and not self.depth and not self.body
        self.finish()

    def finish(self) -> None:
        """End a statement, if there is one."""
        if self.seen:
            self.found.append(self.statement[: self.end])
        self.statement, self.end, self.depth, self.body = "", 0, 0, 0
        self.seen = []

    def take(self, kind: str, sign: str) -> None:
        """Take a token of a statement."""
        self.end = len(self.statement)
        doubtful = sign in {"\\", "\0", ")"[self.depth :]}
        self.certain = self.certain and not doubtful and kind != "open"
        if kind == "sign":
            self.depth = max(0, self.depth + {"(": 1, ")": -1}.get(sign, 0))
        if kind == "word" and not self.depth:
            self.follow(sign, self.seen[-1] if self.seen else "")
        self.seen.append(sign)

    def follow(self, word: str, previous: str) -> None:
        """Count BEGIN ATOMIC, CASE and END of a routine."""
        head = re.compile(r"CREATE (OR REPLACE )?(FUNCTION|PROCEDURE)\b")
        if self.body and previous not in {"AS", "."}:
            self.body += {"CASE": 1, "END": -1}.get(word, 0)
        elif not self.body and head.match(" ".join(self.seen)):
            self.body = int((previous, word) == ("BEGIN", "ATOMIC"))


@given(texts)
def test_jumping_finds_what_reading_finds(text: str) -> None:
    """The splitter jumps from mark to mark; reading every token gives the same."""
    found = split(text, Syntax.POSTGRES)
    reader = Reader()
    reader.read(text)
    assert [found.sql(item) for item in found.items] == reader.found
    assert found.certain is reader.certain


# --- the server


@pytest.fixture(scope="module")
def connection(
    db_factory: DatabaseFactory, sqlx_server: str
) -> Iterator[psycopg.Connection]:
    """Connect to a database with one table, in which anything may happen."""
    url = db_factory.create(migrations=False, database=sqlx_server)
    with psycopg.connect(url, autocommit=True) as connected:
        connected.execute("CREATE TABLE t (a int)")
        yield connected


def count_results(connection: psycopg.Connection, text: str) -> int:
    """Send a whole text as one message; count the statements that were executed."""
    try:
        cursor = connection.execute(text.encode())
        results = [cursor.statusmessage]
        while cursor.nextset():
            results.append(cursor.statusmessage)
    finally:
        connection.rollback()
    return len(list(filter(None, results)))


VALUES = [
    *["1", "1.5e-3", "';'", "'it''s;'", "'a'\n  ';b'", "''", r"'\'", "U&';\\0061'"],
    *[r"E'\';'", r"e';\\'", r"E'a''\';'", "E'a' -- ';\n  '\\';'", r"N'\'", "B'1'"],
    *["$$;'$$", "$a$ $$;' $b$ $a$", "$é$;$é$", '1 AS ";\'"', '1 AS U&";"', "1 AS a$b$"],
    *["1 AS end", "(1)", "((';'))", "'{;}'::text[]", "(SELECT ';' AS \"(\")", "- -1"],
    *[
        "CASE WHEN true THEN 1 END",
        "(CASE 1 WHEN 1 THEN 2 END)",
        "6 /2",
        "2 */* ; */ 3",
    ],
    *["'a' AS naïve", "1 AS \ufeffa", "(ARRAY[1, 2])[1:2]", "X'1F'", "1 -- ;'\n+ 1"],
]
GAPS = [" ", "\n", "\t\r\n", " /* ;' /* ; */ \" */", " -- ';$$\n", "--\r", "\f/**/"]

values = st.lists(st.sampled_from(VALUES), min_size=1, max_size=14)
queries = values.map(lambda found: f"SELECT {', '.join(found)}")
bodies = st.lists(queries, min_size=1, max_size=3).map("; ".join)
gaps = st.lists(st.sampled_from(GAPS), min_size=1, max_size=3).map("".join)
statements = st.one_of(
    queries,
    bodies.map(
        "CREATE OR REPLACE PROCEDURE p()/**/LANGUAGE sql BEGIN ATOMIC {}; END".format
    ),
    bodies.map("CREATE OR REPLACE RULE r AS ON INSERT TO t DO ALSO ({})".format),
    bodies.map(
        "DO LANGUAGE plpgsql $do$BEGIN IF false THEN {}; END IF; END$do$".format
    ),
    st.sampled_from(
        ["BEGIN", "END", "ROLLBACK", "SAVEPOINT s", "CREATE TABLE IF NOT EXISTS u()"]
    ),
)


@pytest.mark.slow
@given(st.lists(st.tuples(statements, gaps), min_size=1, max_size=6))
def test_the_server_counts_the_same_statements(
    connection: psycopg.Connection, written: list[tuple[str, str]]
) -> None:
    """What was written as n statements is n for the splitter, and for the server."""
    text = ";".join(f"{gap}{statement}" for statement, gap in written)
    found = split(text, Syntax.POSTGRES)
    assert [found.sql(item).removesuffix(";") for item in found.items] == [
        statement for statement, _ in written
    ]
    assert found.certain
    try:
        results = count_results(connection, text)
    except (
        psycopg.errors.InFailedSqlTransaction,
        psycopg.errors.NoActiveSqlTransaction,
    ):
        return  # SAVEPOINT without BEGIN
    assert results == len(written)


@given(texts)
def test_the_server_never_knows_better(
    connection: psycopg.Connection, text: str
) -> None:
    """What it accepts is certain and has as many statements; what is open is not."""
    text = text.replace("\0", "")
    found = split(text, Syntax.POSTGRES)
    try:
        results = count_results(connection, text)
    except psycopg.Error as error:
        is_open = str(error).startswith("unterminated")
        results = None
    else:
        is_open = False
    assert not (is_open and found.certain)
    assert results is None or (results == len(found.items) and found.certain)
