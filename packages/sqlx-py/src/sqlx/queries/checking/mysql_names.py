"""What MySQL's types are called in messages: the names of its SQL, as SQLx shows them.

SQLx calls text of a `_bin` collation binary, because the flag BINARY says no more than
that; here the collation decides, which for bytes is 63. A file of SQLx 0.8 has none:
what was known of a column lies beside it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlx.queries.values import TypeInfo, Wire

__all__ = ["BIT", "BOOLEAN", "FLAGS", "UNKNOWN", "display"]

FLAGS = {
    "NOT_NULL": 1,
    "PRIMARY_KEY": 2,
    "UNIQUE_KEY": 4,
    "MULTIPLE_KEY": 8,
    "BLOB": 16,
    "UNSIGNED": 32,
    "ZEROFILL": 64,
    "BINARY": 128,
    "ENUM": 256,
    "AUTO_INCREMENT": 512,
    "TIMESTAMP": 1024,
    "SET": 2048,
    "NO_DEFAULT_VALUE": 4096,
    "ON_UPDATE_NOW": 8192,
    "NUM": 32768,
}
"""SQLx's names of the flags that a column has, in the order in which it writes them."""

BOOLEAN, BIT, UNKNOWN = "BOOLEAN", "BIT(1)", "NULL"
OF_BYTES = 63
ONE_DIGIT = 1

INTEGERS = {
    "Tiny": "TINYINT",
    "Short": "SMALLINT",
    "Int24": "MEDIUMINT",
    "Long": "INT",
    "LongLong": "BIGINT",
}
STRINGS = {
    "String": ("CHAR", "BINARY"),
    "VarString": ("VARCHAR", "VARBINARY"),
    "VarChar": ("VARCHAR", "VARBINARY"),
    "TinyBlob": ("TINYTEXT", "TINYBLOB"),
    "Blob": ("TEXT", "BLOB"),
    "MediumBlob": ("MEDIUMTEXT", "MEDIUMBLOB"),
    "LongBlob": ("LONGTEXT", "LONGBLOB"),
}
OTHERS = {"NewDecimal": "DECIMAL"}


def display(type_info: TypeInfo) -> str:
    """Name a type: `BIGINT UNSIGNED`, `VARCHAR`, `BOOLEAN`.

    Args:
        type_info: A type of MySQL.

    Source:
        SQLx's `ColumnType::name`, but for text that sorts by its bytes, for SET, and
        for what is true or false without being TINYINT(1): `id = 1`, `EXISTS (…)`.
    """
    name, wire = type_info.name, type_info.wire
    if wire is None:
        return name
    if name in INTEGERS:
        return _integer(INTEGERS[name], wire)
    if name in STRINGS:
        return _string(*STRINGS[name], wire)
    if name == "Bit" and wire.max_size == 1:
        return BIT
    if name.startswith("0x"):  # a number that has no name
        return UNKNOWN
    return OTHERS.get(name, name.upper())


def _integer(name: str, wire: Wire) -> str:
    if wire.max_size == ONE_DIGIT:
        return BOOLEAN
    return f"{name} UNSIGNED" if wire.flags & FLAGS["UNSIGNED"] else name


def _string(text: str, of_bytes: str, wire: Wire) -> str:
    for name in ("ENUM", "SET"):
        if wire.flags & FLAGS[name]:
            return name
    if wire.collation is None:
        return of_bytes if wire.flags & FLAGS["BINARY"] else text
    return of_bytes if wire.collation == OF_BYTES else text
