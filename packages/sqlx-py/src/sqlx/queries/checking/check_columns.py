"""Compares the columns of a query with what its function returns."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlx.queries.annotations import Annotation, Form, Shape
from sqlx.queries.checking.codes import finding
from sqlx.queries.checking.drivers import driver_misfit
from sqlx.queries.checking.fitting import misfit, python_type, rule_of, type_name
from sqlx.queries.checking.mysql_placeholders import NO_CODE
from sqlx.queries.checking.overrides import BadColumnName, ColumnName, parse_column
from sqlx.queries.checking.rules import Misfit, Way, write
from sqlx.queries.checking.wording import count, says_nothing, unresolved
from sqlx.queries.values import Database, TypeInfo

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlx.queries.checking.wording import Wrong
    from sqlx.queries.sites import Finding, Site
    from sqlx.queries.values import Column, Description

__all__ = ["check_columns"]

VOID = TypeInfo("Void")
_CALL = re.compile(rf"(?:{NO_CODE}|\s)*(?i:CALL)\b", re.VERBOSE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class _Taker:
    """What takes a column.

    Args:
        who: Its name in messages: `User.id`, or the function's.
        verb: What stands between name and annotation: "is", "returns".
        annotation: What is written.
        takes_none: Whether None is allowed.
        of_all: Whether it is the scalar of a list, which an array is taken for.
        driver: What the connection is of; empty when it is not known.
    """

    who: str
    verb: str
    annotation: Annotation
    takes_none: bool
    of_all: bool = False
    driver: str = ""


def check_columns(site: Site, described: Description) -> Iterator[Finding]:
    """Compare names, types and nullability; nothing where rows are not asked for.

    A function that returns `None` or `RowsAffected` may run any SQL: SQLx's `execute`
    drops rows, too.
    """
    returns = site.returns
    if returns is not None and returns.row is not None:
        for wrong in _wrong(site, returns.shape, returns.row, described):
            yield finding(site.returns_place, *wrong)


def _wrong(
    site: Site, shape: Shape, row: Annotation, described: Description
) -> Iterator[Wrong]:
    columns = described.known_columns
    nameless = unresolved(row, site.name)
    if nameless is not None:
        yield nameless
    elif all(column.type_info == VOID for column in columns):
        yield (
            "no-rows",
            _no_rows(f"{site.name} returns {row.text or 'a row'}", described),
        )
    elif row.form is Form.ROW:
        yield from _of_row(row, columns, described.database, site.driver)
    elif len(columns) != 1:
        yield _not_one(site, row, columns)
    else:
        none = row.optional or shape is Shape.OPTIONAL
        of_all = shape is Shape.ALL
        taker = _Taker(site.name, "returns", row, none, of_all, site.driver)
        yield from _of_column(columns[0], None, taker, described.database)


def _no_rows(returns: str, described: Description) -> str:
    """Tell that there are none; of a CALL MySQL tells when it runs."""
    is_mysql = described.database is Database.MYSQL
    if is_mysql and _CALL.match(described.sql):
        return (
            f"{returns}, and what CALL gives is not known before it runs; write "
            'sqlx.unchecked("CALL …")'
        )
    where = ", which MariaDB has" if is_mysql else ""
    return (
        f'{returns}, but the query returns no rows; write "None" or '
        f'"sqlx.RowsAffected", or add RETURNING{where}'
    )


def _not_one(site: Site, row: Annotation, columns: Sequence[Column]) -> Wrong:
    names = ", ".join(column.name for column in columns)
    mend = f"return a row class with the fields {names}"
    if row.form is Form.ANY:
        return says_nothing(row, site.name, "returns", mend)
    return "column-count", (
        f"{site.name} returns {row.text}, which is one value, but the query has "
        f"{count(len(columns), 'column')}; {mend}"
    )


def _of_row(
    row: Annotation, columns: Sequence[Column], database: Database, driver: str
) -> Iterator[Wrong]:
    """Match columns and fields by name, in any order."""
    fields = {field.name: field for field in row.fields}
    seen: set[str] = set()
    for column in columns:
        name = parse_column(column.name)
        if isinstance(name, BadColumnName):
            yield "column-name", str(name)
            continue
        field = fields.get(name.ident)
        if name.ident in seen:
            message = f'column "{name.ident}" comes twice; alias one of them'
            yield "column-name", message
        elif field is None:
            yield (
                "column-extra",
                (
                    f'column "{name.ident}" is no field of {row.text}, which has '
                    f"{', '.join(fields) or 'none'}; add it, or alias the column"
                ),
            )
        else:
            who = f"{row.text}.{field.name}"
            none = field.annotation.optional
            taker = _Taker(who, "is", field.annotation, none, driver=driver)
            yield from _of_column(column, name, taker, database)
        seen.add(name.ident)
    for field in row.fields:
        if field.required and field.name not in seen:
            yield (
                "column-missing",
                (
                    f"{row.text}.{field.name} has no column; select it, alias one "
                    f'AS "{field.name}", or give the field a default'
                ),
            )


def _of_column(
    column: Column, name: ColumnName | None, taker: _Taker, database: Database
) -> Iterator[Wrong]:
    """Compare one column with one annotation.

    Args:
        column: The column.
        name: What its name says; None for a scalar, where a wrong one does not matter.
        taker: What takes it.
        database: Whose column it is.
    """
    parsed = name or parse_column(column.name)
    known = ColumnName("value") if isinstance(parsed, BadColumnName) else parsed
    shown = column.name if isinstance(parsed, BadColumnName) else known.ident
    what = f'column "{shown}"'
    nameless = unresolved(taker.annotation, taker.who)
    if nameless is not None:
        yield nameless
        return
    wrong = _of_type(column.sure_type, what, taker, database)
    if wrong is not None:
        yield wrong
    reason = _why_null(column, known)
    takes_none = taker.takes_none or taker.annotation.form is Form.ANY
    if reason is not None and not takes_none:
        yield "nullable", _nullable(what, reason, known, taker)


def _of_type(
    type_info: TypeInfo, what: str, taker: _Taker, database: Database
) -> Wrong | None:
    annotation = taker.annotation
    written = f"{taker.who} {taker.verb} {annotation.text}"
    wrong = misfit(type_info, annotation, Way.COLUMN, database)
    wrong = wrong or driver_misfit(type_info, annotation, Way.COLUMN, taker.driver)
    if wrong is None:
        if not rule_of(type_info, database).unchecked or annotation.form is Form.ANY:
            return None
        message = f"{what} is of a type that is not known, so {written} unchecked"
        return "unchecked", f"{message}; CAST it to be sure"
    known = f"{what} is {type_name(type_info, database)}"
    proposed = python_type(type_info, database)
    if annotation.form is Form.ANY:
        mend = f"{known}, {write(proposed)}"
        return says_nothing(annotation, taker.who, taker.verb, mend)
    if taker.of_all and _is_array_of(type_info, annotation, database):
        reason = f"a list is all rows, and here each row is {proposed}"
        mend = write(f"list[{proposed}]") + ", or put it in a row class"
        wrong = Misfit(reason, mend)
    return "column-type", f"{known} but {written}{wrong}"


def _is_array_of(
    type_info: TypeInfo, annotation: Annotation, database: Database
) -> bool:
    listed = Annotation(
        f"list[{annotation.text}]", Form.ARRAY, ("builtins.list",), items=(annotation,)
    )
    return misfit(type_info, listed, Way.COLUMN, database) is None


def _why_null(column: Column, name: ColumnName) -> str | None:
    """Tell why a column may be NULL, empty when it is not known; None if it may not.

    What the SQL's author says counts first, then what is proved, then what SQLx says.
    """
    if name.forced is not None:
        return None if name.forced else f'AS "{name.ident}?" says so'
    if column.proof is not None:
        return column.proof.reason if column.proof.may_be_null else None
    if column.nullable is None:
        return "nothing is known of it"
    return "" if column.nullable else None


def _nullable(what: str, reason: str, name: ColumnName, taker: _Taker) -> str:
    known = f"{what} may be NULL{reason and f' ({reason})'}"
    is_field = taker.verb == "is"
    lacks = "is not optional" if is_field else f"returns {taker.annotation.text}"
    alias = "" if name.forced is False else f' or alias it AS "{name.ident}!"'
    mend = write(f"{taker.annotation.text} | None") + alias
    return f"{known} but {taker.who} {lacks}; {mend}"
