"""What the checks of parameters and of columns say in the same words."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from sqlx.queries.annotations import Form

if TYPE_CHECKING:
    from sqlx.queries.annotations import Annotation
    from sqlx.queries.sites import Site

__all__ = ["Wrong", "count", "is_call", "says_nothing", "unresolved"]

Wrong: TypeAlias = tuple[str, str]
"""A code and a message: a finding without its place."""


def count(number: int, noun: str) -> str:
    """Count things: `1 column`, `2 columns`."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def is_call(site: Site) -> bool:
    """Tell a call, `query_as(User)`, from a function."""
    return site.name.endswith(")")


def says_nothing(annotation: Annotation, who: str, verb: str, mend: str) -> Wrong:
    """Report `Any`, or that there is no annotation.

    Args:
        annotation: Which is one of both.
        who: Whose it is.
        verb: What stands between the two: "is", "returns".
        mend: What to write.
    """
    if not annotation.text:
        return "any", f"{who} has no annotation; {mend}"
    return "any", f"{who} {verb} {annotation.text}, which cannot be checked; {mend}"


def unresolved(annotation: Annotation, who: str) -> Wrong | None:
    """Report the first name that does not exist, at any depth but in fields."""
    if annotation.form is Form.UNRESOLVED:
        return "unresolved", (
            f'the annotation of {who} cannot be resolved: "{annotation.text}"; import '
            'the name, under "if TYPE_CHECKING:" is enough'
        )
    found = (unresolved(item, who) for item in annotation.items)
    return next((wrong for wrong in found if wrong is not None), None)
