"""What is proved of a program, step by step, where few queries lead."""

from __future__ import annotations

import pytest
from databases.listings import listing

from sqlx.databases.sqlite.proving.proof import MOST_FOLLOWED, prove

STORED = {(0, 2): (True, False)}
PROGRAMS = {
    "a register that was never written is NULL": ("ResultRow 1 1", "?"),
    "an instruction that is not known proves nothing": (
        "Integer 1 1\nMystery 1\nResultRow 1 1",
        "?",
    ),
    "without rows there is no proof": ("Integer 1 1\nHalt", "?"),
    "a program that ends nowhere ends": ("Integer 1 1\nResultRow 1 1", "!"),
    "a cursor that was never opened has no rows": (
        "Column 0 0 1\nRowid 0 2\nInteger 1 3\nResultRow 1 3",
        "??!",
    ),
    "a table that nothing was put into has no rows": (
        "OpenEphemeral 0 1\nSeekRowid 0 3 1\nColumn 0 0 2\nInteger 1 3\nResultRow 2 2",
        "?!",
    ),
    "a row without such a column has none": (
        "OpenRead 0 2 0\nSeekRowid 0 3 1\nColumn 0 7 2\nResultRow 2 1\nHalt",
        "?",
    ),
    "a root page in a register is not known": (
        "OpenRead 0 2 0 - 16\nSeekRowid 0 4 1\nColumn 0 0 2\nResultRow 2 1\nHalt",
        "?",
    ),
    "an attached database that was not read is not known": (
        "OpenRead 0 2 7\nSeekRowid 0 4 1\nColumn 0 0 2\nResultRow 2 1\nHalt",
        "?",
    ),
    "a cursor may be opened on this and that": (
        (
            "OpenRead 0 2 0\nOpenEphemeral 0 1\nInteger 1 1\nMakeRecord 1 1 2\n"
            "Insert 0 2\nRewind 0 9\nColumn 0 0 3\nColumn 0 1 4\nResultRow 3 2\nHalt"
        ),
        "!?",
    ),
    "a value is no row": (
        "Integer 1 1\nOpenPseudo 0 1 1\nColumn 0 0 2\nResultRow 1 2",
        "!?",
    ),
    "a pseudo-cursor without a register has no row": (
        "OpenPseudo 0 0 1\nColumn 0 0 1\nResultRow 1 1",
        "?",
    ),
    "rows in rows in rows are read": (
        (
            "Integer 1 1\nMakeRecord 1 1 2\nMakeRecord 2 1 3\nOpenPseudo 0 3 1\n"
            "Column 0 0 4\nOpenPseudo 1 4 1\nColumn 1 0 5\nResultRow 5 1"
        ),
        "!",
    ),
    "a number is none any more when it was made a text for a row": (
        "Real 0 1 0 1.5\nMakeRecord 1 1 2 B\nSubtract 1 1 3\nResultRow 1 3",
        "!!?",
    ),
    "a real in p4": ("Real 0 1 0 2.5\nInteger 3 2\nMultiply 1 2 3\nResultRow 3 1", "!"),
    "an infinity in p4": ("Real 0 1 0 Inf\nSubtract 1 1 2\nResultRow 1 2", "!?"),
    "a row may be gone when a table was cleared": (
        ("OpenRead 0 2 0\nRewind 0 4\nClear 2\nColumn 0 0 1\nResultRow 1 1\nHalt"),
        "?",
    ),
    "a row may be gone when another was deleted": (
        ("OpenRead 0 2 0\nRewind 0 4\nDelete 1\nColumn 0 0 1\nResultRow 1 1\nHalt"),
        "?",
    ),
    "a new rowid, and the largest": (
        "OpenRead 0 2 0\nNewRowid 0 1 2\nResultRow 1 2",
        "!!",
    ),
    "no hope": (
        "OpenRead 0 2 0\nIfNoHope 0 3 1\nColumn 0 0 2\nResultRow 2 1",
        "?",
    ),
    "what is near may be found": (
        (
            "OpenRead 0 2 0\nSeekScan 5 3\nSeekGE 0 6 1\nColumn 0 0 2\nResultRow 2 1\n"
            "Halt\nHalt"
        ),
        "!",
    ),
    "what is near may be beyond": (
        "OpenRead 0 2\nSeekScan 5 3\nSeekGE 0 4 1\nHalt\nColumn 0 0 2\nResultRow 2 1",
        "?",
    ),
    "nobody returns to nobody": ("Integer 1 1\nReturn 2 0 0\nResultRow 1 1", "?"),
    "nobody yields to nobody": ("Integer 1 1\nYield 2 0\nResultRow 1 1", "?"),
    "nobody ends what nobody began": ("EndCoroutine 2\nResultRow 1 1", "?"),
    "what a subroutine returns to is written by calls": (
        "Gosub 2 2\nResultRow 1 1\nVariable 1 2\nReturn 2",
        "?",
    ),
    "a subroutine writes before it returns": (
        "Gosub 2 3\nResultRow 1 1\nHalt\nInteger 1 1\nReturn 2",
        "!",
    ),
    "a coroutine may stand below": (
        (
            "InitCoroutine 1 0 4\nYield 1 3\nResultRow 2 1\nHalt\n"
            "Integer 1 2\nYield 1\n"
            "EndCoroutine 1"
        ),
        "!",
    ),
    "a flag decides, and is forgotten when it is counted down": (
        (
            "Integer 1 1\nIf 1 3\nResultRow 9 1\nInteger 1 2\nDecrJumpZero 2 6\n"
            "ResultRow 9 1\nInteger 0 3\nIfNot 3 9\nResultRow 9 1\nInteger 1 4\n"
            "ResultRow 4 1\nHalt"
        ),
        "!",
    ),
    "a flag that is NULL jumps when it is told to": (
        (
            "Null 0 1\nIf 1 3 1\nResultRow 9 1\nInteger 1 2\n"
            "IfNot 8 6 1\nResultRow 9 1\n"
            "ResultRow 2 1\nHalt\nInteger 0 1\nInteger 0 8"
        ),
        "!",
    ),
    "a counter is positive or not": (
        (
            "Integer 0 1\nIfPos 1 4 1\nInteger 2 2\nIfPos 2 5 1\nResultRow 9 1\n"
            "IfPos 2 6 1\nResultRow 1 2"
        ),
        "!!",
    ),
    "a counter is nought or not": (
        (
            "Integer 0 1\nIfNotZero 1 4\nInteger 2 2\nIfNotZero 2 5\nResultRow 9 1\n"
            "IfNotZero 2 6\nResultRow 1 2"
        ),
        "!!",
    ),
}


@pytest.mark.parametrize("what", PROGRAMS)
def test_what_is_proved_of_a_program(what: str) -> None:
    """No more than is so."""
    text, expected = PROGRAMS[what]
    found = prove("SELECT", listing(text), STORED, len(expected))
    assert "".join("?" if one.may_be_null else "!" for one in found) == expected


def test_without_a_program_nothing_is_proved() -> None:
    """Nor of what is no query."""
    (unlisted,) = prove("SELECT 1", (), STORED, 1)
    (pragma,) = prove("PRAGMA x", listing("Integer 1 1\nResultRow 1 1"), STORED, 1)
    assert unlisted.reason == pragma.reason == "it could not be proved"


def test_the_programs_of_triggers_are_not_read() -> None:
    """They begin at address 0 again."""
    main, trigger = listing("Integer 1 1\nResultRow 1 1"), listing("Mystery\nNull 0 1")
    (found,) = prove("SELECT", main + trigger, STORED, 1)
    assert not found.may_be_null


def test_a_program_with_too_many_ways_is_followed_with_less_care() -> None:
    """Flags are not told apart then; what does not depend on them is proved still."""
    flags = "\n".join(
        f"Eq 0 {3 * i + 3}\nInteger 0 {i + 5}\nGoto 0 {3 * i + 3}" for i in range(14)
    )
    tests = "\n".join(f"IfNot {i + 5} {43 + i}" for i in range(14))
    text = f"{flags}\n{tests}\nInteger 1 1\nResultRow 1 1\nHalt"
    (found,) = prove("SELECT", listing(text), STORED, 1)
    assert not found.may_be_null


def test_of_a_program_with_ways_beyond_number_nothing_is_proved(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It is followed so far, and no further."""
    text = "Eq 0 2\nEq 0 3\nEq 0 4\nEq 0 4\nInteger 1 1\nResultRow 1 1"
    assert not prove("SELECT", listing(text), STORED, 1)[0].may_be_null
    for effort in MOST_FOLLOWED:
        monkeypatch.setitem(MOST_FOLLOWED, effort, 2)
    assert prove("SELECT", listing(text), STORED, 1)[0].may_be_null
