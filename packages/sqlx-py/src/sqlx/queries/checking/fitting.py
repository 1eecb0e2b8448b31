"""Compares an annotation with a type of a database, at any depth.

Most types are a matter of rules. Arrays, enums, ranges and composite types are made of
labels and of other types: they have a function each.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlx.queries.annotations import Annotation, Form
from sqlx.queries.checking import mysql_types as mysql
from sqlx.queries.checking import postgres_types as postgres
from sqlx.queries.checking import sqlite_types as sqlite
from sqlx.queries.checking.mysql_names import display
from sqlx.queries.checking.rules import Misfit, Rule, Way, against, write
from sqlx.queries.values import Database, Kind, TypeInfo

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["TABLES", "Table", "misfit", "python_type", "rule_of", "type_name"]


@dataclass(frozen=True, slots=True)
class Table:
    """The types of a database.

    Args:
        rules: For types that SQLx has a word for.
        other: For the rest.
        named: Before it, for some of the rest, by their names.
        parameter: For all parameters, where the database knows no type of theirs.
    """

    rules: tuple[Rule, ...]
    other: Rule
    named: tuple[Rule, ...] = ()
    parameter: Rule | None = None


TABLES = {
    Database.POSTGRES: Table(postgres.RULES, postgres.OTHER, postgres.NAMED),
    Database.SQLITE: Table(sqlite.RULES, sqlite.RULES[-1], parameter=sqlite.PARAMETER),
    Database.MYSQL: Table(mysql.RULES, mysql.ENUM, parameter=mysql.PARAMETER),
}


def misfit(
    type_info: TypeInfo, annotation: Annotation, way: Way, database: Database
) -> Misfit | None:
    """Tell why an annotation is not that of a type; None when it is.

    A column's value must be of one member of a union; a parameter may be any of them.
    """
    if annotation.form is Form.UNION:
        found = [misfit(type_info, item, way, database) for item in annotation.items]
        wrong = [each for each in found if each is not None]
        fits = len(wrong) < len(found) if way is Way.COLUMN else not wrong
        return None if fits else wrong[0]
    opened = _opened(type_info)
    compare = _COMPARE.get(opened.kind)
    if compare is None or _named(opened, database) is not None:
        return against(rule_of(opened, database), annotation, way)
    return compare(opened, annotation, way, database)


def rule_of(type_info: TypeInfo, database: Database) -> Rule:
    """Find the rule for a type that is made of no others."""
    table = TABLES[database]
    if type_info.kind is Kind.BUILTIN:
        known = _WORDS[database].get(_word(type_info))
    else:
        known = _named(type_info, database)
    return known or table.other


def python_type(type_info: TypeInfo, database: Database) -> str:
    """Write the annotation for a column of a type, as it is proposed."""
    opened = _opened(type_info)
    if opened.of is not None and _named(opened, database) is None:
        inside = python_type(opened.of, database)
        return f"list[{inside}]" if opened.kind is Kind.ARRAY else f"Range[{inside}]"
    if opened.kind is Kind.ENUM:
        labels = (json.dumps(label, ensure_ascii=False) for label in opened.labels)
        return f"Literal[{', '.join(labels)}]"
    return rule_of(opened, database).proposal(Way.COLUMN)


def type_name(type_info: TypeInfo, database: Database) -> str:
    """Name a type as people know it: `bigint`, `timestamptz[]`, `status`."""
    if type_info.kind is not Kind.BUILTIN:
        return type_info.name
    opened = _opened(type_info)
    if opened.kind is Kind.ARRAY and opened.of is not None:
        return f"{type_name(opened.of, database)}[]"
    if opened.kind is Kind.RANGE:
        return postgres.RANGES[type_info.name][1]
    word = _word(type_info)
    return rule_of(opened, database).types.get(word, word)


def _word(type_info: TypeInfo) -> str:
    """Give the word that rules have for a type; MySQL's says more than SQLx's."""
    return type_info.name if type_info.wire is None else display(type_info)


def _opened(type_info: TypeInfo) -> TypeInfo:
    """Take domains off, and say of what built-in arrays and ranges are made.

    No word of SQLx's for another database is that of an array or a range here.
    """
    if type_info.kind is Kind.DOMAIN and type_info.of is not None:
        return _opened(type_info.of)
    name = type_info.name
    if type_info.kind is not Kind.BUILTIN:
        return type_info
    if name.endswith("Array"):
        return TypeInfo(name, Kind.ARRAY, of=TypeInfo(name.removesuffix("Array")))
    if name in postgres.RANGES:
        return TypeInfo(name, Kind.RANGE, of=TypeInfo(postgres.RANGES[name][0]))
    return type_info


def _array(
    type_info: TypeInfo, annotation: Annotation, way: Way, database: Database
) -> Misfit | None:
    """Compare with `list[T]`; `T[]` may have any number of dimensions."""
    mend = write(python_type(type_info, database))
    classes = postgres.ARRAY_COLUMNS if way is Way.COLUMN else postgres.ARRAY_PARAMETERS
    if annotation.form is not Form.ARRAY:
        return Misfit("", mend)
    if annotation.names[0] not in classes:
        return Misfit("it need not be a list", mend)
    if not annotation.items:
        return Misfit("it does not say of what", mend)
    item = annotation.items[0]
    assert type_info.of is not None  # noqa: S101 -- an array is made of something.
    wrong = misfit(type_info.of, item, way, database)
    if wrong is None or (
        item.form is Form.ARRAY and misfit(type_info, item, way, database) is None
    ):
        return None
    return Misfit(wrong.reason, mend)


def _enum(
    type_info: TypeInfo, annotation: Annotation, way: Way, database: Database
) -> Misfit | None:
    """Compare with the labels: a column can be each, a parameter must be one."""
    if annotation.form not in {Form.LITERAL, Form.ENUM}:
        if against(postgres.OTHER, annotation, way) is None:
            return None
        return Misfit("", write(python_type(type_info, database)) + ' or "str"')
    if way is Way.COLUMN:
        missing = [x for x in type_info.labels if x not in annotation.values]
        wrong = Misfit(f"it has no {_list(missing)}", 'add it, or write "str"')
        return wrong if missing else None
    extra = [x for x in annotation.values if x not in type_info.labels]
    wrong = Misfit(f"{_list(extra)} is no label of {type_info.name}", "take it out")
    return wrong if extra else None


def _range(
    type_info: TypeInfo, annotation: Annotation, way: Way, database: Database
) -> Misfit | None:
    """Compare with `Range[T]`; a range that the driver does not know is text, too."""
    mend = write(python_type(type_info, database))
    assert type_info.of is not None  # noqa: S101 -- a range is made of something.
    if not set(postgres.RANGE_CLASSES) & set(annotation.names):
        known = type_info.name in postgres.RANGES
        if known or against(postgres.OTHER, annotation, way) is not None:
            return Misfit("", mend)
        return None
    if not annotation.items:
        said = way is Way.PARAMETER
        return None if said else Misfit("it does not say of what", mend)
    wrong = misfit(type_info.of, annotation.items[0], way, database)
    return None if wrong is None else Misfit(wrong.reason, mend)


def _composite(
    type_info: TypeInfo, annotation: Annotation, way: Way, database: Database
) -> Misfit | None:
    """Compare with a row class of the same fields; without one, it is text."""
    names = [name for name, _ in type_info.fields]
    if annotation.form is not Form.ROW:
        if against(postgres.OTHER, annotation, way) is None:
            return None
        fields = ", ".join(names)
        return Misfit("", f'write "str", or a NamedTuple with the fields {fields}')
    if [field.name for field in annotation.fields] != names:
        return Misfit("", f"give it the fields {', '.join(names)}, in this order")
    for (name, of), field in zip(type_info.fields, annotation.fields, strict=True):
        wrong = misfit(of, field.annotation, way, database)
        if wrong is not None:
            what = f"{name} is {type_name(of, database)}, not {field.annotation.text}"
            return Misfit(
                f"its {what}{wrong.reason and f' ({wrong.reason})'}", wrong.mend
            )
    return None


def _named(type_info: TypeInfo, database: Database) -> Rule | None:
    """Find the rule for a type that has no word, whatever schema it lies in."""
    return _NAMES[database].get(type_info.name.rpartition(".")[2])


def _list(values: list[str] | list[object]) -> str:
    return ", ".join(f'"{value}"' for value in values)


def _by_word(rules: tuple[Rule, ...]) -> Mapping[str, Rule]:
    return {word: rule for rule in rules for word in rule.types}


_WORDS = {database: _by_word(table.rules) for database, table in TABLES.items()}
_NAMES = {database: _by_word(table.named) for database, table in TABLES.items()}
_COMPARE = {
    Kind.ARRAY: _array,
    Kind.ENUM: _enum,
    Kind.RANGE: _range,
    Kind.COMPOSITE: _composite,
}
