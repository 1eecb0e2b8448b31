"""A statement's program as `EXPLAIN` lists it, and what its cursors are opened on."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple, TypeAlias, cast

from sqlx.databases.sqlite.describing.bytecode_memory import Guess, Record
from sqlx.databases.sqlite.describing.words import NULL, declared

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import apsw

__all__ = ["Instruction", "Program", "read_program", "read_roots"]

# The main schema's tables and indexes, and the temporary ones, by root page. A name is
# looked up as SQL looks it up, temporary tables first, which SQLx does not know better.
ROOTS = """
WITH kept AS (
    SELECT 0 AS db, type, name, tbl_name, rootpage FROM main.sqlite_schema
    UNION ALL
    SELECT 1, type, name, tbl_name, rootpage FROM temp.sqlite_schema
)
SELECT db, rootpage, c.cid, c.type, c."notnull"
FROM kept JOIN pragma_table_info(kept.name) c
WHERE kept.type = 'table'
UNION ALL
SELECT db, rootpage, i.seqno, c.type, c."notnull"
FROM kept JOIN pragma_index_info(kept.name) i
LEFT JOIN pragma_table_info(kept.tbl_name) c ON c.cid = i.cid
WHERE kept.type = 'index'
"""
# A blob literal or something that only looks like one: a string, a quoted name, a
# comment.
BLOBS = re.compile(
    r"""[xX]'(?P<hex>[0-9a-fA-F]*)'|'(?:[^']|'')*'|"(?:[^"]|"")*"|`[^`]*`"""
    r"""|\[[^\]]*\]|--[^\n]*|/\*.*?(?:\*/|$)|\w+""",
    re.DOTALL,
)


class Instruction(NamedTuple):
    """One step of SQLite's virtual machine; what p1 to p5 mean the opcode decides."""

    address: int
    opcode: str
    p1: int
    p2: int
    p3: int
    p4: str
    p5: int


Program: TypeAlias = tuple[Instruction, ...]
"""All that `EXPLAIN` lists: the main program, then those of triggers, each from 0."""


def read_program(connection: apsw.Connection, sql: str, parameters: int) -> Program:
    """List the program of one statement without running it.

    Args:
        connection: Where its tables are.
        sql: One statement, which prepares.
        parameters: How many it has.
    """
    try:
        return _listed(connection, sql, parameters)
    except UnicodeDecodeError:
        # A blob literal stands in the listing as if it were text. Another of the same
        # length makes the same program.
        return _listed(connection, BLOBS.sub(_readable, sql), parameters)


def read_roots(connection: apsw.Connection) -> Mapping[tuple[int, int], Record]:
    """Read what SQLx knows of tables and indexes: columns by database and root page."""
    found: dict[tuple[int, int], dict[int, Guess]] = {}
    for db, root, column, type_, not_null in connection.execute(ROOTS):
        # SQLx reads what an index's expression or rowid has not as "", and as false.
        guess = Guess(declared(str(type_ or "")) or NULL, nullable=not not_null)
        found.setdefault((int(db), int(root)), {})[int(column)] = guess
    return {
        place: Record(tuple(map(columns.get, range(max(columns) + 1))))
        for place, columns in found.items()
    }


def _listed(connection: apsw.Connection, sql: str, parameters: int) -> Program:
    rows = connection.execute(sql, (None,) * parameters, can_cache=False, explain=1)
    return tuple(map(_instruction, rows))


def _instruction(row: Sequence[object]) -> Instruction:
    """Take a row of `EXPLAIN`, whose comment is left out."""
    address, opcode, p1, p2, p3, p4, p5, *_ = row
    numbers = cast("tuple[int, int, int, int, int]", (address, p1, p2, p3, p5))
    text = "" if p4 is None else str(p4)
    return Instruction(numbers[0], str(opcode), *numbers[1:4], text, numbers[4])


def _readable(found: re.Match[str]) -> str:
    digits = found.group("hex")
    if digits is None:
        return found.group()
    return f"x'{'41' * (len(digits) // 2)}'"
