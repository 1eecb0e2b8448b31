"""MySQL's types by the numbers of its protocol, in SQLx's words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlx.queries.values import TypeInfo

if TYPE_CHECKING:
    from sqlx.databases.mysql.describing.prepared import Field

__all__ = ["WORDS", "type_info"]

WORDS = {
    0x00: "Decimal",
    0x01: "Tiny",
    0x02: "Short",
    0x03: "Long",
    0x04: "Float",
    0x05: "Double",
    0x06: "Null",
    0x07: "Timestamp",
    0x08: "LongLong",
    0x09: "Int24",
    0x0A: "Date",
    0x0B: "Time",
    0x0C: "Datetime",
    0x0D: "Year",
    0x0F: "VarChar",
    0x10: "Bit",
    0xF5: "Json",
    0xF6: "NewDecimal",
    0xF7: "Enum",
    0xF8: "Set",
    0xF9: "TinyBlob",
    0xFA: "MediumBlob",
    0xFB: "LongBlob",
    0xFC: "Blob",
    0xFD: "VarString",
    0xFE: "String",
    0xFF: "Geometry",
}
"""SQLx's `ColumnType`."""


def type_info(field: Field) -> TypeInfo:
    """Say what a column is; a number that SQLx has no word for stands for itself."""
    code = field.type_code
    return TypeInfo(WORDS.get(code, f"0x{code:02x}"), wire=field.wire)
