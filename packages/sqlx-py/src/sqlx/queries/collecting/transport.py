"""What crosses between us and the process that imports the user's modules, as JSON.

Values of the user's own classes stay where they are: we must not import his code, and
so nothing is pickled.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from sqlx.queries.annotations import Annotation, Field, Form
from sqlx.queries.collecting.evidence import Evidence, Means
from sqlx.queries.resolving import Unresolved

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "Json",
    "evidence_from_json",
    "evidence_to_json",
    "type_from_json",
    "type_to_json",
]

Json: TypeAlias = Any  # JSON has no better type.
_KEPT = (str, int, float, bool, type(None))


def evidence_to_json(evidence: Evidence) -> Json:
    """Write what shows a type."""
    base = evidence.base and evidence_to_json(evidence.base)
    means, text, owner = evidence.means.value, evidence.text, evidence.owner
    return [means, text, owner, evidence.imports, base]


def evidence_from_json(written: Json) -> Evidence:
    """Read what shows a type."""
    means, text, owner, imports, base = written
    above = base and evidence_from_json(base)
    return Evidence(Means(means), text, owner, tuple(imports), above)


def type_to_json(found: Annotation | Unresolved | None) -> Json:
    """Write a type, the reason why there is none, or that it is not evident."""
    if isinstance(found, Unresolved):
        return [found.text, found.reason]
    return found and _annotation(found)


def type_from_json(written: Json) -> Annotation | Unresolved | None:
    """Read what `type_to_json` wrote."""
    if written is None:
        return None
    if len(written) == 2:  # noqa: PLR2004 -- the fields of Unresolved.
        return Unresolved(*written)
    return _read(written)


def _annotation(annotation: Annotation) -> Json:
    return [
        annotation.text,
        annotation.form.value,
        annotation.names,
        annotation.optional,
        [_annotation(item) for item in annotation.items],
        [_value(value) for value in annotation.values],
        [(f.name, _annotation(f.annotation), f.required) for f in annotation.fields],
    ]


def _read(written: Sequence[Json]) -> Annotation:
    text, form, names, optional, items, values, fields = written
    return Annotation(
        text,
        Form(form),
        tuple(names),
        optional,
        tuple(_read(item) for item in items),
        tuple(_read_value(value) for value in values),
        tuple(Field(name, _read(kind), required) for name, kind, required in fields),
    )


def _value(value: object) -> Json:
    """Write what a Literal or an enum allows; what is not plain by its repr."""
    if type(value) in _KEPT:
        return value
    if isinstance(value, bytes):
        return {"bytes": value.hex()}
    if isinstance(value, str):
        return str.__str__(value)  # Of a class of the user's.
    return {"repr": repr(value)}


def _read_value(written: Json) -> object:
    if not isinstance(written, dict):
        return written
    return bytes.fromhex(written["bytes"]) if "bytes" in written else written["repr"]
