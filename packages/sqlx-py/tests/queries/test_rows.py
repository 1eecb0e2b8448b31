"""Row classes of six libraries, and their fields."""

from __future__ import annotations

import collections
import dataclasses
import typing
from dataclasses import InitVar, dataclass, field
from typing import (
    Any,
    ClassVar,
    Generic,
    NamedTuple,
    NotRequired,
    Required,
    TypedDict,
    TypeVar,
)

import attrs
import msgspec
import pydantic
import pydantic.dataclasses
import pytest

from sqlx.queries.annotations import Form
from sqlx.queries.reading import read
from sqlx.queries.rows import raw_fields

T = TypeVar("T")


@dataclass
class Base:
    """A base."""

    id: int
    name: str | None = None


@dataclass
class Data(Base):
    """What a dataclass can have."""

    seen: list[int] = field(default_factory=list)
    secret: InitVar[str] = ""
    made: int = field(init=False, default=0)
    shared: ClassVar[int] = 3
    last: int = field(kw_only=True)


class Tuple(NamedTuple):
    """A named tuple."""

    id: int
    name: str | None = None


class Dict(TypedDict):
    """A TypedDict."""

    id: int
    name: NotRequired[str | None]


class Part(Dict, total=False):
    """One that adds to it."""

    age: int
    must: typing.Annotated[Required[int], "really"]


@attrs.define
class Attrs:
    """A class of attrs."""

    id: int
    _name: str | None = None
    made: int = attrs.field(init=False, default=0)


@attrs.define
class Untyped:
    """A class of attrs without annotations."""

    id = attrs.field(kw_only=True)  # type: ignore[var-annotated]


class Struct(msgspec.Struct, rename="upper"):
    """A struct of msgspec, which is encoded with other names."""

    id: int
    name: str | None = None


class Keyed(Struct, kw_only=True):
    """A struct with an argument that is required after one that is not."""

    age: int
    tags: list[str] = []


class Model(pydantic.BaseModel):
    """A model of pydantic."""

    id: int = pydantic.Field(alias="identity")
    name: str | None = None


class Box(pydantic.BaseModel, Generic[T]):
    """A generic model."""

    it: T


class Later(pydantic.BaseModel):
    """A model that is not complete: its annotation cannot be evaluated yet."""

    it: Nope  # type: ignore[name-defined]  # noqa: F821 -- that is the point.


@pydantic.dataclasses.dataclass
class PydanticData:
    """A dataclass of pydantic."""

    id: int = pydantic.Field(alias="identity")
    made: int = pydantic.Field(default=3, init=False)
    name: str = "?"


@pytest.mark.parametrize(
    ("cls", "expected"),
    [
        (
            Data,
            [
                ("id", "int", True),
                ("name", "str | None", False),
                ("seen", "list[int]", False),
                ("secret", "str", False),
                ("last", "int", True),
            ],
        ),
        (Tuple, [("id", "int", True), ("name", "str | None", False)]),
        (Dict, [("id", "int", True), ("name", "str | None", False)]),
        (
            Part,
            [
                ("id", "int", True),
                ("name", "str | None", False),
                ("age", "int", False),
                ("must", "int", True),
            ],
        ),
        (Attrs, [("id", "int", True), ("name", "str | None", False)]),
        (Untyped, [("id", "", True)]),
        (Struct, [("id", "int", True), ("name", "str | None", False)]),
        (
            Keyed,
            [
                ("id", "int", True),
                ("name", "str | None", False),
                ("age", "int", True),
                ("tags", "list[str]", False),
            ],
        ),
        (Model, [("id", "int", True), ("name", "str | None", False)]),
        (Box[int], [("it", "int", True)]),
        (Later, [("it", "Nope", True)]),
        (PydanticData, [("id", "int", True), ("name", "str", False)]),
        (collections.namedtuple("Bare", "id"), [("id", "", True)]),  # noqa: PYI024
        (dataclasses.make_dataclass("Made", [("id", int)]), [("id", "int", True)]),
    ],
)
def test_a_row_class_has_its_constructors_arguments(
    cls: type, expected: list[tuple[str, str, bool]]
) -> None:
    """By the names that it takes them with, and whether they are required."""
    row = read(cls)
    assert row.form is Form.ROW
    found = [(f.name, f.annotation.text, f.required) for f in row.fields]
    assert found == expected


def test_fields_are_what_the_class_can_be_made_of() -> None:
    """A check against the libraries themselves: the required fields are enough."""
    makers: list[Any] = [Data, Tuple, Part, Attrs, Untyped, Struct, Keyed]
    for cls in makers:
        fields = raw_fields(cls)
        assert fields is not None
        values = {each.name: 1 for each in fields if each.required}
        assert cls(**values)
        assert cls(**{each.name: 1 for each in fields})


def test_a_field_is_owned_by_the_class_that_wrote_it() -> None:
    """There its names are looked up."""
    found = {each.name: each.owner for each in raw_fields(Data) or ()}
    assert found["id"] is Base
    assert found["last"] is Data


def test_other_classes_are_no_rows() -> None:
    """Neither a dict, nor a tuple, nor a class of the user's."""

    class Plain:
        id: int

    for cls in (int, dict, tuple, list, Plain):
        assert raw_fields(cls) is None
