"""What SQLx reads from a query's plan: which columns an outer join can make NULL.

The rule is SQLx's to the letter, where it is wrong too: the files it writes must come
out the same. What can really be NULL is another module's work.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["patched"]

Plan = dict[str, Any]
OUTER = {"Left", "Right"}


def patched(
    nullable: Sequence[bool | None], explained: Sequence[object]
) -> tuple[bool | None, ...]:
    """Mark the columns as nullable that the plan says may be.

    Args:
        nullable: What the catalog says of each column.
        explained: The JSON of `EXPLAIN (VERBOSE, FORMAT JSON)`.

    Source:
        SQLx `PgConnection::nullables_from_explain`, `visit_plan`.
    """
    plan = _top(explained)
    outputs: list[str] = plan.get("Output", [])
    # The first of equal outputs alone; an output beyond the columns is a sort key.
    marked = {outputs.index(name) for name in _nulled(plan) if name in outputs}
    return tuple(True if i in marked else known for i, known in enumerate(nullable))


def _top(explained: Sequence[object]) -> Plan:
    """Find the plan; a utility statement has none."""
    first = explained[0] if explained else None
    plan: Plan = first.get("Plan", {}) if isinstance(first, dict) else {}
    return plan


def _nulled(plan: Plan) -> Iterator[str]:
    """List the outputs of the arms that SQLx takes for an outer join's inner side."""
    join = plan.get("Join Type")
    if join == "Full" or plan.get("Parent Relationship") == "Inner":
        yield from plan.get("Output", [])
    if join in OUTER:
        for arm in plan.get("Plans", []):
            yield from _nulled(arm)
