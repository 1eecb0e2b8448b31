"""What one driver of PostgreSQL does otherwise than the table of types says.

The table holds for both, as psycopg has it. asyncpg has classes of its own where
psycopg has text, and each has its own ranges; none takes or gives those of the other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlx.queries.annotations import Form
from sqlx.queries.checking.fitting import misfit, type_name
from sqlx.queries.checking.rules import Misfit, Way
from sqlx.queries.values import Database, Kind, TypeInfo

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlx.queries.annotations import Annotation

__all__ = ["ASYNCPG", "PSYCOPG", "driver_misfit"]

ASYNCPG, PSYCOPG = "asyncpg", "psycopg"

# What asyncpg 0.32 gives where psycopg has text, of all types of PostgreSQL 18.
_OWN = {
    "Bit": "BitString",
    "Box": "Box",
    "Char": "bytes",
    "Circle": "Circle",
    "Line": "Line",
    "Lseg": "LineSegment",
    "Path": "Path",
    "Point": "Point",
    "Polygon": "Polygon",
    "Varbit": "BitString",
    "cid": "int",
    "int2vector": "list",
    "oidvector": "list",
    "pg_lsn": "int",
    "pg_snapshot": "tuple",
    "tid": "tuple",
    "txid_snapshot": "tuple",
    "xid": "int",
    "xid8": "int",
}
_OWN_KINDS = {Kind.COMPOSITE: "Record", Kind.RANGE: "Range"}
_MULTIRANGE = "multirange"


def driver_misfit(
    type_info: TypeInfo, annotation: Annotation, way: Way, driver: str
) -> Misfit | None:
    """Tell why an annotation that fits the table does not fit the driver.

    Args:
        type_info: Of the column or the parameter.
        annotation: What is written.
        way: Which of both it is.
        driver: The package that the connection is of; empty when it is not known.
    """
    find = _FIND.get(driver)
    if find is None:
        return None
    if annotation.form is not Form.UNION:
        return find(*_inside(type_info, annotation), way)
    items = [
        item
        for item in annotation.items
        if misfit(type_info, item, way, Database.POSTGRES) is None
    ]
    found = [driver_misfit(type_info, item, way, driver) for item in items]
    wrong = [each for each in found if each is not None]
    fits = len(wrong) < len(found) if way is Way.COLUMN else not wrong
    return None if fits else wrong[0]


def _asyncpg(type_info: TypeInfo, annotation: Annotation, way: Way) -> Misfit | None:
    if _is_of(annotation, PSYCOPG):
        return _of_another(annotation, PSYCOPG, ASYNCPG)
    own = _own(type_info)
    if type_info.name.endswith(_MULTIRANGE) and annotation.form is Form.ARRAY:
        return _of_ranges(annotation)
    if own is None or not _is_text(annotation):
        return None
    if way is Way.COLUMN:
        mend = "cast the column to text to get str"
        return Misfit(f"asyncpg gives {own}", mend)
    known = type_name(type_info, Database.POSTGRES)
    return Misfit(f"asyncpg takes {own}", f'write "::text::{known}" after it')


def _of_ranges(annotation: Annotation) -> Misfit | None:
    """Look into the list that a multirange is to asyncpg."""
    for item in annotation.items:
        if item.form is not Form.ANY and not _is_of(item, ASYNCPG):
            return Misfit("it is a list of asyncpg's Range", 'write "list[Range]"')
    return None


def _psycopg(type_info: TypeInfo, annotation: Annotation, way: Way) -> Misfit | None:
    if _is_of(annotation, ASYNCPG):
        return _of_another(annotation, ASYNCPG, PSYCOPG)
    if type_info.name.endswith(_MULTIRANGE) and "builtins.list" in annotation.names:
        return Misfit("psycopg has a class for it", 'write "Multirange"')
    is_dict = way is Way.PARAMETER and "builtins.dict" in annotation.names
    if type_info.kind is Kind.COMPOSITE and is_dict:
        return Misfit("psycopg sends a dict as JSON", "pass a NamedTuple")
    return None


_FIND: dict[str, Callable[[TypeInfo, Annotation, Way], Misfit | None]] = {
    ASYNCPG: _asyncpg,
    PSYCOPG: _psycopg,
}


def _inside(type_info: TypeInfo, annotation: Annotation) -> tuple[TypeInfo, Annotation]:
    """Take domains and arrays off, and lists where there are arrays."""
    while type_info.of is not None and _is_opened(type_info):
        if type_info.kind is Kind.ARRAY:
            annotation = _element(annotation)
        type_info = type_info.of
    name = type_info.name.removesuffix("Array")
    if type_info.kind is Kind.BUILTIN and name != type_info.name:
        return TypeInfo(name), _element(annotation)
    return type_info, annotation


def _is_opened(type_info: TypeInfo) -> bool:
    """Tell whether it is what it is made of; `int2vector` is an array, and is not."""
    return type_info.kind in {Kind.DOMAIN, Kind.ARRAY} and type_info.name not in _OWN


def _element(annotation: Annotation) -> Annotation:
    """Say what is in a list, or in lists of lists: arrays have any dimension."""
    while annotation.form is Form.ARRAY and annotation.items:
        annotation = annotation.items[0]
    return annotation


def _own(type_info: TypeInfo) -> str | None:
    """Name the class that asyncpg has for a type that is text to psycopg."""
    name = type_info.name.rpartition(".")[2]
    if name.endswith(_MULTIRANGE):
        return "list"
    return _OWN_KINDS.get(type_info.kind) or _OWN.get(name)


def _is_text(annotation: Annotation) -> bool:
    if annotation.form in {Form.LITERAL, Form.ENUM}:
        return any(isinstance(value, str) for value in annotation.values)
    return "builtins.str" in annotation.names


def _is_of(annotation: Annotation, package: str) -> bool:
    """Tell whether a class is a package's; a list's are looked into."""
    if annotation.form is Form.ARRAY and annotation.items:
        return _is_of(annotation.items[0], package)
    return any(name.startswith(f"{package}.") for name in annotation.names)


def _of_another(annotation: Annotation, theirs: str, ours: str) -> Misfit:
    name = _element(annotation).text.partition("[")[0]
    reason = f"{name} is {theirs}'s, and the connection is {ours}'s"
    wrap = "pass a dict, or " if name in {"Json", "Jsonb"} else ""
    return Misfit(reason, f"{wrap}cast it to text in the SQL")
