"""What a condition says of NULL: which columns are not, where it is true.

A strict function gives NULL for NULL: the server does not even call it. So where its
result is not NULL, none of its arguments is. What is behind a function of any other
kind is not looked at.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from sqlx.databases.postgres.proving.nodes import Node
from sqlx.databases.postgres.proving.sources import Source

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from sqlx.databases.postgres.proving.facts import Facts
    from sqlx.databases.postgres.proving.joins import Sight

__all__ = ["Condition"]

Sights: TypeAlias = "frozenset[Sight]"
Answer: TypeAlias = "bool | None"  # of a condition; None is for either, not for NULL
_NOTHING: Sights = frozenset()
WHOLE_ROW = 0
ALL, ANY = 1, 2
# Where IS NULL is false, or IS NOT NULL true, the argument is not NULL.
_NOT_NULL = {(0, False), (1, True)}
# Where a test of a boolean has an answer, which one the argument has; None: either.
_BOOLEAN_TESTS: Mapping[tuple[int, Answer], Answer] = {
    (0, True): True,  # IS TRUE
    (1, False): True,  # IS NOT TRUE
    (2, True): False,  # IS FALSE
    (3, False): False,  # IS NOT FALSE
    (4, False): None,  # IS UNKNOWN
    (5, True): None,  # IS NOT UNKNOWN
}


@dataclass(frozen=True, slots=True)
class Condition:
    """Reads the conditions of one query.

    Args:
        rtable: What stands in its FROM; a join has columns of its own.
        facts: Which functions are strict.
    """

    rtable: Sequence[Node]
    facts: Facts

    def true(self, node: Node) -> Sights:
        """Name the columns that are not NULL where a condition is true."""
        return self.where(node, answer=True)

    def where(self, node: Node, *, answer: Answer) -> Sights:
        """Name the columns that are not NULL where a condition has an answer.

        Args:
            node: A condition, or any expression that is not NULL.
            answer: True, False, or None for either.
        """
        read = _RULES.get(node.tag)
        return _NOTHING if read is None else read(self, node, answer)

    def arguments(self, node: Node, name: str) -> Sights:
        """Name the columns in the arguments of a call, if the function is strict."""
        function = self.facts.functions.get(node.number(name))
        if function is None or not function.is_strict:
            return _NOTHING
        args = node.nodes("args")
        return _NOTHING.union(*(self.where(arg, answer=None) for arg in args))


def _bool(reader: Condition, node: Node, answer: Answer) -> Sights:
    """AND is true where all are, and false where one is; OR the other way round."""
    if answer is None:
        return _bool(reader, node, True) & _bool(reader, node, False)  # noqa: FBT003 -- answers.
    kind, args = node.text("boolop"), node.nodes("args")
    if kind == "not":
        return reader.where(args[0], answer=not answer)
    each = [reader.where(arg, answer=answer) for arg in args]
    return _NOTHING.union(*each) if (kind == "and") is answer else _common(each)


def _common(each: Iterable[Sights]) -> Sights:
    first, *others = each
    return first.intersection(*others)


def _null_test(reader: Condition, node: Node, answer: Answer) -> Sights:
    """A row that IS NOT NULL, or of which it is false that it IS NULL, is there."""
    if (node.number("nulltesttype"), answer) not in _NOT_NULL:
        return _NOTHING
    arg = node.node("arg")
    if _is_own(arg) and arg.number("varattno") == WHOLE_ROW:
        return frozenset({(arg.number("varno"), WHOLE_ROW)})
    return reader.where(arg, answer=None)


def _boolean_test(reader: Condition, node: Node, answer: Answer) -> Sights:
    kind = (node.number("booltesttype"), answer)
    if kind not in _BOOLEAN_TESTS:
        return _NOTHING
    return reader.where(node.node("arg"), answer=_BOOLEAN_TESTS[kind])


def _one_of_many(reader: Condition, node: Node, answer: Answer) -> Sights:
    """An array without elements makes ANY false, and ALL true, whatever is compared."""
    told = answer is node.flag("useOr")
    return reader.arguments(node, "opfuncid") if told else _NOTHING


def _subquery(reader: Condition, node: Node, answer: Answer) -> Sights:
    if (node.number("subLinkType"), answer) not in {(ANY, True), (ALL, False)}:
        return _NOTHING
    return reader.where(node.node("testexpr"), answer=answer)


def _operator(reader: Condition, node: Node, _answer: Answer) -> Sights:
    return _NOTHING if node.flag("opretset") else reader.arguments(node, "opfuncid")


def _function(reader: Condition, node: Node, _answer: Answer) -> Sights:
    return _NOTHING if node.flag("funcretset") else reader.arguments(node, "funcid")


def _wrapper(reader: Condition, node: Node, _answer: Answer) -> Sights:
    """A cast hands a NULL on."""
    return reader.where(node.node("arg"), answer=None)


def _column(reader: Condition, node: Node, _answer: Answer) -> Sights:
    """Name a column; behind that of a join stands one of a table."""
    number, column = node.number("varno"), node.number("varattno")
    # Of a join, a row that is missing may be given as one of NULLs (until 15).
    if not _is_own(node) or column == WHOLE_ROW:
        return _NOTHING
    here: Sights = frozenset({(number, column)})
    source = reader.rtable[number - 1]
    if source.number("rtekind") != Source.JOIN:
        return here
    behind = source.items("joinaliasvars")[column - 1]
    return (
        here | reader.where(behind, answer=None) if isinstance(behind, Node) else here
    )


def _is_own(node: Node) -> bool:
    return node.tag == "VAR" and node.number("varlevelsup") == 0


_RULES: Mapping[str, Callable[[Condition, Node, Answer], Sights]] = {
    "ARRAYCOERCEEXPR": _wrapper,
    "BOOLEANTEST": _boolean_test,
    "BOOLEXPR": _bool,
    "COERCETODOMAIN": _wrapper,
    "COERCEVIAIO": _wrapper,
    "COLLATEEXPR": _wrapper,
    "CONVERTROWTYPEEXPR": _wrapper,
    "FUNCEXPR": _function,
    "NULLTEST": _null_test,
    "OPEXPR": _operator,
    "RELABELTYPE": _wrapper,
    "SCALARARRAYOPEXPR": _one_of_many,
    "SUBLINK": _subquery,
    "VAR": _column,
}
