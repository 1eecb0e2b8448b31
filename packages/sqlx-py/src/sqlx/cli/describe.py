"""`sqlx describe`: what a database says of a query, and the Python that fits it."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlx.cli.project import open_project
from sqlx.cli.queries import is_offline, project_of
from sqlx.errors import ConfigurationError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Iterator

    from sqlx.cli.output import Output
    from sqlx.queries.caching.beside import Prepared
    from sqlx.queries.values import Description

__all__ = ["describe"]

WRONG = 1


@dataclass(frozen=True, slots=True)
class Text:
    """A query's text, and the file that has it; no path for one that was typed in."""

    path: str
    sql: str


def describe(options: argparse.Namespace, output: Output) -> int:
    """Describe one query, or those of a folder."""
    from sqlx.prepare import describe as carry_out
    from sqlx.queries.values import Refusal

    if options.out is not None and options.format != "sqlx":
        raise ConfigurationError("--out is for --format sqlx, and for no other")
    texts = list(_texts(options.query))
    settings = open_project(options, output)
    offline = is_offline()
    project = project_of(settings, (), offline=offline)
    answers, prepared = carry_out(
        project, [text.sql for text in texts], offline=offline
    )
    pairs = list(zip(texts, answers, strict=True))
    refused = [pair for pair in pairs if isinstance(pair[1], Refusal)]
    for text, answer in refused:
        _refuse(text, answer, output)
    if options.format == "sqlx":
        directory = options.out or project.target.directory
        _write([answer for _, answer in _described(pairs)], prepared, directory, output)
    else:
        _PRINTERS[options.format](pairs, output)
    if len(texts) > 1:
        output.note(
            f"{len(pairs) - len(refused):,} described, {len(refused):,} refused"
        )
    return WRONG if refused else 0


def _texts(query: str) -> Iterator[Text]:
    """Read what is to be described.

    Raises:
        ConfigurationError: There is no such file, or no query in it.
    """
    if os.path.isdir(query):
        yield from map(_read, sorted(_files(query)))
    elif os.path.isfile(query):
        yield _read(query)
    elif query.lower().endswith(".sql"):
        raise ConfigurationError(f"{query}: there is no such file or folder")
    else:
        yield Text("", query)


def _files(folder: str) -> Iterator[str]:
    found = False
    for directory, _, names in os.walk(folder):
        for name in names:
            if name.endswith(".sql"):
                found = True
                yield os.path.join(directory, name)
    if not found:
        raise ConfigurationError(f"{folder}: there is no `.sql` file in this folder")


def _read(path: str) -> Text:
    # As bytes: a query's hash is over the text as it stands, line endings included.
    with open(path, "rb") as file:
        octets = file.read()
    try:
        return Text(path, octets.decode())
    except UnicodeDecodeError as error:
        line = octets.count(b"\n", 0, error.start) + 1
        raise ConfigurationError(
            f"{path}:{line}: this is no UTF-8; save the file as UTF-8"
        ) from error


def _refuse(text: Text, answer: Any, output: Output) -> None:  # noqa: ANN401 -- a Refusal; its module costs time to import.
    from sqlx.cli.findings import as_text
    from sqlx.queries.checking.check import refused
    from sqlx.queries.sites import SqlText

    path = text.path or "query"
    finding = refused(SqlText(text.sql, path, ((0, 1, 1),)), answer)
    for line in as_text([finding]):
        output.note(line)


def _described(pairs: Iterable[tuple[Text, Any]]) -> Iterator[tuple[Text, Any]]:
    from sqlx.queries.values import Description

    return ((t, answer) for t, answer in pairs if isinstance(answer, Description))


def _as_text(pairs: list[tuple[Text, Any]], output: Output) -> None:
    from sqlx.queries.checking.pasting import paste

    for number, (text, answer) in enumerate(_described(pairs)):
        if number:
            output.line("")
        if text.path:
            output.line(text.path)
        for line in _table(answer):
            output.line(line)
        output.line("")
        output.line(paste(answer, text.path))


def _table(description: Description) -> Iterator[str]:
    from sqlx.queries.checking.fitting import type_name
    from sqlx.queries.values import Database

    database, known = description.database, description.parameters
    in_turn = database is Database.MYSQL
    if isinstance(known, int):
        types = ["any"] * known
    else:
        types = [type_name(each, database) for each in known]
    yield "parameters" if types else "no parameters"
    for number, name in enumerate(types, 1):
        yield f"  {'?' if in_turn else f'${number}'}  {name}"
    rows = [
        (c.name, type_name(c.sure_type, database), _nullability(c))
        for c in description.known_columns
    ]
    yield "columns" if rows else "no columns"
    widths = [max((len(row[place]) for row in rows), default=0) for place in (0, 1)]
    for name, type_, null in rows:
        yield f"  {name:{widths[0]}}  {type_:{widths[1]}}  {null}"


def _nullability(column: Any) -> str:  # noqa: ANN401 -- a Column.
    if column.proof is None:
        word = {True: "NULL", False: "NOT NULL", None: "unknown"}[column.nullable]
        return f"{word}, says SQLx"
    if not column.proof.may_be_null:
        return "NOT NULL"
    reason = column.proof.reason
    return f"may be NULL: {reason}" if reason else "may be NULL"


def _as_json(pairs: list[tuple[Text, Any]], output: Output) -> None:
    values = [_value(text, answer) for text, answer in pairs]
    document = json.dumps({"queries": values}, indent=2, ensure_ascii=False)
    output.line(document)


def _value(text: Text, answer: Any) -> dict[str, object]:  # noqa: ANN401 -- as above.
    from sqlx.queries.checking.fitting import type_name
    from sqlx.queries.checking.pasting import paste
    from sqlx.queries.values import Refusal

    value: dict[str, object] = {"path": text.path or None, "query": text.sql}
    if isinstance(answer, Refusal):
        names = ("message", "offset", "sqlstate", "hint", "detail")
        return {**value, "error": {name: getattr(answer, name) for name in names}}
    database, known = answer.database, answer.parameters
    return {
        **value,
        "database": database.value,
        "parameters": known
        if isinstance(known, int)
        else [type_name(each, database) for each in known],
        "columns": [
            {
                "name": column.name,
                "type": type_name(column.sure_type, database),
                "origin": column.origin
                and {"table": column.origin.table, "column": column.origin.column},
                "may_be_null": column.proof.may_be_null if column.proof else None,
                "reason": column.proof.reason if column.proof else "",
                "sqlx_nullable": column.nullable,
            }
            for column in answer.known_columns
        ],
        "python": paste(answer, text.path),
    }


def _write(
    found: list[Description], prepared: Prepared | None, directory: str, output: Output
) -> None:
    from sqlx.queries.caching.cache import Cache

    if prepared is None:
        raise ConfigurationError("--format sqlx asks a database: unset SQLX_OFFLINE")
    for name in Cache(directory).write(found, prepared):
        output.line(os.path.join(directory, name))


_PRINTERS = {"text": _as_text, "json": _as_json}
