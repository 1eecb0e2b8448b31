"""Programs of SQLite's virtual machine, written by hand as `EXPLAIN` lists them."""

from __future__ import annotations

from sqlx.databases.sqlite.describing.listing import Instruction, Program

__all__ = ["listing"]


def listing(text: str) -> Program:
    """Read a program: on each line an opcode, up to three numbers, and p4 and p5."""
    lines = [line.split() for line in text.strip().splitlines()]
    return tuple(_instruction(i, *line) for i, line in enumerate(lines))


def _instruction(
    address: int,
    opcode: str,
    p1: str = "0",
    p2: str = "0",
    p3: str = "0",
    p4: str = "",
    p5: str = "0",
) -> Instruction:
    text = p4.replace("-", "")
    return Instruction(address, opcode, int(p1), int(p2), int(p3), text, int(p5))
