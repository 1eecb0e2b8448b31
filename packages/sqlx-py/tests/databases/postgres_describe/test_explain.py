"""SQLx's reading of a plan, rule by rule."""

from __future__ import annotations

from typing import Any

import pytest

from sqlx.databases.postgres.describing.explain import patched

OUTER, INNER = "Outer", "Inner"


def node(
    *outputs: str,
    join: str | None = None,
    side: str | None = None,
    plans: tuple[dict[str, Any], ...] = (),
) -> dict[str, Any]:
    """Make a node of a plan, with the keys that SQLx reads."""
    keys = {"Join Type": join, "Parent Relationship": side}
    told = {key: value for key, value in keys.items() if value}
    return {"Output": list(outputs), **told, **({"Plans": [*plans]} if plans else {})}


A, B = node("a.id", side=OUTER), node("b.id", side=INNER)


@pytest.mark.parametrize(
    ("plan", "nullable"),
    [
        (node("a.id", "b.id", join="Left", plans=(A, B)), (False, True)),
        (node("a.id", "b.id", join="Right", plans=(A, B)), (False, True)),
        (node("a.id", "b.id", join="Full", plans=(A, B)), (True, True)),
        (node("a.id", "b.id", join="Inner", plans=(A, B)), (False, False)),
        (node("a.id", "b.id", join="Anti", plans=(A, B)), (False, False)),
        (node("a.id", "b.id", plans=(A, B)), (False, False)),
        (node("a.id", "(b.id + 1)", join="Left", plans=(A, B)), (False, False)),
        (node("b.id", "b.id", join="Left", plans=(A, B)), (True, False)),
        (
            node("a.id", "c", "b.id", join="Left", plans=(A, B)),
            (False, False),
        ),
    ],
    ids=[
        "left",
        "right, whichever side it keeps",
        "full",
        "inner",
        "anti",
        "sort and the like",
        "expression",
        "the first of equal outputs",
        "sort key",
    ],
)
def test_one_node(plan: dict[str, Any], nullable: tuple[bool, ...]) -> None:
    """The top node alone decides whether its arms are looked at."""
    assert patched([False, False], [{"Plan": plan}]) == nullable


def test_arms_inside_arms() -> None:
    """An outer join in an arm is looked into, whatever else is not."""
    inner = node("b.id", "c.id", join="Left", side=OUTER, plans=(A, node("c.id")))
    full = node("b.id", "c.id", join="Full", side=OUTER)
    behind = node("b.id", "c.id", side=OUTER, plans=(node("c.id", side=INNER),))
    join = [
        node("a.id", "b.id", "c.id", join="Left", plans=(arm, A))
        for arm in (
            node(
                "b.id",
                "c.id",
                join="Right",
                side=OUTER,
                plans=(node("c.id", side=INNER),),
            ),
            inner,
            full,
            behind,
        )
    ]
    assert [patched([False] * 3, [{"Plan": plan}]) for plan in join] == [
        (False, False, True),
        (False, False, False),
        (False, True, True),
        (False, False, False),
    ]


def test_it_only_adds() -> None:
    """What the catalog says stands where the plan says nothing."""
    plan = node("a", "b", "c", "d", join="Left", plans=(node("d", side=INNER),))
    known = (True, False, None, None)
    assert patched(known, [{"Plan": plan}]) == (True, False, None, True)


@pytest.mark.parametrize(
    "explained",
    [
        [],
        ["Utility Statement"],
        [{"Utility": 1}],
        [{"Plan": {"Node Type": "Append", "Plans": [B]}}],
    ],
    ids=["nothing", "utility", "no plan", "no output"],
)
def test_nothing_to_read(explained: list[object]) -> None:
    """Without the outputs of a top node nothing is marked."""
    assert patched([False, None], explained) == (False, None)
