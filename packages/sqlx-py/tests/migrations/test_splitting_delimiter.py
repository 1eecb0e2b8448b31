"""DELIMITER in files for MySQL: as its client takes it, and beside the client.

In a script every statement stands between « and », which are not in the text.
"""

from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING, Any

import mysql_server
import pytest

from sqlx.migrations.statements import Syntax, parts, split

if TYPE_CHECKING:
    from mysql_server import Server
    from support import Database

SCRIPTS = [
    "DELIMITER //\n«SELECT 1»; «SELECT 2» //\n  delimiter ;\n«SELECT 3»;\n",
    "«SELECT 1»; -- x\nDelimiter $$  rest of line;\n«SELECT 2 AS a»$$\n«SELECT 3»$$",
    "/* x */\nDELIMITER '$ $'\n«SELECT 1» $ $ «SELECT '$ $' AS a, /* $ $ */ 2»$ $",
    'DELIMITER "go"\n«SELECT 1 AS cate»gory\n«SELECT 2»\ngo',
    "DELIMITER ;;\r\n«SELECT 1»;;\r\ndelimiter ;\r\n«SELECT 2»;\r\n",
    "DELIMITER #\n«SELECT 1» # «SELECT 2»#",
    "DELIMITER --\n«SELECT 1»--«SELECT (2)»--",
    f"DELIMITER //\n«SELECT {'NULL, ' * 12} 4/2, /* // */ 3» // «SELECT (1 / 2)»//",
    (
        "DELIMITER //\n«CREATE OR REPLACE PROCEDURE p()\nBEGIN\n  SELECT 1; SELECT 2;\n"
        "END»//\n«CREATE OR REPLACE PROCEDURE q() BEGIN SELECT 3; END»; //\n"
        "DELIMITER ;\n«CALL p()»; «CALL q()»;"
    ),
    (
        "DELIMITER ;;\n«/*!50003 CREATE*/ /*!50003 PROCEDURE r() BEGIN DO 0; END */»;;"
        "\nDELIMITER ;\n«DROP PROCEDURE r»;"
    ),
]


@pytest.mark.parametrize("script", SCRIPTS)
def test_delimiter_is_the_clients(script: str) -> None:
    """It stands between statements, and its own line and the delimiters are none."""
    text = re.sub("[«»]", "", script).replace("gory", "go")
    wanted = re.findall("«(.*?)»", script, re.DOTALL)
    found = split(text, Syntax.MYSQL)
    assert [found.sql(item) for item in found.items] == wanted
    assert found.certain
    assert found.cuts


@pytest.mark.parametrize(
    "text",
    [
        "DELIMITER\nSELECT 1",
        "DELIMITER//\nSELECT 1",
        "DELIMITER \\\\\nSELECT 1",
        "DELIMITER a\\b\nSELECT 1",
        "DELIMITER 'a\nSELECT 1",
        "DEL\u0131MITER //\nSELECT 1",
        "/* x */ DELIMITER //\nSELECT 1",
        "DELIMITER",
    ],
)
def test_what_the_client_does_not_obey_is_sql(text: str) -> None:
    """The server refuses it, and says where."""
    found = split(text, Syntax.MYSQL)
    assert len(found.items) == 1
    assert found.cuts == ()


def test_a_program_that_is_cut_open_is_doubtful() -> None:
    """The client sends it as it is, and so do we."""
    found = split(
        "SELECT 1; SELECT 2;\nDELIMITER //\nBEGIN NOT ATOMIC SELECT 3; // x // \n-- y",
        Syntax.MYSQL,
    )
    assert not found.certain
    assert [found.sql(part) for part in parts(found)] == [
        "SELECT 1; SELECT 2;\n",
        "BEGIN NOT ATOMIC SELECT 3; ",
        "x ",
    ]


def test_a_text_without_delimiters_is_one_part() -> None:
    """From its first statement to its end; what holds none has none."""
    found = split("-- a\nSELECT 1;\nSELECT '", Syntax.MYSQL)
    (part,) = parts(found)
    assert (found.sql(part), part.words) == ("SELECT 1;\nSELECT '", ("SELECT",))
    assert parts(split("-- a", Syntax.MYSQL)) == ()


@pytest.mark.parametrize("script", SCRIPTS)
def test_the_client_ends_statements_where_we_do(
    script: str, mariadb: Server, on_mysql: Database
) -> None:
    """What the client prints is what our statements say."""
    text = re.sub("[«»]", "", script).replace("gory", "go")
    found = split(text, Syntax.MYSQL)
    rows: list[tuple[Any, ...]] = []
    with mysql_server.connect(on_mysql.place) as connection:
        cursor = connection.cursor()
        for item in found.items:
            cursor.execute(found.sql(item))
            rows += cursor.fetchall()
            while cursor.nextset():
                rows += cursor.fetchall()
    command = [mysql_server.client("mariadb"), "--no-defaults", "-N", "-B", "-uroot"]
    done = subprocess.run(
        [*command, f"-S{mariadb.socket}", on_mysql.name],
        input=text,
        capture_output=True,
        text=True,
        check=True,
    )
    printed = [tuple(line.split("\t")) for line in done.stdout.splitlines()]
    assert printed == [tuple(str(value or "NULL") for value in row) for row in rows]
