"""The Python that fits a query: a row class and a function's signature, to be pasted.

Names are guesses: of the function from the file's name, of parameters from the columns
that they are compared with or inserted into. Types are not.
"""

from __future__ import annotations

import json
import keyword
import re
from typing import TYPE_CHECKING

from sqlx.queries.checking.fitting import python_type
from sqlx.queries.checking.mysql_placeholders import around_placeholders
from sqlx.queries.checking.overrides import BadColumnName, parse_column
from sqlx.queries.values import Database

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sqlx.queries.values import Column, Description

__all__ = ["paste"]

CONNECTIONS = {
    Database.POSTGRES: "from psycopg import Connection",
    Database.SQLITE: "from sqlite3 import Connection",
    Database.MYSQL: "from pymysql import Connection",
}
UNTYPED = "str | int | float | bytes | None"  # whatever SQLite and MySQL can store
DRIVERS = ("from psycopg", "from pymysql")
IMPORTS = (
    (r"@dataclass", "from dataclasses import dataclass"),
    (r"\b(?:date|datetime|time|timedelta)\b", "from datetime import {}"),
    (r"\bDecimal\b", "from decimal import Decimal"),
    (r"\bIPv[46]\w+\b", "from ipaddress import {}"),
    (r"\b(?:Any|Literal)\b", "from typing import {}"),
    (r"\bUUID\b", "from uuid import UUID"),
    (r"\bRange\b", "from psycopg.types.range import Range"),
    (r"\bMultirange\b", "from psycopg.types.multirange import Multirange"),
)
COMPARED = re.compile(
    r"\b([A-Za-z_]\w*)`?\s*(?:=|<>|!=|[<>]=?|\bI?LIKE\b)\s*\$(\d+)", re.IGNORECASE
)
INSERTED = re.compile(
    r"\bINTO\s+\S+\s*\(([^()]*)\)\s*VALUES\s*\(([^;]*)", re.IGNORECASE
)


def paste(description: Description, path: str = "") -> str:
    """Write the imports, the row class and the function for a query.

    Args:
        description: The query.
        path: The file that has it, as `query_file` is to name it; empty to write the
            SQL into the source.
    """
    name = _name(path)
    row = "".join(word.capitalize() for word in name.split("_")) or "Row"
    columns = [c for c in description.known_columns if _is_value(c)]
    parts = list(_row_class(row, columns, description.database))
    parts.append(
        _function(name, _returned(row, columns, description), description, path)
    )
    body = "\n\n\n".join(parts)
    lines = {*_imports(body), CONNECTIONS[description.database]}
    theirs = sorted(line for line in lines if line.startswith(DRIVERS))
    blocks = (sorted(lines - {*theirs}), ["import sqlx", *theirs], ["", body])
    return "\n\n".join("\n".join(block) for block in blocks if block)


def _row_class(row: str, columns: list[Column], database: Database) -> Iterator[str]:
    if len(columns) > 1:
        fields = "".join(f"    {_field(c, database)}\n" for c in columns)
        head = f"@dataclass(frozen=True, slots=True)\nclass {row}:\n"
        # A class of comments alone is none.
        empty = "" if re.search(r"^    \w", fields, re.MULTILINE) else "    pass\n"
        yield f"{head}{fields}{empty}".rstrip("\n")


def _field(column: Column, database: Database) -> str:
    name = parse_column(column.name)
    annotation = _annotation(column, database)
    if isinstance(name, BadColumnName) or keyword.iskeyword(name.ident):
        return f"# {column.name}: {annotation}  -- give it a name: AS name"
    return f"{name.ident}: {annotation}"


def _annotation(column: Column, database: Database) -> str:
    annotation = python_type(column.sure_type, database)
    return f"{annotation} | None" if _may_be_null(column) else annotation


def _may_be_null(column: Column) -> bool:
    name = parse_column(column.name)
    if not isinstance(name, BadColumnName) and name.forced is not None:
        return not name.forced
    if column.proof is not None:
        return column.proof.may_be_null
    return column.nullable is not False


def _is_value(column: Column) -> bool:
    return column.type_info.name != "Void"


def _returned(row: str, columns: list[Column], description: Description) -> str:
    if not columns:
        return "sqlx.RowsAffected"
    if len(columns) > 1:
        return f"list[{row}]"
    return f"list[{_annotation(columns[0], description.database)}]"


def _function(name: str, returned: str, description: Description, path: str) -> str:
    parameters = "".join(
        f", {name}: {annotation}" for name, annotation in _parameters(description)
    )
    decorator = (
        f"@sqlx.query_file({json.dumps(path, ensure_ascii=False)})"
        if path
        else f"@sqlx.query({_literal(description.sql)})"
    )
    return (
        f"{decorator}\n"
        f"def {name}(connection: Connection{parameters}) -> {returned}:\n"
        "    raise NotImplementedError"
    )


def _parameters(description: Description) -> Iterator[tuple[str, str]]:
    known = description.parameters
    guessed = _guessed_names(_numbered(description))
    taken = {"connection"}
    for number in range(1, description.parameter_count + 1):
        name = guessed.get(number, f"parameter_{number}")
        if name in taken or keyword.iskeyword(name):
            name = f"{name}_{number}"
        taken.add(name)
        if isinstance(known, int):
            yield name, UNTYPED
        else:
            yield name, python_type(known[number - 1], description.database)


def _numbered(description: Description) -> str:
    """Write the numbers to the placeholders that have none."""
    sql = description.sql
    if description.database is not Database.MYSQL:
        return sql
    first, *parts = around_placeholders(sql)
    return first + "".join(f"${at}{part}" for at, part in enumerate(parts, 1))


def _guessed_names(sql: str) -> dict[int, str]:
    names = {int(number): name.lower() for name, number in COMPARED.findall(sql)}
    for columns, values in INSERTED.findall(sql):
        pairs = zip(columns.split(","), values.split(","), strict=False)
        for column, value in pairs:
            number = re.match(r"\s*\$(\d+)\s*[),]?\s*$", value)
            name = column.strip().strip('"`').lower()
            if number is not None and name.isidentifier():
                names[int(number[1])] = name
    return names


def _name(path: str) -> str:
    stem = re.split(r"[/\\]", path)[-1].removesuffix(".sql").lower()
    name = re.sub(r"\W+", "_", stem).strip("_")
    return name if name.isidentifier() and not keyword.iskeyword(name) else "query"


def _literal(sql: str) -> str:
    """Write a string whose value is the SQL, to the character."""
    if "\n" not in sql:
        return json.dumps(sql, ensure_ascii=False)
    text = sql.replace("\\", "\\\\").replace("\r", "\\r")
    text = text.replace('"""', '\\"\\"\\"')
    end = '\\"' if text.endswith('"') else ""
    return f'"""{text[:-1] + end if end else text}"""'


def _imports(body: str) -> Iterable[str]:
    for pattern, line in IMPORTS:
        found = sorted(set(re.findall(pattern, body)))
        if found:
            yield line.format(", ".join(found))
