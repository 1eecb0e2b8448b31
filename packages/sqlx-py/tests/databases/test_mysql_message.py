"""A step becomes messages, and what comes back tells which statement it belongs to."""

from __future__ import annotations

import pytest

from sqlx.databases.mysql.message import Reading, messages
from sqlx.engine.steps import Query, Script
from sqlx.errors import ConnectionLost, DatabaseError

FILE = "\n-- one\nCREATE TABLE a (id INT);\n;;\n  SELECT é\n  FROM a  ; -- the end"
SCRIPT = Script(("BEGIN;\nSELECT 1;\n", FILE, "\n;\nUPDATE h SET x = 1;\nCOMMIT"))
SYNTAX = (
    "You have an error in your SQL syntax; check the manual that corresponds to your "
    "MariaDB server version for the right syntax to use near '{}' at line {}"
)


def sent(step: Query | Script, *, together: bool = True) -> list[str]:
    """List the messages of a step."""
    return [message.text for message in messages(step, together=together)]


def test_a_step_is_one_message_without_empty_statements() -> None:
    """Comments and what is empty are left out: the server refuses it (1065)."""
    (text,) = sent(SCRIPT)
    assert text == (
        "BEGIN;\nSELECT 1;\nCREATE TABLE a (id INT);\nSELECT é\n  FROM a;\n"
        "UPDATE h SET x = 1;\nCOMMIT"
    )
    assert sent(Query("SELECT 1;\nSELECT 2")) == ["SELECT 1;\nSELECT 2"]
    assert sent(Script(("-- nothing\n;",))) == []


def test_a_connection_may_take_one_statement_at_a_time() -> None:
    """That of a user, who has not asked for more."""
    assert sent(SCRIPT, together=False) == sent(SCRIPT)[0].split(";\n")


def test_what_is_doubtful_goes_alone_and_as_it_is() -> None:
    """So that it swallows nothing of ours, and the server judges it."""
    step = Script(("BEGIN;\n", "-- x\nSELECT 'open;\n", "\n;\nCOMMIT"))
    assert sent(step) == ["BEGIN", "SELECT 'open;\n", "COMMIT"]
    assert sent(step, together=False) == sent(step)


def test_the_words_of_the_mysql_client_are_not_sent() -> None:
    """`DELIMITER` is a command of the client's, and ends at another text."""
    body = "DELIMITER //\nCREATE PROCEDURE p() BEGIN SELECT 1; END//\nDELIMITER ;\n"
    assert sent(Script((body, "CALL p()"))) == [
        "CREATE PROCEDURE p() BEGIN SELECT 1; END;\nCALL p()"
    ]


@pytest.mark.parametrize(
    ("comment", "count"),
    [
        ("/*!40101 SET NAMES utf8 */", 1),
        ("/*!50503 SET NAMES utf8mb4 */", 1),
        ("/*! SET @a = 1 */", 1),
        ("/*!80000 SET @a = 1 */", 2),
        ("/*!100401 SET @a = 1 */", 2),
        ("/*M!100401 SET @a = 1 */", 2),
        ("/*!40101 */", 2),
        ("/*!\n*/ /*! SET @a = 1 */", 2),
    ],
)
def test_nothing_follows_what_a_server_may_skip(comment: str, count: int) -> None:
    """Skipped, or empty, it is an empty statement, an error within a message."""
    assert len(sent(Script((f"{comment};\nSELECT 1",)))) == count


def reading(step: Query | Script) -> Reading:
    """Begin to read the replies to the first message of a step."""
    found = Reading(step)
    found.begin(next(messages(step, together=True)))
    return found


def test_a_query_s_rows_are_those_of_its_last_statement() -> None:
    """As texts, whatever the user's converters make of them."""
    found = reading(Query("SELECT 1; SELECT 2"))
    found.take(["a"], [(1,)])
    found.take(["a", "b", "c"], [(2, None, b"x"), (3.5, "y", "z")])
    assert found.rows == [("2", None, "x"), ("3.5", "y", "z")]


def test_a_script_replies_with_what_ends_our_migrations() -> None:
    """Only rows whose columns begin with our two."""
    found = reading(Script(("SELECT 1; SELECT 2; SELECT 3",)))
    found.take(["a"], [(1,)])
    found.take(["sqlx_version", "sqlx_execution_time", "x"], [(5, 6, None)])
    found.take([], [])
    assert found.rows == [("5", "6", None)]


def test_a_call_is_complete_with_its_ok() -> None:
    """The rows of its statements come before, and MariaDB's blocks are alike."""
    found = reading(Script(("CALL p()", "BEGIN NOT ATOMIC SELECT 1; END", "DO 1")))
    for columns, completed in ((["a"], 0), (["a"], 0), ([], 1), (["a"], 1), ([], 2)):
        found.take(columns, [])
        assert found.completed == completed


def after(step: Query | Script, completed: int) -> Reading:
    """Read as many replies."""
    found = reading(step)
    for _ in range(completed):
        found.take([], [])
    return found


@pytest.mark.parametrize(
    ("completed", "part", "offset"),
    [(0, 0, 0), (1, 0, 7), (2, 1, 8), (3, 1, 38), (4, 2, 3), (5, 2, 23), (6, 2, 23)],
)
def test_an_error_belongs_to_the_statement_that_is_not_complete(
    completed: int, part: int, offset: int
) -> None:
    """Its part and its first token; with more replies than statements, the last."""
    error = after(SCRIPT, completed).refused(1050, "Table 'a' already exists", "42S01")
    assert (error.part, error.offset, error.completed) == (part, offset, completed)
    assert str(error) == "1050 (42S01): Table 'a' already exists"


@pytest.mark.parametrize(
    ("near", "line", "offset", "shown"),
    [
        ("é\n  FROM a", 1, 7, "é\n  FROM a"),
        ("a;\nUPDATE h SET x = 1;\nCOMMIT", 2, 16, "a"),
        (";\nUPDATE h SET x...", 2, 17, ""),
        ("", 2, 17, ""),
        ("FROM", 3, 11, "FROM"),
        ("SELECT é\n  FROM...", 1, 0, "SELECT é\n  FROM..."),
    ],
)
def test_the_place_that_the_server_names_is_found(
    near: str, line: int, offset: int, shown: str
) -> None:
    """Line and text are of the statement; what is behind it is not shown."""
    error = after(SCRIPT, 3).refused(1064, SYNTAX.format(near, line), "42000")
    assert (error.part, error.offset) == (1, 38 + offset)
    assert error.message == SYNTAX.format(shown, line)


@pytest.mark.parametrize(
    ("message", "offset"),
    [
        ("Something else", 38),
        (SYNTAX.format("what is nowhere; there", 2), 38),
        (SYNTAX.format("a", 9), 38),
    ],
)
def test_a_place_that_is_not_found_is_the_statement(message: str, offset: int) -> None:
    """The message stays as it is."""
    error = after(SCRIPT, 3).refused(1064, message, "42000")
    assert (error.message, error.offset) == (message, offset)


def test_the_place_in_a_doubtful_text_is_known_for_its_first_statement() -> None:
    """Behind that nobody knows what the server has read."""
    step = Script(("\nCREATE TABLE a (\n  id INT\n",))
    error = after(step, 0).refused(1064, SYNTAX.format("", 2), "42000")
    assert error.offset == len(step.parts[0])
    error = after(step, 1).refused(1064, SYNTAX.format("", 2), "42000")
    assert (error.part, error.offset) == (0, None)


@pytest.mark.parametrize("code", [0, 1053, 1927, 2006, 2013, 3169])
def test_a_connection_that_is_gone_is_told_from_a_refusal(code: int) -> None:
    """Nobody knows what became of the message then."""
    error = after(SCRIPT, 2).refused(code, "", None)
    assert isinstance(error, ConnectionLost)
    assert error.message == "the connection is closed"


@pytest.mark.parametrize(
    ("code", "mend"),
    [
        (1100, "end the file with UNLOCK TABLES"),
        (1568, "begin the file with -- no-transaction"),
        (1694, "begin the file with -- no-transaction"),
        (1766, "begin the file with -- no-transaction"),
    ],
)
def test_what_no_transaction_bears_has_a_mend(code: int, mend: str) -> None:
    """Dumps have such statements."""
    assert after(SCRIPT, 2).refused(code, "No.", None).message == f"No; {mend}"


def test_some_errors_have_a_mend() -> None:
    """The server's words do not say what to do."""
    error = after(SCRIPT, 2).refused(1046, "No database selected", "3D000")
    assert type(error) is DatabaseError
    assert str(error) == (
        "1046 (3D000): No database selected; name one in the URL: mysql://user@host/app"
    )
