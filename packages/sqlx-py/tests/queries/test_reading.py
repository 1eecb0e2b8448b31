"""Python's annotations, read into values."""

from __future__ import annotations

import collections
import enum
import importlib
import inspect
import sys
import typing
from collections.abc import Callable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    Final,
    Generic,
    Literal,
    NewType,
    NoReturn,
    Optional,
    TypeVar,
    Union,
)
from uuid import UUID

import pydantic
import pytest
from psycopg.types.range import Range
from typing_extensions import ReadOnly, TypeAliasType

from sqlx.queries.annotations import Annotation, Field, Form
from sqlx.queries.reading import Rows, read
from sqlx.queries.resolving import Unresolved, resolve

if TYPE_CHECKING:
    from decimal import Decimal
    from pathlib import Path

HERE = __name__
INT = Annotation("int", Form.CLASS, ("builtins.int",))
STR = Annotation("str", Form.CLASS, ("builtins.str",))
NONE = Annotation("None", Form.NONE, optional=True)

UserId = NewType("UserId", UUID)
AdminId = NewType("AdminId", UserId)
Id = TypeAliasType("Id", int)
Maybe = TypeAliasType("Maybe", Optional[int])  # noqa: UP045 -- the old way.
Item = TypeVar("Item")
Text = TypeVar("Text", bound=str)
Number = TypeVar("Number", int, float)
Both = TypeAliasType("Both", tuple[Item, Item], type_params=(Item,))
Json = TypeAliasType("Json", "dict[str, Json] | list[Json] | str")
OldJson = Union[dict[str, "OldJson"], list["OldJson"]]  # noqa: UP007 -- a text in it.
OldId = NewType("OldId", "Node")
Bound = TypeVar("Bound", bound="Node")


def read_me() -> OldJson:
    """Own annotations of this module."""
    raise NotImplementedError


class Tier(str, enum.Enum):  # noqa: UP042 -- the old way.
    """An enum of texts."""

    FREE = "free"
    PRO = "pro"


class Level(enum.IntEnum):
    """An enum of numbers."""

    LOW = 1
    HIGH = 2


class Slug(str):
    """A text of the user's."""

    __slots__ = ()


@dataclass
class Node:
    """A row with itself inside."""

    name: str
    children: list[Node]
    price: Decimal | None = None


@dataclass
class Tree:
    """A row that is in its leaf, too."""

    leaf: Leaf


@dataclass
class Leaf:
    """A row that is in its tree, too."""

    tree: Tree


@dataclass
class Pair(Generic[Item]):
    """A generic row."""

    left: Item
    right: list[Item] | None


@dataclass
class Triple(Pair[int], Generic[Item]):
    """Another that uses the variable for something else."""

    last: Item


class Listed(typing.TypedDict, Generic[Item]):
    """A generic TypedDict."""

    it: list[Item]


class Counted(Listed[int]):
    """One that says what the variable of its base stands for."""

    count: int


def cls(text: str, *names: str, **more: Any) -> Annotation:
    """Write a class."""
    return Annotation(text, Form.CLASS, names, **more)


def array(text: str, name: str, *items: Annotation, **more: Any) -> Annotation:
    """Write an array of a class whose bases do not matter."""
    return Annotation(text, Form.ARRAY, (name,), items=items, **more)


def first(annotation: Annotation) -> Annotation:
    """Leave only the nearest name: the bases of abstract classes are many."""
    from dataclasses import replace

    return replace(annotation, names=annotation.names[:1])


def test_what_says_nothing_is_any() -> None:
    """`Any`, `object`, and no annotation, whose text is empty."""
    assert read(Any) == Annotation("Any", Form.ANY)
    assert read(object) == Annotation("object", Form.ANY)
    assert read(inspect.Parameter.empty) == Annotation("", Form.ANY)


def test_a_class_has_its_bases_names() -> None:
    """Nearest first, `object` apart; and the class itself stays in this process."""
    assert read(bool) == cls("bool", "builtins.bool", "builtins.int")
    assert read(datetime) == cls("datetime", "datetime.datetime", "datetime.date")
    assert read(Slug) == cls("Slug", f"{HERE}.Slug", "builtins.str")
    assert read(Slug).cls is Slug


def test_a_local_class_is_named_without_its_function() -> None:
    """As a person writes it."""

    class Local:
        pass

    assert read(Local).text == "Local"


def test_none_is_none() -> None:
    """As a value and as a class."""
    assert read(None) == NONE
    assert read(type(None)) == NONE
    assert read(Union[None]) == NONE  # noqa: UP007, PYI016, RUF100 -- as it is written.


def test_optional_is_a_flag() -> None:
    """However it is written."""
    expected = Annotation("int | None", Form.CLASS, ("builtins.int",), optional=True)
    assert read(int | None) == expected
    assert read(Optional[int]) == expected  # noqa: UP045 -- the old way.
    assert read(Union[None, int]) == expected  # noqa: UP007 -- the old way.
    assert read(Optional[Any]) == Annotation("Any | None", Form.ANY, optional=True)  # noqa: UP045 -- the old way.


def test_a_union_has_members() -> None:
    """None apart, and unions within it opened."""
    expected = Annotation(
        "int | str | None", Form.UNION, optional=True, items=(INT, STR)
    )
    assert read(int | str | None) == expected
    within = TypeAliasType("within", Union[int, None])  # noqa: UP007 -- as a value.
    found = read(Union[within, str])  # noqa: UP007 -- an alias of 3.11 has no `|`.
    assert (found.form, found.optional) == (Form.UNION, True)
    alias = TypeAliasType("alias", Union[int, str])  # noqa: UP007 -- the same.
    assert read(Union[alias, bytes]).items == (INT, STR, read(bytes))  # noqa: UP007


def test_a_union_of_nothing_is_none() -> None:
    """An alias of None beside None."""
    nothing = TypeAliasType("nothing", None)
    other = TypeAliasType("other", None)
    assert read(Union[nothing, other]) == NONE  # noqa: UP007 -- as above.


def test_a_literal_has_values() -> None:
    """None makes it optional; two of them are one."""
    assert read(Literal["a", "b"]) == Annotation(
        "Literal['a', 'b']", Form.LITERAL, values=("a", "b")
    )
    assert read(Literal["a", None]) == Annotation(  # noqa: PYI061 -- the old way.
        "Literal['a', None]", Form.LITERAL, optional=True, values=("a",)
    )
    assert read(Literal[1, True]).values == (1, True)
    first_, second = Literal["a"], Literal["b", "c"]
    assert read(Union[first_, second, None]) == Annotation(  # noqa: UP007 -- as values.
        "Literal['a'] | Literal['b', 'c'] | None",
        Form.LITERAL,
        optional=True,
        values=("a", "b", "c"),
    )


def test_an_enum_has_its_members_values() -> None:
    """Texts, numbers, and a part of them as a literal."""
    assert read(Tier) == Annotation(
        "Tier",
        Form.ENUM,
        (f"{HERE}.Tier", "builtins.str", "enum.Enum"),
        values=("free", "pro"),
    )
    assert read(Level).values == (1, 2)
    part = read(Literal[Tier.FREE])
    assert (part.form, part.values, part.cls) == (Form.ENUM, ("free",), Tier)
    assert read(Literal[Tier.FREE, "x"]) == Annotation(
        "Literal[<Tier.FREE: 'free'>, 'x']", Form.LITERAL, values=("free", "x")
    )


@pytest.mark.parametrize(
    ("annotation", "text"),
    [
        (UserId, "UserId"),
        (AdminId, "AdminId"),
        (Annotated[UUID, "anything"], "UUID"),
        (Final[UUID], "UUID"),
        (typing.ClassVar[UUID], "UUID"),
        (ReadOnly[UUID], "UUID"),
    ],
)
def test_what_stands_for_another_is_taken_off(annotation: object, text: str) -> None:
    """The name stays where it has one."""
    assert read(annotation) == cls(text, "uuid.UUID")


def test_texts_in_old_declarations_are_resolved() -> None:
    """Of a NewType, in the module that has it."""
    assert read(OldId).fields == read(Node).fields


def test_an_alias_keeps_its_name() -> None:
    """And is what it stands for, generic or not."""
    assert read(Id) == cls("Id", "builtins.int")
    assert read(Maybe) == cls("Maybe", "builtins.int", optional=True)
    both = read(Both[int])
    assert (both.text, both.form, both.items) == ("Both[int]", Form.TUPLE, (INT, INT))
    assert read(Both).items == (read(Item), read(Item))


def test_an_alias_within_itself_is_not_opened_again() -> None:
    """JSON is the example: what is inside is anything."""
    inside = Annotation("Json", Form.ANY)
    assert read(Json) == Annotation(
        "Json",
        Form.UNION,
        items=(
            Annotation(
                "dict[str, Json]", Form.MAPPING, ("builtins.dict",), items=(STR, inside)
            ),
            array("list[Json]", "builtins.list", inside),
            STR,
        ),
    )
    assert read(pydantic.JsonValue).form is Form.UNION


def test_an_old_alias_within_itself_is_anything() -> None:
    """`resolve` leaves its name inside."""
    found = read(resolve("OldJson", read_me))
    inside = Annotation("OldJson", Form.ANY)
    assert found.items[1] == array("list[OldJson]", "builtins.list", inside)


def test_an_alias_of_what_does_not_exist_is_unresolved() -> None:
    """`type X = Nope` fails when it is looked at."""

    class TypeAliasType:
        @property
        def __value__(self) -> object:
            return Nope  # type: ignore[name-defined]  # noqa: F821 -- that is the point.

    assert read(TypeAliasType()) == Annotation("Nope", Form.UNRESOLVED)


def test_a_type_variable_is_what_it_may_be() -> None:
    """Its bound, its constraints, or anything."""
    assert read(Text) == STR
    assert read(Bound) == read(Node)
    assert read(Number) == Annotation(
        "int | float", Form.UNION, items=(INT, cls("float", "builtins.float"))
    )
    assert read(Item) == Annotation("Item", Form.ANY)


@pytest.mark.parametrize(
    ("annotation", "expected"),
    [
        (list[int], array("list[int]", "builtins.list", INT)),
        (typing.List[int], array("list[int]", "builtins.list", INT)),  # noqa: UP006
        (list, array("list", "builtins.list")),
        (typing.List, array("list", "builtins.list")),  # noqa: UP006 -- the old way.
        (tuple[int, ...], array("tuple[int, ...]", "builtins.tuple", INT)),
        (tuple, array("tuple", "builtins.tuple")),
        (typing.Tuple, array("tuple", "builtins.tuple")),  # noqa: UP006 -- the old way.
        (set[str], array("set[str]", "builtins.set", STR)),
        (Sequence[int], array("Sequence[int]", "collections.abc.Sequence", INT)),
        (AbstractSet[int], array("Set[int]", "collections.abc.Set", INT)),
        (collections.deque[int], array("deque[int]", "collections.deque", INT)),
        (
            list[list[int]],
            array(
                "list[list[int]]",
                "builtins.list",
                array("list[int]", "builtins.list", INT),
            ),
        ),
    ],
)
def test_arrays_have_an_item(annotation: object, expected: Annotation) -> None:
    """Of one class, in any number; without one when none is written."""
    assert first(read(annotation)) == expected
    assert read(annotation).cls is not None


def test_a_tuple_has_an_item_each() -> None:
    """`tuple[A, B]` is no array."""
    assert read(tuple[int, str]) == Annotation(
        "tuple[int, str]", Form.TUPLE, ("builtins.tuple",), items=(INT, STR)
    )


def test_mappings_and_other_generics() -> None:
    """Each has its items."""
    assert read(dict[str, int]) == Annotation(
        "dict[str, int]", Form.MAPPING, ("builtins.dict",), items=(STR, INT)
    )
    assert read(dict).form is Form.MAPPING
    assert read(Mapping[str, Any]).form is Form.MAPPING
    assert read(Range[int]) == Annotation(
        "Range[int]",
        Form.GENERIC,
        ("psycopg.types.range.Range", "typing.Generic"),
        items=(INT,),
    )
    assert read(Range).form is Form.CLASS
    assert first(read(Iterator[int])) == Annotation(
        "Iterator[int]", Form.GENERIC, ("collections.abc.Iterator",), items=(INT,)
    )
    assert read(Callable[[int], str]).form is Form.GENERIC


def test_special_forms_are_classes_of_their_own() -> None:
    """`LiteralString` is a str; others fit nothing, and say what they are."""
    assert read(typing.LiteralString) == cls("LiteralString", "builtins.str")
    assert read(NoReturn) == cls("NoReturn", "typing.NoReturn")
    assert read(5) == cls("5", "5")


def test_what_was_not_resolved_is_said() -> None:
    """Of `resolve`, or a text that was left somewhere."""
    nope = Annotation("Nope", Form.UNRESOLVED)
    assert read(Unresolved("Nope", "it is not defined")) == nope
    assert read("Nope") == nope
    assert read(list["Nope"]).items == (nope,)  # type: ignore[name-defined]  # noqa: F821


def test_a_row_has_fields() -> None:
    """Names under TYPE_CHECKING are found; the class within itself has no fields."""
    node = cls("Node", f"{HERE}.Node")
    decimal = cls("Decimal | None", "decimal.Decimal", optional=True)
    expected = Annotation(
        "Node",
        Form.ROW,
        (f"{HERE}.Node",),
        fields=(
            Field("name", STR),
            Field("children", array("list[Node]", "builtins.list", node)),
            Field("price", decimal, required=False),
        ),
    )
    assert read(Node) == expected
    assert read(Node).cls is Node


def test_a_generic_row_knows_what_its_variables_stand_for() -> None:
    """In each of its classes; a variable may stand for two things."""
    pair = read(Pair[str])
    assert pair.text == "Pair[str]"
    assert pair.items == (STR,)
    assert [field.annotation.text for field in pair.fields] == [
        "str",
        "list[str] | None",
    ]
    triple = read(Triple[str])
    assert [(field.name, field.annotation.text) for field in triple.fields] == [
        ("left", "int"),
        ("right", "list[int] | None"),
        ("last", "str"),
    ]
    assert read(Pair).fields[0].annotation == Annotation("Item", Form.ANY)
    assert [field.annotation.text for field in read(Counted).fields] == [
        "list[int]",
        "int",
    ]


def test_rows_that_are_kept_are_read_once() -> None:
    """Whole, also where another row was read that has one within itself."""
    rows: Rows = {}
    for row in (Tree, Leaf, Pair, Pair[int], Pair[str]):
        assert read(row, rows=rows) == read(row)
    assert list(rows) == [Tree, Leaf, Pair]
    assert read(Leaf, rows=rows) is rows[Leaf]
    assert read(list[Leaf], rows=rows).items[0] is rows[Leaf]


def test_a_row_of_a_function_is_read_with_its_names() -> None:
    """Only the caller can know them."""

    class Local:
        pass

    @dataclass
    class Row:
        it: Local

    assert read(Row, {"Local": Local}).fields[0].annotation == read(Local)
    unknown = Annotation("Local", Form.UNRESOLVED)
    assert read(Row).fields[0].annotation == unknown


@pytest.mark.skipif(sys.version_info < (3, 12), reason="the syntax is Python 3.12's")
def test_the_newer_syntax_is_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`type X = …`, `class Row[T]`, with names for type checkers only."""
    (tmp_path / "newer_syntax.py").write_text(NEWER)
    monkeypatch.syspath_prepend(tmp_path)
    module: Any = importlib.import_module("newer_syntax")
    row = read(resolve("Row[Id]", module.f))
    assert (row.text, row.form) == ("Row[Id]", Form.ROW)
    assert [field.annotation.text for field in row.fields] == ["Id", "Decimal"]
    assert read(module.Maybe[int]) == cls("Maybe[int]", "builtins.int", optional=True)
    assert read(module.Json).items[1] == array(
        "list[Json]", "builtins.list", Annotation("Json", Form.ANY)
    )
    listed = read(module.Listed[int]).fields[0].annotation
    assert listed == array("list[int]", "builtins.list", INT)
    assert read(module.Money) == Annotation("Decimal", Form.UNRESOLVED)


NEWER = """
from __future__ import annotations
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypedDict

if TYPE_CHECKING:
    from decimal import Decimal

type Id = int
type Maybe[T] = T | None
type Json = dict[str, Json] | list[Json] | str
type Money = Decimal

@dataclass
class Row[T]:
    it: T
    price: Decimal

class Listed[T](TypedDict):
    it: list[T]

def f(): ...
"""
