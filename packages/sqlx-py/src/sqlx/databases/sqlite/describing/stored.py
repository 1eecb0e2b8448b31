"""What each b-tree of a database stores, field by field, and which are never NULL."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import apsw

__all__ = ["Stored", "read_stored"]

Stored: TypeAlias = "Mapping[tuple[int, int], tuple[bool, ...]]"
"""By number of the database and root page: for each field, whether it is never NULL."""

TABLES = """
SELECT m.name, m.rootpage, l.wr, x.cid, x."notnull", x.pk, x.hidden
FROM {db}.sqlite_schema m
JOIN pragma_table_list(m.name) l ON l.schema = ?1
JOIN pragma_table_xinfo(m.name, ?1) x
WHERE m.type = 'table' AND m.rootpage > 0
ORDER BY m.name, x.cid
"""
INDEXES = """
SELECT m.name, i.name, i.origin, r.rootpage, x.cid
FROM {db}.sqlite_schema m
JOIN pragma_index_list(m.name, ?1) i
JOIN pragma_index_xinfo(i.name, ?1) x
LEFT JOIN {db}.sqlite_schema r ON r.type = 'index' AND r.name = i.name
WHERE m.type = 'table' AND m.rootpage > 0
ORDER BY m.name, i.name, x.seqno
"""
VIRTUAL_GENERATED = 2  # in `hidden`: computed when it is read, not stored
ROWID = -1  # in an index's `cid`; -2 is an expression


class _Column(NamedTuple):
    cid: int
    is_not_null: bool
    is_key: bool
    is_stored: bool


class _Table(NamedTuple):
    root: int
    has_rowid: bool
    columns: list[_Column]


class _Index(NamedTuple):
    root: int | None  # a table WITHOUT ROWID is its primary key's index
    is_primary_key: bool
    cids: list[int]


def read_stored(connection: apsw.Connection) -> Stored:
    """Read the tables and indexes of every database of a connection."""
    found: dict[tuple[int, int], tuple[bool, ...]] = {}
    for number, name, _ in connection.execute("PRAGMA database_list").fetchall():
        for root, fields in _read_database(connection, str(name)):
            found[int(str(number)), root] = fields
    return found


def _read_database(
    connection: apsw.Connection, name: str
) -> Iterable[tuple[int, tuple[bool, ...]]]:
    quoted = '"' + name.replace('"', '""') + '"'
    tables: dict[str, _Table] = {}
    for table, root, wr, cid, not_null, key, hidden in connection.execute(
        TABLES.format(db=quoted), (name,)
    ):
        kept = tables.setdefault(str(table), _Table(int(root), not wr, []))
        column = _Column(int(cid), bool(not_null), key > 0, hidden != VIRTUAL_GENERATED)
        kept.columns.append(column)
    indexes: dict[str, dict[str, _Index]] = {}
    for table, index, origin, root, cid in connection.execute(
        INDEXES.format(db=quoted), (name,)
    ):
        of_table = indexes.setdefault(str(table), {})
        of_table.setdefault(str(index), _Index(root, origin == "pk", []))
        of_table[str(index)].cids.append(int(cid))
    for table, kept in tables.items():
        yield from _trees(kept, list(indexes.get(table, {}).values()))


def _trees(
    table: _Table, indexes: list[_Index]
) -> Iterable[tuple[int, tuple[bool, ...]]]:
    """Give the fields of a table's b-trees.

    A primary key of a table with rowids has an index, unless it is the rowid by another
    name: that is never NULL, but in the table's own records it is stored as NULL.
    """
    keys = {c.cid for c in table.columns if c.is_key}
    has_key_index = any(index.is_primary_key for index in indexes)
    alias = keys if table.has_rowid and not has_key_index else set()
    never = {c.cid for c in table.columns if c.is_not_null} | alias | {ROWID}
    if not table.has_rowid:
        never |= keys
    if table.has_rowid:
        stored = [c.cid for c in table.columns if c.is_stored]
        yield table.root, tuple(c in never and c not in alias for c in stored)
    for index in indexes:
        root = index.root or (0 if table.has_rowid else table.root)
        yield root, tuple(c in never for c in index.cids)
