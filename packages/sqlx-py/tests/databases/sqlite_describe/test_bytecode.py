"""SQLx's reading of a program, step by step, where no query of the cases leads."""

from __future__ import annotations

import pytest
from databases.listings import listing

from sqlx.databases.sqlite.describing.bytecode import Guess, Record, interpret
from sqlx.queries.values import SqlxVersion

UNKNOWN = Guess("Null", None)
NULL = Guess("Null", nullable=True)
INTEGER = Guess("Integer", nullable=False)
TEXT = Guess("Text", nullable=False)


def read(text: str, version: SqlxVersion = SqlxVersion.V0_9) -> tuple[Guess, ...]:
    """Read a program over a table with one integer and one text, which may be NULL."""
    columns = Record((INTEGER, Guess("Text", nullable=True), None))
    return interpret(listing(text), {(0, 2): columns}, version)


PROGRAMS = {
    "a register that was never written is unknown": (
        "ResultRow 1 1",
        (UNKNOWN,),
    ),
    "a row in a register is no value": (
        "Integer 1 1\nMakeRecord 1 1 2\nResultRow 2 1",
        (UNKNOWN,),
    ),
    "an attached database is not known": (
        "OpenRead 0 2 2\nColumn 0 0 1\nResultRow 1 1",
        (UNKNOWN,),
    ),
    "a column that is not stored is not known": (
        "OpenRead 0 2 0\nColumn 0 2 1\nColumn 0 7 2\nResultRow 1 2",
        (UNKNOWN, UNKNOWN),
    ),
    "the last row put in is what a table has": (
        (
            "OpenEphemeral 0 1\nInteger 1 1\nMakeRecord 1 1 2\nInsert 0 2\n"
            "String8 0 1\nMakeRecord 1 1 2\nInsert 0 2\n"
            "Rewind 0 9\nColumn 0 0 3\nResultRow 3 1"
        ),
        (TEXT,),
    ),
    "a number is no row, and NULL is one without columns": (
        (
            "OpenEphemeral 0 1\nInteger 1 1\nInsert 0 1\nNull 0 1\nInsert 0 1\n"
            "String8 0 1\nInsert 0 1\nRewind 0 9\nColumn 0 0 3\nResultRow 3 1"
        ),
        (NULL,),
    ),
    "a cursor that is not open is nothing": (
        (
            "Integer 1 1\nInsert 0 1\nDelete 0\nNullRow 0\nOpenDup 1 0\nRowData 0 2\n"
            "Column 0 0 3\nResultRow 3 1"
        ),
        (UNKNOWN,),
    ),
    "a cursor that is not open has no first row": (
        "Rewind 0 2\nHalt\nResultRow 1 1",
        (),
    ),
    "a pseudo-cursor has a row always": (
        (
            "OpenRead 0 2 0\nOpenPseudo 1 5 2\nRowData 0 5\nRewind 1 6\nColumn 1 0 2\n"
            "ResultRow 2 1\nHalt"
        ),
        (INTEGER,),
    ),
    "a pseudo-cursor's row may be made NULL": (
        (
            "OpenRead 0 2 0\nOpenPseudo 1 5 2\nNullRow 1\nRowData 0 5\nNullRow 1\n"
            "Column 1 0 2\nResultRow 2 1"
        ),
        (Guess("Integer", nullable=True),),
    ),
    "rows in rows stay as they are": (
        (
            "OpenEphemeral 0 1\nInteger 1 1\nMakeRecord 1 1 2\nMakeRecord 2 1 3\n"
            "Insert 0 3\nNullRow 0\nColumn 0 0 4\nOpenPseudo 1 4 1\nColumn 1 0 5\n"
            "ResultRow 5 1"
        ),
        (INTEGER,),
    ),
    "a table from which a row went may be empty": (
        (
            "OpenEphemeral 0 1\nNull 0 8\nInteger 1 1\nMakeRecord 1 1 2\nInsert 0 2\n"
            "Delete 0\nRewind 0 10\nString8 0 3\nResultRow 3 1\nHalt\nResultRow 8 1"
        ),
        (Guess("Text", nullable=True),),
    ),
    "an aggregate of what is not there is not there": (
        (
            "AggStep 0 1 2 max(1)\nAggStep 0 1 3 lag(1)\nAggFinal 1 1 4 lag(1)\n"
            "ResultRow 2 3"
        ),
        (UNKNOWN, UNKNOWN, UNKNOWN),
    ),
    "neighbours may be NULL": (
        (
            "Integer 1 1\nAggFinal 5 1 2 lead(1)\nAggFinal 5 1 3 cume_dist(0)\n"
            "AggFinal 4 0 0 rank(0)\nResultRow 2 3"
        ),
        (
            Guess("Integer", nullable=True),
            Guess("Float", nullable=False),
            INTEGER,
        ),
    ),
    "what is not there is not copied": (
        "Integer 1 4\nCopy 1 4 0\nSCopy 1 4\nMove 1 4 1\nCast 1 66\nResultRow 4 1",
        (INTEGER,),
    ),
    "what was moved is NULL where it was": (
        "Integer 1 1\nMove 1 2 1\nResultRow 1 2",
        (NULL, INTEGER),
    ),
    "an unknown affinity is no type": (
        "Integer 1 1\nCast 1 64\nResultRow 1 1",
        (Guess("Null", nullable=False),),
    ),
    "an operand that is not there makes NULL unknown": (
        "Integer 1 1\nAdd 1 9 2\nAdd 9 1 3\nAdd 8 9 4\nResultRow 2 3",
        (Guess("Integer", None), Guess("Integer", None), UNKNOWN),
    ),
    "one known operand is enough": (
        "Integer 1 1\nColumn 0 0 2\nAdd 1 2 3\nResultRow 3 1",
        (INTEGER,),
    ),
    "a jump with a condition goes both ways": (
        "Variable 1 1\nIf 1 3 1\nHalt\nResultRow 1 1",
        (NULL,),
    ),
    "a condition that is known decides": (
        "Integer 0 1\nIf 1 3 0\nHalt\nResultRow 1 1",
        (),
    ),
    "a comparison has three ways, and the next": (
        "Jump 2 3 4\nHalt\nString8 0 1\nString8 0 2\nResultRow 1 2",
        (TEXT, TEXT),
    ),
    "a return without a caller ends the path": (
        "Integer 1 1\nReturn 2 0 0\nResultRow 1 1",
        (),
    ),
    "a return may go on without a caller": (
        "Integer 1 1\nReturn 2 0 1\nResultRow 1 1",
        (INTEGER,),
    ),
    "a coroutine that was not begun is not entered": (
        "Integer 1 1\nYield 2 0\nResultRow 1 1",
        (),
    ),
    "a coroutine that nobody called does not end": (
        "Integer 1 1\nEndCoroutine 2\nResultRow 1 1",
        (),
    ),
    "a coroutine ends at a call only": (
        "Integer 1 2\nEndCoroutine 2\nResultRow 2 1",
        (),
    ),
    "a coroutine may stand below": (
        (
            "InitCoroutine 1 0 4\nYield 1 3\nHalt\nResultRow 2 1\nInteger 7 2\n"
            "EndCoroutine 1"
        ),
        (INTEGER,),
    ),
    "a number may be made an integer": (
        "Integer 1 1\nMustBeInt 1 0\nMustBeInt 1 4\nHalt\nResultRow 1 1",
        (INTEGER,),
    ),
}


@pytest.mark.parametrize("what", PROGRAMS)
def test_a_program_is_read_as_sqlx_reads_it(what: str) -> None:
    """Each of these is what the source of SQLx says."""
    text, expected = PROGRAMS[what]
    assert read(text) == expected


def test_a_loop_is_gone_through_three_times() -> None:
    """What a fourth time would bring into register 5 is never seen."""
    steps = (
        "Integer 1 4\nNull 0 5\nSCopy 6 5\nSCopy 7 6\nSCopy 8 7\nSCopy 4 8\n"
        "ResultRow 5 1\nEq 0 2\nHalt"
    )
    assert read(steps) == (NULL,)
    assert read(steps.replace("SCopy 8 7", "SCopy 4 7")) == (
        Guess("Integer", nullable=True),
    )


@pytest.mark.slow
def test_a_walk_ends_after_so_many_instructions() -> None:
    """Each jump doubles the paths; those found until then have their say."""
    doubling = "\n".join(
        f"Eq 0 {3 * i + 2}\nInteger {i} {i + 5}\nInteger {i} {i + 50}"
        for i in range(40)
    )
    assert read(f"{doubling}\nResultRow 89 1") == (INTEGER,)


def test_what_is_not_null_ends_a_path_in_0_9() -> None:
    """A regression: only what may be NULL goes on past the test."""
    text = "String8 0 1\nIsNull 1 3\nResultRow 1 1\nHalt"
    assert read(text, SqlxVersion.V0_8) == (TEXT,)
    assert read(text, SqlxVersion.V0_9) == ()


def test_a_rowid_in_an_index_is_known_since_0_9() -> None:
    """0.8 passes the instruction over."""
    text = "IdxRowid 0 1\nResultRow 1 1"
    assert read(text, SqlxVersion.V0_8) == (UNKNOWN,)
    assert read(text, SqlxVersion.V0_9) == (INTEGER,)
