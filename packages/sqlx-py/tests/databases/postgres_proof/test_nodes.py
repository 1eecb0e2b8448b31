"""Reading `pg_node_tree`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from sqlx.databases.postgres.proving.nodes import Node, UnknownTree, Value, parse

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("{CONST}", Node("CONST", {})),
        ("<>", None),
        ("()", []),
        ("( {CONST} {VAR})", [Node("CONST", {}), Node("VAR", {})]),
        ("((1 2) <>)", [["1", "2"], None]),
        ("(i 1 -2)", ["1", "-2"]),
        ("(o 23)", ["23"]),
        ("(b)", []),
        ('("a" "b" "i")', ["a", "b", "i"]),
        ('("a\\ \\"b\\"\\ \\(c\\)\\\\" "\\{")', ['a "b" (c)\\', "{"]),
        ("{RTE :relid 5 :a <>}", Node("RANGETBLENTRY", {"relid": "5", "a": None})),
        ("{Q :quals {V :varno 1}}", Node("Q", {"quals": Node("V", {"varno": "1"})})),
        ("{S :colTypes (o 23 25)}", Node("S", {"colTypes": ["23", "25"]})),
        ("{S :ctename \\<>}", Node("S", {"ctename": "<>"})),
        ("{S :ctename a\\ :relid\\ 7}", Node("S", {"ctename": "a :relid 7"})),
    ],
)  # fmt: skip
def test_reads(text: str, value: Value) -> None:
    """Nodes, lists of each kind, names with anything in them, and nothing."""
    assert parse(text) == value


@pytest.mark.parametrize(
    "field",
    [
        ":location -1",
        ":resname a\\ :relid\\ 7",
        ":constvalue 4 [ 1 0 -1 0 0 0 0 0 ]",
        ':colnames ("a" "b\\ \\(\\)")',
        ":selectedCols (b 8 9)",
        ":usingClause ()",
    ],
)
def test_passes_over_what_no_rule_asks(field: str) -> None:
    """Plain fields that no rule asks for are cut out, with all that belongs to them."""
    assert parse(f"{{A {field} :relid 1}}") == Node("A", {"relid": "1"})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the text ends too early"),
        ("{A", "A has no end"),
        ("{A :relid", "the text ends too early"),
        ("(1", "a list has no end"),
        (")", "a value is missing"),
        ("{A :relid }", "a value is missing"),
        ("{A relid 1}", "A has relid for a field"),
        ("{A} {B}", "the text goes on behind its end"),
    ],
)
def test_refuses_what_is_no_tree(text: str, message: str) -> None:
    """A text that is cut, or is something else, is refused."""
    with pytest.raises(UnknownTree, match=re.escape(message)):
        parse(text)


A = Node("A", {"one": "1", "yes": "true", "none": None, "node": Node("B", {}),
               "list": [Node("B", {}), None]})  # fmt: skip


def test_fields_are_read_as_what_they_are() -> None:
    """Each kind of value has its reader."""
    assert (A.text("one"), A.number("one"), A.flag("yes")) == ("1", 1, True)
    assert (A.node("node"), A.maybe("none"), A.maybe("node")) == (
        Node("B", {}),
        None,
        Node("B", {}),
    )
    assert (A.items("list"), A.items("none"), A.nodes("none")) == (
        [Node("B", {}), None],
        [],
        [],
    )
    assert (A.has("one"), A.has("two")) == (True, False)


@pytest.mark.parametrize(
    ("read", "message"),
    [
        (lambda: A.text("two"), "A has no two"),
        (lambda: A.text("none"), "A has no text in none"),
        (lambda: A.number("yes"), "A has no number in yes"),
        (lambda: A.flag("one"), "A has no flag in one"),
        (lambda: A.node("none"), "A has nothing in none"),
        (lambda: A.maybe("one"), "A has no node in one"),
        (lambda: A.items("one"), "A has no list in one"),
        (lambda: A.nodes("list"), "A has more than nodes in list"),
    ],
)
def test_what_is_not_there_is_not_taken_for_false(
    read: Callable[[], object], message: str
) -> None:
    """A field that the server does not write, or writes otherwise, is an error."""
    with pytest.raises(UnknownTree, match=message):
        read()
