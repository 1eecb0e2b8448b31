"""What SQLx's reading of a program remembers: registers, cursors, tables.

A register holds nothing, a known integer, a `Guess` at a value, or a `Record`. A cursor
stands on a table, which the address of the instruction that opened it names, or reads
the record in a register.
"""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

from sqlx.databases.sqlite.describing import words

__all__ = ["Cursor", "Guess", "Memory", "Record", "Table", "Value"]


class Guess(NamedTuple):
    """A value whose type and nullability may be known; None is unknown."""

    word: str = words.NULL
    nullable: bool | None = None


class Record(NamedTuple):
    """A row; None stands where the schema has no stored column."""

    columns: tuple[Guess | Record | None, ...]


Value: TypeAlias = int | Guess | Record

UNKNOWN = Guess()
IS_NULL = Guess(nullable=True)


class Cursor(NamedTuple):
    """What a cursor reads: a table, or the record in a register."""

    at: int
    is_pseudo: bool = False


class Table(NamedTuple):
    """A table's columns, and whether it has rows; None is unknown."""

    columns: Record
    is_empty: bool | None


class Memory:
    """The state of the virtual machine on one branch.

    It is copied at every branch, and compared with all states seen; a digest that is
    kept up as it changes makes that cheap.
    """

    __slots__ = ("_digest", "cursors", "pc", "registers", "tables")

    def __init__(self) -> None:
        self.pc = 0
        self.registers: dict[int, Value] = {}
        self.cursors: dict[int, Cursor] = {}
        self.tables: dict[int, Table] = {}
        self._digest = 0

    def copy(self) -> Memory:
        """Copy it for another branch."""
        twin = Memory()
        twin.pc = self.pc
        twin.registers = self.registers.copy()
        twin.cursors = self.cursors.copy()
        twin.tables = self.tables.copy()
        twin._digest = self._digest
        return twin

    def __hash__(self) -> int:
        return hash((self.pc, self._digest))

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Memory)
            and self.pc == other.pc
            and self.registers == other.registers
            and self.cursors == other.cursors
            and self.tables == other.tables
        )

    def put(self, register: int, value: Value) -> None:
        """Write a register."""
        self._change(register, self.registers.get(register), value)
        self.registers[register] = value

    def forget(self, register: int) -> None:
        """Take a register's value away."""
        self._change(register, self.registers.pop(register), None)

    def open(self, cursor: int, reads: Cursor) -> None:
        """Let a cursor read a table, or a register."""
        self._change(~cursor, self.cursors.get(cursor), reads)
        self.cursors[cursor] = reads

    def keep(self, at: int, table: Table) -> None:
        """Note what a table holds."""
        self._change((at,), self.tables.get(at), table)
        self.tables[at] = table

    def word(self, register: int) -> str:
        """Tell a register's type; Null when it is not known."""
        value = self.registers.get(register)
        if isinstance(value, Guess):
            return value.word
        return words.INTEGER if isinstance(value, int) else words.NULL

    def nullable(self, register: int) -> bool | None:
        """Tell whether a register may hold NULL."""
        value = self.registers.get(register)
        if isinstance(value, Guess):
            return value.nullable
        return False if isinstance(value, int) else None

    def guess(self, register: int) -> Guess | Record:
        """Give a register's value as that of a column."""
        value = self.registers.get(register, UNKNOWN)
        return Guess(words.INTEGER, nullable=False) if isinstance(value, int) else value

    def known(self, register: int) -> int | None:
        """Give the integer in a register when it is known."""
        value = self.registers.get(register)
        return value if isinstance(value, int) else None

    def set_nullable(self, register: int, *, nullable: bool) -> None:
        """Note what was seen of a guessed value; other values stay."""
        value = self.registers.get(register)
        if isinstance(value, Guess):
            self.put(register, Guess(value.word, nullable))

    def columns(self, cursor: int) -> Record | None:
        """Give the columns that a cursor reads, when they are known."""
        found = self.cursors.get(cursor)
        if found is None:
            return None
        if found.is_pseudo:
            value = self.registers.get(found.at)
            return value if isinstance(value, Record) else None
        return self.tables[found.at].columns

    def table(self, cursor: int) -> int | None:
        """Name the table that a cursor stands on."""
        found = self.cursors.get(cursor)
        return None if found is None or found.is_pseudo else found.at

    def emptiness(self, cursor: int) -> bool | None:
        """Tell whether a cursor has no row; None when it is not known."""
        found = self.cursors[cursor]
        return False if found.is_pseudo else self.tables[found.at].is_empty

    def mark(self, at: int, *, is_empty: bool | None) -> None:
        """Note whether a table has rows."""
        self.keep(at, Table(self.tables[at].columns, is_empty))

    def _change(self, place: object, old: object, new: object) -> None:
        """Keep the digest up: it does not depend on the order of writing."""
        if old is not None:
            self._digest ^= hash((place, old))
        if new is not None:
            self._digest ^= hash((place, new))
