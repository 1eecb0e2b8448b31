"""PostgreSQL's `pg_node_tree`: the text of an analysed query, read into nodes.

The server writes `{NAME :field value :field value}` for a node. A value is a word,
`<>` for nothing, a node, or a list: `({…} {…})`, `("name" "name")`, `(i 1 2)` of
integers, `(o 23 25)` of OIDs, `(b 8 9)` of a set's members. A datum is its length and
its bytes, as in `4 [ 1 0 0 0 ]`. Within a word a backslash takes the next character as
it is, and blanks and brackets are always written so: an unescaped blank ends a word,
whatever a user has named a column.

Two thirds of the text say what no rule asks (types, collations, locations, the names of
all columns). These plain fields are cut out of the text before it is cut into words:
a regular expression does it in a quarter of the time that reading them takes.

Source:
    outfuncs.c (`outToken`, `outDatum`, `_outList`, `outBitmapset`) and read.c
    (`pg_strtok`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["Node", "UnknownTree", "Value", "parse"]

Value: TypeAlias = "Node | list[Value] | str | None"


class UnknownTree(Exception):
    """The text is not as the servers write it that we know."""


@dataclass(frozen=True, slots=True)
class Node:
    """A node of the tree.

    A field that is asked for must be there: what a server does not write must not pass
    for something that is false.

    Args:
        tag: Its kind, as since PostgreSQL 15, e.g. `CASEEXPR`.
        fields: What the text says of it.
    """

    tag: str
    fields: Mapping[str, Value]

    def has(self, name: str) -> bool:
        """Tell whether the server writes this field at all."""
        return name in self.fields

    def text(self, name: str) -> str:
        """Read a word."""
        value = self._value(name)
        if isinstance(value, str):
            return value
        raise UnknownTree(f"{self.tag} has no text in {name}")

    def number(self, name: str) -> int:
        """Read a number."""
        try:
            return int(self.text(name))
        except ValueError:
            raise UnknownTree(f"{self.tag} has no number in {name}") from None

    def flag(self, name: str) -> bool:
        """Read `true` or `false`."""
        found = _FLAGS.get(self.text(name))
        if found is None:
            raise UnknownTree(f"{self.tag} has no flag in {name}")
        return found

    def node(self, name: str) -> Node:
        """Read a node that must be there."""
        found = self.maybe(name)
        if found is None:
            raise UnknownTree(f"{self.tag} has nothing in {name}")
        return found

    def maybe(self, name: str) -> Node | None:
        """Read a node, or None for `<>`."""
        value = self._value(name)
        if value is None or isinstance(value, Node):
            return value
        raise UnknownTree(f"{self.tag} has no node in {name}")

    def items(self, name: str) -> list[Value]:
        """Read a list of anything; `<>` is an empty one."""
        value = self._value(name)
        if value is None or isinstance(value, list):
            return value or []
        raise UnknownTree(f"{self.tag} has no list in {name}")

    def nodes(self, name: str) -> list[Node]:
        """Read a list of nodes."""
        found = [item for item in self.items(name) if isinstance(item, Node)]
        if len(found) != len(self.items(name)):
            raise UnknownTree(f"{self.tag} has more than nodes in {name}")
        return found

    def _value(self, name: str) -> Value:
        if name not in self.fields:
            raise UnknownTree(f"{self.tag} has no {name}")
        return self.fields[name]


def parse(text: str) -> Value:
    """Read a `pg_node_tree`.

    Raises:
        UnknownTree: It is none.
    """
    words = iter(_WORD.findall(_PLAIN_FIELD.sub("", text)))
    try:
        value = _value(next(words), words)
    except StopIteration:
        raise UnknownTree("the text ends too early") from None
    if next(words, None) is not None:
        raise UnknownTree("the text goes on behind its end")
    return value


# What the rules ask of plain fields; those that hold nodes or lists of nodes are kept.
_KEPT = """
aggfnoid aggkind agglevelsup boolop booltesttype colTypes commandType constisnull
ctelevelsup ctename cterecursive frameOptions funccolcount funcid funcordinality
funcretset funcvariadic hasAggs hasTargetSRFs jointype matchKind multidims nulltesttype
op opfuncid opretset paramid paramkind relid resjunk ressortgroupref resultRelation
rtekind rtindex subLinkType tleSortGroupRef useOr varattno varlevelsup varno
varreturningtype winfnoid winref
"""
_ATOM = r"(?:[^\s(){}\\]|\\.)+"
_PLAIN_FIELD = re.compile(
    rf" :(?!(?:{'|'.join(_KEPT.split())}) )\w+"
    rf" (?!<>[ }}])(?:{_ATOM}(?: \[[- \d]*\])?|\((?:[^(){{}}\\]|\\.)*\))(?=[ }}])",
    re.DOTALL,
)
_WORD = re.compile(rf"[(){{}}]|{_ATOM}", re.DOTALL)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_FLAGS = {"true": True, "false": False}
# Lists that are none of nodes begin with what they hold.
_MARKS = frozenset({"i", "o", "b", "x"})
# PostgreSQL 14 has these names for what is later named as in its source.
_SHORT = {
    "ARRAY": "ARRAYEXPR",
    "CASE": "CASEEXPR",
    "COALESCE": "COALESCEEXPR",
    "COLLATE": "COLLATEEXPR",
    "MINMAX": "MINMAXEXPR",
    "ROW": "ROWEXPR",
    "ROWCOMPARE": "ROWCOMPAREEXPR",
    "RTE": "RANGETBLENTRY",
    "WHEN": "CASEWHEN",
}


def _value(word: str, words: Iterator[str]) -> Value:
    if word == "{":
        return _node(words)
    if word == "(":
        return _list(words)
    if word in {")", "}"}:
        raise UnknownTree("a value is missing")
    return None if word == "<>" else _plain(word)


def _node(words: Iterator[str]) -> Node:
    tag = next(words)
    fields: dict[str, Value] = {}
    for field in words:
        if field == "}":
            return Node(_SHORT.get(tag, tag), fields)
        if field[0] != ":":
            raise UnknownTree(f"{tag} has {field} for a field")
        fields[field[1:]] = _value(next(words), words)
    raise UnknownTree(f"{tag} has no end")


def _list(words: Iterator[str]) -> list[Value]:
    items: list[Value] = []
    for word in words:
        if word == ")":
            return items
        if items or word not in _MARKS:
            items.append(_value(word, words))
    raise UnknownTree("a list has no end")


def _plain(word: str) -> str:
    if word[0] == '"':
        word = word[1:-1]
    return _ESCAPED.sub(r"\1", word) if "\\" in word else word
