"""What the controllers of users and keys accept alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from litestar.params import Parameter
from psycopg import IntegrityError

from smally.api.problems import problem
from smally.auth.faults import LAST_ID

if TYPE_CHECKING:
    from collections.abc import Mapping

    from litestar import Request
    from litestar.response import Response
    from litestar.types import ExceptionHandlersMap

__all__ = [
    "CONSTRAINTS",
    "PAGES",
    "After",
    "IdInPath",
    "Limit",
    "refuse_fields",
]

MOST = 1_000
PAGES = f"In the order of their ids, at most {MOST}; for more, ask after the last one."

IdInPath = Annotated[int, Parameter(ge=1, le=LAST_ID)]
After = Annotated[int, Parameter(ge=0, le=LAST_ID, description="Begin after this id.")]
Limit = Annotated[int, Parameter(ge=1, le=MOST, description="How many at most.")]


def refuse_fields(faults: Mapping[str, str | None]) -> None:
    """Refuse a body with what is wrong with each field; None where nothing is."""
    errors = [
        {"field": field, "message": fault} for field, fault in faults.items() if fault
    ]
    if errors:
        raise problem(400, "the request is not valid", errors=errors)


def refused_by_database(
    request: Request[Any, Any, Any], error: IntegrityError
) -> Response[dict[str, Any]]:
    """Answer a constraint that is not checked before, or changed in between: 409."""
    name = error.diag.constraint_name
    return problem(409, f"the database refuses it: {name}").to_response(request)


CONSTRAINTS: ExceptionHandlersMap = {IntegrityError: refused_by_database}
