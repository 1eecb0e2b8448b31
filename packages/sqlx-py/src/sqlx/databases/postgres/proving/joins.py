"""What the joins of a query do to NULL: they bring it, and conditions take it away.

An outer join fills one arm, or either, with NULL where no row matches. Each arm that a
join may fill is a *gap*: (the join's number, 0 for the left arm, 1 for the right). A
relation has the gaps of all arms it stands in. In a row that comes out of the joins and
the WHERE, each gap is either filled with NULL or it is not.

A condition that is not true for NULL tells of the rows that it lets pass: what it
compares is not NULL there, and so none of the gaps of that relation is filled. A
condition of WHERE says it of each row. One in the ON of an outer join, or below one,
says it only of the rows in which none of the gaps that it stands in is filled: it must
wait until these gaps are known to be closed. So what is known grows, round by round:

    a LEFT JOIN (b JOIN c ON c.id = b.c_id) ON b.a_id = a.id WHERE c.name > ''

WHERE closes the gap of b and c; now both ON hold, and c.id, b.c_id, b.a_id, a.id are
not NULL either.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from sqlx.databases.postgres.proving.nodes import Node, UnknownTree

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["Gap", "Joined", "Sight", "joined"]

Gap: TypeAlias = "tuple[int, int]"
Sight: TypeAlias = "tuple[int, int]"  # a column: number of the relation, of the column
_NONE: frozenset[Gap] = frozenset()
INNER, LEFT, FULL, RIGHT = range(4)
# Which arms a join may fill with NULL.
_FILLED: Mapping[int, tuple[bool, bool]] = {
    INNER: (False, False),
    LEFT: (False, True),
    FULL: (True, True),
    RIGHT: (True, False),
}


@dataclass(frozen=True, slots=True)
class Joined:
    """What is known of the rows that come out of FROM and WHERE.

    Args:
        gaps: Of each relation, by its number.
        closed: The gaps that are not filled in any row.
        proved: The columns that a condition keeps from being NULL.
    """

    gaps: Mapping[int, frozenset[Gap]]
    closed: frozenset[Gap]
    proved: frozenset[Sight]

    def fills(self, relation: int) -> bool:
        """Tell whether an outer join may fill a relation with NULL."""
        return not self.gaps.get(relation, _NONE) <= self.closed

    def closing(self, gap: Gap) -> Joined:
        """Look at those rows only in which a gap is not filled."""
        return Joined(self.gaps, self.closed | {gap}, self.proved)


@dataclass(slots=True)
class _Walk:
    """What is met on the way through the tree of joins."""

    gaps: dict[int, frozenset[Gap]] = field(default_factory=dict)
    conditions: list[tuple[frozenset[Gap], Node]] = field(default_factory=list)

    def visit(self, node: Node, gaps: frozenset[Gap]) -> None:
        """Look at a part of the tree that stands in some gaps."""
        if node.tag == "RANGETBLREF":
            self.gaps[node.number("rtindex")] = gaps
        elif node.tag == "FROMEXPR":
            for item in node.nodes("fromlist"):
                self.visit(item, gaps)
            self.condition(node, gaps)
        elif node.tag == "JOINEXPR":
            self.join(node, gaps)
        else:
            raise UnknownTree(f"{node.tag} is no part of FROM")

    def join(self, node: Node, gaps: frozenset[Gap]) -> None:
        """Look at a join, and at its arms."""
        number, kind = node.number("rtindex"), node.number("jointype")
        if kind not in _FILLED or number == 0:
            raise UnknownTree(f"a join of kind {kind}")
        self.gaps[number] = gaps
        ours = [
            frozenset({(number, arm)}) if filled else _NONE
            for arm, filled in enumerate(_FILLED[kind])
        ]
        for name, gap in zip(("larg", "rarg"), ours, strict=True):
            self.visit(node.node(name), gaps | gap)
        self.condition(node, gaps.union(*ours))

    def condition(self, node: Node, gaps: frozenset[Gap]) -> None:
        """Keep a condition, with the gaps that must be closed for it to hold."""
        quals = node.maybe("quals")
        if quals is not None:
            self.conditions.append((gaps, quals))


def joined(
    jointree: Node, rejects: Callable[[Node], frozenset[Sight]], *, trusted: bool = True
) -> Joined:
    """Look at the joins of a query.

    Args:
        jointree: Its FROM and WHERE.
        rejects: Names the columns that are not NULL where a condition is true.
        trusted: Whether the conditions hold for what is returned.
    """
    walk = _Walk()
    walk.visit(jointree, _NONE)
    waiting = [
        (gaps, rejects(quals)) for gaps, quals in (walk.conditions if trusted else ())
    ]
    closed, proved = _NONE, frozenset[Sight]()
    while True:
        holding = [sights for gaps, sights in waiting if gaps <= closed]
        waiting = [(gaps, sights) for gaps, sights in waiting if not gaps <= closed]
        if not holding:
            return Joined(walk.gaps, closed, proved)
        proved = proved.union(*holding)
        closed = closed.union(*(walk.gaps.get(number, _NONE) for number, _ in proved))
