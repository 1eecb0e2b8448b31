"""How an error is answered: a problem document, RFC 9457."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING

import msgspec
from litestar.exceptions import HTTPException
from litestar.openapi.datastructures import ResponseSpec
from litestar.plugins.problem_details import (
    ProblemDetailsConfig,
    ProblemDetailsException,
    ProblemDetailsPlugin,
)

from smally.database import DatabaseUnavailable
from smally.embedding.engine import EmbeddingFailed

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["RETRY_SECONDS", "problem", "problems", "refusals"]

RETRY_SECONDS = 1


class Fault(msgspec.Struct):
    """What is wrong with a field."""

    field: str
    message: str


class Problem(msgspec.Struct):
    """What is wrong, RFC 9457."""

    status: int
    title: str
    detail: str
    errors: list[Fault] = []


def refusals(*statuses: int) -> dict[int, ResponseSpec]:
    """Describe for OpenAPI with which statuses a route may refuse."""
    return {
        status: ResponseSpec(
            Problem,
            description=HTTPStatus(status).phrase,
            media_type="application/problem+json",
            generate_examples=False,
        )
        for status in (*statuses, 503)
    }


def problem(
    status: int,
    detail: str,
    *,
    headers: Mapping[str, str] | None = None,
    errors: Sequence[Mapping[str, str]] = (),
) -> ProblemDetailsException:
    """Make an exception that is answered as a problem document.

    Args:
        status: The HTTP status, whose phrase is the title.
        detail: What is wrong, and the mend.
        headers: Further ones of the answer.
        errors: What is wrong with which field.
    """
    return ProblemDetailsException(
        status_code=status,
        title=HTTPStatus(status).phrase,
        detail=detail,
        headers=dict(headers or {}),
        extra={"errors": list(errors)} if errors else None,
    )


def problems() -> ProblemDetailsPlugin:
    """Have every error answered so."""
    return ProblemDetailsPlugin(
        ProblemDetailsConfig(
            exception_to_problem_detail_map={
                HTTPException: of_http,
                DatabaseUnavailable: of_database,
                EmbeddingFailed: of_embedding,
                RecursionError: of_recursion,
                Exception: of_unexpected,
            }
        )
    )


def of_http(error: HTTPException) -> ProblemDetailsException:
    """Answer what the framework refuses, with the fields that it names."""
    if isinstance(error, ProblemDetailsException):
        return error
    found = error.extra if isinstance(error.extra, list) else []
    errors = [fault(item) for item in found if isinstance(item, Mapping)]
    # Its own text names the method and the path, which the client knows.
    detail = "the request is not valid" if errors else error.detail
    return problem(error.status_code, detail, headers=error.headers, errors=errors)


def fault(item: Mapping[str, object]) -> dict[str, str]:
    """Say what is wrong with a field, by the name that the client knows."""
    name = str(item.get("key", "")).rstrip("_")  # `from_`: Python has taken `from`.
    if item.get("source") == "header":
        name = name.replace("_", "-").title()
    elif item.get("source") == "body" and name == "data":
        name = "body"
    message = str(item.get("message", ""))
    is_missing = message == repr(item.get("key"))  # It is the text of a KeyError.
    return {"field": name, "message": "is missing" if is_missing else message}


def of_database(error: DatabaseUnavailable) -> ProblemDetailsException:
    """Answer that the database does not: 503, soon."""
    return problem(503, str(error), headers={"Retry-After": str(RETRY_SECONDS)})


def of_embedding(error: EmbeddingFailed) -> ProblemDetailsException:
    """Answer that the model failed; why is in the log."""
    del error
    return problem(500, "the embedding model failed; the log says why")


def of_recursion(error: RecursionError) -> ProblemDetailsException:
    """Answer what is nested so deeply that it cannot be read."""
    del error
    return problem(400, "the body is nested too deeply")


def of_unexpected(error: Exception) -> ProblemDetailsException:
    """Answer what no handler foresaw, telling nothing of the inside."""
    del error
    return problem(500, "an unexpected error; the log has it under the request's id")
