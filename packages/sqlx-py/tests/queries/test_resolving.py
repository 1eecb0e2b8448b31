"""Annotations that are text, looked up where a type checker would look."""

from __future__ import annotations

import functools
import importlib
import sys
import types
from collections import OrderedDict
from fractions import Fraction
from typing import TYPE_CHECKING, Any, ForwardRef, Optional, TypeVar
from xml import dom

import pytest

from sqlx.queries.resolving import Unresolved, annotations_of, resolve

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

HIDING = """
from __future__ import annotations
import sys
import typing
from typing import TYPE_CHECKING

class Here:
    class Inner:
        def method(self): ...
    date: Ordered[str, int] | None = None

if TYPE_CHECKING:
    from collections import OrderedDict as Ordered
    import xml.dom
    import nothing_of_the_kind
    from nothing_of_the_kind import Lost

    if sys.version_info < (3, 0):
        from nothing_of_the_kind import Moved
    else:
        from fractions import Fraction as Moved

    Alias = dict[str, Moved]
    Noted: type = Alias
    Broken = 1 / 0
    a.b = c, d = 1, 2

if typing.TYPE_CHECKING:
    from .other import Other

if sys:
    if TYPE_CHECKING:
        import json

def here(it: Here) -> Here: ...

class Base(typing.TypedDict):
    it: Other
"""


class Near:
    """A class of this module."""


@pytest.fixture(scope="module", autouse=True)
def hiding(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Import the module above, in a package."""
    root: Path = tmp_path_factory.mktemp("resolving")
    folder = root / "resolving_package"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    (folder / "other.py").write_text("class Other: ...\n")
    (folder / "hiding.py").write_text(HIDING)
    sys.path.insert(0, str(root))
    yield importlib.import_module("resolving_package.hiding")
    sys.path.remove(str(root))
    for name in ("", ".hiding", ".other"):
        sys.modules.pop(f"resolving_package{name}", None)


def given(annotation: object, owner: Callable[..., object] | None = None) -> object:
    """Resolve for a function of the module above, or for another owner."""
    return resolve(annotation, owner or sys.modules["resolving_package.hiding"].here)


def test_annotations_are_given_as_they_are_written(hiding: Any) -> None:
    """Not evaluated, and without those of bases."""

    class Child(Near):
        name: str

    assert annotations_of(hiding.here) == {"it": "Here", "return": "Here"}
    assert annotations_of(Child) == {"name": "str"}


def test_what_is_no_text_is_kept() -> None:
    """None is its class, as typing has it."""
    assert given(int) is int
    assert given(None) is type(None)


def test_a_text_is_looked_up_in_the_module_and_among_builtins(hiding: Any) -> None:
    """Names that text within names holds, too."""
    here = hiding.Here
    optional: Any = Optional[here]  # noqa: UP045 -- the old way.
    assert given("Here") is here
    assert given("list[Here | None]") == types.GenericAlias(list, (optional,))
    assert given(list[Any]) == list[Any]
    listed = types.GenericAlias(list, (here,))
    assert given(types.GenericAlias(list, ("Here",))) == listed
    assert given(Optional["Near"], Near) == Optional[Near]  # noqa: UP045 -- the old way.
    assert given(ForwardRef("Here")) is here


def test_names_for_type_checkers_are_imported_when_they_are_needed(
    hiding: Any,
) -> None:
    """What is bound there by an import or an alias; the module keeps nothing of it."""
    before = dict(vars(hiding))
    assert given("Ordered[str, int]") == OrderedDict[str, int]
    assert given("xml.dom.Node") is dom.Node
    assert given("Alias") == dict[str, Fraction]
    assert given("Noted") == dict[str, Fraction]
    assert given("Other") is importlib.import_module("resolving_package.other").Other
    assert vars(hiding) == before


def test_a_block_may_choose_between_imports() -> None:
    """The first that succeeds is taken."""
    assert given("Moved") is Fraction


@pytest.mark.parametrize(
    ("annotation", "text", "reason"),
    [
        ("Nope", "Nope", "name 'Nope' is not defined"),
        ("list[Nope]", "Nope", "name 'Nope' is not defined"),
        ("json.JSONDecoder", "json", "name 'json' is not defined"),
        ("Lost", "Lost", "No module named 'nothing_of_the_kind'"),
        (
            "nothing_of_the_kind.X",
            "nothing_of_the_kind",
            "No module named 'nothing_of_the_kind'",
        ),
        ("Broken", "Broken", "ZeroDivisionError: division by zero"),
        (
            "Here.Nope",
            "Here.Nope",
            "AttributeError: type object 'Here' has no attribute 'Nope'",
        ),
        (ForwardRef("Nope"), "Nope", "name 'Nope' is not defined"),
        (
            ForwardRef("Here.x"),
            "Here.x",
            "AttributeError: type object 'Here' has no attribute 'x'",
        ),
    ],
)
def test_what_cannot_be_resolved_says_why(
    annotation: object, text: str, reason: str
) -> None:
    """The name, or the whole when no name is to blame; and Python's words."""
    found = given(annotation)
    assert isinstance(found, Unresolved)
    assert found.text == text
    assert found.reason == reason


def test_what_is_no_python_is_not_resolved() -> None:
    """Its words are the parser's, which differ by version."""
    found = given("list[")
    assert isinstance(found, Unresolved)
    assert found.text == "list["
    assert found.reason.startswith("SyntaxError: Forward reference must be an expr")


def test_names_of_the_function_around_are_seen() -> None:
    """By the closure, when the function uses them; else by what the caller gives."""

    class Local:
        """A class of this function."""

    unknown = Unresolved("Local", "name 'Local' is not defined")
    local: Any = Local

    def uses() -> object:
        return Local

    def mentions() -> object:
        raise NotImplementedError

    assert given("Local", uses) is local
    assert given("Local", mentions) == unknown
    assert resolve("Local", mentions, {"Local": local}) is local
    assert given("later", unfinished()) == Unresolved(
        "later", "name 'later' is not defined"
    )


def unfinished() -> Callable[[], object]:
    """Give a function with a variable that has no value."""

    def uses() -> object:
        return later

    if TYPE_CHECKING:
        later = 0
    return uses


def test_a_class_is_seen_from_inside(hiding: Any) -> None:
    """By its methods and by itself, but after the module."""
    here = hiding.Here
    assert given("Inner", here.Inner.method) is here.Inner
    assert given("Inner", here) is here.Inner
    assert given("date", here) is type(None)
    assert given("here", here) is hiding.here


def test_a_decorated_function_is_looked_through() -> None:
    """`functools.wraps` leaves the way to the function that was written."""

    class Local:
        """A class of this function."""

    def uses() -> object:
        return Local

    @functools.wraps(uses)
    def wrapper() -> object:
        raise NotImplementedError

    assert given("Local", wrapper) is Local


def test_type_parameters_are_seen() -> None:
    """Those of `class Row[T]`, which no module has; 3.11 cannot write one."""
    variable = TypeVar("variable")

    def function() -> None:
        """Stand for one that has a parameter."""

    setattr(function, "__type_params__", (variable,))  # noqa: B010 -- mypy.
    assert given("variable", function) is variable


def test_a_module_without_source_hides_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What has no file, and what is no module at all."""
    module = types.ModuleType("made_up")
    exec("def f(it): ...", vars(module))  # noqa: S102 -- a module without a file.
    monkeypatch.setitem(sys.modules, "made_up", module)
    found = vars(module)["f"]
    unknown = Unresolved("Ordered", "name 'Ordered' is not defined")
    found.__module__ = "made_up"
    assert given("int", found) is int
    assert given("Ordered", found) == unknown
    found.__module__ = "gone"
    assert given("Ordered", found) == unknown


def test_a_typed_dicts_texts_are_looked_up_where_they_were_written(
    hiding: Any,
) -> None:
    """It keeps no base, but each text knows its module."""
    other = importlib.import_module("resolving_package.other")
    base: Any = hiding.Base
    child = types.new_class(
        "Child",
        (base,),
        exec_body=lambda names: names.update(
            __annotations__={"mine": "Near"}, __module__=__name__
        ),
    )
    texts = annotations_of(child)
    assert given(texts["it"], child) is other.Other
    assert given(texts["mine"], child) is Near
