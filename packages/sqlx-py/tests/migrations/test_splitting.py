r"""The splitter: golden cases, and laws that hold for any text.

In a golden case every statement stands between « and », which are not in the text.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sqlx.migrations.statements import Syntax, pieces, position, split

if TYPE_CHECKING:
    from collections.abc import Iterator

POSTGRES, SQLITE = Syntax.POSTGRES, Syntax.SQLITE

BOTH = [
    "",
    " \t\r\n\f\v",
    ";;\n;",
    "-- a; b\n/* ; */",
    "-- a; b",
    "«SELECT 1»",
    "«SELECT 1;»",
    "«SELECT 1;»\n\v\n",
    " «SELECT 1 ;» ; «SELECT 2» ",
    "«SELECT 1 -- one; two\n;»\n«SELECT 2»",
    "«SELECT 1» -- the end",
    "«SELECT 1» /* the */ /* end */\n",
    "-- a\n«SELECT 1;» -- b\n-- c\n«SELECT 2;» -- d",
    "«SELECT ';';» «SELECT 2»",
    "«SELECT 'it''s;';» «x»",
    "«SELECT '';» «x»",
    r"«SELECT 'a\';» «x»",
    '«SELECT ";"";";» «x»',
    "«SELECT x';', X';';» «x»",
    "«SELECT 'a\n;'\n  ';b';» «x»",
    "«SELECT 1 - -1;» «x»",
    "«SELECT 1 --1;\n;» «x»",
    "«SELECT 6 / 2 */* ; */ 3;» «x»",
    "«SELECT f(), f(1), (a, b), ((';'), \";\" /* ) */);» «x»",
    "«SELECT a,b,c,d,e,f,g,h,i,j,k,l,m, ';', (n, ';'), \"o;\" /* ; */ -- ;\n;» «x»",
    "«SELECT a,b,c,d,e,f,g,h,i,j,k,l,m /* ; */ , n» /* ; */ -- ;",
    "«SELECT a,b,c,d,e,f,g,h,i,j,k,l,m» /* ; */",
    "«SELECT (a, 'b' /* ; */ , 2)» -- x",
    "«BEGIN;» «COMMIT;»",
    "«\ufeffSELECT 1;» «x\ufeff;»",
    "«SELECT naïve\u00a0é;» «x»",
    "«INSERT INTO t VALUES (';'), (''';'''), (-1);» «x»",
    "«CREATE TABLE a (b int CHECK (b > 0));»\n«CREATE INDEX c ON a (b);»\n",
]
BOTH_DOUBTFUL = [
    "«SELECT '»",
    "«SELECT 'a''; x»",
    '«SELECT "a; x»',
    "«SELECT (1»",
    "«SELECT a,b,c,d,e,f,g,h,i,j,k,l,m (1, 2»",
    "«SELECT 1);» «x»",
    "«SELECT \0;» «x»",
    "«\\i a.sql\nSELECT 1;» «x»",
    "«SELECT a,b,c,d,e,f,g,h,i,j,k,l,m \\g x;» «y»",
    "«SELECT (')»",
]
ONLY_POSTGRES = [
    # Comments nest, and end at CR.
    "/* a /* ; */ ; */ «x»",
    "/**/ «x;» /*/ ; /*/ ; */ ; */ «y»",
    "-- a\r«x;» -- b;\r\n«y»",
    # Strings with backslashes, also where they go on in the next line.
    r"«SELECT E'a\';b', e'\\';» «x»",
    r"«SELECT E'a'';\';b';» «x»",
    "«SELECT E'a'\n';\\';b';» «x»",
    "«SELECT E'a' -- b';\n  -- c\r\n\t';\\';b';» «x»",
    "«SELECT a,b,c,d,e,f,g,h,i,j,k,l,m,E'a\\';'\r';\\';';» «x»",
    "«SELECT E'a' ';\\';» «x»",
    "«SELECT E'a' -- b\n;» «'c\\';» «x»",
    r"«SELECT fe'a\', fE'a\', naïve'\';» «x»",
    r"«SELECT a,b,c,d,e,f,g,h,i,j,k,l,m,fe'a\';» «x»",
    r"«SELECT $$a$$e'\';';» «x»",
    "«E'\\';' ;»",
    r"«SELECT b'\', N'\', U&'\', u&'\', x'\';» «x»",
    '«SELECT U&";", u&"\\";» «x»',
    # Dollar quotes, and what looks like one.
    "«SELECT $$;'$$;» «x»",
    "«SELECT $a$ ; $$ ; $b$ ; $A$ ; $a$;» «x»",
    "«SELECT $_é1$;$_é1$;» «x»",
    "«SELECT $a$ $$a$;» «x»",
    "«SELECT $1, $2;» «x»",
    "«SELECT $1$a;» «x»",
    "«SELECT a$b$c;» «x$y$z;» «é$$é;»",
    "«SELECT a,b,c,d,e,f,g,h,i,j,k,l,m,a$b$c$d;» «x»",
    "«SELECT a,b,c,d,e,f,g,h,i,j,k,l,m,a$b$» -- x",
    "«SELECT 1$$;$$;» «x»",
    "«SELECT a,b,c,d,e,f,g,h,i,j,k,l,m, 1$$;$$, $2$a$;$a$;» «x»",
    "«SELECT a,b,c,d,e,f,g,h,i,j,k,l,m,$$;$$a$$;» «x»",
    "«DO $do$BEGIN; END$do$;» «x»",
    "«SELECT a[1], b[2:3], c - '{;}'::text[];» «x»",
    # A semicolon that ends nothing.
    "«CREATE RULE r AS ON INSERT TO t DO (a; b);» «x»",
    "«CREATE RULE r AS ON INSERT TO t DO ALSO (INSERT INTO u VALUES (1); b);» «x»",
    "«CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; SELECT 2; END;» «x»",
    "«create or replace procedure f() begin /* ; */ atomic a; b; end;» «x»",
    "«CREATE FUNCTION f() BEGIN ATOMIC SELECT CASE WHEN a THEN b END; END;» «x»",
    "«CREATE FUNCTION f() BEGIN ATOMIC SELECT (CASE a WHEN 1 THEN 2 END); END;» «x»",
    "«CREATE FUNCTION f() BEGIN ATOMIC SELECT CASE CASE a END END; END;» «x»",
    "«CREATE FUNCTION f() BEGIN ATOMIC SELECT a AS end; END;» «x»",
    "«CREATE FUNCTION f() BEGIN ATOMIC SELECT a AS case; END;» «x»",
    "«CREATE FUNCTION f() BEGIN ATOMIC SELECT a.end; SELECT 2; END;» «x»",
    "«CREATE FUNCTION f() BEGIN ATOMIC SELECT a.case; END;» «x»",
    "«CREATE FUNCTION f() BEGIN ATOMIC a; END BEGIN ATOMIC b; END;» «x»",
    '«CREATE FUNCTION f() BEGIN ATOMIC SELECT "END"; SELECT 2; END» -- x',
    "«CREATE FUNCTION f(a int = (1)) BEGIN BEGIN ATOMIC a; END;» «x»",
    "«CREATE FUNCTION begin() RETURN 1;» «x»",
    "«CREATE FUNCTION f() BEGIN; » «SELECT ATOMIC;» «x»".replace("; »", ";»"),
    "«CREATE FUNCTION f() AS $$BEGIN; END$$;» «x»",
    "«CREATE FUNCTION f() BEGIN ATOMIC a; END;» «BEGIN;» «END;»",
    "«CREATE TABLE function (begin int);» «x»",
    "«CREATE OR DROP FUNCTION f() BEGIN ATOMIC;» «x»",
    "«CREATE OR REPLACE VIEW f AS BEGIN ATOMIC;» «x»",
    "«DROP FUNCTION f() BEGIN ATOMIC;» «x»",
]
ONLY_POSTGRES_DOUBTFUL = [
    "«/* a /* b */ ; x»",
    "«a;» «/* b»",
    "«SELECT E'a\\'; x»",
    "«SELECT E'a'\n'b; x»",
    "«SELECT $a$; x»",
    "«SELECT $a$; $b$ $a $A$»",
    "«CREATE FUNCTION f() BEGIN ATOMIC a; b»",
    "«CREATE FUNCTION f() BEGIN ATOMIC CASE; END; b»",
    "«CREATE RULE r AS ON INSERT TO t DO (a; b»",
    '«SELECT U&"a; x»',
]
ONLY_SQLITE = [
    '«SELECT `;``;`, [;], [[;], "]";» «x»',
    "«SELECT a,b,c,d,e,f,g,h,i,j,k,l,m,`;``;`, [;];» «x»",
    "«SELECT (a, [)], `)`);» «x»",
    # Comments neither nest nor need an end, and end at LF alone.
    "/* a /* b */ «x»",
    "«x;» /* the end; y",
    "«x» /* the end",
    "/*/ ; */ «x»",
    "-- a\r; b\n«x»",
    "«x;» «/*»",
    "«x;» «/ * y»",
    # No backslashes and no dollar quotes.
    r"«SELECT e'a\';» «x»",
    "«SELECT $a$;» «$$;» «x»",
    "«SELECT $a, :b, @c, ?1, #d;» «x»",
    # The body of a trigger ends with `; END ;`.
    "«CREATE TRIGGER t AFTER INSERT ON a BEGIN SELECT 1; SELECT 2; END;» «x»",
    "«create temp trigger t begin a; end;» «x»",
    "«CREATE TEMPORARY TRIGGER IF NOT EXISTS t BEGIN a; /* ; */ END -- ;\n;» «x»",
    "«CREATE TRIGGER t BEGIN SELECT CASE WHEN a THEN b END; SELECT 2; END;» «x»",
    "«CREATE TRIGGER t BEGIN SELECT ';END;'; SELECT (1); END;» «x»",
    "«CREATE TRIGGER t BEGIN a;; END;» «x»",
    "«CREATE TRIGGER t BEGIN a; END» -- x",
    '«CREATE TRIGGER "end" BEGIN a; END; » «x»'.replace("; »", ";»"),
    "«CREATE TRIGGER t BEGIN a; END b; END;» «x»",
    "«CREATE TRIGGER t BEGIN a; 'END'; END;» «x»",
    "«EXPLAIN CREATE TRIGGER t BEGIN a; END;» «x»",
    "«EXPLAIN QUERY PLAN CREATE TEMP TRIGGER t BEGIN a; END;» «x»",
    "«EXPLAIN EXPLAIN CREATE TRIGGER t BEGIN a;» «END;»",
    "«CREATE TABLE trigger (a);» «END;» «x»",
    "«CREATE UNIQUE TRIGGER t BEGIN a;» «END;»",
    "«1CREATE TRIGGER t BEGIN a;» «END;»",
    "«SELECT CREATE TRIGGER t BEGIN a;» «END;»",
]
ONLY_SQLITE_DOUBTFUL = [
    "«SELECT [a; x»",
    "«SELECT `a; x»",
    "«SELECT (a;» «b);» «c»",
    "«CREATE TRIGGER t BEGIN a;»",
    "«CREATE TRIGGER t BEGIN a; b»",
    "«CREATE TRIGGER t; x; y»",
]


def cases() -> Iterator[tuple[str, Syntax, bool]]:
    """List all golden cases; MySQL's are elsewhere."""
    for syntax in (POSTGRES, SQLITE):
        yield from ((case, syntax, True) for case in BOTH)
        yield from ((case, syntax, False) for case in BOTH_DOUBTFUL)
    yield from ((case, POSTGRES, True) for case in ONLY_POSTGRES)
    yield from ((case, POSTGRES, False) for case in ONLY_POSTGRES_DOUBTFUL)
    yield from ((case, SQLITE, True) for case in ONLY_SQLITE)
    yield from ((case, SQLITE, False) for case in ONLY_SQLITE_DOUBTFUL)


@pytest.mark.parametrize(("case", "syntax", "certain"), list(cases()))
def test_a_text_is_cut_into_its_statements(
    case: str, syntax: Syntax, *, certain: bool
) -> None:
    """Each begins with its first token and ends with its `;`, or its last token."""
    found = split(re.sub("[«»]", "", case), syntax)
    assert [found.sql(item) for item in found.items] == re.findall(
        "«(.*?)»", case, re.DOTALL
    )
    assert found.certain is certain


WORDS = [
    ("SELECT 1", ("SELECT",)),
    ("copy public.t from stdin;", ("COPY", "PUBLIC", "T", "FROM", "STDIN")),
    ('COPY "a b"."c"(d, "e") TO STDOUT', ("COPY", '"', '"', "TO", "STDOUT")),
    ('SELECT U&"a", u&"b"', ("SELECT", '"', '"')),
    ("SET a = 'b', 1e5, E'c', N'd', U&'e', $1, $$f$$", ("SET", "A")),
    ("/* a */ GRANT -- b\n c", ("GRANT", "C")),
    ("(SELECT 1) UNION (SELECT 2)", ("UNION",)),
    ("1", ()),
    ("\\connect a", ("CONNECT", "A")),
    ("\u017fET naïve a$b", ("\u017fET", "naïve", "A$B")),
    ("a b c d e f g h i j k l m n", tuple("ABCDEFGHIJKL")),
    ("a(b) c((d) e) f('g') h", ("A", "C", "F", "H")),
    (
        "CREATE FUNCTION f() BEGIN ATOMIC SELECT a, b, c, d, e, f, g, h; END;",
        ("CREATE", "FUNCTION", "F", "BEGIN", "ATOMIC", "SELECT", *"ABCDEF"),
    ),
]


@pytest.mark.parametrize(("text", "words"), WORDS)
def test_a_statement_is_known_by_its_first_words(
    text: str, words: tuple[str, ...]
) -> None:
    """Unquoted words outside of parentheses in upper case; at most twelve."""
    (item,) = split(text, POSTGRES).items
    assert item.words == words


def test_sqlite_has_other_quotes_around_names() -> None:
    """A backtick and a bracket are quotes there; a blob and a number are no words."""
    (item,) = split("PRAGMA [a].`b` = \"c\" x'00' 0x1F $d", SQLITE).items
    assert item.words == ("PRAGMA", '"', '"', '"')


@pytest.mark.parametrize(
    ("text", "offset", "expected"),
    [
        ("", 0, (1, 1, "")),
        ("ab", 0, (1, 1, "ab")),
        ("ab", 2, (1, 3, "ab")),
        ("ab", 99, (1, 3, "ab")),
        ("a\nb\n", 1, (1, 2, "a")),
        ("a\nb\n", 2, (2, 1, "b")),
        ("a\nb\n", 4, (3, 1, "")),
        ("a\r\nbc\r\n", 4, (2, 2, "bc")),
        ("\n\t a \r\n", 3, (2, 3, "\t a ")),
        ("a\rb\nc", 2, (1, 3, "a\rb")),
        ("é🦀x\ny", 2, (1, 3, "é🦀x")),
    ],
)
def test_an_offset_has_a_line_and_a_column(
    text: str, offset: int, expected: tuple[int, int, str]
) -> None:
    """Both from 1, in characters; lines end with LF or CRLF."""
    assert position(text, offset) == expected


# --- laws

FRAGMENTS = [
    *[
        "#",
        "-- ",
        "/*!",
        "/*!50003 ",
        "\\N",
        "THEN ",
        "IF ",
        "PROCEDURE p() ",
        "END IF",
    ],
    *"'\"`[]();;;\\/*-.,$1\n\r  \veaé\ufeff",
    *["$$", "$a$", "$1", "--", "/*", "*/", "1e", "E'", "x'", "U&'", 'u&"', "a$", "AS "],
    *["CREATE ", "OR ", "REPLACE ", "FUNCTION ", "BEGIN ", "ATOMIC ", "CASE ", "END "],
    *["TEMP ", "TRIGGER ", "EXPLAIN ", "SELECT ", "f()", "a b c d e f g h i j k l m "],
]
texts = st.one_of(
    st.lists(st.sampled_from(FRAGMENTS), max_size=30).map("".join), st.text()
)
syntaxes = st.sampled_from(Syntax)


@given(texts, syntaxes)
def test_the_pieces_join_to_the_text(text: str, syntax: Syntax) -> None:
    """Nothing is lost, and no piece is empty."""
    found = pieces(split(text, syntax))
    assert "".join(found) == text
    assert "" not in found


@given(texts, syntaxes)
def test_between_statements_there_is_nothing(text: str, syntax: Syntax) -> None:
    """Statements follow each other, and the gaps hold blanks, comments and `;`."""
    found = split(text, syntax)
    at = 0
    for item in found.items:
        assert at <= item.start < item.end
        assert split(text[at : item.start], syntax).items == ()
        at = item.end
    assert split(text[at:], syntax).items == ()


@given(texts, syntaxes)
def test_a_statement_alone_is_the_same_statement(text: str, syntax: Syntax) -> None:
    """Cut out, it is split no further and begins with the same words.

    But what is doubtful in MySQL may be: `SELECT 1--;` ends with a comment without `;`.
    """
    found = split(text, syntax)
    for item in found.items if found.certain or syntax is not Syntax.MYSQL else ():
        sql = found.sql(item)
        (alone,) = split(sql, syntax).items
        assert (alone.start, alone.end, alone.words) == (0, len(sql), item.words)


@given(texts, texts)
@example("SELECT E'a' -- b", "'c\\';'")
def test_certain_texts_can_share_a_message(first: str, second: str) -> None:
    """What is certain about a text cannot change what stands behind it."""
    found = split(first, POSTGRES)
    after = split(second, POSTGRES)
    joined = split(f"{first}\n;{second}", POSTGRES)
    if found.certain:
        behind = len(first) + 2
        assert [(item.start, item.words) for item in joined.items] == [
            *((item.start, item.words) for item in found.items),
            *((item.start + behind, item.words) for item in after.items),
        ]
        assert joined.certain is after.certain
