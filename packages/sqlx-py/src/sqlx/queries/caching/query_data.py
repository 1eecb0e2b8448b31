"""A query's file in `.sqlx/`, `query-<hash>.json`: SQLx's `QueryData`, to the byte.

SQLx compares such files as JSON values when it checks, so nothing may stand in one that
SQLx of that version would not write; what we know beyond it has files of its own, see
`beside`. The bytes are those of serde_json's pretty printer, and of `json.dumps` with
an indent of 2. The key orders are those of SQLx's structs, and differ by database.
"""

from __future__ import annotations

import json

from sqlx.errors import CacheError
from sqlx.queries.checking.mysql_names import FLAGS
from sqlx.queries.values import (
    Column,
    Database,
    Description,
    Kind,
    Origin,
    SqlxVersion,
    TypeInfo,
    Wire,
    query_hash,
)

__all__ = ["AGAIN", "from_json", "load_json", "to_json", "to_value"]

AGAIN = "run `sqlx prepare` to write it again"

# SQLite's types as SQLx 0.7 called them (queries.md 1.3).
_OF_0_7 = {"Int64": "Integer", "Int": "Int4"}
# What MySQL's files call the number of a collation: since 0.9, and in 0.7.
_COLLATIONS = ("collation", "char_set")


def to_json(description: Description, version: SqlxVersion) -> str:
    """Write a query's file as SQLx of a version writes it.

    Args:
        description: What to write; its proofs are left out.
        version: 0.8 writes no `origin`.

    Source:
        SQLx `QueryData::save_in`, `Describe`, `PgColumn`, `SqliteColumn`,
        `MySqlColumn`, `MySqlTypeInfo`.
    """
    return (
        json.dumps(to_value(description, version), indent=2, ensure_ascii=False) + "\n"
    )


def to_value(description: Description, version: SqlxVersion) -> dict[str, object]:
    """Give what a query's file holds, keys in SQLx's order; see `to_json`."""
    columns = description.columns
    return {
        "db_name": description.database.value,
        "query": description.sql,
        "describe": {
            "columns": [
                _column(place, column, description.database, version)
                for place, column in enumerate(columns)
            ],
            "parameters": _parameters(description.parameters),
            "nullable": [column.nullable for column in columns],
        },
        "hash": query_hash(description.sql),
    }


def from_json(text: str, path: str = "the query's file") -> Description:
    """Read a query's file as SQLx reads it: key order and unknown keys do not matter.

    Args:
        text: The file's text, of SQLx 0.7, 0.8 or 0.9.
        path: The file, for messages.

    Raises:
        CacheError: It is no such file, or its hash is not that of its query.
    """
    try:
        return _description(load_json(text, path))
    except UnicodeEncodeError as error:  # half of a surrogate pair in the query
        raise CacheError(path, f"`query` is no text; {AGAIN}") from error
    except _UnlikeError as error:
        raise CacheError(path, f"{error}; {AGAIN}") from error


def load_json(text: str, path: str) -> object:
    """Read JSON; an error names the place.

    Raises:
        CacheError: It is none.
    """
    try:
        value: object = json.loads(text)
    except json.JSONDecodeError as error:
        where = f"{path}:{error.lineno}:{error.colno}"
        raise CacheError(where, f"this is no JSON ({error.msg}); {AGAIN}") from error
    except (ValueError, RecursionError) as error:  # a huge number, a deep nesting
        raise CacheError(path, f"this is no JSON ({error}); {AGAIN}") from error
    return value


def _column(
    place: int, column: Column, database: Database, version: SqlxVersion
) -> dict[str, object]:
    ordinal = place if column.ordinal is None else column.ordinal
    value: dict[str, object] = {"ordinal": ordinal, "name": column.name}
    if database is Database.SQLITE:
        value = {"name": column.name, "ordinal": ordinal}
    value["type_info"] = _column_type(column.type_info, version)
    if version is SqlxVersion.V0_9:
        value["origin"] = _origin(column.origin)
    return value


def _origin(origin: Origin | None) -> object:
    if origin is None:
        return "Expression"
    return {"Table": {"table": origin.table, "name": origin.column}}


def _parameters(parameters: tuple[TypeInfo, ...] | int) -> object:
    if isinstance(parameters, int):
        return {"Right": parameters}
    return {"Left": [_type_info(type_info) for type_info in parameters]}


def _column_type(type_info: TypeInfo, version: SqlxVersion) -> object:
    """Write a type; MySQL's are columns' alone, and differ by version."""
    wire = type_info.wire
    if wire is None:
        return _type_info(type_info)
    flags = [name for name, bit in FLAGS.items() if wire.flags & bit]
    value: dict[str, object] = {"type": type_info.name, "flags": " | ".join(flags)}
    if version is SqlxVersion.V0_9:
        value["collation"] = wire.collation
    return {**value, "max_size": wire.max_size}


def _type_info(type_info: TypeInfo) -> object:
    if type_info.kind is Kind.BUILTIN:
        return type_info.name
    return {"Custom": {"name": type_info.name, "kind": _kind(type_info)}}


def _kind(type_info: TypeInfo) -> object:
    kind = type_info.kind
    if type_info.of is not None:
        return {kind.value: _type_info(type_info.of)}
    if kind is Kind.ENUM:
        return {kind.value: type_info.labels}
    if kind is Kind.COMPOSITE:
        fields = [[name, _type_info(field)] for name, field in type_info.fields]
        return {kind.value: fields}
    return kind.value


class _UnlikeError(Exception):
    """The JSON is not of SQLx's shape; the argument says where and how."""


def _description(value: object) -> Description:
    top = _object(value, "the file")
    database = _database(_text(top, "db_name"))
    sql, told = _text(top, "query"), _text(top, "hash")
    if told != query_hash(sql):
        raise _UnlikeError(
            f"`hash` is {told}, and that of `query` is {query_hash(sql)}: one of them "
            "was edited"
        )
    describe = _object(_member(top, "describe"), "describe")
    columns = tuple(
        _read_column(place, column, nullable=nullable)
        for place, (column, nullable) in enumerate(_pairs(describe))
    )
    return Description(database, sql, columns, _read_parameters(describe))


def _database(name: str) -> Database:
    try:
        return Database(name)
    except ValueError:
        known = ", ".join(database.value for database in Database)
        raise _UnlikeError(f"`db_name` is {name!r}, none of {known}") from None


def _pairs(describe: dict[str, object]) -> list[tuple[object, bool | None]]:
    columns = _list(_member(describe, "columns"), "describe.columns")
    nullable = _list(_member(describe, "nullable"), "describe.nullable")
    if len(columns) != len(nullable):
        raise _UnlikeError(
            f"there are {len(columns)} `columns` and {len(nullable)} in `nullable`"
        )
    return [
        (column, _flag(flag, f"describe.nullable[{place}]"))
        for place, (column, flag) in enumerate(zip(columns, nullable, strict=True))
    ]


def _flag(value: object, where: str) -> bool | None:
    if value is None or isinstance(value, bool):
        return value
    raise _UnlikeError(f"{where} is not true, false or null")


def _read_column(place: int, column: object, *, nullable: bool | None) -> Column:
    where = f"describe.columns[{place}]"
    value = _object(column, where)
    ordinal = value.get("ordinal")
    if not isinstance(ordinal, int):
        raise _UnlikeError(f"{where}.ordinal is not a number")
    return Column(
        name=_text(value, "name"),
        type_info=_read_type(_member(value, "type_info"), "type_info"),
        origin=_read_origin(value.get("origin")),
        nullable=nullable,
        ordinal=None if ordinal == place else ordinal,
    )


def _read_origin(value: object) -> Origin | None:
    """Read where a column is from; "Unknown", or of SQLx 0.8 nothing, is None."""
    if not isinstance(value, dict):
        return None
    table = _object(_member(value, "Table"), "origin.Table")
    return Origin(_text(table, "table"), _text(table, "name"))


def _read_parameters(describe: dict[str, object]) -> tuple[TypeInfo, ...] | int:
    either = _object(_member(describe, "parameters"), "describe.parameters")
    count = either.get("Right")
    if isinstance(count, int):
        return count
    types = _list(_member(either, "Left"), "describe.parameters.Left")
    return tuple(_read_type(value, "a parameter") for value in types)


def _read_type(value: object, where: str) -> TypeInfo:
    if isinstance(value, str):
        return TypeInfo(_OF_0_7.get(value, value))
    if isinstance(value, dict) and "flags" in value:
        return _read_wire(value)
    custom = _object(_member(_object(value, where), "Custom"), "Custom")
    return _read_custom(_text(custom, "name"), _member(custom, "kind"))


def _read_wire(value: dict[str, object]) -> TypeInfo:
    """Read a type of MySQL's; a flag that is not known matters to nobody."""
    names = _text(value, "flags").split(" | ")
    flags = sum(FLAGS.get(name, 0) for name in names)
    size = _member(value, "max_size")
    collation = next((value[key] for key in _COLLATIONS if key in value), None)
    if not isinstance(size, int) or not isinstance(collation, int | None):
        raise _UnlikeError("a size or a collation of type_info is not a number")
    return TypeInfo(_text(value, "type"), wire=Wire(flags, size, collation))


def _read_custom(name: str, kind: object) -> TypeInfo:
    match kind:
        case "Simple" | "Pseudo" as word:
            return TypeInfo(name, Kind(word))
        case {"Enum": [*labels]}:
            return TypeInfo(name, Kind.ENUM, labels=tuple(map(_label, labels)))
        case {"Composite": [*fields]}:
            return TypeInfo(name, Kind.COMPOSITE, fields=tuple(map(_field, fields)))
        case {"Domain": of}:
            return TypeInfo(name, Kind.DOMAIN, of=_read_type(of, "Domain"))
        case {"Array": of}:
            return TypeInfo(name, Kind.ARRAY, of=_read_type(of, "Array"))
        case {"Range": of}:
            return TypeInfo(name, Kind.RANGE, of=_read_type(of, "Range"))
    raise _UnlikeError(f"`kind` of {name} is none of SQLx's")


def _label(value: object) -> str:
    if isinstance(value, str):
        return value
    raise _UnlikeError("a label of an Enum is no text")


def _field(value: object) -> tuple[str, TypeInfo]:
    match value:
        case [str(name), type_info]:
            return name, _read_type(type_info, name)
    raise _UnlikeError("a field of a Composite is not a name and a type")


def _object(value: object, where: str) -> dict[str, object]:
    if isinstance(value, dict):
        return value
    raise _UnlikeError(f"{where} is no JSON object")


def _list(value: object, where: str) -> list[object]:
    if isinstance(value, list):
        return value
    raise _UnlikeError(f"{where} is no JSON array")


def _member(value: dict[str, object], key: str) -> object:
    if key in value:
        return value[key]
    raise _UnlikeError(f"the key `{key}` is missing")


def _text(value: dict[str, object], key: str) -> str:
    found = _member(value, key)
    if isinstance(found, str):
        return found
    raise _UnlikeError(f"`{key}` is no text")
