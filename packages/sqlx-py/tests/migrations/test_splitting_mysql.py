"""MySQL's splitter: golden cases; that servers agree is tested in another module.

In a golden case every statement stands between « and », which are not in the text.
"""

from __future__ import annotations

import re

import pytest

from sqlx.migrations.statements import Syntax, split

CERTAIN = [
    "",
    ";;\n;",
    "-- a; b\n/* ; */ # ;",
    "«SELECT 1»; «SELECT 2»;",
    "«SELECT 1» -- ;\n; # ;\n «x» /* ; */",
    "«SELECT a,b,c,d,e,f,g,h,i,j,k,l,m /* ; */ , n» /* ; */; «x» -- ;",
    "«INSERT INTO t VALUES (1, ';'), (2, \"a`;\"), ((';'), '(' -- ;\n)»; «x»",
    # Strings with backslashes, names without.
    r"«SELECT 'a\';b', 'c''d;', 'e\\'»; «x»",
    r"""«SELECT "a\";b", "c""d;", "e\\"»; «x»""",
    r"«SELECT `a\`»; «x, `b``c;`»",
    r"«SELECT N'\';', x'00', b'1', _utf8mb4'\';'»; «x»",
    r"«SELECT \N»; «x»",
    # Comments: -- needs a blank, CR ends none, and they do not nest.
    "«SELECT 1--1»; «SELECT 2 --3»; «x»",
    "«SELECT 1» --\n; «x» --",
    "«SELECT 1---1»; «x»",
    "«SELECT 1» --\x01;\n; «x»",
    "«SELECT 1» -- a\r;\n; «x»",
    "/* a /* b */ «x»",
    "«SELECT 6/2*/*;*/3»; «SELECT 2*3/4*5/6-7»; «x»",
    "«SELECT a,b,c,d,e,f,g,h,i,j,k,l,m*/*;*/3/4*5-6»; «x»",
    # What stands in /*! … */ is SQL, but for versions that no server has.
    "«/*!40101 SET NAMES utf8 */»; «/*M! x */»;",
    "«SELECT /*! 3 */*2, /*!50003 ';' /* ; */ + 1 */»; «x»",
    "«SELECT a,b,c,d,e,f,g,h,i,j,k,l,m, /*! 3 */*2, /*!50003 ';' */»; «x»",
    "/*M!999999\\- enable the sandbox mode */ «x»; /*!99999 it's /* a; */; */ «y»",
    # Names are none of the words that they look like.
    "«SELECT 1 AS delimiter»;\n«CREATE TABLE a (\ndelimiter CHAR(1),\nb INT)»;",
    "«CREATE TABLE a (begin INT, end INT)»; «SELECT end FROM a»; «SELECT IF(a, b, c)»",
    "«BEGIN»; «SELECT 1»; «COMMIT»; «START TRANSACTION»; «ROLLBACK»",
    "«CREATE DEFINER=a@b SQL SECURITY INVOKER VIEW v AS SELECT 1»; «x»",
    "«CREATE OR REPLACE DEFINER=`a`@`b` VIEW v AS SELECT 1»; «x»",
    # Stored programs without a block.
    "«CREATE PROCEDURE p() SELECT IF(a, b, c)»; «x»",
    "«CREATE PROCEDURE p (a INT) COMMENT ';' READS SQL DATA (SELECT 1)»; «x»",
    "«CREATE FUNCTION f(a INT) RETURNS INT RETURN CASE a WHEN 1 THEN 2 END»; «x»",
    "«CREATE AGGREGATE FUNCTION f RETURNS STRING SONAME 'f.so'»; «x»",
    "«CREATE TRIGGER IF NOT EXISTS t BEFORE INSERT ON a FOR EACH ROW SET @x = 1»; «x»",
    "«CREATE EVENT e ON SCHEDULE EVERY 1 DAY DO DELETE FROM a»; «x»",
    "«ALTER EVENT e RENAME TO f»; «ALTER TABLE a ADD end INT»; «CREATE INDEX i ON a»",
    # And with blocks.
    "«CREATE PROCEDURE p() BEGIN SELECT 1; SELECT 2; END»; «x»",
    "«create or replace procedure p(a int) deterministic begin select 1; end»; «x»",
    '«CREATE DEFINER=a@b PROCEDURE p() COMMENT "b" l: BEGIN LEAVE l; END l»; «x»',
    "«CREATE PROCEDURE p() LANGUAGE SQL NOT DETERMINISTIC CONTAINS SQL BEGIN x; END»",
    "«CREATE PROCEDURE p() NO SQL SQL SECURITY DEFINER BEGIN x; END»; «y»",
    "«CREATE PROCEDURE p() READS SQL DATA SQL SECURITY INVOKER BEGIN x; END»; «y»",
    "«CREATE PROCEDURE p() MODIFIES SQL DATA COMMENT 'a''b' BEGIN x; END»; «y»",
    "«CREATE PROCEDURE p() `l`: LOOP LEAVE `l`; END LOOP `l`»; «x»",
    "«CREATE FUNCTION f() RETURNS ENUM('a;') BEGIN RETURN 'a'; END»; «x»",
    "«CREATE AGGREGATE FUNCTION f(a INT) RETURNS INT BEGIN RETURN 1; END»; «x»",
    "«CREATE TRIGGER t BEFORE INSERT ON a FOR EACH ROW FOLLOWS b BEGIN x; END»; «y»",
    "«CREATE TRIGGER t BEFORE INSERT ON a FOR EACH ROW IF a THEN b; END IF»; «y»",
    "«CREATE TRIGGER t BEFORE INSERT ON `for` FOR EACH ROW BEGIN SET NEW.end = 1; END»",
    "«CREATE EVENT e ON SCHEDULE EVERY 1 DAY DO BEGIN x; END»; «y»",
    "«ALTER DEFINER = a EVENT e DO BEGIN x; END»; «y»",
    "«BEGIN NOT ATOMIC SELECT 1; END»; «FOR i IN 1..2 DO SELECT i; END FOR»; «x»",
    "«IF a THEN b; ELSEIF c THEN d; ELSE IF e THEN f; END IF; END IF»; «x»",
    "«CASE a WHEN CASE 1 WHEN 2 THEN 3 END THEN b; ELSE c; END CASE»; «x»",
    "«WHILE a DO DO 0; END WHILE»; «REPEAT DO 0; UNTIL end > 1 END REPEAT»; «x»",
    "«REPEAT DO 0; UNTIL a = CASE WHEN b THEN 1 END END REPEAT»; «x»",
    "«CREATE EVENT e DO BEGIN SET a = CASE WHEN end THEN end ELSE end END; END»; «x»",
    "«CREATE EVENT e DO BEGIN SELECT end FROM a begin; SELECT t.case, @if; END»; «x»",
    "«CREATE PROCEDURE p() BEGIN SELECT (CASE WHEN (1) THEN 2 END), ((end)); END»; «x»",
    "«CREATE EVENT e DO BEGIN DECLARE a INT; DECLARE c CURSOR FOR SELECT 1; END»; «x»",
    # A block where one may begin, and names where an operand stands.
    "«IF a THEN IF b THEN c; END IF; END IF»; «x»",
    "«CASE a WHEN 1 THEN BEGIN b; END; ELSE IF d THEN e; END IF; END CASE»; «x»",
    "«WHILE a DO BEGIN x; END; END WHILE»; «FOR i IN c DO BEGIN x; END; END FOR»; «y»",
    "«LOOP BEGIN x; END; END LOOP»; «REPEAT BEGIN x; END; UNTIL 1 END REPEAT»; «y»",
    "«BEGIN NOT ATOMIC CASE a WHEN 1 THEN x; END CASE; y; END»; «z»",
    "«BEGIN NOT ATOMIC SELECT @case; x; END»; «y»",
    "«REPEAT SELECT end; UNTIL 1 END REPEAT»; «x»",
    "«REPEAT REPEAT x; UNTIL end > 1 END REPEAT; y; UNTIL 1 END REPEAT»; «z»",
    "«IF CASE end WHEN 1 THEN end END THEN x; END IF»; «y»",
    "«IF CASE WHEN end THEN end END THEN x; END IF»; «y»",
    "«IF CASE WHEN 1 THEN end WHEN 2 THEN end END THEN x; END IF»; «y»",
    "«IF CASE 1 WHEN CASE 2 WHEN 3 THEN 4 ELSE end END THEN end END THEN x; END IF»",
    *(
        f"«IF CASE WHEN a {operator} end THEN end END THEN x; END IF»; «y»"
        for operator in (
            *("AND", "OR", "XOR", "NOT", "LIKE", "RLIKE", "REGEXP", "IN", "IS"),
            *("BETWEEN", "DIV", "MOD", "INTERVAL", "BINARY", *"=<>+-*/%,!&|^~"),
        )
    ),
    "«CREATE EVENT e DO BEGIN DECLARE CONTINUE HANDLER FOR 1 BEGIN x; END; END»; «y»",
    "«CREATE TRIGGER t BEFORE INSERT ON a FOR EACH ROW PRECEDES b BEGIN x; END»; «y»",
    "«ALTER EVENT e DO BEGIN x; END»; «y»",
    "«CREATE DEFINER=a AGGREGATE FUNCTION f() RETURNS INT BEGIN x; END»; «y»",
    "«CREATE DEFINER=a VIEW v AS SELECT package FROM t»; «x»",
    "«CREATE DEFINER=a SQL SECURITY INVOKER VIEW v AS SELECT package FROM t»; «x»",
    (
        "«CREATE PROCEDURE p() BEGIN DECLARE EXIT HANDLER FOR 1062, SQLSTATE VALUE "
        "'23000', NOT FOUND, SQLEXCEPTION, mine BEGIN x; END; DECLARE CONTINUE HANDLER "
        "FOR SQLWARNING SET a = IF(b, c, d); DECLARE UNDO HANDLER FOR 1 IF a THEN b; "
        "END IF; BEGIN END; ; END»; «x»"
    ),
    (
        "«/*!50003 CREATE*/ /*!50017 DEFINER=`a`@`b`*/ /*!50003 TRIGGER t BEFORE "
        "INSERT ON a FOR EACH ROW BEGIN SELECT 1; END */»; «x»"
    ),
]
DOUBTFUL = [
    "«SELECT '»",
    r"«SELECT 'a\'; x»",
    '«SELECT "a; x»',
    "«SELECT `a; x»",
    "«SELECT (1»; «x»",
    "«SELECT 1)»; «x»",
    "«SELECT \0»; «x»",
    "«SELECT a,b,c,d,e,f,g,h,i,j,k,l,m \\g x»; «y»",
    "«SELECT /* a; x»",
    "«SELECT 1--»; «SELECT 2--»-- x",
    "«SELECT /*! a»; «x */»",
    "«SELECT /*! a»",
    "«CREATE PROCEDURE p() BEGIN SELECT 1; x»",
    "«CREATE PROCEDURE p() BEGIN SELECT (1; END; x»",
    # Written for NO_BACKSLASH_ESCAPES or ANSI_QUOTES.
    r"«INSERT INTO t VALUES ('C:\'); x»",
    r"«INSERT INTO t VALUES ('C:\', '»;«'), ('D:\'); x»",
    r"""«CREATE TABLE "a\" (b CHAR(1) DEFAULT ';'); x»""",
    *(
        f"«SELECT 1»; «{word} x; y»"
        for word in (
            *("END", "ELSE", "ELSEIF", "UNTIL", "WHEN", "DECLARE", "RETURN", "LEAVE"),
            *("ITERATE", "FETCH", "CLOSE"),
        )
    ),
    "«CREATE PROCEDURE p AS a INT; BEGIN x; END; y»",
    "«CREATE PROCEDURE p IS BEGIN x; END; y»",
    "«CREATE PROCEDURE p() AS BEGIN x; END; y»",
    "«CREATE PROCEDURE p() IS BEGIN x; END; y»",
    "«CREATE FUNCTION f() RETURNS INT LANGUAGE JAVASCRIPT AS $$ a; b; $$; y»",
    "«CREATE FUNCTION f() RETURNS INT IS BEGIN x; END; y»",
    "«CREATE FUNCTION f(a INT) RETURN INT AS BEGIN x; END; y»",
    "«CREATE PACKAGE p AS PROCEDURE q; END; y»",
]


@pytest.mark.parametrize("case", CERTAIN)
def test_a_text_is_cut_into_its_statements(case: str) -> None:
    """Each begins with its first token and ends with its last."""
    assert cut(case) == (re.findall("«(.*?)»", case, re.DOTALL), True)


@pytest.mark.parametrize("case", DOUBTFUL)
def test_a_doubtful_text_is_known(case: str) -> None:
    """What is open at the end, or belongs to nothing that was opened."""
    assert cut(case) == (re.findall("«(.*?)»", case, re.DOTALL), False)


def cut(case: str) -> tuple[list[str], bool]:
    """Split a golden case."""
    found = split(re.sub("[«»]", "", case), Syntax.MYSQL)
    return [found.sql(item) for item in found.items], found.certain


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("/*!40101 SET NAMES utf8 */", ("SET", "NAMES", "UTF8")),
        ("insert `a`.b (c) $d _e 1f \"g\" 'h'", ("INSERT", '"', "B", "$D", "_E")),
        ("\u017fET naïve", ("\u017fET", "naïve")),
        ("(SELECT 1) UNION (SELECT 2)", ("UNION",)),
    ],
)
def test_a_statement_is_known_by_its_first_words(
    text: str, words: tuple[str, ...]
) -> None:
    """Unquoted words outside of parentheses, in /*! … */ too."""
    (item,) = split(text, Syntax.MYSQL).items
    assert item.words == words


@pytest.mark.parametrize(
    ("text", "conditional"),
    [
        ("/*!40101 SET NAMES utf8 */ -- x", True),
        ("/*!50003 CREATE*/ /*!50017 DEFINER=a*/ /*M!50003 VIEW v AS x */", True),
        ("/*!50003 CREATE*/ VIEW v AS x", False),
        ("CREATE VIEW v /*!50003 AS x */", False),
        ("SELECT 1", False),
    ],
)
def test_what_may_be_a_comment_as_a_whole_is_known(
    text: str, *, conditional: bool
) -> None:
    """A server of another version finds no statement there."""
    (item,) = split(text, Syntax.MYSQL).items
    assert item.conditional is conditional


def test_long_literals_and_many_rows() -> None:
    """Each ends where it ends, and the time is linear: no row is read twice."""
    literal = "'" + r"\'x" * 100_000 + "'"
    rows = "(1, 'a;', `b;`)," * 20_000
    text = f"INSERT INTO t VALUES ({literal}), {rows} (1); SELECT 1"
    found = split(text, Syntax.MYSQL)
    assert [found.sql(item)[-8:] for item in found.items] == [";`), (1)", "SELECT 1"]
    assert found.certain
